import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';

export default class TopicMatch extends BaseCommand<typeof TopicMatch> {
  static override summary = 'Say who would get a message of a topic, where, and by which pattern; sends nothing.';
  static override description =
    'One line for each pattern that matches: the node, the pattern, what it is, the name of the group or the durable name, the ' +
    'client, and the number of the subscription there. Of the members of one group one gets the message, of all others each, ' +
    'once, however many of its patterns match. A keep stores it, readers get it from there, and a durable name without a ' +
    'reader when one comes back, if that wants it. With --json, an array with one object each.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> order.eu.paid',
    '<%= config.bin %> <%= command.id %> order.eu.paid --json',
  ];
  static override args = {
    topic: Args.string({ description: 'The topic, as it would be published.', ignoreStdin: true, required: true }),
  };

  async run(): Promise<void> {
    const { topic } = this.args;
    const answers = await this.ask('subscriptions', (client) => client.matches(topic));
    for (const { node, problem } of answers) if (problem !== undefined) this.output.warn(`${node}: ${problem}`);
    const rows = answers.flatMap(({ node, found }) =>
      found.map(({ client = null, kind, name = null, pattern, subscription = null }) => {
        return { node, pattern, kind, name, client, subscription };
      }),
    );
    await this.output.table(rows, {
      columns: [
        { name: 'node', value: ({ node }) => node },
        { name: 'pattern', style: () => 'bold', value: ({ pattern }) => pattern },
        { name: 'kind', value: ({ kind }) => kind },
        { name: 'name', value: ({ name }) => name ?? '' },
        { name: 'client', style: () => 'dim', value: ({ client }) => client ?? '' },
        { align: 'right', name: 'subscription', value: ({ subscription }) => `${subscription ?? ''}` },
      ],
      empty: `Nobody listens to ${topic}, and nobody keeps it.`,
      rows,
    });
  }
}
