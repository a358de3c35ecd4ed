import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { countStates, memberDocuments, memberTable } from '../../cli/members.ts';

export default class ClusterStatus extends BaseCommand<typeof ClusterStatus> {
  static override summary = 'Show every member of the mesh and how it is.';
  static override description =
    'As one node sees it: alive, suspect (did not answer, may contradict), dead, left (said so itself), or draining ' +
    '(finishes its calls and takes no new ones). With --json, an array with one object per member.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
    '<%= config.bin %> <%= command.id %> --exit-code --quiet',
  ];
  static override flags = {
    'exit-code': Flags.boolean({ summary: 'Exit with 8 if any member is suspect or dead.' }),
  };

  async run(): Promise<void> {
    const client = await this.client();
    const rows = memberDocuments(await client.members());
    await this.output.table(rows, memberTable(rows));
    if (this.output.tty) this.output.note(`${countStates(rows)}, as ${client.node.name} sees it`);
    const unwell = rows.filter(({ state }) => state === 'suspect' || state === 'dead');
    if (!this.flags['exit-code'] || unwell.length === 0) return;
    this.output.note(`not well: ${unwell.map(({ name, state }) => `${name} is ${state}`).join(', ')}`);
    this.exit(8);
  }
}
