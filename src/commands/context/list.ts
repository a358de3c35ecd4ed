import { BaseCommand } from '../../cli/base-command.ts';
import { readContexts } from '../../cli/contexts.ts';

export default class ContextList extends BaseCommand<typeof ContextList> {
  static override summary = 'List the contexts; a star marks the current one.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];

  async run(): Promise<void> {
    const { contexts, current } = readContexts();
    const rows = Object.entries(contexts)
      .map(([name, context]) => ({ name, current: name === current, ...context }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    await this.output.table(rows, {
      columns: [
        { name: ' ', value: (row) => (row.current ? '*' : ' ') },
        { name: 'name', style: (row) => (row.current ? 'bold' : undefined), value: (row) => row.name },
        { name: 'cluster', value: (row) => row.cluster ?? '' },
        { name: 'urls', value: (row) => row.urls.join(' ') },
      ],
      empty: 'There are no contexts: commands look for a node on this machine. Add one: mpreg context add --help',
      rows,
    });
  }
}
