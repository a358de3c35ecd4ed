import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { findContext, readContexts, writeContexts } from '../../cli/contexts.ts';
import { problemError } from '../../engine/index.ts';

export default class ContextUse extends BaseCommand<typeof ContextUse> {
  static override summary = 'Make a context the current one, or none.';
  static override description = 'With none, commands look for a node of yours on this machine.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> staging',
    '<%= config.bin %> <%= command.id %> --none',
  ];
  static override args = {
    name: Args.string({ description: 'The context.', ignoreStdin: true }),
  };
  static override flags = {
    none: Flags.boolean({ summary: 'Use no context.' }),
  };

  async run(): Promise<void> {
    const { name } = this.args;
    if ((name === undefined) !== this.flags.none) {
      throw problemError('usage-invalid', 'name a context, or say --none', {
        hint: 'Look at those there are.\nmpreg context list',
      });
    }
    const { contexts } = readContexts();
    if (name === undefined) {
      await writeContexts({ contexts });
      await this.output.result({ name: null }, '');
      this.output.note('no context is in use: commands look for a node on this machine; try: mpreg node list');
      return;
    }
    const context = findContext(name, { contexts });
    await writeContexts({ contexts, current: name });
    await this.output.result({ name, current: true, ...context }, name);
    this.output.note(`"${name}" is the current context; look at its nodes: mpreg node list`);
  }
}
