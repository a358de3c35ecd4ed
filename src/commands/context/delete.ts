import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { findContext, readContexts, writeContexts } from '../../cli/contexts.ts';

export default class ContextDelete extends BaseCommand<typeof ContextDelete> {
  static override summary = 'Forget a context.';
  static override description = 'Nothing happens to the cluster, or to the key file that the context names.';
  static override examples = ['<%= config.bin %> <%= command.id %> staging'];
  static override args = {
    name: Args.string({ description: 'The context.', ignoreStdin: true, required: true }),
  };

  async run(): Promise<void> {
    const { name } = this.args;
    const { contexts, current } = readContexts();
    findContext(name, { contexts });
    const { [name]: gone, ...rest } = contexts;
    await writeContexts({ contexts: rest, ...(current !== undefined && current !== name && { current }) });
    await this.output.result({ name, deleted: true, ...gone }, name);
    if (current === name) this.output.note('it was the current one; choose another: mpreg context list');
    else this.output.note('forgotten; look at the others: mpreg context list');
  }
}
