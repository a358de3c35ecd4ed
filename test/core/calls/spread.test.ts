/**
 * Where the calls of one node go, in a world of nodes that take so and so long: real `Calls` at the coordinator, a heap
 * of answers for the rest.
 */
import { describe, expect, test } from 'vitest';
import { Heap } from '../../../src/engine/core/base/heap.ts';
import { done } from '../../../src/engine/core/base/outcome.ts';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { problem } from '../../../src/engine/core/base/problems.ts';
import { Calls } from '../../../src/engine/core/calls/calls.ts';
import { DEFAULT_CALLS } from '../../../src/engine/core/calls/options.ts';
import { chiSquare, unlikely } from './evenness.ts';
import { TestPlaces } from './places.ts';
import { plain } from './values.ts';

/** How long a call takes that comes at an instant, and whether it fails. */
type Pace = (prng: Prng, at: number) => { readonly ms: number; readonly fails?: boolean };

const steady =
  (ms: number): Pace =>
  () => ({ ms });
/** Most are short, a few take four times as long. */
const uneven: Pace = (prng) => ({ ms: 5 + Math.floor(-10 * Math.log(1 - prng.below(1_000) / 1_000)) });
const PAYLOAD = plain({ args: [] });

class World {
  readonly counts = new Map<string, number>();
  readonly #nodes: Record<string, Pace>;
  readonly #places = new TestPlaces();
  readonly #calls: Calls;
  readonly #prng: Prng;
  readonly #answers = new Heap<{ readonly at: number; readonly give: () => void }>((a, b) => a.at - b.at);
  #now = 0;
  #open = 0;
  #id = 0;

  constructor(nodes: Record<string, Pace>, seed: number) {
    this.#nodes = { ...nodes };
    for (const id of Object.keys(nodes)) this.#places.offer(id, 'f');
    this.#prng = new Prng(seed);
    this.#calls = new Calls({
      address: () => 'ws://self',
      name: () => 'self',
      options: DEFAULT_CALLS,
      payload: plain,
      places: this.#places,
      prng: this.#prng.fork(),
      self: 'self',
    });
  }

  get now(): number {
    return this.#now;
  }

  add(id: string, pace: Pace): void {
    this.#nodes[id] = pace;
    this.#places.offer(id, 'f');
  }

  /** Keeps so many calls in flight until so many more have begun, and counts those anew. */
  call(times: number, atOnce: number): this {
    this.counts.clear();
    for (const end = this.#id + times; this.#id < end; ) {
      while (this.#open < atOnce && this.#id < end) this.#begin();
      const next = this.#answers.pop();
      this.#now = Math.max(this.#now, next?.at ?? 0);
      next?.give();
      this.#carryOut();
    }
    return this;
  }

  #begin(): void {
    this.#open++;
    const message = { fun: 'f', idempotent: false, kind: 'call', locs: [], payload: PAYLOAD, routed: false } as const;
    this.#calls.request({ link: 1 }, { ...message, id: ++this.#id, timeoutMs: 0 }, this.#now);
    this.#carryOut();
  }

  #carryOut(): void {
    for (const effect of this.#calls.drain()) {
      if (effect.kind === 'answer') this.#open--;
      else if (effect.kind === 'run') this.#give('self', (calls) => calls.ran(effect.task, done(plain(1)), this.#now));
      else if (effect.kind === 'forward') {
        const { id } = effect.message;
        this.#give(effect.to, (calls, fails) =>
          fails
            ? calls.answer(effect.to, { id, kind: 'error', problem: problem('function-failed', 'no') }, this.#now)
            : calls.answer(effect.to, { by: effect.to, id, kind: 'result', payload: plain(1) }, this.#now),
        );
      }
    }
  }

  #give(node: string, answer: (calls: Calls, fails: boolean) => void): void {
    this.counts.set(node, (this.counts.get(node) ?? 0) + 1);
    const { ms, fails = false } = (this.#nodes[node] as Pace)(this.#prng, this.#now);
    this.#answers.push({ at: this.#now + ms, give: () => answer(this.#calls, fails) });
  }
}

const nodes = (count: number, pace: Pace) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`n${i}`, pace] as const));

describe('calls over identical nodes are spread evenly', () => {
  const paces: readonly (readonly [string, Pace])[] = [
    ['take no time', steady(0)],
    ['take 30 ms', steady(30)],
    ['take now 5 ms and now 50', uneven],
  ];
  const cases = paces.flatMap(([what, pace]) =>
    [2, 5, 20].flatMap((count) => [1, 64].map((atOnce) => [count, what, atOnce, pace] as const)),
  );
  test.each(cases)('%i that %s, %i at once', (count, _, atOnce, pace) => {
    for (const seed of [1, 2, 3]) {
      const { counts } = new World(nodes(count, pace), seed).call(500 * count, atOnce);
      expect(chiSquare([...counts.values()], count)).toBeLessThan(unlikely(count - 1));
    }
  });

  test.each([1, 64])('the others, where this node is one of them and has the ties, %i at once', (atOnce) => {
    for (const seed of [1, 2, 3]) {
      const { counts } = new World({ self: steady(3), ...nodes(9, steady(3)) }, seed).call(5_000, atOnce);
      const own = counts.get('self') ?? 0;
      counts.delete('self');
      expect(chiSquare([...counts.values()], 9)).toBeLessThan(unlikely(8));
      expect(own).toBeGreaterThan(450);
      expect(own).toBeLessThan(atOnce === 1 ? 1_100 : 700);
    }
  });
});

describe('a node that is ten times slower than four others', () => {
  test.each([1, 16, 64])('gets far less, %i at once', (atOnce) => {
    const { counts } = new World({ ...nodes(4, steady(10)), slow: steady(100) }, 3).call(5_000, atOnce);
    const slow = counts.get('slow') ?? 0;
    counts.delete('slow');
    expect(slow).toBeGreaterThan(0);
    expect(slow).toBeLessThan(5_000 / 5 / 8);
    expect(chiSquare([...counts.values()], 4)).toBeLessThan(unlikely(3));
  });

  test.each([1, 16])('is tried again, and gets its share once it is as fast as they are, %i at once', (atOnce) => {
    const until = (slowUntil: number): Pace => {
      return (_, at) => ({ ms: at < slowUntil ? 100 : 10 });
    };
    const world = new World({ ...nodes(4, steady(10)), slow: until(20_000) }, 4);
    while (world.now < 20_000) world.call(100, atOnce);
    expect(world.counts.get('slow') ?? 0).toBeLessThan(10);
    while (world.now < 60_000) world.call(100, atOnce);
    const { counts } = world.call(2_500, atOnce);
    expect(chiSquare([...counts.values()], 5)).toBeLessThan(unlikely(4));
  });
});

test.each([1, 64])('a node that becomes slow is left after the first call that shows it, %i at once', (atOnce) => {
  const world = new World({ ...nodes(2, steady(10)), stuck: (_, at) => ({ ms: at < 1_000 ? 10 : 2_000 }) }, 5);
  while (world.now < 1_000) world.call(100, atOnce);
  expect(world.call(1_000, atOnce).counts.get('stuck') ?? 0).toBeLessThan(atOnce === 1 ? 3 : 100);
});

describe('a node that fails at once, among others that take 20 ms', () => {
  const failing: Pace = () => ({ fails: true, ms: 1 });
  test.each([1, 16, 64])('gets less than its share, not more, %i at once', (atOnce) => {
    for (const others of [1, 4]) {
      const world = new World({ ...nodes(others, steady(20)), failing }, 6);
      const { counts } = world.call(2_000, atOnce);
      expect(counts.get('failing') ?? 0).toBeGreaterThan(0);
      expect(counts.get('failing') ?? 0).toBeLessThan(2_000 / (others + 1) / 4);
    }
  });

  test('gets its share soon after it has stopped failing', () => {
    const world = new World({ ...nodes(3, steady(20)), failing: (_, at) => ({ fails: at < 5_000, ms: 20 }) }, 7);
    while (world.now < 15_000) world.call(100, 8);
    const { counts } = world.call(2_000, 8);
    expect(chiSquare([...counts.values()], 4)).toBeLessThan(unlikely(3));
  });
});

test('where all fail now and then, each one still gets about its share', () => {
  const sloppy: Pace = (prng) => ({ fails: prng.chance(0.05), ms: 20 });
  for (const count of new World(nodes(4, sloppy), 8).call(8_000, 8).counts.values()) {
    expect(Math.abs(count - 2_000)).toBeLessThan(200);
  }
});

test('a node that is new is tried, and not by everybody at once', () => {
  const world = new World(nodes(4, steady(20)), 9);
  world.call(1_000, 64);
  world.add('fresh', steady(20));
  expect(world.call(16, 64).counts.get('fresh')).toBeGreaterThan(2);
  const { counts } = world.call(5_000, 64);
  expect(chiSquare([...counts.values()], 5)).toBeLessThan(unlikely(4));
});
