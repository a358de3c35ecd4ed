import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { askEach } from '../../cli/federation/hubs.ts';
import { formatMs } from '../../cli/federation/topology.ts';
import { dropEmpty } from '../../cli/settings.ts';
import type { Table } from '../../cli/table.ts';
import { problemError, type WayView } from '../../engine/index.ts';

export default class FederationRoutes extends BaseCommand<typeof FederationRoutes> {
  static override summary = 'Show the ways that lead to other clusters, and what they cost.';
  static override description =
    'From each hub of this cluster: the best way to each cluster, others that cost as much, and those that share no hub with the best. The cost is in ' +
    'milliseconds of round trip, with what operators, loss and load add to it. Exit code 3 where no way leads to --to.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --to prod-eu --hops 2',
    '<%= config.bin %> <%= command.id %> --to prod-eu --avoid prod-us-east --json',
  ];
  static override flags = {
    avoid: Flags.string({
      helpValue: 'CLUSTER|HUB',
      multiple: true,
      multipleNonGreedy: true,
      summary: 'Ways that do not pass this cluster or hub (id); repeatable.',
    }),
    from: Flags.string({ helpValue: 'CLUSTER', summary: 'From a hub of this cluster.' }),
    hops: Flags.integer({
      helpValue: 'N',
      min: 1,
      summary: 'Ways that pass at most so many hubs, the last one counted.',
    }),
    to: Flags.string({ helpValue: 'CLUSTER', summary: 'Only to this cluster.' }),
  };

  async run(): Promise<void> {
    const { avoid, from, hops, to } = this.flags;
    const ask = dropEmpty({ avoid, hops, to });
    const { answers } = await this.ask('the ways', (client) =>
      askEach<readonly WayView[]>(client, 'routes', ask, { from }),
    );
    const ways = inOrder(answers.flat());
    if (ways.length === 0 && to !== undefined) {
      const limit = hops === undefined && avoid === undefined ? '' : ' within these limits';
      throw problemError('resource-unknown', `no way leads to ${to}${limit}`, {
        hint: 'Look at what can be reached.\nmpreg federation topology',
      });
    }
    await this.output.table(ways, wayTable(ways));
  }
}

/** By cluster, as the first hub has them; the cheapest of any hub first. */
function inOrder(ways: readonly WayView[]): readonly WayView[] {
  const byCluster = Map.groupBy(ways, ({ to }) => to);
  return [...byCluster.values()].flatMap((some) => some.toSorted((a, b) => a.cost - b.cost));
}

/** Over a link that is drained, ways lead only where there is no other. */
function costText(cost: number): string {
  return cost >= LINK_COST_MAX ? 'drained' : formatMs(cost / 1_000);
}

const LINK_COST_MAX = 2 ** 30;

function wayTable(rows: readonly WayView[]): Table<WayView> {
  return {
    columns: [
      { name: 'to', style: () => 'bold', value: ({ to }) => to },
      { name: 'way', value: ({ kind }) => kind },
      { align: 'right', name: 'cost', value: ({ cost }) => costText(cost) },
      { align: 'right', name: 'hops', value: ({ hubs }) => String(hubs.length - 1) },
      { name: 'through', value: ({ hubs }) => hubs.map(({ cluster, name }) => `${name} (${cluster})`).join(' → ') },
    ],
    empty: 'No way leads to another cluster.',
    rows,
  };
}
