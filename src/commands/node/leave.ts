import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { parseDuration } from '../../cli/duration.ts';

export default class NodeLeave extends BaseCommand<typeof NodeLeave> {
  static override summary = 'Stop a node in good order, wherever it runs.';
  static override description =
    'It finishes its calls, tells the others and ends its process. Asks for confirmation on a terminal, wants --yes elsewhere.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> alpha',
    '<%= config.bin %> <%= command.id %> alpha --grace 5s --yes',
  ];
  static override args = {
    node: Args.string({ description: 'Name or id.', ignoreStdin: true, required: true }),
  };
  static override flags = {
    grace: Flags.string({
      default: '30s',
      helpValue: 'DURATION',
      summary: 'How long its calls may still take; what runs longer is cut off.',
    }),
  };

  async run(): Promise<void> {
    const { node } = this.args;
    const graceMs = parseDuration(this.flags.grace, '--grace');
    const client = await this.client();
    const { id, record } = await client.info(node);
    await this.confirm(`Stop the node ${record.name} (${id}) and end its process`);
    await client.leave(id, { graceMs });
    await this.output.result({ id, name: record.name, state: 'left' }, `${record.name}\tleft`);
    this.output.note('look at who is left: mpreg cluster status');
  }
}
