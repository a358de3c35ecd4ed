/** A backlog, a storage that forgets what it is told to, and readers who write down what they get. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NEVER } from '../../../src/engine/core/base/instant.ts';
import {
  Backlog,
  type BacklogLimits,
  type Start,
  type StoredBacklog,
} from '../../../src/engine/core/topics/backlog.ts';
import { Kept } from '../../../src/engine/core/topics/kept.ts';

const LIMITS: BacklogLimits = { ageMaxMs: NEVER, bytesMax: 1_000, countMax: 10, namesMax: 3, readMax: 4 };

/** The host's part. What a reader got: numbers, and gaps as `[from, through]`. */
class Keeper {
  readonly got = new Map<number, (number | readonly [number, number])[]>();
  readonly live = new Set<number>();
  readonly storage = new Map<number, { bytes: number; at: number }>();
  readonly positions = new Map<string, number>();
  /** Reads that nobody has answered yet. */
  readonly reads: { reader: number; from: number; through: number }[] = [];
  readonly appended: { sequence: number; bytes: number; at: number }[] = [];
  readonly replaced: number[] = [];
  backlog: Backlog;
  now = 0;
  stored = 0;

  constructor(limits: Partial<BacklogLimits> = {}) {
    this.backlog = new Backlog({ ...LIMITS, ...limits });
  }

  append(bytes = 10): number {
    const sequence = this.backlog.append(bytes, this.now);
    this.appended.push({ at: this.now, bytes, sequence });
    this.settle();
    return sequence;
  }

  /** All that has come is on disk. */
  persist(): void {
    const last = this.appended.at(-1);
    for (const { sequence, ...row } of this.appended.splice(0)) this.storage.set(sequence, row);
    if (last === undefined) return;
    this.stored = last.sequence;
    this.backlog.persisted(last.sequence, this.now);
    this.settle();
  }

  open(id: number, start: Start): number {
    const opened = this.backlog.open(id, start, this.now);
    if (!opened.ok) throw new Error(opened.problem.message);
    if (!this.got.has(id)) this.got.set(id, []);
    this.settle();
    return opened.value;
  }

  /** Answers the oldest read with up to `count` rows of what is still there. */
  answer(count = 100): boolean {
    const read = this.reads.shift();
    if (read === undefined) return false;
    let { from } = read;
    while (from <= read.through && !this.storage.has(from)) from++;
    const through = from > read.through ? read.through : Math.min(read.through, from + count - 1);
    this.backlog.read(read.reader, from, through, this.now);
    this.settle();
    return true;
  }

  settle(): void {
    for (const effect of this.backlog.drain()) {
      switch (effect.kind) {
        case 'read':
          this.live.delete(effect.reader);
          this.reads.push(effect);
          break;
        case 'deliver':
          this.#hand(effect.reader, effect.from, effect.through);
          break;
        case 'fresh':
          for (const reader of effect.readers) this.#hand(reader, effect.from, effect.through);
          break;
        case 'gap':
          this.got.get(effect.reader)?.push([effect.from, effect.through]);
          break;
        case 'live':
          this.live.add(effect.reader);
          break;
        case 'replaced':
          this.replaced.push(effect.reader);
          break;
        case 'evict':
          for (const sequence of this.storage.keys()) if (sequence < effect.before) this.storage.delete(sequence);
          break;
        case 'position':
          this.positions.set(effect.name, effect.sequence);
          break;
        case 'forget':
          this.positions.delete(effect.name);
      }
    }
  }

  /** As the node's next life finds it. */
  restart(limits: Partial<BacklogLimits> = {}): void {
    this.appended.length = 0;
    this.reads.length = 0;
    this.live.clear();
    const messages = [...this.storage.entries()].sort(([a], [b]) => a - b).map(([, row]) => row);
    const next = this.stored + 1;
    const stored: StoredBacklog = { first: next - messages.length, messages, next, positions: this.positions };
    this.backlog = new Backlog({ ...LIMITS, ...limits }, stored);
  }

  #hand(reader: number, from: number, through: number): void {
    for (let sequence = from; sequence <= through; sequence++) this.got.get(reader)?.push(sequence);
  }
}

function filled(count: number, limits: Partial<BacklogLimits> = {}): Keeper {
  const keeper = new Keeper(limits);
  for (let i = 0; i < count; i++) keeper.append();
  keeper.persist();
  return keeper;
}

describe('kept messages', () => {
  test.each([
    ['by count', { countMax: 4 }, 4],
    ['by bytes', { bytesMax: 39 }, 3],
    ['not at all', { countMax: 0 }, 0],
  ])('are bounded %s', (_, limits, count) => {
    const keeper = filled(9, limits);
    expect(keeper.backlog.counts).toMatchObject({ bytes: 10 * count, count, first: 10 - count, next: 10 });
    expect([...keeper.storage.keys()]).toEqual(Array.from({ length: count }, (_, i) => 10 - count + i));
  });

  test.each([
    ['by count', { countMax: 3 }],
    ['by bytes', { bytesMax: 30 }],
  ])(
    'bounded %s go only for what is durable: where storage refuses what came, they are all still there',
    (_, limits) => {
      const keeper = filled(3, limits);
      keeper.append();
      keeper.append(20);
      expect([...keeper.storage.keys()]).toEqual([1, 2, 3]);
      keeper.appended.length = 0;
      keeper.backlog.refused(keeper.now);
      keeper.settle();
      expect([...keeper.storage.keys()]).toEqual([1, 2, 3]);
      expect(keeper.append()).toBe(4);
      keeper.persist();
      expect([...keeper.storage.keys()]).toEqual([2, 3, 4]);
      expect(keeper.backlog.counts).toMatchObject({ bytes: 30, count: 3, first: 2 });
    },
  );

  test('are bounded by age, at the time that it says', () => {
    const keeper = new Keeper({ ageMaxMs: 100 });
    for (const at of [5, 7, 50]) {
      keeper.now = at;
      keeper.append();
    }
    expect(keeper.backlog.deadline()).toBe(NEVER);
    keeper.persist();
    expect(keeper.backlog.deadline()).toBe(105);
    keeper.backlog.advance(104);
    expect(keeper.backlog.counts.count).toBe(3);
    keeper.backlog.advance(107);
    expect([keeper.backlog.counts.first, keeper.backlog.deadline()]).toEqual([3, 150]);
  });

  test('have numbers that are never used again, though all have gone and the node was started anew', () => {
    const keeper = filled(9, { countMax: 0 });
    keeper.restart();
    expect(keeper.append()).toBe(10);
  });

  test.each([1_000, 1_023, 1_024, 3_071])('from %i on can be taken out again, as if they had never come', (first) => {
    for (const keep of [0, 1, 23, 24, 25, 1_024, 1_100]) {
      const kept = new Kept(first);
      for (let i = 0; i < keep; i++) kept.push(3, i);
      for (let i = 0; i < 1_500; i++) kept.push(100, keep + i);
      kept.truncate(first + keep);
      expect([kept.first, kept.next, kept.count, kept.bytes]).toEqual([first, first + keep, keep, 3 * keep]);
      for (let i = 0; i < 1_100; i++) expect(kept.push(5, keep + i)).toBe(first + keep + i);
      expect([kept.bytes, kept.at(first + keep + 1_099)]).toEqual([3 * keep + 5_500, keep + 1_099]);
      while (kept.count > 0) kept.shift();
      expect(kept.bytes).toBe(0);
    }
  });

  test('can be found by time, across blocks', () => {
    const kept = new Kept(1_000);
    for (let i = 0; i < 5_000; i++) kept.push(i % 7, Math.floor(i / 3));
    for (let i = 0; i < 2_500; i++) kept.shift();
    for (const at of [0, 833, 834, 1_000, 1_666, 9_999]) {
      let naive = kept.first;
      while (naive < kept.next && kept.at(naive) < at) naive++;
      expect(kept.since(at)).toBe(naive);
    }
    let bytes = 0;
    for (let i = 2_500; i < 5_000; i++) bytes += i % 7;
    expect([kept.first, kept.count, kept.bytes]).toEqual([3_500, 2_500, bytes]);
    while (kept.count > 0) kept.shift();
    expect([kept.push(3, 2_000), kept.bytes, kept.at(6_000)]).toEqual([6_000, 3, 2_000]);
  });
});

describe('a reader', () => {
  test.each([
    ['what comes', { kind: 'new' }, 8, []],
    ['a number', { kind: 'from', sequence: 3 }, 3, [3, 4, 5, 6, 7]],
    ['a number that is yet to come', { kind: 'from', sequence: 100 }, 8, []],
    ['the last two', { count: 2, kind: 'last' }, 6, [6, 7]],
    ['more than there are', { count: 99, kind: 'last' }, 1, [1, 2, 3, 4, 5, 6, 7]],
    ['a time', { at: 0, kind: 'since' }, 1, [1, 2, 3, 4, 5, 6, 7]],
    ['a time that is yet to come', { at: 5, kind: 'since' }, 8, []],
  ] as const)('begins with %s', (_, start, next, before) => {
    const keeper = filled(7);
    expect(keeper.open(1, start)).toBe(next);
    while (keeper.answer());
    expect(keeper.live.has(1)).toBe(true);
    keeper.append();
    expect(keeper.got.get(1)).toEqual(before);
    keeper.persist();
    expect(keeper.got.get(1)).toEqual([...before, 8]);
  });

  test('is told of what was gone before it came to it, also while it reads', () => {
    const keeper = filled(14);
    keeper.open(1, { kind: 'from', sequence: 2 });
    expect(keeper.got.get(1)).toEqual([[2, 4]]);
    keeper.append();
    keeper.append();
    keeper.persist();
    keeper.answer();
    expect(keeper.got.get(1)).toEqual([[2, 4], [5, 6], 7, 8]);
  });

  test('that has no room reads again from there, and misses nothing', () => {
    const keeper = filled(2);
    keeper.open(1, { kind: 'new' });
    keeper.append();
    keeper.append();
    keeper.persist();
    keeper.got.get(1)?.pop();
    keeper.backlog.fellBehind(1, 4, 0);
    keeper.settle();
    keeper.append();
    keeper.persist();
    expect(keeper.live.has(1)).toBe(false);
    while (keeper.answer());
    expect([keeper.got.get(1), keeper.live.has(1)]).toEqual([[3, 4, 5], true]);
  });

  test('with a name goes on after the last that it acknowledged, also in the next life of the node', () => {
    const keeper = filled(3);
    expect(keeper.open(1, { kind: 'name', name: 'bill' })).toBe(4);
    for (let i = 0; i < 4; i++) keeper.append();
    keeper.persist();
    expect(keeper.backlog.acknowledge('bill', 5, 0)).toEqual({ ok: true, value: 5 });
    expect(keeper.backlog.acknowledge('bill', 4, 0)).toEqual({ ok: true, value: 5 });
    keeper.settle();
    keeper.restart();
    expect(keeper.open(2, { kind: 'name', name: 'bill' })).toBe(6);
    while (keeper.answer());
    expect(keeper.got.get(2)).toEqual([6, 7]);
  });

  test('takes the place of another of its name, which is told and gets nothing more', () => {
    const keeper = filled(1);
    keeper.open(1, { kind: 'name', name: 'bill' });
    keeper.open(2, { kind: 'name', name: 'bill' });
    keeper.append();
    keeper.persist();
    expect([keeper.replaced, keeper.got.get(1), keeper.got.get(2)]).toEqual([[1], [], [2]]);
  });

  test.each([
    ['a number that it cannot have seen', 'bill', 5, 'input-invalid'],
    ['under a name that nobody has', 'jill', 1, 'input-invalid'],
  ])('cannot acknowledge %s', (_, name, sequence, code) => {
    const keeper = filled(4);
    keeper.open(1, { kind: 'name', name: 'bill' });
    expect(keeper.backlog.acknowledge(name, sequence, 0)).toMatchObject({ ok: false, problem: { code } });
  });

  test('is refused where it reads already, or one name too many would be remembered', () => {
    const keeper = filled(1);
    for (const [i, name] of ['a', 'b', 'c'].entries()) keeper.open(i, { kind: 'name', name });
    const one = keeper.backlog.open(9, { kind: 'name', name: 'd' }, 0);
    expect(one).toMatchObject({ problem: { code: 'overloaded' } });
    expect(keeper.backlog.open(1, { kind: 'new' }, 0)).toMatchObject({ problem: { code: 'exists-already' } });
    expect([keeper.backlog.forget('a', 0), keeper.backlog.forget('a', 0)]).toEqual([true, false]);
    keeper.open(9, { kind: 'name', name: 'd' });
    expect(keeper.backlog.counts).toMatchObject({ names: 3, readers: 4 });
  });

  test('gets each number once and in order, or within a gap that was really gone, whatever happens', () => {
    const step = fc.oneof(
      { arbitrary: fc.record({ bytes: fc.integer({ max: 400, min: 1 }), kind: fc.constant('append') }), weight: 4 },
      { arbitrary: fc.record({ kind: fc.constant('persist') }), weight: 2 },
      { arbitrary: fc.record({ count: fc.integer({ max: 5, min: 1 }), kind: fc.constant('answer') }), weight: 4 },
      { arbitrary: fc.record({ back: fc.nat(5), kind: fc.constant('open') }), weight: 1 },
      { arbitrary: fc.record({ kind: fc.constant('behind'), reader: fc.nat(5) }), weight: 1 },
      { arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.nat(60) }), weight: 1 },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const keeper = new Keeper({ ageMaxMs: 300, countMax: 8 });
        const starts: number[] = [];
        for (const one of steps) play(keeper, starts, one);
        keeper.append();
        keeper.persist();
        while (keeper.answer());
        const { next, count, bytes } = keeper.backlog.counts;
        expect([count <= 8, bytes <= 1_000, keeper.storage.size]).toEqual([true, true, count]);
        for (const [reader, start] of starts.entries()) {
          const line = (keeper.got.get(reader) ?? []).flatMap((one) =>
            typeof one === 'number' ? [one] : Array.from({ length: one[1] - one[0] + 1 }, (_, i) => one[0] + i),
          );
          expect(line).toEqual(Array.from({ length: next - start }, (_, i) => start + i));
          expect(keeper.live.has(reader)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});

type Step = Partial<Record<'bytes' | 'count' | 'back' | 'reader' | 'ms', number>> & { readonly kind: string };

function play(keeper: Keeper, starts: number[], { kind, bytes, count, back, reader = 0, ms = 0 }: Step): void {
  if (kind === 'append') keeper.append(bytes);
  if (kind === 'persist') keeper.persist();
  if (kind === 'answer') keeper.answer(count);
  if (kind === 'open' && starts.length < 4) {
    const from = keeper.backlog.counts.durable - (back ?? 0);
    starts.push(keeper.open(starts.length, { kind: 'from', sequence: from }));
  }
  if (kind === 'behind' && keeper.live.has(reader)) {
    const last = keeper.got.get(reader)?.at(-1);
    if (typeof last !== 'number') return;
    keeper.got.get(reader)?.pop();
    keeper.backlog.fellBehind(reader, last, keeper.now);
  }
  if (kind === 'wait') {
    keeper.now += ms;
    keeper.backlog.advance(keeper.now);
  }
  keeper.settle();
}
