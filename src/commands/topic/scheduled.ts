import { BaseCommand } from '../../cli/base-command.ts';

export default class TopicScheduled extends BaseCommand<typeof TopicScheduled> {
  static override summary = 'List messages that are to be published later.';
  static override description =
    'One line for each: when, its topic, its id, the node that keeps it, how often it was due and could not be published. With ' +
    '--json, an array with one object each: "at", "topic", "id", "node", "failures", "bytes". Of each node the next 1000. A node ' +
    'that does not answer is told on stderr.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];

  async run(): Promise<void> {
    const answers = await this.ask('messages to be published', (client) => client.scheduled());
    for (const { node, found, problem } of answers) {
      if (problem !== undefined) this.output.warn(`${node}: ${problem}`);
      if (found.length >= SHOWN_MAX) this.output.note(`${node}: the next ${SHOWN_MAX} of them`);
    }
    const rows = answers
      .flatMap(({ found, node }) => found.map((one) => ({ ...one, at: new Date(one.at).toISOString(), node })))
      .sort((a, b) => (a.at < b.at ? -1 : 1));
    await this.output.table(rows, {
      columns: [
        { name: 'at', value: ({ at }) => at },
        { name: 'topic', style: () => 'bold', value: ({ topic }) => topic },
        { name: 'id', value: ({ id }) => id },
        { name: 'node', value: ({ node }) => node },
        { align: 'right', name: 'failures', value: ({ failures }) => `${failures}` },
      ],
      empty: 'Nothing waits to be published.',
      rows,
    });
  }
}

const SHOWN_MAX = 1_000;
