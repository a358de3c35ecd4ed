/** One keep, on a disk that answers, waits or refuses as it is told, with readers that have room or not. */
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/engine/core/base/outcome.ts';
import { type Problem, problem } from '../../src/engine/core/base/problems.ts';
import type { Message } from '../../src/engine/core/node/inputs.ts';
import { WINDOW_BYTES } from '../../src/engine/core/topics/messages.ts';
import { Delivery } from '../../src/engine/flow/delivery.ts';
import { FlowLink } from '../../src/engine/flow/flow-link.ts';
import { KeptCounters, KeptTopics } from '../../src/engine/flow/kept-topics.ts';
import type { LogBatch, LogRow, MessageLog } from '../../src/engine/flow/message-log.ts';
import { payloadOf } from '../../src/engine/wire/payload.ts';

/** Nothing happens by itself: `answer` answers what was asked first. */
class Disk implements MessageLog {
  readonly stored: LogRow[] = [];
  readonly batches: LogBatch[] = [];
  readonly asked: ((refused?: Problem) => void)[] = [];

  define(): void {}
  remove(): void {}

  commit(_: string, batch: LogBatch, then: (refused: Problem | undefined) => void): void {
    this.batches.push(batch);
    this.asked.push((refused) => {
      if (refused === undefined) this.stored.push(...batch.rows);
      then(refused);
    });
  }

  read(_: string, from: number, through: number, _max: number, then: (rows: Outcome<readonly LogRow[]>) => void): void {
    this.asked.push(() => {
      then({ ok: true, value: this.stored.filter(({ sequence }) => sequence >= from && sequence <= through) });
    });
  }

  answer(refused?: Problem): boolean {
    const first = this.asked.shift();
    first?.(refused);
    return first !== undefined;
  }

  settle(): void {
    while (this.answer());
  }
}

const KEEP = { bytesMax: 1_000_000_000, countMax: 10_000, id: 'k', pattern: 'order.#' };

class World {
  readonly disk = new Disk();
  readonly sent: Message[] = [];
  readonly later: (() => void)[] = [];
  readonly answers: string[] = [];
  now = 1_000;
  full = false;
  readonly counters = new KeptCounters();
  readonly link = new FlowLink(1, { name: 'reader', role: 'client' }, this.wire());
  readonly parts = {
    counters: this.counters,
    later: (_: number, then: () => void) => void this.later.push(then),
    log: this.disk,
    told: () => undefined,
    wallClock: () => this.now,
  };
  readonly keep = new KeptTopics(KEEP, undefined, this.parts);

  wire() {
    const world = this;
    return {
      get isFull() {
        return world.full;
      },
      hold: () => undefined,
      release: () => undefined,
      send: (message: Message) => {
        this.sent.push(message);
        return undefined;
      },
    };
  }

  offer(name: string, bytes = 10): void {
    const delivery = new Delivery('order.eu', 'ann', 1, this.now, undefined, payloadOf('x'.repeat(bytes)), {});
    this.keep.offer(delivery, (sequence, why) => this.answers.push(`${name} ${why?.code ?? sequence}`));
  }

  read(from: number) {
    const wants = undefined;
    const about = {
      client: 'c',
      durable: undefined,
      id: 7,
      link: this.link,
      paced: true,
      patterns: ['order.#'],
      wants,
    };
    const opened = this.keep.read({ kind: 'from', sequence: from }, about);
    if (!opened.ok) throw new Error(opened.problem.message);
    return opened.value;
  }

  get got(): number[] {
    return this.sent.flatMap((message) => (message.kind === 'kept' ? [message.sequence] : []));
  }
}

describe('a keep', () => {
  test('answers when it is durable, one commit at a time, in order', () => {
    const world = new World();
    world.offer('a');
    for (const name of ['b', 'c']) world.offer(name);
    expect([world.disk.batches.map(({ rows }) => rows.length), world.answers]).toEqual([[1], []]);
    world.disk.answer();
    expect([world.disk.batches.map(({ rows }) => rows.length), world.answers]).toEqual([[1, 2], ['a 1']]);
    world.disk.answer();
    expect(world.answers).toEqual(['a 1', 'b 2', 'c 3']);
  });

  test('refuses what the disk refuses, gives its number out again, and goes on when there is room', () => {
    const world = new World();
    const full = problem('store-failed', 'the disk is full');
    world.read(1);
    world.offer('a');
    world.disk.answer();
    for (const name of ['b', 'c', 'd']) world.offer(name);
    world.disk.answer(full);
    world.disk.answer(full);
    world.offer('e');
    world.disk.answer();
    expect(world.answers).toEqual(['a 1', 'b store-failed', 'c store-failed', 'd store-failed', 'e 2']);
    expect(world.got).toEqual([1, 2]);
    expect([world.counters.stored, world.counters.unstored]).toEqual([2, 3]);
  });

  test('notes later what the disk would not note now: how far names are, and what is to go', () => {
    const world = new World();
    world.keep.redefine({ ...world.keep.definition, countMax: 1 });
    world.offer('a');
    world.offer('b');
    world.disk.settle();
    const opened = world.keep.read(
      { first: { kind: 'from', sequence: 2 }, kind: 'name', name: 'books' },
      { client: 'c', durable: 'books', id: 8, link: world.link, paced: true, patterns: ['order.#'], wants: undefined },
    );
    world.disk.settle();
    if (opened.ok) world.keep.acknowledge(opened.value, 2);
    world.disk.answer(problem('store-failed', 'the disk is full'));
    expect(world.disk.asked).toHaveLength(0);
    expect(world.later).toHaveLength(1);
    for (const wake of world.later.splice(0)) wake();
    world.disk.settle();
    expect(world.disk.batches.at(-1)).toMatchObject({ positions: new Map([['books', 2]]) });
  });

  test('lets go of what is too old, also when nothing comes any more, and also what it found when it began', () => {
    const world = new World();
    world.keep.redefine({ ...KEEP, ageMaxMs: 60_000 });
    world.offer('a');
    world.disk.settle();
    expect(world.later).toHaveLength(1);
    world.now += 60_000;
    world.later.shift()?.();
    expect([world.disk.batches.at(-1), world.keep.counts.count]).toMatchObject([{ evict: 2 }, 0]);
    const found = { first: 5, messages: [{ at: world.now, bytes: 300 }], next: 6, positions: new Map() };
    const again = new KeptTopics({ ...KEEP, ageMaxMs: 60_000 }, found, world.parts);
    expect([again.counts.count, world.later.length]).toEqual([1, 1]);
    again.redefine({ ...KEEP, ageMaxMs: 30_000 });
    expect(world.later).toHaveLength(2);
    world.now += 30_000;
    for (const wake of world.later.splice(0)) wake();
    expect(again.counts).toMatchObject({ count: 0, first: 6, next: 6 });
    expect(world.later).toHaveLength(0);
  });

  test('refuses more than may wait for the disk', () => {
    const world = new World();
    for (let i = 0; i < 20; i++) world.offer(`${i}`, 5_000_000);
    expect(world.answers.filter((answer) => answer.endsWith('overloaded')).length).toBeGreaterThan(5);
    world.disk.settle();
    expect(world.answers.filter((answer) => /^\d+ \d+$/.test(answer)).length).toBe(world.disk.stored.length);
    world.offer('last');
    world.disk.settle();
    expect(world.answers.at(-1)).toBe(`last ${world.disk.stored.length}`);
  });

  test('ends with its readers told, and what waits refused', () => {
    const world = new World();
    world.read(1);
    world.offer('a');
    world.offer('b');
    world.keep.end();
    world.disk.settle();
    expect(world.answers.sort()).toEqual(['a 1', 'b keep-unknown']);
    expect(world.sent.at(-1)).toMatchObject({ id: 7, kind: 'reading', problem: { code: 'keep-unknown' } });
    world.offer('c');
    expect(world.answers.at(-1)).toBe('c keep-unknown');
  });
});

describe('a reader', () => {
  test('gets a window and no more, until it says what it has taken; then the rest, in order and once', () => {
    const world = new World();
    const reader = world.read(1);
    const size = 500_000;
    for (let i = 0; i < 30; i++) world.offer(`${i}`, size);
    world.disk.settle();
    const first = world.got.length;
    expect(first).toBeLessThanOrEqual(Math.ceil(WINDOW_BYTES / size) + 1);
    for (let i = 0; i < 12; i++) world.offer(`more ${i}`, size);
    world.disk.settle();
    expect(world.got).toHaveLength(first);
    while (world.got.length < 42) {
      reader.taken(WINDOW_BYTES);
      world.disk.settle();
    }
    expect(world.got).toEqual(Array.from({ length: 42 }, (_, i) => i + 1));
  });

  test('whose link is full reads when it has room again, and what has gone meanwhile is told', () => {
    const world = new World();
    world.keep.redefine({ ...world.keep.definition, countMax: 3 });
    world.read(1);
    world.offer('a');
    world.disk.settle();
    world.full = true;
    for (const name of ['b', 'c', 'd', 'e', 'f']) world.offer(name);
    world.disk.settle();
    expect(world.got).toEqual([1]);
    world.full = false;
    world.link.drained();
    world.disk.settle();
    expect(world.got[0]).toBe(1);
    const told = world.sent.flatMap((message) => (message.kind === 'kept' ? [message.missed ?? 0] : []));
    expect(world.got.length + told.reduce((a, b) => a + b)).toBe(6);
    expect(world.got.at(-1)).toBe(6);
  });
});
