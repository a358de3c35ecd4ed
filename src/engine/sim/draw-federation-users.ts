/**
 * Draws what else clients and operators do in a federation: they use queues of other clusters, listen in groups, and change what
 * clusters let each other use. Why by a generator of its own: all else of a federation is drawn as it was.
 *
 * Of one queue name there are one or two queues, each in a cluster of its own; who uses it from afar is in any cluster.
 */
import { hash32 } from '../core/base/hash.ts';
import { Prng } from '../core/base/prng.ts';
import type { PolicyRule } from '../core/federation/options.ts';
import type { Kind } from '../core/queues/options.ts';
import type { ScenarioEvent, ScenarioNode, SubscribeEvent } from './scenario.ts';

const QUEUES_SHARE = 0.6;
const GROUPS_SHARE = 0.5;
const POLICIES_SHARE = 0.6;

/** The events, with what else is done; `faultsMs`: until then. */
export function withUsers(
  seed: number,
  nodes: readonly ScenarioNode[],
  events: readonly ScenarioEvent[],
  faultsMs: number,
): readonly ScenarioEvent[] {
  const prng = new Prng(hash32('users of a federation', seed));
  const grouped = prng.chance(GROUPS_SHARE) ? drawGroups(prng.fork(), events) : events;
  const queues = prng.chance(QUEUES_SHARE) ? drawQueues(prng.fork(), nodes, faultsMs) : [];
  const topics = [...new Set(events.flatMap((event) => (event.kind === 'publish' ? [event.topic] : [])))];
  const policies = prng.chance(POLICIES_SHARE) ? drawPolicies(prng.fork(), nodes, topics, faultsMs) : [];
  return [...grouped, ...queues, ...policies];
}

/** Groups of members in several clusters, some of whom acknowledge. */
function drawGroups(prng: Prng, events: readonly ScenarioEvent[]): readonly ScenarioEvent[] {
  const share = prng.pick([0.4, 0.9]) ?? 0.4;
  return events.map((event): ScenarioEvent => {
    if (event.kind !== 'subscribe' || !prng.chance(share)) return event;
    const group = prng.pick(['g', 'h', 'w']) ?? 'g';
    const member: SubscribeEvent = { ...event, group };
    if (group !== 'w') return member;
    return { ...member, window: prng.pick([1, 2, 20]) ?? 1, ...(prng.chance(0.3) ? { refuses: 3 } : {}) };
  });
}

function drawQueues(prng: Prng, nodes: readonly ScenarioNode[], faultsMs: number): readonly ScenarioEvent[] {
  const clusters = clustersOf(nodes);
  const of: Kind = prng.pick(['standard', 'fifo', 'priority'] as const) ?? 'standard';
  const options = {
    kind: of,
    leaseWriteMs: prng.pick([0, 200]) ?? 0,
    maxReceives: prng.pick([null, 3]) ?? null,
    retry: { baseMs: 100, factor: 2, jitter: 0.5, maxMs: 2_000 },
    visibilityMs: prng.pick([1_000, 3_000]) ?? 1_000,
  };
  const everyMs = prng.pick([400, 2_000]) ?? 400;
  const refusing = prng.pick([0, 0, 0.05]) ?? 0;
  const owners = prng.sample(clusters, prng.between(1, 2));
  const users = prng.sample([...nodes.keys()], prng.between(1, 4));
  return [
    ...owners.map((cluster): ScenarioEvent => {
      const node = nodes.findIndex((one) => one.cluster === cluster) + (prng.chance(0.5) ? 1 : 0);
      const terms = { everyMs, options, refusing, seed: prng.next() };
      return { atMs: prng.between(500, 4_000), kind: 'queue', node: Math.min(node, nodes.length - 1), ...terms };
    }),
    ...users.map((node): ScenarioEvent => {
      const atMs = prng.between(1_000, faultsMs / 2);
      return { atMs, everyMs: prng.pick([100, 600]) ?? 600, kind: 'far-queue', node, of, seed: prng.next() };
    }),
  ];
}

function drawPolicies(
  prng: Prng,
  nodes: readonly ScenarioNode[],
  topics: readonly string[],
  faultsMs: number,
): readonly ScenarioEvent[] {
  const clusters = clustersOf(nodes);
  const regions = [...new Set(nodes.flatMap(({ region }) => region ?? []))];
  const scene = { clusters, regions, topics };
  return Array.from({ length: prng.between(1, 5) }, (_, i): ScenarioEvent => {
    const exports = prng.chance(0.6) ? drawRules(prng, scene) : undefined;
    const imports = prng.chance(exports === undefined ? 0.7 : 0.3) ? drawRules(prng, scene) : undefined;
    return {
      // Why some at the very beginning: then hubs meet that already have rules.
      atMs: i === 0 && prng.chance(0.3) ? 0 : prng.between(1_000, faultsMs - 1_000),
      cluster: prng.pick(clusters) ?? '',
      kind: 'policy',
      ...(exports && { exports }),
      ...(imports && { imports }),
    };
  });
}

interface Scene {
  readonly clusters: readonly string[];
  readonly regions: readonly string[];
  readonly topics: readonly string[];
}

/** Of all that could be named, some; the last rule is often for all others. */
function drawRules(prng: Prng, { clusters, regions, topics }: Scene): readonly PolicyRule[] {
  const rules = Array.from({ length: prng.between(0, 2) }, (): PolicyRule => {
    const named = prng.chance(0.3)
      ? prng.sample(regions, 1).map((one) => `region:${one}`)
      : prng.sample(clusters, prng.between(1, 2));
    return { clusters: named, ...drawNames(prng, clusters, topics, 0.5) };
  });
  return prng.chance(0.7) ? [...rules, { clusters: ['*'], ...drawNames(prng, clusters, topics, 0.8) }] : rules;
}

function drawNames(
  prng: Prng,
  clusters: readonly string[],
  topics: readonly string[],
  generous: number,
): Omit<PolicyRule, 'clusters'> {
  const own = [`of-${prng.pick(clusters) ?? ''}`, 'echo', 'sleep'];
  const functions = prng.chance(generous) ? ['*'] : prng.chance(0.5) ? ['of-*'] : prng.sample(own, 2);
  return {
    ...(prng.chance(0.8) ? { functions } : {}),
    ...(prng.chance(generous) ? { queues: [prng.pick(['*', 'jobs']) ?? '*'] } : {}),
    ...(prng.chance(0.8) ? { topics: prng.chance(generous) ? ['#'] : prng.sample(topics, 1) } : {}),
  };
}

function clustersOf(nodes: readonly ScenarioNode[]): readonly string[] {
  return [...new Set(nodes.map(({ cluster = '' }) => cluster))];
}
