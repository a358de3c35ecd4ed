import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { type Context, readContexts, writeContexts } from '../../cli/contexts.ts';
import { parseDuration } from '../../cli/duration.ts';
import { dropEmpty } from '../../cli/settings.ts';
import { parseNodeUrl } from '../../cli/url.ts';
import { problemError } from '../../engine/index.ts';

export default class ContextAdd extends BaseCommand<typeof ContextAdd> {
  static override summary = 'Keep a way to reach a cluster under a name.';
  static override description =
    'Takes --url, --cluster, --key-file, --timeout and the --tls flags of this command line. The path of the key file ' +
    'is kept, never the key. The first context becomes the current one.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> staging --url ws://10.0.0.7:7400 --url ws://10.0.0.8:7400 --key-file ~/staging.key',
    '<%= config.bin %> <%= command.id %> here --url ws://127.0.0.1:7400 --use',
  ];
  static override args = {
    name: Args.string({ description: 'How it is called.', ignoreStdin: true, required: true }),
  };
  static override flags = {
    force: Flags.boolean({ summary: 'Overwrite a context of that name.' }),
    use: Flags.boolean({ summary: 'Make it the current one.' }),
  };

  async run(): Promise<void> {
    const { name } = this.args;
    if (!/^[\w.-]{1,64}$/.test(name) || name.startsWith('-')) {
      throw problemError('usage-invalid', `"${name}" is no name: letters, digits, dots and dashes, at most 64`);
    }
    const context = this.#described();
    const before = readContexts();
    if (Object.hasOwn(before.contexts, name) && !this.flags.force) {
      throw problemError('exists-already', `a context is named "${name}" already`, {
        hint: `Choose another name, or overwrite it.\nmpreg context add ${name} --force ${urls(context)}`,
      });
    }
    const current = this.flags.use ? name : (before.current ?? name);
    await writeContexts({ contexts: { ...before.contexts, [name]: context }, current });
    await this.output.result({ name, current: current === name, ...context }, name);
    if (current === name) this.output.note(`"${name}" is the current context; look at its nodes: mpreg node list`);
    else this.output.note(`kept; make it the current one: mpreg context use ${name}`);
  }

  #described(): Context {
    const { cluster, timeout, url } = this.flags;
    if (url === undefined || url.length === 0) {
      throw problemError('usage-invalid', 'a context needs at least one address: --url ws://host:port');
    }
    if (timeout !== undefined) parseDuration(timeout, '--timeout');
    const path = (file: string | undefined): string | undefined => (file === undefined ? undefined : resolve(file));
    return {
      ...dropEmpty({
        cluster,
        keyFile: path(this.flags['key-file']),
        timeout,
        tlsCa: path(this.flags['tls-ca']),
        tlsCert: path(this.flags['tls-cert']),
        tlsKey: path(this.flags['tls-key']),
      }),
      urls: url.map((text) => parseNodeUrl(text, '--url')),
    };
  }
}

function urls(context: Context): string {
  return context.urls.map((url) => `--url ${url}`).join(' ');
}
