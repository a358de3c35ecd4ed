import { describe, expect, test } from 'vitest';
import { NEVER } from '../../../src/engine/core/base/instant.ts';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { problem } from '../../../src/engine/core/base/problems.ts';
import { Costs } from '../../../src/engine/core/calls/costs.ts';

const HALF_MS = 5_000;

/** Costs of `f` where nothing is in flight but what the test says. */
function costs(inFlight: Record<string, number> = {}) {
  return new Costs((node) => inFlight[node] ?? 0, HALF_MS);
}

const cheaper = (of: Costs, now: number) => ['b', 'tie', 'c'][Math.sign(of.order('f', 'b', 'c', now)) + 1];

describe('of two nodes, the cheaper is', () => {
  test.each<[string, number | undefined, number, number | undefined, number, string]>([
    ['the one with less in flight', 50, 1, 50, 2, 'b'],
    ['neither where both are the same', 50, 2, 50, 2, 'tie'],
    ['neither where they differ by less than twice', 50, 0, 99, 0, 'tie'],
    ['the faster one where they differ by more', 50, 0, 101, 0, 'b'],
    ['neither where they differ by what nobody can measure', 0, 0, 8, 0, 'tie'],
    ['the faster one, though more is in flight there', 10, 8, 100, 0, 'b'],
    ['the slower one, where so much more is in flight there', 10, 10, 100, 0, 'c'],
    ['however slow it was, the idle one where the other has many', 10, 16, 100_000, 0, 'c'],
    ['for want of anything seen, the one with less in flight', undefined, 0, 5, 1, 'b'],
    ['neither where one was never seen', undefined, 3, 90, 3, 'tie'],
  ])('%s', (_, msB, inFlightB, msC, inFlightC, which) => {
    const of = costs({ b: inFlightB, c: inFlightC });
    if (msB !== undefined) of.took('f', 'b', msB, 1_000);
    if (msC !== undefined) of.took('f', 'c', msC, 1_000);
    expect(cheaper(of, 1_000)).toBe(which);
    expect(of.order('g', 'b', 'c', 1_000)).toBe(inFlightB - inFlightC);
  });
});

describe('the latency of a node', () => {
  const after = (...events: readonly (readonly [ms: number, at: number])[]) => {
    const of = costs();
    for (const [ms, at] of events) of.took('f', 'b', ms, at);
    return (now: number) => of.of('f', 'b', now).latencyMs;
  };

  test('is that of its first call, and a peak at once', () => {
    expect(after()(0)).toBeUndefined();
    expect(after([40, 0])(0)).toBe(40);
    expect(after([40, 0], [90, 1])(1)).toBe(90);
  });

  test.each([
    [0, 800],
    [2_500, 563],
    [5_000, 400],
    [10_000, 200],
    [20_000, 50],
    [3_600_000, 0],
  ])('is forgotten by half every five seconds in which nobody asks: %i ms later it is %i of 800', (ms, left) => {
    expect(after([800, 7])(7 + ms)).toBe(left);
  });

  test.each([1, 3, 10, 100, 1_000])('comes down to what it is while calls come every %i ms', (everyMs) => {
    const of = costs();
    of.took('f', 'b', 800, 0);
    for (let now = 0; now <= 5_000; now += everyMs) of.took('f', 'b', 20, now);
    const half = of.of('f', 'b', 5_000).latencyMs as number;
    expect(half).toBeGreaterThan(390);
    expect(half).toBeLessThan(430);
    for (let now = 5_000; now <= 60_000; now += everyMs) of.took('f', 'b', 20, now);
    expect(of.of('f', 'b', 60_000).latencyMs).toBe(20);
  });

  test('is whole inside, and the same again for the same calls', () => {
    const prng = new Prng(4);
    const calls = Array.from({ length: 2_000 }, () => [prng.below(500), prng.below(200)] as const);
    const run = () => {
      const of = costs();
      let now = 0;
      return calls.map(([ms, gap]) => {
        now += gap;
        of.took('f', 'b', ms, now);
        of.took('f', 'c', 77, now);
        const order = of.order('f', 'b', 'c', now);
        expect(Number.isInteger(order)).toBe(true);
        return order;
      });
    };
    expect(run()).toEqual(run());
  });

  test('takes no call for longer than an hour, nor for shorter than nothing', () => {
    expect(after([Number.MAX_SAFE_INTEGER / 512, 0])(0)).toBe(3_600_000);
    expect(after([-5, 0])(0)).toBe(0);
  });
});

describe('of a job, is learnt', () => {
  const job = (fun = 'f') => ({ call: { fun }, givenAt: 100 });
  const known = (of: Costs, fun = 'f') => {
    const { latencyMs, failures } = of.of(fun, 'b', 400);
    return [latencyMs, failures];
  };

  test('how long its node took to say its first word, and not when it said the last', () => {
    const [of, stream] = [costs(), job()];
    of.note(stream, 'b', undefined, 400);
    expect([known(of), stream.givenAt]).toEqual([[300, 0], NEVER]);
    of.note(stream, 'b', undefined, 90_000);
    expect(of.of('f', 'b', 90_000).latencyMs).toBe(0);
  });

  test.each([
    ['that its node failed, and nothing about time', problem('function-failed', 'f threw'), [undefined, 1]],
    ['that its node has too much to do', problem('overloaded', 'b is full'), [undefined, 1]],
    ['nothing where the caller is at fault', problem('input-invalid', 'no such month'), [undefined, 0]],
  ])('%s', (_, why, expected) => {
    const of = costs();
    of.note(job(), 'b', why, 400);
    expect(known(of)).toEqual(expected);
  });

  test('that it would have taken longer, where nobody waited and that is longer than usual', () => {
    const of = costs();
    of.gaveUp(job(), 'b', 400);
    expect(known(of)).toEqual([300, 0]);
    of.gaveUp({ ...job(), givenAt: 390 }, 'b', 400);
    expect(known(of)).toEqual([300, 0]);
    of.gaveUp({ ...job(), givenAt: NEVER }, 'b', 400);
    expect(known(of)).toEqual([300, 0]);
  });

  test('nothing of what nodes do for themselves', () => {
    const of = costs();
    of.note(job('mpreg.info'), 'b', undefined, 400);
    of.gaveUp(job('mpreg.events'), 'b', 400);
    expect([known(of, 'mpreg.info'), known(of, 'mpreg.events')]).toEqual([
      [undefined, 0],
      [undefined, 0],
    ]);
  });
});

test('a failure weighs as one more call in flight, half as much after each second', () => {
  const of = costs();
  for (let i = 0; i < 8; i++) of.failed('f', 'b', 0);
  expect([0, 1_000, 2_000, 3_000, 5_000].map((now) => of.of('f', 'b', now).failures)).toEqual([8, 4, 2, 1, 0]);
  expect(of.order('f', 'b', 'c', 1_000)).toBe(4);
  expect(of.order('g', 'b', 'c', 1_000)).toBe(0);
  for (let i = 0; i < 5_000; i++) of.failed('f', 'b', 9_000);
  expect(of.of('f', 'b', 9_000).failures).toBe(1_024);
});

test('however many functions and nodes there are, the last ten thousand pairs are remembered, and few more', () => {
  const of = costs();
  const knows = (fun: string, node: string) => of.of(fun, node, 0).latencyMs !== undefined;
  for (let i = 0; i < 12_000; i++) of.took(`f${Math.floor(i / 100)}`, `n${i % 100}`, 50, 0);
  expect([knows('f0', 'n5'), knows('f19', 'n5'), knows('f20', 'n5'), knows('f119', 'n99')]).toEqual([
    false,
    false,
    true,
    true,
  ]);
  for (let i = 0; i < 12_000; i++) of.took('one', `n${i}`, 50, 0);
  expect([knows('f119', 'n99'), knows('one', 'n1999'), knows('one', 'n2000'), knows('one', 'n11999')]).toEqual([
    false,
    false,
    true,
    true,
  ]);
});
