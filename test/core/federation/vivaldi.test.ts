import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import type { Position } from '../../../src/engine/core/federation/records.ts';
import { DEFAULT_VIVALDI, distanceMs, isPosition, Vivaldi } from '../../../src/engine/core/federation/vivaldi.ts';
import { median, PAIRS, REGIONS, rttMs } from './regions.ts';

interface Weather {
  readonly seed: number;
  /** Measurements that each hub makes. */
  readonly rounds: number;
  /** Other hubs that each measures. */
  readonly neighbours: number;
  /** The share of round trips that take ten times as long. */
  readonly outliers: number;
  readonly samplesMax?: number;
}

/** A hub in every region, each measuring some of the others in turn; round trips are up to a tenth longer than the table has them. */
function live({ seed, rounds, neighbours, outliers, samplesMax = DEFAULT_VIVALDI.samplesMax }: Weather): Position[] {
  const prng = new Prng(seed);
  const hubs = REGIONS.map(() => new Vivaldi({ ...DEFAULT_VIVALDI, samplesMax }));
  const measured = REGIONS.map((_, self) => {
    const others = [...REGIONS.keys()].filter((other) => other !== self);
    return prng.sample(others, neighbours);
  });
  for (let round = 0; round < rounds; round++) {
    for (const [self, hub] of hubs.entries()) {
      const other = prng.pick(measured[self] ?? []) ?? 0;
      const rtt = rttMs(self, other) * (prng.chance(outliers) ? 10 : 1) * (1 + prng.below(100) / 1_000);
      hub.observe(`hub ${other}`, rtt, (hubs[other] as Vivaldi).position, prng);
    }
  }
  return hubs.map(({ position }) => position);
}

function errors(positions: readonly Position[]): readonly number[] {
  return PAIRS.map(([a, b]) => {
    const told = distanceMs(positions[a] as Position, positions[b] as Position);
    return Math.abs(told - rttMs(a, b)) / rttMs(a, b);
  });
}

const SEEDS = [1, 2, 3, 4, 5];

describe('hubs in 21 regions of the world', () => {
  test.each(SEEDS)(
    'come to know all round trips to 15 %% in the middle, and say how sure they are (seed %i)',
    (seed) => {
      const positions = live({ neighbours: 20, outliers: 0, rounds: 200, seed });
      expect(median(errors(positions))).toBeLessThan(0.15);
      for (const { error } of positions) expect(error).toBeLessThan(0.35);
    },
  );

  test.each(SEEDS)(
    'come to know also round trips that nobody measured, from eight neighbours each (seed %i)',
    (seed) => {
      expect(median(errors(live({ neighbours: 8, outliers: 0, rounds: 500, seed })))).toBeLessThan(0.2);
    },
  );

  test.each(SEEDS)('do not mind that every thirtieth takes ten times as long (seed %i)', (seed) => {
    const weather = { neighbours: 20, outliers: 1 / 30, rounds: 500, seed };
    expect(median(errors(live(weather)))).toBeLessThan(0.2);
  });

  test('would mind without the filter', () => {
    const weather = { neighbours: 20, outliers: 1 / 30, rounds: 500 };
    const worst = (samplesMax: number) =>
      median(SEEDS.map((seed) => median(errors(live({ ...weather, samplesMax, seed })))));
    expect(worst(1)).toBeGreaterThan(1.5 * worst(3));
  });

  test('learn the same from the same', () => {
    const weather = { neighbours: 5, outliers: 0.1, rounds: 50, seed: 9 };
    expect(live(weather)).toEqual(live(weather));
  });

  test('stay about the origin', () => {
    const positions = live({ neighbours: 20, outliers: 0, rounds: 500, seed: 4 });
    for (const axis of [0, 1, 2]) {
      const middle = positions.reduce((sum, { at }) => sum + (at[axis] as number), 0) / positions.length;
      expect(Math.abs(middle)).toBeLessThan(50);
    }
  });
});

describe('a hub', () => {
  const there: Position = { at: [3, 0, 0], error: 0.1, height: 1 };

  test('that begins where another is, parts from it', () => {
    const prng = new Prng(1);
    const [one, other] = [new Vivaldi(), new Vivaldi()];
    for (let i = 0; i < 200; i++) {
      one.observe('other', 40, other.position, prng);
      other.observe('one', 40, one.position, prng);
    }
    expect(distanceMs(one.position, other.position)).toBeCloseTo(40, 0);
    expect(one.position.error).toBeLessThan(0.05);
  });

  test.each([
    [0, there],
    [-1, there],
    [Number.NaN, there],
    [Number.POSITIVE_INFINITY, there],
    [60_001, there],
    [10, { ...there, at: [3, 0] }],
    [10, { ...there, at: [3, 0, Number.NaN] }],
    [10, { ...there, at: [3, 0, 1e9] }],
    [10, { ...there, height: -1 }],
    [10, { ...there, height: Number.NaN }],
    [10, { ...there, error: 2 }],
    [10, { ...there, error: Number.NaN }],
  ])('does not hear a round trip of %d to %j', (rtt, position) => {
    const hub = new Vivaldi();
    const before = hub.position;
    expect(hub.observe('there', rtt, position, new Prng(1))).toBe(false);
    expect(hub.position).toEqual(before);
  });

  test('hears the median of the last three round trips to another, and begins anew with one that was gone', () => {
    const [heard, gone] = [new Vivaldi(), new Vivaldi()];
    for (const rtt of [50, 900, 51]) heard.observe('there', rtt, there, new Prng(1));
    for (const rtt of [50, 900, 51]) {
      gone.observe('there', rtt, there, new Prng(1));
      gone.forget('there');
    }
    expect(distanceMs(heard.position, there)).toBeLessThan(60);
    expect(distanceMs(gone.position, there)).toBeGreaterThan(100);
  });

  test('says where it is in a form that every other one hears', () => {
    const hub = new Vivaldi();
    for (let i = 0; i < 100; i++) hub.observe('there', 17.3, there, new Prng(i));
    expect(isPosition(hub.position, 3)).toBe(true);
    expect(isPosition(new Vivaldi().position, 3)).toBe(true);
  });
});
