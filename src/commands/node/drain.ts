import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';

export default class NodeDrain extends BaseCommand<typeof NodeDrain> {
  static override summary = 'Let a node finish what it runs and take nothing new.';
  static override description = 'The node stays in the mesh and says that it is draining. --undo lets it work again.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> alpha',
    '<%= config.bin %> <%= command.id %> alpha --undo',
  ];
  static override args = {
    node: Args.string({ description: 'Name or id.', ignoreStdin: true, required: true }),
  };
  static override flags = {
    undo: Flags.boolean({ summary: 'Take up work again.' }),
  };

  async run(): Promise<void> {
    const { node } = this.args;
    await this.ask('drain', (client) => (this.flags.undo ? client.undrain(node) : client.drain(node)));
    const state = this.flags.undo ? 'alive' : 'draining';
    await this.output.result({ node, state }, `${node}\t${state}`);
    if (this.flags.undo) this.output.note(`it takes calls again; look at it: mpreg node info ${node}`);
    else this.output.note(`see when its calls have ended: mpreg node info ${node}; then: mpreg node leave ${node}`);
  }
}
