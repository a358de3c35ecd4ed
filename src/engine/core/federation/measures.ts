/**
 * What rules for alerts look at: the health of a federation as numbers, each with what it is measured of.
 *
 * Each thing is told by one hub: links by the hub that has them, clusters and the whole by the *speaker* of the cluster, the
 * living hub with the least id. Where several links lead to one cluster, the best of them counts: it carries what is sent.
 */
import type { AlertMetric } from './alerting.ts';
import type { ClusterHealth, FederationHealth, LinkHealth } from './health.ts';
import type { FederationView } from './view.ts';

export interface Measure {
  readonly metric: AlertMetric;
  /** The cluster that it is about; absent: the federation. */
  readonly cluster?: string;
  readonly region?: string;
  readonly tags?: readonly string[];
  readonly value: number;
  /** What the health says of it; empty where nothing is wrong. */
  readonly says: string;
}

/** `failedPerMinute`: messages between clusters that were not delivered. */
export function measuresOf(view: FederationView, health: FederationHealth, failedPerMinute: number): Measure[] {
  const places = new Map(health.clusters.map((cluster) => [cluster.cluster, cluster]));
  const others = health.clusters.filter(({ self }) => !self);
  const links = bestLinks(health.links).flatMap((link) => ofLink(link, places.get(link.cluster)));
  if (!speaks(view)) return links;
  const says = health.reasons[0]?.says ?? '';
  return [
    ...links,
    ...others.flatMap(ofCluster),
    { metric: 'federation-failed', says: '', value: failedPerMinute },
    { metric: 'federation-lost', says, value: health.unreachable.length },
    { metric: 'federation-score', says, value: health.score },
  ];
}

/** Whether this hub speaks for its cluster. */
export function speaks({ cluster, hub, hubs }: FederationView): boolean {
  const siblings = hubs.filter((one) => one.cluster === cluster && one.reachable && !one.withdrawn);
  return siblings.every((one) => hub <= one.hub);
}

function bestLinks(links: readonly LinkHealth[]): readonly LinkHealth[] {
  const best = new Map<string, LinkHealth>();
  for (const link of links) {
    if (link.link === 'drained') continue;
    const other = best.get(link.cluster);
    if (other === undefined || rank(link) > rank(other)) best.set(link.cluster, link);
  }
  return [...best.values()];
}

function rank({ link, score }: LinkHealth): number {
  return link === 'up' ? 1_000 + score : score;
}

function ofLink(link: LinkHealth, place: ClusterHealth | undefined): Measure[] {
  const up = link.link === 'up';
  const about = aboutOf(link, place);
  return [
    { ...about, metric: 'link-down', ...(up ? WELL : { value: link.forMs }) },
    { ...about, metric: 'link-failures', value: link.failures },
    { ...about, metric: 'link-score', value: link.score },
    ...(up ? [{ ...about, metric: 'link-loss', value: link.loss } as const] : []),
    ...(up && link.rttMs !== undefined ? [{ ...about, metric: 'link-rtt', value: link.rttMs } as const] : []),
  ];
}

function ofCluster(cluster: ClusterHealth): Measure[] {
  const about = aboutOf(cluster, cluster);
  const { distanceMs, hubs, lostMs, nodes, score, state } = cluster;
  const lost: Measure = { ...about, metric: 'cluster-lost', ...(lostMs === 0 ? WELL : { value: lostMs }) };
  // What a cluster that is lost has is not known: rules about it neither fire nor fall silent.
  if (state === 'lost') return [lost, { ...about, metric: 'cluster-score', value: score }];
  return [
    lost,
    { ...about, metric: 'cluster-score', value: score },
    { ...about, metric: 'cluster-hubs', value: hubs },
    { ...about, metric: 'cluster-nodes', value: nodes },
    ...(distanceMs === undefined ? [] : [{ ...about, metric: 'cluster-distance', value: distanceMs } as const]),
  ];
}

/** What else may be wrong is not what such a measure is about: an alert that is over is not told with it. */
const WELL = { says: '', value: 0 } as const;

function aboutOf({ cluster, reasons }: ClusterHealth | LinkHealth, place: ClusterHealth | undefined) {
  const says = reasons[0]?.says ?? '';
  return { cluster, says, ...(place === undefined ? {} : { region: place.region, tags: place.tags }) };
}
