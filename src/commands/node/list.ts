import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { countStates, memberDocuments, memberTable } from '../../cli/members.ts';

export default class NodeList extends BaseCommand<typeof NodeList> {
  static override summary = 'List the nodes that can be reached.';
  static override description =
    'Those that are alive, suspect or draining, as one node sees them. `cluster status` also shows the dead.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --all --json',
  ];
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Also those that are dead or have left.' }),
  };

  async run(): Promise<void> {
    const members = memberDocuments(await this.ask('members', (client) => client.members()));
    const rows = this.flags.all ? members : members.filter(({ state }) => state !== 'dead' && state !== 'left');
    await this.output.table(rows, memberTable(rows));
    if (this.output.tty) this.output.note(`${countStates(rows)}, as ${(await this.client()).node.name} sees it`);
  }
}
