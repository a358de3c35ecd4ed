import { describe, expect, test } from 'vitest';
import { DEATHS, die, textOf } from './hub-deaths.ts';

/** Of simulated time. A call takes 200 ms where nothing is wrong; the news of a hub's end travels as far as calls do. */
const PAUSE_MS = 600;

describe('calls between clusters', () => {
  const killed = DEATHS.filter(({ hubs, silent }) => hubs === 2 && !silent);
  test.each(killed.map((death) => [textOf(death), death] as const))(
    'are answered soon where %s; what may have run and is not to run twice fails as unknown',
    (_, death) => {
      for (const seed of [1, 2]) {
        const { answered, failures, slowestMs, twice } = die(death, seed);
        expect(answered).toBeGreaterThan(1_000);
        expect(slowestMs).toBeLessThan(PAUSE_MS);
        expect([failures.get('asker'), failures.get('function')]).toEqual([undefined, undefined]);
        for (const why of failures.get('nobody') ?? []) expect(why).toBe('link-lost unknown');
        expect(twice).toBe(0);
      }
    },
  );

  const restarted = DEATHS.filter(({ hubs, silent }) => hubs === 1 && !silent);
  test.each(restarted.map((death) => [textOf(death), death] as const))(
    'wait where %s: none fails that certainly did not run, or may run twice',
    (_, death) => {
      const { answered, failures, slowestMs, twice } = die(death, 1);
      expect(answered).toBeGreaterThan(500);
      expect(slowestMs).toBeLessThan(death.awayMs + 1_500);
      expect([failures.get('asker'), failures.get('function')]).toEqual([undefined, undefined]);
      for (const why of failures.get('nobody') ?? []) expect(why).toBe('link-lost unknown');
      expect(twice).toBe(0);
    },
  );
});
