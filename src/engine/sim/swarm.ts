/**
 * Draws a scenario from a seed, in swarms: for each run some kinds of fault are switched off altogether and the rest is
 * wildly weighted, so that runs differ in kind and not only in detail (Groce et al., Swarm Testing, 2012).
 */
import { hash32 } from '../core/base/hash.ts';
import { Prng } from '../core/base/prng.ts';
import { drawCall, drawPlan, FUNCTIONS, lasting, RESOURCES, type Taste, VERSIONS } from './draw-plans.ts';
import { drawQueues } from './draw-queues.ts';
import { drawTopics, topicsTaste } from './draw-topics.ts';
import { functionRecord } from './faults.ts';
import type { Weather } from './network.ts';
import type { Scenario, ScenarioEvent, ScenarioNode } from './scenario.ts';

export interface SwarmOptions {
  /** Fewest and most nodes. */
  readonly nodes: readonly [number, number];
  /** Length of the safety phase. */
  readonly durationMs: number;
}

export const DEFAULT_SWARM: SwarmOptions = { durationMs: 40_000, nodes: [3, 12] };

/** How long a mesh of these sizes may need once faults have stopped, and how long it must then stay calm. */
const SETTLE_MS = 90_000;
const CALM_MS = 5_000;

/** Runs in which clients publish and subscribe. */
const TOPICS_SHARE = 0.6;

type Kind = ScenarioEvent['kind'];

const FAULTS: readonly Kind[] = [
  'crash',
  'pause',
  'slow',
  'partition',
  'cut',
  'break',
  'storm',
  'slow-disk',
  'leave',
  'drain',
  'ambush',
  'add-function',
  'remove-function',
];

export function draw(seed: number, options: SwarmOptions = DEFAULT_SWARM): Scenario {
  const prng = new Prng(seed);
  const count = prng.between(...options.nodes);
  const faultsMs = options.durationMs;
  const weather = drawWeather(prng);
  const mood = drawMood(prng, weather);
  // Why by the mood: where few functions are offered, most plans end at their first step.
  const all = FUNCTIONS.length;
  const offered =
    mood.taste.stepsMax > 20 || prng.chance(mood.plans) ? ([Math.ceil(0.7 * all), all] as const) : ([0, 6] as const);
  const nodes = Array.from({ length: count }, (_, index) => drawNode(prng, index, faultsMs, offered));
  const seeds = prng.chance(0.3) ? [] : prng.sample([...nodes.keys()], prng.between(1, 3));
  const events = [...drawFaults(prng, nodes, faultsMs), ...drawAsks(prng, count, faultsMs, mood)];
  // Why a generator of its own: with topics or without, all else is drawn as it was.
  const chance = new Prng(hash32('topics', seed));
  const topics = chance.chance(TOPICS_SHARE) ? topicsTaste(chance, weather) : undefined;
  if (topics !== undefined) events.push(...drawTopics(chance, topics, count, faultsMs));
  events.push(...drawQueues(seed, count));
  return {
    calmMs: CALM_MS,
    diskMs: [0, prng.pick([2, 20, 200]) ?? 2],
    events: keepSeeds(events, seeds).sort((a, b) => a.atMs - b.atMs),
    faultsMs,
    nodes,
    seed,
    seeds,
    settleMs: SETTLE_MS,
    weather: topics === undefined ? weather : { ...weather, fullBytes: topics.fullBytes },
    ...(topics?.nodeMessagesMax === undefined ? {} : { nodeMessagesMax: topics.nodeMessagesMax }),
    ...(prng.chance(0.25) ? { fullMeshMax: prng.between(1, 5) } : {}),
  };
}

function drawNode(prng: Prng, index: number, faultsMs: number, offered: readonly [number, number]): ScenarioNode {
  const names = prng.sample(FUNCTIONS, prng.between(...offered));
  const region = prng.pick([undefined, 'eu', 'us']);
  return {
    driftPpm: prng.between(-200, 200),
    functions: names.map((name) => functionRecord(name, prng.chance(0.5) ? undefined : prng.pick(VERSIONS))),
    name: `n${index}`,
    resources: prng.sample(RESOURCES, prng.between(0, 3)),
    startMs: prng.chance(0.7) ? prng.below(2_000) : prng.below(faultsMs),
    ...(region === undefined ? {} : { region }),
  };
}

function drawWeather(prng: Prng): Weather {
  const far = prng.chance(0.2);
  return {
    bytesPerMs: prng.pick([100, 10_000, 1_000_000]) ?? 10_000,
    dialMs: prng.pick([2_000, 5_000]) ?? 5_000,
    latencyMs: far ? [40, 150] : [0, prng.pick([1, 5, 20]) ?? 1],
    patienceMs: [5_000, prng.pick([20_000, 900_000]) ?? 20_000],
  };
}

export function drawFaults(prng: Prng, nodes: readonly ScenarioNode[], faultsMs: number): ScenarioEvent[] {
  if (prng.chance(0.15)) return [];
  const weights = FAULTS.map((kind) => ({ kind, weight: prng.chance(0.5) ? 0 : 1 + prng.below(100) }));
  const total = weights.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) return [];
  const count = prng.between(1, prng.pick([3, 10, 40, 150]) ?? 3);
  return Array.from({ length: count }, () => {
    let left = prng.below(total);
    const chosen = weights.find(({ weight }) => {
      left -= weight;
      return left < 0;
    });
    return drawFault(prng, chosen?.kind ?? 'break', nodes.length, faultsMs);
  });
}

export function drawFault(prng: Prng, kind: Kind, count: number, faultsMs: number): ScenarioEvent {
  const atMs = prng.between(1_000, faultsMs);
  const node = prng.below(count);
  const from = node;
  const to = (node + 1 + prng.below(Math.max(1, count - 1))) % count;
  const forMs = lasting(prng);
  const forGood = prng.chance(0.2) ? null : forMs;
  switch (kind) {
    case 'crash':
      return { atMs, forMs: forGood, kind, node, silent: prng.chance(0.4), wiped: prng.chance(0.2) };
    case 'pause':
      return { atMs, forMs, kind, node };
    case 'slow':
      return { atMs, blockedMs: lasting(prng), forMs: 2 * forMs, freeMs: lasting(prng), kind, node };
    case 'partition':
      return { atMs, forMs, groups: Array.from({ length: count }, () => prng.below(2)), kind };
    case 'cut':
      return { atMs, bothWays: prng.chance(0.5), forMs, from, kind, to };
    case 'storm':
      return { atMs, forMs, kind, storm: { delayMs: lasting(prng) % 3_000, share: prng.below(50) / 100 } };
    case 'slow-disk':
      return { atMs, delayMs: lasting(prng) % 3_000, forMs, kind, node };
    case 'leave':
      return { atMs, forMs: forGood, graceMs: prng.pick([0, 1_000, 5_000]) ?? 0, kind, node };
    case 'drain':
      return { atMs, forMs, kind, node };
    case 'ambush': {
      const moment = prng.pick(['ran', 'run', 'forward', 'answer'] as const) ?? 'ran';
      return { atMs, carriedOut: prng.chance(0.5), forMs, kind, moment, node, silent: prng.chance(0.3) };
    }
    case 'add-function':
    case 'remove-function':
      return { atMs, fun: prng.pick(FUNCTIONS) ?? 'echo', kind, node, version: prng.pick(VERSIONS) ?? '1.0.0' };
    default:
      return { atMs, from, kind: 'break', to };
  }
}

function drawAsks(prng: Prng, count: number, faultsMs: number, mood: Mood): ScenarioEvent[] {
  const asks = prng.chance(0.2) ? 0 : prng.between(1, mood.asksMax);
  return Array.from({ length: asks }, (_, i): ScenarioEvent => {
    const impatient = prng.chance(0.15);
    const soon = prng.pick([30, 300, 2_000]) ?? 300;
    const asked = {
      atMs: prng.between(500, faultsMs),
      node: prng.below(count),
      timeoutMs: prng.chance(0.5) ? 0 : lasting(prng),
      ...(impatient && prng.chance(0.7) ? { cancelMs: prng.below(soon) } : {}),
      ...(impatient && prng.chance(0.5) ? { hangUpMs: prng.below(soon) } : {}),
    };
    if (prng.chance(mood.plans)) return { ...asked, kind: 'plan', ...drawPlan(prng, mood.taste) };
    return { ...asked, kind: 'call', ...drawCall(prng, i) };
  });
}

/** How the clients of one run are. */
interface Mood {
  readonly asksMax: number;
  /** The share of plans among what they ask for. */
  readonly plans: number;
  readonly taste: Taste;
}

function drawMood(prng: Prng, { bytesPerMs }: Weather): Mood {
  const stepsMax = prng.pick([6, 20, 60]) ?? 6;
  return {
    asksMax: stepsMax > 20 ? 12 : 40,
    plans: prng.pick([0.1, 0.5, 0.9]) ?? 0.5,
    taste: { bulky: bytesPerMs >= 10_000, stepsMax, trouble: prng.pick([0, 0.5, 2]) ?? 0 },
  };
}

/** Where everybody is told of certain nodes only, these do not stay away for good: nobody could find anybody else. */
function keepSeeds(events: readonly ScenarioEvent[], seeds: readonly number[]): ScenarioEvent[] {
  return events.map((event) => {
    const mayStayAway = (event.kind === 'crash' || event.kind === 'leave') && event.forMs === null;
    return mayStayAway && seeds.includes(event.node) ? { ...event, forMs: 1_000 } : event;
  });
}
