import { BaseCommand } from '../../cli/base-command.ts';

export default class TopicList extends BaseCommand<typeof TopicList> {
  static override summary = 'List who listens to which topics, on all nodes.';
  static override description =
    'One line for each subscription: its node, its patterns, its group, its client, what was delivered, what waits, what a ' +
    'member of a group has not acknowledged, and what was dropped because it was too slow. With --json, an array with one object each. A node that does not answer is ' +
    'told on stderr.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];

  async run(): Promise<void> {
    const answers = await this.ask('subscriptions', (client) => client.subscriptions());
    for (const { node, problem } of answers) if (problem !== undefined) this.output.warn(`${node}: ${problem}`);
    const rows = answers.flatMap(({ node, found }) =>
      found.map(({ group, ...more }) => ({ node, ...more, group: group ?? null })),
    );
    await this.output.table(rows, {
      columns: [
        { name: 'node', value: ({ node }) => node },
        { name: 'patterns', style: () => 'bold', value: ({ patterns }) => patterns.join(' ') },
        { name: 'group', value: ({ group }) => group ?? '' },
        { name: 'client', style: () => 'dim', value: ({ client }) => client },
        { align: 'right', name: 'delivered', value: ({ delivered }) => `${delivered}` },
        { align: 'right', name: 'waiting', value: ({ waiting }) => `${waiting}` },
        {
          align: 'right',
          name: 'unacknowledged',
          value: ({ unacknowledged }) => (unacknowledged === undefined ? '' : `${unacknowledged}`),
        },
        { align: 'right', name: 'dropped', value: ({ dropped }) => `${dropped}` },
      ],
      empty: 'Nobody listens to anything.',
      rows,
    });
  }
}
