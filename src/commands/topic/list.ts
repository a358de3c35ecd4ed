import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { KeepView, OfNode, SubscriptionView } from '../../engine/index.ts';

export default class TopicList extends BaseCommand<typeof TopicList> {
  static override summary = 'List who listens to which topics, on all nodes.';
  static override description =
    'One line for each subscription, and each reader of what is kept: its node, its patterns, its group or durable name, its ' +
    'client, what was delivered, what waits, what a member of a group has not acknowledged, and what was dropped because it was too slow. With --json, an array with one object each. A node that does not answer is ' +
    'told on stderr.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --all --json',
  ];
  static override flags = {
    all: Flags.boolean({ summary: 'Also inboxes (_reply…), in which clients hear replies to what they have asked.' }),
  };

  async run(): Promise<void> {
    const answers = await this.ask('subscriptions', (client) => client.subscriptions());
    for (const { node, problem } of answers) if (problem !== undefined) this.output.warn(`${node}: ${problem}`);
    const subscriptions = answers.flatMap(({ node, found }) =>
      shown(found, this.flags.all).map(({ group, inbox, ...more }) => ({
        node,
        ...more,
        group: group ?? null,
        durable: null,
        keep: null,
      })),
    );
    const keeps = await this.ask('keeps', (client) => client.keeps());
    const rows = [...subscriptions, ...keeps.flatMap(readersOf)];
    await this.output.table(rows, {
      columns: [
        { name: 'node', value: ({ node }) => node },
        { name: 'patterns', style: () => 'bold', value: ({ patterns }) => patterns.join(' ') },
        { name: 'group', value: ({ durable, group }) => group ?? durable ?? '' },
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

function shown(found: readonly SubscriptionView[], all: boolean): readonly SubscriptionView[] {
  return all ? found : found.filter(({ inbox }) => inbox !== true);
}

/** Readers of what is kept, as subscriptions: nothing waits for them, and nothing is dropped. */
function readersOf({ found, node }: OfNode<KeepView>) {
  return found.flatMap(({ pattern: keep, readers }) =>
    readers.map(({ client, durable = null, patterns, sent }) => ({
      client,
      delivered: sent,
      dropped: 0,
      durable,
      group: null,
      id: null,
      keep,
      node,
      patterns,
      policy: null,
      unacknowledged: 0,
      waiting: 0,
    })),
  );
}
