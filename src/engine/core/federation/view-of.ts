import type { NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import type { Border } from './border.ts';
import type { Clusters } from './clusters.ts';
import type { Carried } from './effects.ts';
import type { FarPlaces } from './far-places.ts';
import type { LinkState } from './link-state.ts';
import type { FederationConfig } from './options.ts';
import type { FunctionOffer, HubRecord } from './records.ts';
import type { ClusterView, FederationCounts, FederationView, HubView, LinkView } from './view.ts';
import type { Ways } from './ways.ts';

export interface ViewParts<Message extends Carried> {
  readonly own: HubRecord;
  readonly config: FederationConfig;
  readonly links: LinkState;
  readonly border: Border<Message>;
  readonly clusters: Clusters;
  readonly ways: Ways;
  readonly far: FarPlaces;
  readonly counts: FederationCounts;
  readonly now: Instant;
}

/** What a hub knows now, as plain data. */
export function viewOf<Message extends Carried>(parts: ViewParts<Message>): FederationView {
  const { own, config, counts, links, ways, now } = parts;
  const hubs = [own, ...[...links.hubs()].filter(({ hub }) => hub !== own.hub)];
  return {
    cluster: config.identity.cluster,
    clusters: clusterViews(parts, hubs),
    config,
    counts,
    edges: ways.graph.edges().map(({ from, to, cost }) => ({ cost, from, to })),
    hub: own.hub,
    hubs: hubs.map((record) => hubView(record, ways, own.hub, links.ageOf(record.hub, now) ?? 0)),
    links: linkViews(parts),
    name: own.name,
    ...(links.refusals.all.length === 0 ? {} : { refused: links.refusals.all }),
  };
}

function hubView(record: HubRecord, ways: Ways, self: NodeId, ageMs: number): HubView {
  const { hub, name, identity, address, url, software, version, nodes, withdrawn, position } = record;
  return {
    address,
    ageMs,
    cluster: identity.cluster,
    hub,
    name,
    nodes,
    reachable: hub === self || ways.to(hub) !== undefined,
    software,
    url,
    version,
    withdrawn: withdrawn === true,
    ...(position === undefined ? {} : { position }),
  };
}

function clusterViews<Message extends Carried>(
  { border, own, config, clusters, far, ways, now }: ViewParts<Message>,
  hubs: readonly HubRecord[],
): readonly ClusterView[] {
  const byCluster = new Map<string, HubRecord[]>();
  for (const record of hubs) {
    const { cluster } = record.identity;
    byCluster.set(cluster, [...(byCluster.get(cluster) ?? []), record]);
  }
  const views: ClusterView[] = [];
  const functions = new Shown<FunctionOffer>();
  const queues = new Shown<string>();
  for (const [cluster, records] of byCluster) {
    if (clusters.isForgotten(cluster)) continue;
    const living = records.filter(({ withdrawn }) => withdrawn !== true);
    const said = living[0] ?? (records[0] as HubRecord);
    const self = cluster === config.identity.cluster;
    const known = clusters.of(cluster);
    const nearest = self ? undefined : ways.tree.nearest(living.map(({ hub }) => hub))[0];
    const way = nearest === undefined ? undefined : ways.to(nearest);
    const distanceMs = self ? undefined : far.distanceMs(own, living, (hub) => border.neighbours.of(hub)?.rttMs);
    views.push({
      ...said.identity,
      forMs: now - (clusters.since(cluster) ?? now),
      functions: functions.of(far.functionsOf(cluster)),
      hubs: living.map(({ hub }) => hub),
      nodes: Math.max(0, ...living.map(({ nodes }) => nodes)),
      queues: queues.of(far.queuesOf(cluster)),
      self,
      state: self ? 'self' : (known?.state ?? 'lost'),
      url: said.url,
      ...moreOf(functions.left, queues.left),
      ...(way === undefined ? {} : { cost: way.cost, way: way.hubs }),
      ...(distanceMs === undefined ? {} : { distanceMs }),
    });
  }
  for (const { cluster, addresses } of config.links) {
    if (!byCluster.has(cluster))
      views.push(onlyConfigured(cluster, addresses[0] ?? '', now - (clusters.since(cluster) ?? now)));
  }
  return views.sort((a, b) => (a.cluster < b.cluster ? -1 : 1));
}

function onlyConfigured(cluster: string, url: string, forMs: number): ClusterView {
  const nothing = { functions: [], hubs: [], nodes: 0, queues: [], tags: [] } as const;
  return { ...nothing, cluster, forMs, name: cluster, region: '', self: false, state: 'configured', url };
}

/** The first of what all clusters have, and how many of the last one are left out. Why: a view is one message. */
class Shown<Thing> {
  #room = SHOWN_MAX;
  left = 0;

  of(things: readonly Thing[]): readonly Thing[] {
    const shown = things.slice(0, this.#room);
    this.#room -= shown.length;
    this.left = things.length - shown.length;
    return shown;
  }
}

function moreOf(functions: number, queues: number): Pick<ClusterView, 'more'> {
  return functions + queues === 0 ? {} : { more: { functions, queues } };
}

const SHOWN_MAX = 8_192;

/** The bridges that are up, and those that are wanted and are not. */
function linkViews<Message extends Carried>({ border, now }: ViewParts<Message>): readonly LinkView[] {
  const { bridges, neighbours } = border;
  const up = neighbours.all.filter(({ link }) => link !== undefined);
  const views: LinkView[] = up.map((neighbour) => {
    const { address, cluster, hub, loss, rttMs, unanswered, upAt } = neighbour;
    const { state, failures } = bridges.breaker(cluster);
    const drained = bridges.target(cluster)?.link.drained === true;
    return {
      address,
      breaker: state,
      cluster,
      cost: border.costOf(neighbour),
      failures,
      forMs: now - (bridges.outSince(cluster) ?? upAt),
      hub,
      loss,
      ...(unanswered === 0 ? {} : { reason: unansweredText(unanswered) }),
      state: drained ? 'drained' : state === 'closed' ? 'up' : 'open',
      ...(rttMs === undefined ? {} : { rttMs: Math.round(rttMs * 10) / 10 }),
    };
  });
  for (const { link, dialling, reason } of bridges.targets()) {
    if (neighbours.hasBridgeTo(link.cluster)) continue;
    const { state, failures } = bridges.breaker(link.cluster);
    const waits = state === 'open' ? 'open' : 'waiting';
    views.push({
      address: dialling?.address ?? link.addresses[0] ?? '',
      breaker: state,
      cluster: link.cluster,
      failures,
      forMs: now - (bridges.outSince(link.cluster) ?? now),
      loss: 1,
      state: dialling === undefined ? waits : 'dialling',
      ...(reason === undefined ? {} : { reason }),
    });
  }
  return views;
}

function unansweredText(count: number): string {
  return count === 1 ? 'an echo was not answered' : `${count} echoes were not answered`;
}
