/**
 * How well a federation is, in the eyes of one hub: each cluster and each link gets 100 points, and loses some for what is wrong.
 *
 *     100 ─ nothing is wrong
 *      80 ─ below: degraded         every loss is a reason: what was measured, against which threshold,
 *      50 ─ below: critical         and how many points it took
 *       0 ─ lost: nothing gets there
 *
 * Split brain is not hidden in a number: the clusters that this side cannot reach are listed, with the time since when.
 *
 * Pure: the same view gives the same health. It refuses to guess: what was not measured takes no points.
 */
import { compareVersions } from '../base/semver.ts';
import { guessedRttMs } from './globe.ts';
import { saysOf } from './refusals.ts';
import type { ClusterView, FederationView, HubView, LinkView } from './view.ts';

export type HealthState = 'healthy' | 'degraded' | 'critical' | 'lost';

/** From well to ill. */
export const HEALTH_STATES: readonly HealthState[] = ['healthy', 'degraded', 'critical', 'lost'];

export type HealthMatter =
  | 'lost'
  | 'cut-off'
  | 'alone'
  | 'hubs'
  | 'relayed'
  | 'down'
  | 'breaker'
  | 'failures'
  | 'loss'
  | 'latency'
  | 'version'
  | 'age'
  | 'size'
  | 'drained';

/** Why points were taken. `value` beyond `threshold` is what is wrong. */
export interface HealthReason {
  readonly what: HealthMatter;
  readonly value: number | string;
  readonly threshold: number | string;
  readonly points: number;
  /** For people: a sentence without its full stop. */
  readonly says: string;
}

export interface Health {
  readonly score: number;
  readonly state: HealthState;
  /** The heaviest first. */
  readonly reasons: readonly HealthReason[];
}

export interface ClusterHealth extends Health {
  readonly cluster: string;
  readonly name: string;
  readonly region: string;
  readonly tags: readonly string[];
  readonly self: boolean;
  readonly hubs: number;
  readonly nodes: number;
  /** For how long no way has led to it, in milliseconds; 0 where one does. */
  readonly lostMs: number;
  readonly distanceMs?: number;
}

export interface LinkHealth extends Health {
  readonly cluster: string;
  readonly address: string;
  /** The name of the hub at its other end, or its id where the name is not known. */
  readonly peer?: string;
  readonly link: LinkView['state'];
  readonly forMs: number;
  readonly rttMs?: number;
  readonly loss: number;
  readonly breaker: LinkView['breaker'];
  readonly failures: number;
}

export interface FederationHealth extends Health {
  /** The hub that was asked. */
  readonly hub: string;
  readonly name: string;
  readonly cluster: string;
  readonly clusters: readonly ClusterHealth[];
  readonly links: readonly LinkHealth[];
  /** What this side cannot reach, longest first. */
  readonly unreachable: readonly { readonly cluster: string; readonly forMs: number }[];
}

/** Where points begin to be taken. */
export interface HealthThresholds {
  /** A cluster with fewer living hubs is cut off by the next crash. */
  readonly hubsMin: number;
  /** Shares of echoes without an answer. */
  readonly lossWarn: number;
  readonly lossBad: number;
  /** A round trip may take so many times what the distance makes likely, and so many milliseconds beside. */
  readonly latencyTimes: number;
  readonly latencySlackMs: number;
  /** What a hub last said of itself is older than this, in milliseconds: half as much again as it is told anew. */
  readonly ageWarnMs: number;
  readonly ageBadMs: number;
  /** A link that has been down for less, in milliseconds, may be a hub that starts again. */
  readonly downMs: number;
}

export const DEFAULT_HEALTH_THRESHOLDS: HealthThresholds = {
  ageBadMs: 675_000,
  ageWarnMs: 360_000,
  downMs: 10_000,
  hubsMin: 2,
  latencySlackMs: 20,
  latencyTimes: 1.5,
  lossBad: 0.1,
  lossWarn: 0.02,
};

export function healthOf(view: FederationView, thresholds = DEFAULT_HEALTH_THRESHOLDS): FederationHealth {
  const known = new Map(view.clusters.map((cluster) => [cluster.cluster, cluster]));
  const self = known.get(view.cluster);
  const links = view.links.map((link) => linkHealth(link, { self, thresholds, to: known.get(link.cluster), view }));
  const clusters = view.clusters.map((cluster) => clusterHealth(cluster, { self, thresholds, view }));
  const lost = view.clusters.filter(({ state }) => state === 'lost' || state === 'configured');
  const byTime = lost.toSorted((a, b) => b.forMs - a.forMs || (a.cluster < b.cluster ? -1 : 1));
  const unreachable = byTime.map(({ cluster, forMs }) => ({ cluster, forMs }));
  const { cluster, hub, name } = view;
  return { ...whole(clusters, links), cluster, clusters, hub, links, name, unreachable };
}

export function worse(a: HealthState, b: HealthState): HealthState {
  return HEALTH_STATES.indexOf(a) > HEALTH_STATES.indexOf(b) ? a : b;
}

/** The points are those of the clusters on average; the state is what the worst of them, and of the links, makes of the whole. */
function whole(clusters: readonly ClusterHealth[], links: readonly LinkHealth[]): Health {
  const others = clusters.filter(({ self }) => !self);
  const lost = others.filter(({ state }) => state === 'lost');
  const sum = clusters.reduce((points, { score }) => points + score, 0);
  const score = clusters.length === 0 ? 100 : Math.round(sum / clusters.length);
  const reasons = lost.length === 0 ? [] : [lostReason(lost, others.length, 100 - score)];
  if (lost.length > 0 && lost.length === others.length) return { reasons, score, state: 'lost' };
  const ofClusters = clusters.map(({ state }) => (state === 'lost' ? 'critical' : state)).reduce(worse, 'healthy');
  const ofLinks: HealthState = links.every(({ state }) => state === 'healthy') ? 'healthy' : 'degraded';
  return { reasons, score, state: worse(ofClusters, ofLinks) };
}

function lostReason(lost: readonly ClusterHealth[], others: number, points: number): HealthReason {
  const names = lost.map(({ cluster }) => cluster).join(', ');
  return {
    points,
    says: `${lost.length} of ${others} other clusters cannot be reached: ${names}`,
    threshold: 0,
    value: lost.length,
    what: 'lost',
  };
}

interface Scene {
  readonly view: FederationView;
  readonly self: ClusterView | undefined;
  readonly thresholds: HealthThresholds;
}

function clusterHealth(cluster: ClusterView, scene: Scene): ClusterHealth {
  const lost = cluster.state === 'lost' || cluster.state === 'configured';
  const { cluster: id, distanceMs, name, nodes, region, tags } = cluster;
  return {
    ...(lost ? lostHealth(cluster) : judged(clusterReasons(cluster, scene))),
    cluster: id,
    hubs: livingHubs(cluster, scene.view),
    lostMs: lost ? cluster.forMs : 0,
    name,
    nodes,
    region,
    self: cluster.self,
    tags,
    ...(distanceMs === undefined ? {} : { distanceMs }),
  };
}

function lostHealth({ forMs, state }: ClusterView): Health {
  const says =
    state === 'configured'
      ? `it is configured and was never seen, for ${seconds(forMs)}`
      : `no way leads there for ${seconds(forMs)}`;
  return { reasons: [{ points: 100, says, threshold: 0, value: forMs, what: 'lost' }], score: 0, state: 'lost' };
}

function clusterReasons(cluster: ClusterView, scene: Scene): readonly HealthReason[] {
  const { thresholds, view } = scene;
  const hubs = view.hubs.filter((hub) => hub.cluster === cluster.cluster && !hub.withdrawn);
  const links = view.links.filter((link) => link.cluster === cluster.cluster && link.state !== 'drained');
  const up = links.filter(({ state }) => state === 'up');
  const best = up.toSorted((a, b) => a.loss - b.loss)[0];
  return [
    ...(cluster.self ? cutOff(view) : []),
    ...fewHubs(cluster, livingHubs(cluster, view), thresholds),
    ...deadHubs(hubs),
    ...(links.length > 0 && up.length === 0 ? [relayed(cluster, links)] : []),
    ...(best === undefined ? [] : [...lossReason(best.loss, thresholds), ...latencyReason(best.rttMs, cluster, scene)]),
    ...versionReason(hubs, view),
    ...ageReason(hubs, view, thresholds),
    ...sizeReasons(cluster, view),
  ];
}

/** The own cluster: it works, but it is not in a federation. */
function cutOff({ clusters }: FederationView): readonly HealthReason[] {
  const others = clusters.filter(({ self }) => !self);
  const reachable = others.filter(({ state }) => state === 'reachable').length;
  if (others.length === 0 || reachable > 0) return [];
  const says = `none of the ${others.length} other clusters can be reached`;
  return [{ points: 60, says, threshold: 1, value: 0, what: 'cut-off' }];
}

/** Of those that have not left, those that can be reached: a crash is no leave. */
function livingHubs({ hubs }: ClusterView, view: FederationView): number {
  const dead = new Set(view.hubs.filter(({ reachable, withdrawn }) => !reachable && !withdrawn).map(({ hub }) => hub));
  return hubs.filter((hub) => !dead.has(hub)).length;
}

function fewHubs(
  { hubs: { length: known }, self }: ClusterView,
  length: number,
  { hubsMin }: HealthThresholds,
): readonly HealthReason[] {
  if (length >= hubsMin) return [];
  const only = known > length ? 'its last living hub' : 'its only hub';
  const who = length === 1 ? only : `it has ${length} of the ${hubsMin} hubs that are wanted: the last one`;
  const says = `${who} is all that joins it: a crash cuts ${self ? 'this cluster' : 'it'} off`;
  return [{ points: 10, says, threshold: hubsMin, value: length, what: 'alone' }];
}

function deadHubs(hubs: readonly HubView[]): readonly HealthReason[] {
  const dead = hubs.filter(({ reachable }) => !reachable);
  if (dead.length === 0) return [];
  const says = `${dead.map(({ name }) => name).join(', ')} cannot be reached`;
  return [{ points: Math.min(20, 10 * dead.length), says, threshold: 0, value: dead.length, what: 'hubs' }];
}

function relayed({ way = [] }: ClusterView, links: readonly LinkView[]): HealthReason {
  const open = links.filter(({ breaker }) => breaker === 'open').length;
  const why = open > 0 ? 'their breaker is open' : (links[0]?.reason ?? 'they are not up');
  const says = `no direct link is up (${why}); it is reached over ${Math.max(0, way.length - 1)} other hubs`;
  return { points: 25, says, threshold: 1, value: 0, what: 'relayed' };
}

function lossReason(loss: number, { lossBad, lossWarn }: HealthThresholds): readonly HealthReason[] {
  if (loss <= lossWarn) return [];
  const bad = loss > lossBad;
  const threshold = bad ? lossBad : lossWarn;
  const says = `${percent(loss)} of echoes have no answer, more than ${percent(threshold)}`;
  return [{ points: bad ? 35 : 15, says, threshold, value: rounded(loss, 1_000), what: 'loss' }];
}

/** Against what the distance makes likely, or, where nobody said where they are, against network coordinates. */
function latencyReason(
  rttMs: number | undefined,
  to: ClusterView | undefined,
  { self, thresholds: { latencySlackMs, latencyTimes } }: Scene,
): readonly HealthReason[] {
  const places = [self?.coordinates, to?.coordinates] as const;
  const [here, there] = places;
  const likely = here === undefined || there === undefined ? to?.distanceMs : guessedRttMs(here, there);
  if (rttMs === undefined || likely === undefined) return [];
  const threshold = Math.round(likely * latencyTimes + latencySlackMs);
  if (rttMs <= threshold) return [];
  const points = rttMs > 2 * threshold ? 30 : 15;
  const says = `a round trip takes ${Math.round(rttMs)} ms, more than the ${threshold} ms that the distance explains`;
  return [{ points, says, threshold, value: Math.round(rttMs), what: 'latency' }];
}

function versionReason(hubs: readonly HubView[], { hub, hubs: all }: FederationView): readonly HealthReason[] {
  const own = all.find((one) => one.hub === hub)?.software;
  const other = hubs.map(({ software }) => software).find((software) => own !== undefined && differs(software, own));
  if (own === undefined || other === undefined) return [];
  const [major] = own.split('.');
  const age = compareVersions(other, own) < 0 ? 'older' : 'newer';
  const says = `it runs mpreg ${other}, ${age} than ${own} here`;
  return [{ points: other.split('.')[0] === major ? 5 : 20, says, threshold: own, value: other, what: 'version' }];
}

/** Patches do not count. */
function differs(a: string, b: string): boolean {
  const line = (version: string) => version.split('.').slice(0, 2).join('.');
  return line(a) !== line(b);
}

function ageReason(
  hubs: readonly HubView[],
  { hub: self }: FederationView,
  { ageBadMs, ageWarnMs }: HealthThresholds,
): readonly HealthReason[] {
  const others = hubs.filter(({ hub, reachable }) => hub !== self && reachable);
  const oldest = others.toSorted((a, b) => b.ageMs - a.ageMs || (a.hub < b.hub ? -1 : 1))[0];
  if (oldest === undefined || oldest.ageMs <= ageWarnMs) return [];
  const bad = oldest.ageMs > ageBadMs;
  const says = `what ${oldest.name} says of itself is ${seconds(oldest.ageMs)} old`;
  return [{ points: bad ? 30 : 10, says, threshold: bad ? ageBadMs : ageWarnMs, value: oldest.ageMs, what: 'age' }];
}

/** What others do not take of the own cluster, or this hub does not of another. */
function sizeReasons({ cluster, self }: ClusterView, { hub, refused = [] }: FederationView): readonly HealthReason[] {
  return refused
    .filter((one) => one.cluster === cluster)
    .map((one) => ({
      points: self ? 60 : 30,
      says: saysOf(one, hub),
      threshold: one.bytesMax,
      value: one.bytes,
      what: 'size',
    }));
}

interface LinkScene extends Scene {
  readonly to: ClusterView | undefined;
}

function linkHealth(link: LinkView, scene: LinkScene): LinkHealth {
  const { address, breaker, cluster, failures, forMs, hub, loss, rttMs, state } = link;
  const peer = scene.view.hubs.find((one) => one.hub === hub)?.name ?? hub;
  const health = judged(linkReasons(link, scene));
  return {
    ...health,
    ...(state !== 'up' && health.score === 0 ? { state: 'lost' as const } : {}),
    address,
    breaker,
    cluster,
    failures,
    forMs,
    link: state,
    loss,
    ...(peer === undefined ? {} : { peer }),
    ...(rttMs === undefined ? {} : { rttMs }),
  };
}

function linkReasons(link: LinkView, scene: LinkScene): readonly HealthReason[] {
  const { breaker, failures, forMs, loss, reason = 'no reason is known', rttMs, state } = link;
  const { downMs } = scene.thresholds;
  if (state === 'drained') {
    return [{ points: 0, says: 'it is drained by its operators', threshold: 0, value: 1, what: 'drained' }];
  }
  if (breaker !== 'closed') return [broken(link)];
  if (state !== 'up') {
    const says = `it is not up for ${seconds(forMs)}: ${reason}`;
    return [{ points: forMs > downMs ? 100 : 40, says, threshold: downMs, value: forMs, what: 'down' }];
  }
  return [
    ...(failures > 0 ? [failing(failures, scene.view.config.breaker.failureThreshold)] : []),
    ...lossReason(loss, scene.thresholds),
    ...latencyReason(rttMs, scene.to, scene),
  ];
}

/** Half open takes as many points: nothing goes over it yet, and a link that is tried in vain is not to look better each time. */
function broken({ breaker, forMs, reason = 'no reason is known' }: LinkView): HealthReason {
  const why = breaker === 'half-open' ? 'half open: it is being tried again' : `open: ${reason}`;
  const says = `it is down for ${seconds(forMs)}, its breaker is ${why}`;
  return { points: 100, says, threshold: 'closed', value: breaker, what: 'breaker' };
}

function failing(failures: number, threshold: number): HealthReason {
  const points = Math.min(20, Math.ceil((20 * failures) / Math.max(1, threshold)));
  return {
    points,
    says: `${failures} failures in a row; its breaker opens at ${threshold}`,
    threshold,
    value: failures,
    what: 'failures',
  };
}

function judged(reasons: readonly HealthReason[]): Health {
  const score = Math.max(0, 100 - reasons.reduce((points, reason) => points + reason.points, 0));
  const state = score >= 80 ? 'healthy' : score >= 50 ? 'degraded' : 'critical';
  return { reasons: reasons.toSorted((a, b) => b.points - a.points), score, state };
}

function seconds(ms: number): string {
  return `${ms < 10_000 ? rounded(ms / 1_000, 10) : Math.round(ms / 1_000)} s`;
}

function percent(share: number): string {
  return `${rounded(share * 100, 10)}%`;
}

function rounded(value: number, parts: number): number {
  return Math.round(value * parts) / parts;
}
