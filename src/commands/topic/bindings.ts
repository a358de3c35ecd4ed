import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { KeepView, OfNode, SubscriptionView } from '../../engine/index.ts';

interface Binding {
  readonly node: string;
  readonly pattern: string;
  readonly kind: 'subscription' | 'member' | 'reader' | 'name';
  /** Of a group, or durable. */
  readonly name: string | null;
  readonly client: string | null;
  /** The number of the last message that a durable name has acknowledged. */
  readonly position: number | null;
  /** Messages that it has not acknowledged, of those that are kept. */
  readonly behind: number | null;
}

export default class TopicBindings extends BaseCommand<typeof TopicBindings> {
  static override summary = 'List who is bound to which patterns, and how far durable names have come.';
  static override description = [
    'One line for each pattern of each subscription, member of a group and reader of what is kept, and for each durable name ' +
      'whether anybody reads under it now or not: its node, the pattern, what it is, the name of the group or the durable name, ' +
      'its client, and of durable names the number of the last message that was acknowledged and how many kept ones are left.',
    'With --json, an array with one object each. A node that does not answer is told on stderr.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    "<%= config.bin %> <%= command.id %> 'order.#' --json",
  ];
  static override args = {
    pattern: Args.string({ description: 'Only of this pattern, as it was written.', ignoreStdin: true }),
  };

  async run(): Promise<void> {
    const { pattern } = this.args;
    const [subscriptions, keeps] = await this.ask('bindings', (client) =>
      Promise.all([client.subscriptions(), client.keeps()]),
    );
    for (const { node, problem } of keeps) if (problem !== undefined) this.output.warn(`${node}: ${problem}`);
    const all = [...subscriptions.flatMap(ofSubscriptions), ...keeps.flatMap(ofKeeps)];
    const rows = all.filter((row) => pattern === undefined || row.pattern === pattern);
    await this.output.table(rows, {
      columns: [
        { name: 'node', value: ({ node }) => node },
        { name: 'pattern', style: () => 'bold', value: (row) => row.pattern },
        { name: 'kind', value: ({ kind }) => kind },
        { name: 'name', value: ({ name }) => name ?? '' },
        { name: 'client', style: () => 'dim', value: ({ client }) => client ?? '' },
        { align: 'right', name: 'position', value: ({ position }) => `${position ?? ''}` },
        { align: 'right', name: 'behind', value: ({ behind }) => `${behind ?? ''}` },
      ],
      empty: 'Nobody is bound to anything.',
      rows,
    });
  }
}

function ofSubscriptions({ found, node }: OfNode<SubscriptionView>): Binding[] {
  return found.flatMap(({ client, group, patterns }) =>
    patterns.map((pattern): Binding => {
      const kind = group === undefined ? 'subscription' : 'member';
      return { behind: null, client, kind, name: group ?? null, node, pattern, position: null };
    }),
  );
}

function ofKeeps({ found, node }: OfNode<KeepView>): Binding[] {
  return found.flatMap(({ first, last, names, pattern, readers }) => {
    const reading = readers.flatMap(({ client, durable = null, patterns }) =>
      patterns.map((one): Binding => {
        return { behind: null, client, kind: 'reader', name: durable, node, pattern: one, position: null };
      }),
    );
    const named = names.map(({ name, position }): Binding => {
      const behind = Math.max(0, last - Math.max(position, first - 1));
      return { behind, client: null, kind: 'name', name, node, pattern, position };
    });
    return [...reading, ...named];
  });
}
