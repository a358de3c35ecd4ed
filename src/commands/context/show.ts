import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { findContext, readContexts } from '../../cli/contexts.ts';
import { problemError } from '../../engine/index.ts';

export default class ContextShow extends BaseCommand<typeof ContextShow> {
  static override summary = 'Show one context: the current one, or that of a name.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> staging --json',
  ];
  static override args = {
    name: Args.string({ description: 'The context; without it, the one in use.', ignoreStdin: true }),
  };

  async run(): Promise<void> {
    const all = readContexts();
    const name = this.args.name ?? this.flags.context ?? all.current;
    if (name === undefined) {
      throw problemError('context-unknown', 'no context is in use', {
        hint: 'Commands look for a node on this machine.\nmpreg context list',
      });
    }
    const context = findContext(name, all);
    const document = { name, current: name === all.current, ...context };
    const text = Object.entries(document).map(
      ([key, value]) => `${key}\t${Array.isArray(value) ? value.join(' ') : value}`,
    );
    await this.output.result(document, text.join('\n'));
  }
}
