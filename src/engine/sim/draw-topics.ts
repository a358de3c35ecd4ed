/**
 * Draws what clients of one run publish and listen to. Few words, so that much matches and much nearly does; patterns are
 * made from the topics that are published, by putting wildcards in.
 *
 * What it refuses to draw: topics or patterns that nobody may use, and more bytes than the lines of the run carry.
 */
import type { Prng } from '../core/base/prng.ts';
import type { SlowPolicy } from '../core/topics/outbox.ts';
import { lasting } from './draw-plans.ts';
import type { Weather } from './network.ts';
import type { ByClient, PublishEvent, ReadEvent, ScenarioEvent, SubscribeEvent, SubscribeTerms } from './scenario.ts';

/** How one run's clients are. */
export interface TopicsTaste {
  readonly words: readonly string[];
  readonly topics: readonly string[];
  readonly clients: number;
  /** Things that clients begin to listen to, and bursts of messages. */
  readonly subscriptions: number;
  readonly bursts: number;
  readonly messagesMax: number;
  /** The share of subscriptions that are slow, that are in a group, that do not stay. */
  readonly slow: number;
  readonly grouped: number;
  readonly restless: number;
  /** What a message may weigh. */
  readonly bytes: readonly number[];
  readonly fullBytes: number;
  /** What is kept. */
  readonly keeps: readonly string[];
  readonly nodeMessagesMax: number | undefined;
}

const WORDS = ['a', 'b', 'c', 'order', 'eu'];
const POLICIES: readonly (SlowPolicy | undefined)[] = [
  undefined,
  'drop-oldest',
  'drop-newest',
  'disconnect',
  'block',
  'block',
];

export function topicsTaste(prng: Prng, { bytesPerMs }: Weather): TopicsTaste {
  const words = prng.sample(WORDS, prng.between(2, 4));
  const topics = Array.from({ length: prng.between(1, 5) }, () => drawTopic(prng, words));
  const roomy = bytesPerMs >= 10_000;
  const slow = prng.pick([0, 0.4, 0.9]) ?? 0;
  return {
    bursts: prng.between(1, prng.pick([3, 12]) ?? 3),
    bytes: prng.pick<readonly number[]>(roomy ? [[0], [0, 2_000], [0, 50_000], [400_000]] : [[0], [0, 300]]) ?? [0],
    clients: prng.between(2, 8),
    // Why so few: what a client is slow with must be more than its link takes.
    fullBytes: prng.pick(slow > 0 ? [150, 600, 4_000] : [600, 4_000, 1024 * 1024]) ?? 4_000,
    keeps: prng.chance(0.5) ? drawKeeps(prng, topics) : [],
    grouped: prng.pick([0, 0.3, 0.8]) ?? 0,
    messagesMax: prng.pick([3, 15, 40]) ?? 3,
    nodeMessagesMax: prng.pick([undefined, 2, 20]),
    restless: prng.pick([0, 0.3, 0.9]) ?? 0,
    slow,
    subscriptions: prng.between(1, 12),
    topics: [...new Set(topics)],
    words,
  };
}

export function drawTopics(prng: Prng, taste: TopicsTaste, nodes: number, faultsMs: number): ScenarioEvent[] {
  const clients = Array.from({ length: taste.clients }, (_, client): ByClient => {
    const node = prng.below(nodes);
    return { client, from: prng.chance(0.7) ? node : prng.below(nodes), node };
  });
  const someone = () => prng.pick(clients) ?? { client: 0, from: 0, node: 0 };
  return [
    ...Array.from({ length: taste.subscriptions }, () => drawSubscribe(prng, taste, someone(), faultsMs)),
    ...Array.from({ length: taste.bursts }, () => drawPublish(prng, taste, someone(), faultsMs)),
    ...taste.keeps.flatMap((pattern) => drawKept(prng, pattern, taste, { faultsMs, nodes, someone })),
  ];
}

/** Patterns to be kept: of one topic, or of all. */
function drawKeeps(prng: Prng, topics: readonly string[]): readonly string[] {
  const keeps = Array.from({ length: prng.between(1, 2) }, () => (prng.chance(0.4) ? '#' : (prng.pick(topics) ?? '#')));
  return [...new Set(keeps)];
}

interface Stage {
  readonly faultsMs: number;
  readonly nodes: number;
  readonly someone: () => ByClient;
}

/** A keep with its readers, now and then on a second node as well, or on a disk that is full for a while. */
function drawKept(prng: Prng, pattern: string, taste: TopicsTaste, stage: Stage): ScenarioEvent[] {
  const { faultsMs, nodes, someone } = stage;
  const keep = (atMs: number): ScenarioEvent => ({
    atMs,
    kind: 'keep',
    node: prng.below(nodes),
    pattern,
    ...(prng.chance(0.2) ? { memory: true } : {}),
    ...(prng.chance(0.5) ? { countMax: prng.pick([1, 5, 30]) ?? 5 } : {}),
  });
  const first = keep(prng.between(2_000, 6_000));
  const events = prng.chance(0.2) ? [first, keep(prng.below(faultsMs))] : [first];
  if (prng.chance(0.2) && first.kind === 'keep') {
    events.push({ atMs: prng.below(faultsMs), forMs: lasting(prng), kind: 'full-disk', node: first.node });
  }
  for (let i = prng.between(1, 4); i > 0; i--) events.push(drawRead(prng, pattern, taste, someone(), faultsMs));
  return events;
}

function drawRead(prng: Prng, keep: string, taste: TopicsTaste, where: ByClient, faultsMs: number): ReadEvent {
  const patterns = keep === '#' && prng.chance(0.5) ? [drawPattern(prng, taste)] : [keep];
  const start = prng.pick<ReadEvent['start']>([
    {},
    { last: prng.pick([1, 1_000]) ?? 1 },
    { from: 1 },
    { ageMs: lasting(prng) },
  ]);
  return {
    ...where,
    atMs: prng.chance(0.5) ? prng.between(2_000, 8_000) : prng.below(faultsMs),
    forMs: prng.chance(taste.restless) ? lasting(prng) : null,
    kind: 'read',
    patterns,
    start: start ?? {},
    takeMs: prng.chance(taste.slow) ? (prng.pick([5, 60, 400]) ?? 5) : 0,
    ...(prng.chance(0.5) ? { durable: prng.pick(['ann', 'bob', 'cid']) ?? 'ann' } : {}),
    ...(prng.chance(0.4) ? { paced: true } : {}),
    ...(prng.chance(0.5) ? { forgets: true } : {}),
  };
}

function drawSubscribe(prng: Prng, taste: TopicsTaste, where: ByClient, faultsMs: number): SubscribeEvent {
  const isSlow = prng.chance(taste.slow);
  const policy = prng.pick(POLICIES);
  const patterns = Array.from({ length: prng.chance(0.7) ? 1 : prng.between(2, 4) }, () => drawPattern(prng, taste));
  return {
    ...where,
    // Why mostly early: a subscription that misses all messages tells little.
    atMs: prng.chance(0.7) ? prng.between(500, 8_000) : prng.below(faultsMs),
    forMs: prng.chance(taste.restless) ? lasting(prng) : null,
    kind: 'subscribe',
    patterns,
    takeMs: isSlow ? (prng.pick([5, 60, 400, 2_000]) ?? 5) : 0,
    ...drawMember(prng, taste),
    ...(prng.chance(0.4) ? { everywhere: true } : {}),
    ...(policy === undefined ? {} : { policy }),
    ...(isSlow || prng.chance(0.5) ? { messagesMax: prng.pick([1, 3, 15]) ?? 1 } : {}),
    ...(prng.chance(0.1) ? { bytesMax: prng.pick([300, 3_000]) ?? 300 } : {}),
    ...(prng.chance(isSlow ? 0.2 : 0.5) ? { paced: true } : {}),
    ...(prng.chance(0.3) ? { hangsUp: true } : {}),
  };
}

/** The groups g and h take what comes, the members of w acknowledge. */
function drawMember(prng: Prng, { grouped }: TopicsTaste): Partial<SubscribeTerms> {
  if (!prng.chance(grouped)) return {};
  const group = prng.pick(['g', 'h', 'w']) ?? 'g';
  if (group !== 'w') return { group };
  return { group, window: prng.pick([1, 2, 20]) ?? 1, ...(prng.chance(0.3) ? { refuses: 3 } : {}) };
}

function drawPublish(prng: Prng, taste: TopicsTaste, where: ByClient, faultsMs: number): PublishEvent {
  return {
    ...where,
    atMs: prng.between(1_000, faultsMs),
    bytes: prng.pick(taste.bytes) ?? 0,
    confirm: prng.chance(0.5),
    count: prng.between(1, taste.messagesMax),
    everyMs: prng.pick([0, 0, 3, 100]) ?? 0,
    kind: 'publish',
    named: prng.chance(0.5),
    topic: prng.pick(taste.topics) ?? 'a',
    ...(prng.chance(0.2) ? { key: prng.pick(['x', 'y']) ?? 'x' } : {}),
  };
}

function drawTopic(prng: Prng, words: readonly string[]): string {
  return Array.from({ length: prng.between(1, 4) }, () => prng.pick(words) ?? 'a').join('.');
}

/** A topic with wildcards in it, now and then one that fits nothing. */
function drawPattern(prng: Prng, { topics, words }: TopicsTaste): string {
  const topic = prng.chance(0.8) ? (prng.pick(topics) ?? 'a') : drawTopic(prng, words);
  const segments = topic.split('.').flatMap((segment) => {
    switch (prng.below(10)) {
      case 0:
      case 1:
        return ['*'];
      case 2:
        return ['#'];
      case 3:
        return ['#', segment];
      case 4:
        return [segment, '#'];
      default:
        return [segment];
    }
  });
  return segments.join('.');
}
