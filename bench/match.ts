/**
 * How long it takes to find who gets a topic: mpreg's trie alone, its routes kept ready, and qlobber, the matcher of this
 * kind that JavaScript brokers use (AMQP's `*` and `#`).
 *
 *   node bench/match.ts [--json] [patterns …]      default: 1 1000 10000 100000; 1000000 takes a minute and 1 GiB
 *
 * Patterns and topics come from one seed: tenants with services and events, a seventh of them with wildcards in front. The
 * sides take turns, and each must find as many subscriptions as the others. Reported are medians over the turns, of the
 * thread's processor time, so that a busy machine counts for less; the
 * longest single `add` and `remove`, with whatever the collector does meanwhile; and the heap taken by the patterns alone.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Qlobber } from 'qlobber';
import { Prng } from '../src/engine/core/base/prng.ts';
import { Exchange } from '../src/engine/core/topics/exchange.ts';
import { DEFAULT_TOPICS } from '../src/engine/core/topics/options.ts';
import { parsePattern } from '../src/engine/core/topics/pattern.ts';
import { Trie } from '../src/engine/core/topics/trie.ts';

const TOPICS = 2_000;
const TURNS = 7;
/** Of one side in one turn. */
const TURN_MS = 200;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** One way to find subscriptions. `match` says how many there are for a topic. */
interface Side {
  readonly name: string;
  add(pattern: string, value: number): void;
  remove(pattern: string, value: number): void;
  match(topic: string): number;
}

function trieSide(): Side {
  const trie = new Trie<number>();
  const parse = (text: string) => {
    const parsed = parsePattern(text);
    if (!parsed.ok) throw new Error(parsed.problem.message);
    return parsed.value;
  };
  return {
    add: (pattern, value) => void trie.add(parse(pattern), value),
    match: (topic) => trie.match(topic.split('.')).length,
    name: 'mpreg, trie',
    remove: (pattern, value) => void trie.remove(parse(pattern), value),
  };
}

function qlobberSide(): Side {
  const qlobber = new Qlobber();
  return {
    add: (pattern, value) => void qlobber.add(pattern, value),
    match: (topic) => qlobber.match(topic).length,
    name: 'qlobber',
    remove: (pattern, value) => void qlobber.remove(pattern, value),
  };
}

/** What the host asks for each message: the route of a topic that is kept ready. */
function routeSide(): Side {
  const exchange = new Exchange<never>('a', 1, DEFAULT_TOPICS);
  const ids = new Map<number, number>();
  const limits = { bytesMax: 1, messagesMax: 1, policy: 'drop-oldest' } as const;
  return {
    add(pattern, value) {
      const made = exchange.subscribe({ limits, patterns: [pattern] }, 0);
      if (!made.ok) throw new Error(made.problem.message);
      ids.set(value, made.value.id);
    },
    match(topic) {
      const route = exchange.route(topic);
      return route.ok ? route.value.local.length : 0;
    },
    name: 'mpreg, route kept ready',
    remove: (_, value) => void exchange.unsubscribe(ids.get(value) ?? 0, 0),
  };
}

function patternsOf(count: number): string[] {
  const prng = new Prng(7);
  const tenants = Math.ceil(count / 10);
  return Array.from({ length: count }, (_, i) => {
    const tenant = `tenant.${prng.below(tenants)}`;
    const service = `service-${prng.below(20)}`;
    const event = `event-${prng.below(10)}`;
    const kind = prng.below(20);
    if (kind < 9) return `${tenant}.${service}.${event}`;
    if (kind < 14) return `${tenant}.${service}.*`;
    if (kind < 17) return `${tenant}.#`;
    // Why: wildcards in front concern everybody; with more patterns there are not more of them for each topic.
    if (i > 2_000) return `${tenant}.*.${event}`;
    return kind < 19 ? `tenant.*.${service}.${event}` : `#.${service}.${event}`;
  });
}

function topicsOf(count: number): string[] {
  const prng = new Prng(11);
  const tenants = Math.ceil(count / 10);
  return Array.from(
    { length: TOPICS },
    () => `tenant.${prng.below(tenants)}.service-${prng.below(20)}.event-${prng.below(10)}`,
  );
}

function heap(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

/** Adds all; the heap that it takes, and the longest single one in microseconds. */
function fill(side: Side, patterns: readonly string[]): { bytes: number; longestUs: number } {
  const before = heap();
  const longestUs = longest(patterns, (pattern, i) => side.add(pattern, i));
  return { bytes: (heap() - before) / patterns.length, longestUs };
}

function longest(patterns: readonly string[], work: (pattern: string, i: number) => void): number {
  let most = 0;
  for (const [i, pattern] of patterns.entries()) {
    const from = process.threadCpuUsage();
    work(pattern, i);
    const { user, system } = process.threadCpuUsage(from);
    most = Math.max(most, user + system);
  }
  return most;
}

/** Matches for a while. Nanoseconds for each, and how many subscriptions were found per topic. */
function turn(side: Side, topics: readonly string[]): { ns: number; found: number } {
  let found = 0;
  let rounds = 0;
  const from = performance.now();
  const cpu = process.threadCpuUsage();
  for (; performance.now() - from < TURN_MS; rounds++) for (const topic of topics) found += side.match(topic);
  const { user, system } = process.threadCpuUsage(cpu);
  const matches = rounds * topics.length;
  return { found: found / matches, ns: ((user + system) * 1e3) / matches };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function measure(count: number): Record<string, string | number>[] {
  const patterns = patternsOf(count);
  const topics = topicsOf(count);
  const sides = [trieSide(), qlobberSide(), routeSide()];
  const filled = sides.map((side) => fill(side, patterns));
  const times = sides.map((): number[] => []);
  const found = new Set<number>();
  for (let round = 0; round < TURNS; round++) {
    for (let i = 0; i < sides.length; i++) {
      const at = (i + round) % sides.length;
      const one = turn(sides[at] as Side, topics);
      times[at]?.push(one.ns);
      found.add(one.found);
    }
  }
  if (found.size !== 1) throw new Error(`the sides do not agree: ${[...found].join(', ')} found per topic`);
  const first = median(times[0] ?? []);
  return sides.map((side, i) => {
    const ns = median(times[i] ?? []);
    return {
      patterns: count,
      side: side.name,
      found: Number([...found][0]?.toFixed(1)),
      nsPerMatch: Math.round(ns),
      ratio: Number((ns / first).toFixed(2)),
      bytesPerPattern: Math.round(filled[i]?.bytes ?? 0),
      longestAddUs: Math.round(filled[i]?.longestUs ?? 0),
      longestRemoveUs: Math.round(longest(patterns, (pattern, at) => side.remove(pattern, at))),
    };
  });
}

const counts = process.argv
  .slice(2)
  .filter((word) => word !== '--json')
  .map(Number);
const rows = (counts.length === 0 ? [1, 1_000, 10_000, 100_000] : counts).flatMap(measure);
if (process.argv.includes('--json')) console.log(JSON.stringify(rows));
else console.table(rows);
