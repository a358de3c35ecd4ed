/**
 * Draws federations: clusters of a few nodes in regions that are far from each other, linked by hubs as a tree in tiers, now
 * and then with a link more; calls of what only some cluster has, messages of topics across, and what can go wrong there: hubs
 * that crash, regions that are cut off, bridges that break. What else clients and operators do is in `draw-federation-users.ts`.
 *
 * What it refuses to draw: a cluster that loses all its hubs for good, and topics that are kept: those are one cluster's.
 */
import { hash32 } from '../core/base/hash.ts';
import { Prng } from '../core/base/prng.ts';
import { withUsers } from './draw-federation-users.ts';
import { drawCall, FUNCTIONS, lasting } from './draw-plans.ts';
import { drawTopics, topicsTaste } from './draw-topics.ts';
import { functionRecord } from './faults.ts';
import type { Scenario, ScenarioEvent, ScenarioNode } from './scenario.ts';
import { drawFaults } from './swarm.ts';

/** One way, in milliseconds, more than within a region: about half of what is measured between data centres there. */
export const DISTANCES_MS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'ap-southeast': { 'eu-central': 80, 'us-east': 110, 'us-west': 85 },
  'eu-central': { 'ap-southeast': 80, 'us-east': 45, 'us-west': 75 },
  'us-east': { 'ap-southeast': 110, 'eu-central': 45, 'us-west': 32 },
  'us-west': { 'ap-southeast': 85, 'eu-central': 75, 'us-east': 32 },
};

/** The function that each node of a cluster has, and none of another. */
export function ownFunction(cluster: string): string {
  return `of-${cluster}`;
}

const FAULTS_MS = 30_000;
const SETTLE_MS = 120_000;
const CALM_MS = 5_000;
/** Runs in which hubs tell of alerts. */
const ALERTS_SHARE = 0.4;

/** `plain`: without queues, groups and rules, as seeds were drawn before there were any. */
export function drawFederation(seed: number, { plain = false } = {}): Scenario {
  const prng = new Prng(hash32('federation', seed));
  const nodes = drawNodes(prng, plain ? undefined : seed);
  const weather = {
    bytesPerMs: 100_000,
    dialMs: 3_000,
    latencyMs: [0, prng.pick([1, 4]) ?? 1],
    patienceMs: [5_000, 30_000],
  } as const;
  const faults = drawFaults(prng, nodes, FAULTS_MS).map((event) => fitted(prng, event, nodes));
  const events = [...faults, ...drawCalls(prng, nodes)];
  if (prng.chance(0.7)) events.push(...drawNews(prng, nodes, weather));
  const all = plain ? events : withUsers(seed, nodes, events, FAULTS_MS);
  return {
    ...(!plain && new Prng(hash32('alerts of a federation', seed)).chance(ALERTS_SHARE) ? { alerting: true } : {}),
    calmMs: CALM_MS,
    diskMs: [0, prng.pick([2, 20]) ?? 2],
    distancesMs: DISTANCES_MS,
    events: all.toSorted((a, b) => a.atMs - b.atMs),
    faultsMs: FAULTS_MS,
    nodes,
    seed,
    seeds: [],
    settleMs: SETTLE_MS,
    weather,
  };
}

/** `seed`: some clusters declare their own function as idempotent. Why not drawn: the rest is to be as it was without. */
function drawNodes(prng: Prng, seed: number | undefined): readonly ScenarioNode[] {
  const clusters = Array.from({ length: prng.between(3, 6) }, (_, i) => `c${i}`);
  const links = drawLinks(prng, clusters);
  const regions = prng.sample(Object.keys(DISTANCES_MS), prng.between(2, 4));
  return clusters.flatMap((cluster, c) => {
    const size = prng.between(2, 4);
    const hubs = prng.between(1, 2);
    const region = regions[c % regions.length] ?? '';
    const again = seed !== undefined && hash32(cluster, seed) % 3 === 0 ? ownFunction(cluster) : undefined;
    const neighbours = links.flatMap(([a, b]) => (a === cluster ? b : b === cluster ? a : []));
    return Array.from({ length: size }, (_, i): ScenarioNode => {
      const own = i < hubs || prng.chance(0.5) ? [ownFunction(cluster)] : [];
      return {
        cluster,
        driftPpm: prng.between(-200, 200),
        functions: [...own, ...prng.sample(FUNCTIONS, prng.between(0, 3))].map((name) =>
          name === again ? { ...functionRecord(name), idempotent: true } : functionRecord(name),
        ),
        name: `${cluster}n${i}`,
        region,
        resources: [],
        startMs: prng.below(2_000),
        ...(i < hubs ? { hub: { links: neighbours } } : {}),
      };
    });
  });
}

/** A tree in tiers: the first is linked with the next two, these with the others; now and then one link more. */
function drawLinks(prng: Prng, clusters: readonly string[]): readonly (readonly [string, string])[] {
  const links = clusters.flatMap((cluster, i) => {
    const above = clusters[i < 3 ? 0 : prng.between(0, 2)];
    return i === 0 || above === undefined ? [] : [[above, cluster] as const];
  });
  const [a, b] = prng.sample(clusters, 2);
  const more = prng.chance(0.4) && a !== undefined && b !== undefined;
  const known = links.some(([x, y]) => (x === a && y === b) || (x === b && y === a));
  return more && !known ? [...links, [a, b]] : links;
}

/** The fault as it fits a federation: of regions and hubs, more often than not. */
function fitted(prng: Prng, event: ScenarioEvent, nodes: readonly ScenarioNode[]): ScenarioEvent {
  const hubs = [...nodes.keys()].filter((index) => nodes[index]?.hub !== undefined);
  if (event.kind === 'partition' && prng.chance(0.7)) {
    const region = prng.pick(nodes)?.region;
    return { ...event, groups: nodes.map((node) => Number(node.region === region)) };
  }
  if ((event.kind === 'cut' || event.kind === 'break') && prng.chance(0.8)) {
    const [from = 0, to = 1] = prng.sample(hubs, 2);
    return { ...event, from, to };
  }
  if (event.kind === 'crash' || event.kind === 'leave') {
    const node = prng.chance(0.5) ? (prng.pick(hubs) ?? event.node) : event.node;
    const isFirst = nodes[node]?.name.endsWith('n0') === true;
    return { ...event, forMs: isFirst ? (event.forMs ?? 2_000) : event.forMs, node };
  }
  return event;
}

function drawCalls(prng: Prng, nodes: readonly ScenarioNode[]): ScenarioEvent[] {
  const clusters = [...new Set(nodes.map(({ cluster = '' }) => cluster))];
  return Array.from({ length: prng.between(5, 60) }, (_, i): ScenarioEvent => {
    const impatient = prng.chance(0.15);
    const cluster = prng.pick(clusters) ?? '';
    const terms = { args: [i], fun: ownFunction(cluster), idempotent: prng.chance(0.4), locs: [] };
    const sleepy = { ...terms, args: [lasting(prng) % 4_000, i], fun: 'sleep' };
    const some = prng.chance(0.5) ? terms : prng.chance(0.3) ? sleepy : drawCall(prng, i);
    return {
      atMs: prng.between(2_000, FAULTS_MS),
      kind: 'call',
      node: prng.below(nodes.length),
      timeoutMs: prng.chance(0.5) ? 0 : lasting(prng),
      ...some,
      ...(prng.chance(0.2) ? { cluster } : {}),
      ...(impatient && prng.chance(0.7) ? { cancelMs: prng.below(600) } : {}),
      ...(impatient && prng.chance(0.5) ? { hangUpMs: prng.below(600) } : {}),
    };
  });
}

/** What is published and listened to; who is in a group, or reads what is kept, listens as others do. */
function drawNews(prng: Prng, nodes: readonly ScenarioNode[], weather: Scenario['weather']): ScenarioEvent[] {
  const taste = { ...topicsTaste(prng, weather), grouped: 0, keeps: [] };
  return drawTopics(prng, taste, nodes.length, FAULTS_MS).map((event) => {
    if (event.kind !== 'subscribe' && event.kind !== 'publish') return event;
    return { ...event, from: event.node };
  });
}
