/**
 * What a federation looks like, as commands and screens draw it: clusters with their health, hubs, and the links between
 * clusters, of which a hub knows the latency of all and the troubles of its own.
 */
import type { FederationHealth, FederationView, HealthState, LinkView } from '../../engine/index.ts';

/** A contract with scripts. */
export interface Topology {
  /** Who was asked. */
  readonly hub: string;
  readonly cluster: string;
  readonly state: HealthState;
  readonly score: number;
  readonly clusters: readonly TopologyCluster[];
  readonly links: readonly TopologyLink[];
}

export interface TopologyCluster {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly tags: readonly string[];
  readonly coordinates: { readonly latitude: number; readonly longitude: number } | null;
  readonly self: boolean;
  readonly state: HealthState;
  readonly score: number;
  /** Why points were taken, the heaviest first. */
  readonly reasons: readonly string[];
  /** For how long no way has led there, in milliseconds; 0 where one does. */
  readonly lostMs: number;
  readonly nodes: number;
  readonly functions: number;
  readonly url: string;
  readonly distanceMs: number | null;
  readonly hubs: readonly TopologyHub[];
}

export interface TopologyHub {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly software: string;
  readonly reachable: boolean;
}

/** Between hubs of two clusters; `fromHub` and `toHub` are names, or null where the link is wanted and not there. */
export interface TopologyLink {
  readonly from: string;
  readonly to: string;
  readonly fromHub: string | null;
  readonly toHub: string | null;
  readonly state: LinkView['state'];
  /** Round trip in milliseconds: measured where the link is the asked hub's own, else what its cost says. */
  readonly ms: number | null;
  /** Share of echoes without an answer; null where the link is another hub's. */
  readonly loss: number | null;
  readonly reason: string | null;
}

/** `views`: of hubs of one cluster; links are those of all, the rest is the first one's. */
export function topologyOf(
  views: readonly [FederationView, ...FederationView[]],
  health: Pick<FederationHealth, 'clusters' | 'score' | 'state'>,
): Topology {
  const [view] = views;
  const scores = new Map(health.clusters.map((cluster) => [cluster.cluster, cluster]));
  const { cluster, name } = view;
  return {
    cluster,
    clusters: view.clusters.map((one): TopologyCluster => {
      const scored = scores.get(one.cluster);
      return {
        coordinates: one.coordinates ?? null,
        distanceMs: one.distanceMs ?? null,
        functions: new Set(one.functions.map((offer) => offer.name)).size,
        hubs: hubsOf(view, one.cluster),
        id: one.cluster,
        lostMs: scored?.lostMs ?? 0,
        name: one.name,
        nodes: one.nodes,
        reasons: scored?.reasons.map(({ says }) => says) ?? [],
        region: one.region,
        score: scored?.score ?? 0,
        self: one.self,
        state: scored?.state ?? 'lost',
        tags: one.tags,
        url: one.url,
      };
    }),
    hub: name,
    links: linksOf(views),
    score: health.score,
    state: health.state,
  };
}

function hubsOf({ hubs }: FederationView, cluster: string): readonly TopologyHub[] {
  return hubs
    .filter((hub) => hub.cluster === cluster && !hub.withdrawn)
    .map(({ address, hub, name, reachable, software }) => ({ address, id: hub, name, reachable, software }))
    .sort((a, b) => order(a.name, b.name) || order(a.id, b.id));
}

/** First the asked hubs' own, then those of others. */
function linksOf(views: readonly [FederationView, ...FederationView[]]): readonly TopologyLink[] {
  const [view] = views;
  const asked = new Set(views.map(({ hub }) => hub));
  const known = new Map(view.hubs.map((hub) => [hub.hub, hub]));
  const own = views.flatMap(({ links, name }) =>
    links.map(({ cluster, cost, hub, loss, reason, rttMs, state }): TopologyLink => {
      const measured = rttMs ?? (cost === undefined ? undefined : cost / MICROSECONDS);
      return {
        from: view.cluster,
        fromHub: name,
        loss,
        ms: measured === undefined ? null : tenths(measured),
        reason: reason ?? null,
        state,
        to: cluster,
        toHub: hub === undefined ? null : (known.get(hub)?.name ?? hub),
      };
    }),
  );
  const others = view.edges.flatMap(({ cost, from, to }): TopologyLink[] => {
    const [a, b] = [known.get(from), known.get(to)];
    if (a === undefined || b === undefined || a.cluster === b.cluster) return [];
    if (asked.has(from) || asked.has(to)) return [];
    const ends = { from: a.cluster, fromHub: a.name, to: b.cluster, toHub: b.name };
    return [{ ...ends, loss: null, ms: tenths(cost / MICROSECONDS), reason: null, state: 'up' }];
  });
  return [...own, ...others];
}

const MICROSECONDS = 1_000;

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** Between two texts, by code units. */
export function order(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** A sign beside the word and the colour, so that a glance finds trouble without colour, too. */
export const HEALTH_SIGNS = {
  critical: { sign: '!', style: 'red' },
  degraded: { sign: '◐', style: 'yellow' },
  healthy: { sign: '●', style: 'green' },
  lost: { sign: '✕', style: 'red' },
} as const satisfies Record<HealthState, object>;

/** `40 ms`, or why there is none. */
export function linkText({ loss, ms, state }: Pick<TopologyLink, 'loss' | 'ms' | 'state'>): string {
  if (state !== 'up') return state === 'open' ? 'breaker open' : state;
  const lost = loss !== null && loss > 0 ? `, ${Math.round(loss * 1_000) / 10}% lost` : '';
  return `${ms === null ? 'up' : formatMs(ms)}${lost}`;
}

/** Tenths only where they matter. */
export function formatMs(ms: number): string {
  return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`;
}
