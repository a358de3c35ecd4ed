import { BaseCommand } from '../../cli/base-command.ts';
import { queueDocument, queueTable } from '../../cli/queues.ts';

export default class QueueList extends BaseCommand<typeof QueueList> {
  static override summary = 'List the queues of all nodes.';
  static override description =
    'One line for each: name, node, kind, messages that are ready, delayed, leased, done and dead, the age of the oldest, and ' +
    'whether they are on disk or in memory. With --json, an array of what "queue info" says. A node that does not answer is ' +
    'told on stderr.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];

  async run(): Promise<void> {
    const answers = await this.ask('queues', (client) => client.queues());
    for (const { node, problem } of answers) if (problem !== undefined) this.output.warn(`${node}: ${problem}`);
    const rows = answers.flatMap(({ found }) => found.map(queueDocument)).sort((a, b) => (a.name < b.name ? -1 : 1));
    await this.output.table(rows, queueTable(rows));
  }
}
