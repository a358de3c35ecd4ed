/** Views of a federation as tests want them: three clusters in a row, `west — mid — east`, seen by west's first hub, and well. */
import type { ClusterView, FederationView, HubView, LinkView } from '../../../src/engine/core/federation/view.ts';

const PLACES = {
  east: { latitude: 52.4, longitude: 13.1 },
  mid: { latitude: 38.9, longitude: -77.4 },
  west: { latitude: 45.6, longitude: -121.2 },
};

export function cluster(id: string, more: Partial<ClusterView> = {}): ClusterView {
  const place = Object.entries(PLACES).find(([name]) => name === id)?.[1];
  return {
    cluster: id,
    forMs: 60_000,
    functions: [],
    hubs: [`${id}-1`, `${id}-2`],
    name: `The ${id}`,
    nodes: 3,
    queues: [],
    region: `region-${id}`,
    self: false,
    state: 'reachable',
    tags: ['prod'],
    url: `ws://${id}:8000`,
    ...(place === undefined ? {} : { coordinates: place }),
    ...more,
  };
}

export function hub(id: string, more: Partial<HubView> = {}): HubView {
  return {
    address: `ws://${id}:9000`,
    ageMs: 10_000,
    cluster: id.split('-')[0] ?? id,
    hub: id,
    name: id,
    nodes: 3,
    reachable: true,
    software: '1.4.0',
    url: `ws://${id}:8000`,
    version: 1,
    withdrawn: false,
    ...more,
  };
}

export function link(to: string, more: Partial<LinkView> = {}): LinkView {
  return {
    address: `ws://${to}-1:9000`,
    breaker: 'closed',
    cluster: to,
    cost: 40_000,
    failures: 0,
    forMs: 60_000,
    hub: `${to}-1`,
    loss: 0,
    rttMs: 40,
    state: 'up',
    ...more,
  };
}

export function view(more: Partial<FederationView> = {}): FederationView {
  return {
    cluster: 'west',
    clusters: [
      cluster('east', { cost: 130_000, distanceMs: 120, way: ['mid-1', 'east-1'] }),
      cluster('mid', { cost: 40_000, distanceMs: 40, way: ['mid-1'] }),
      cluster('west', { self: true, state: 'self' }),
    ],
    config: {
      breaker: { failureThreshold: 5, successThreshold: 3, timeoutMs: 60_000 },
      identity: { cluster: 'west', name: 'The west', region: 'region-west', tags: ['prod'] },
      links: [{ addresses: ['ws://mid-1:9000'], cluster: 'mid' }],
      mode: 'explicit',
      version: 1,
    },
    counts: { arrived: 20, failed: 0, recordsIn: 30, recordsOut: 31, recordsRefused: 0, relayed: 4, sent: 10 },
    edges: [
      { cost: 500, from: 'west-1', to: 'west-2' },
      { cost: 40_000, from: 'west-1', to: 'mid-1' },
      { cost: 90_000, from: 'mid-1', to: 'east-1' },
    ],
    hub: 'west-1',
    hubs: ['east-1', 'east-2', 'mid-1', 'mid-2', 'west-1', 'west-2'].map((id) => hub(id)),
    links: [link('mid')],
    name: 'west-1',
    ...more,
  };
}

type Change = Partial<Omit<ClusterView, 'hub' | 'state'> & Omit<HubView, 'nodes'> & Omit<LinkView, 'hub' | 'state'>> & {
  readonly state?: ClusterView['state'] | LinkView['state'];
};

/** The same view with one cluster, hub or link that is different. */
export function but(
  what: { readonly cluster?: string; readonly hub?: string; readonly link?: string },
  change: Change,
  from: FederationView = view(),
): FederationView {
  const changed = <Item extends object>(items: readonly Item[], isIt: (item: Item) => boolean): Item[] =>
    items.map((item) => (isIt(item) ? { ...item, ...change } : item));
  return {
    ...from,
    clusters: changed(from.clusters, (one) => one.cluster === what.cluster),
    hubs: changed(from.hubs, (one) => one.hub === what.hub),
    links: changed(from.links, (one) => one.cluster === what.link),
  };
}
