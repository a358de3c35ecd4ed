/**
 * A federation as a tree: regions, their clusters, their hubs, and where each hub's links lead.
 *
 *     us-west-2
 *     └─ ● prod-us-west *  Production US West, 100 points, 3 nodes
 *        └─ west-1  ws://10.0.0.5:9000
 *           └─ prod-eu  eu-1  120 ms
 */

import { formatDuration } from '../../cli/duration.ts';
import {
  formatMs,
  HEALTH_SIGNS,
  linkText,
  order,
  type Topology,
  type TopologyCluster,
  type TopologyHub,
  type TopologyLink,
} from '../../cli/federation/topology.ts';
import { type Line, line, type Span } from '../text.ts';

export function topologyTree(topology: Topology): readonly Line[] {
  const regions = Map.groupBy(topology.clusters, ({ region }) => region);
  return [...regions]
    .sort(([a], [b]) => order(a, b))
    .flatMap(([region, clusters]) => [
      line({ style: 'bold', text: region === '' ? 'no region' : region }),
      ...branches(clusters, (cluster) => clusterLines(cluster, topology)),
    ]);
}

function clusterLines(cluster: TopologyCluster, topology: Topology): readonly Line[] {
  const { distanceMs, hubs, id, lostMs, name, nodes, score, self, state } = cluster;
  const { sign, style } = HEALTH_SIGNS[state];
  const away = self || distanceMs === null ? '' : `, ${formatMs(distanceMs)} away`;
  const about =
    state === 'lost' ? `lost for ${formatDuration(lostMs)}` : `${score} points, ${plural(nodes, 'node')}${away}`;
  const told = name === id ? '' : `${name}, `;
  const wanted = topology.links.filter(({ from, fromHub }) => from === id && fromHub === null);
  return [
    line({ style, text: `${sign} ${id}` }, self ? ' *' : '', { style: 'dim', text: `  ${told}${about}` }),
    ...branches([...hubs, ...wanted], (one) =>
      'name' in one ? hubLines(one, cluster, topology) : [linkLine(one, one.to, one.toHub)],
    ),
  ];
}

function hubLines(
  { address, name, reachable }: TopologyHub,
  { id }: TopologyCluster,
  { links }: Topology,
): readonly Line[] {
  const dead: readonly Span[] = reachable ? [] : [{ style: 'red', text: '  cannot be reached' }];
  const from = links.filter((link) => link.from === id && link.fromHub === name);
  const to = links.filter((link) => link.to === id && link.toHub === name);
  const all = [
    ...from.map((link) => linkLine(link, link.to, link.toHub)),
    ...to.map((link) => linkLine(link, link.from, link.fromHub)),
  ];
  return [line(name, { style: 'dim', text: `  ${address}` }, ...dead), ...branches(all, (one) => [one])];
}

function linkLine(link: TopologyLink, cluster: string, hub: string | null): Line {
  const why: readonly Span[] =
    link.state === 'up' || link.reason === null ? [] : [{ style: 'dim', text: `: ${link.reason}` }];
  const style = link.state === 'up' ? undefined : 'red';
  return line(
    `↔ ${cluster}`,
    { style: 'dim', text: hub === null ? '  ' : `  ${hub}  ` },
    { style, text: linkText(link) },
    ...why,
  );
}

/** Each item's lines with the tree's arms before them. */
function branches<Item>(items: readonly Item[], of: (item: Item) => readonly Line[]): readonly Line[] {
  return items.flatMap((item, at) => {
    const last = at === items.length - 1;
    return of(item).map(({ spans }, row): Line => {
      const arm = row === 0 ? (last ? '└─ ' : '├─ ') : last ? '   ' : '│  ';
      return { spans: [{ style: 'dim', text: arm }, ...spans] };
    });
  });
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
