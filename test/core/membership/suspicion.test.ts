import { describe, expect, test } from 'vitest';
import { NEVER } from '../../../src/engine/core/base/instant.ts';
import { leastSuspicionMs, Suspicions, suspicionMs } from '../../../src/engine/core/membership/suspicion.ts';

const options = { probeIntervalMs: 1_000, suspicionMinFactor: 2, suspicionMaxFactor: 5, accusersMax: 3 };

describe('a suspicion', () => {
  test.each([
    [2, 2_000],
    [10, 2_000],
    [100, 4_000],
    [1_000, 6_000],
  ])('among %i nodes lasts at least %i ms', (nodes, ms) => {
    expect(leastSuspicionMs(nodes, options)).toBe(ms);
  });

  // The table of memberlist's own test: min 2 s, max 30 s, k = 3 (suspicion_test.go).
  test.each([
    [0, 30_000],
    [1, 16_000],
    [2, 7_811],
    [3, 2_000],
    [4, 2_000],
  ])('that %i others share lasts %i ms', (c, ms) => {
    expect(suspicionMs({ minMs: 2_000, maxMs: 30_000, k: 3, c })).toBe(ms);
  });

  test('ends early with each new accuser, up to k, and not with one who repeats himself', () => {
    const suspicions = new Suspicions(options);
    suspicions.begin('x', 'a', 10, 100);
    expect(suspicions.deadline()).toBe(10_100);
    expect(suspicions.accuse('x', 'a')).toBe(false);
    expect(['b', 'c', 'd', 'e'].map((by) => suspicions.accuse('x', by))).toEqual([true, true, true, false]);
    expect(suspicions.deadline()).toBe(2_100);
    expect(suspicions.expire(2_099)).toBeUndefined();
    expect(suspicions.expire(2_100)).toEqual({ id: 'x', ms: 2_000, accusers: 4 });
    expect(suspicions.deadline()).toBe(NEVER);
  });

  test('waits for nobody where nobody else is left to accuse', () => {
    const suspicions = new Suspicions(options);
    suspicions.begin('x', 'a', 2, 0);
    expect(suspicions.deadline()).toBe(2_000);
    expect(suspicions.accuse('x', 'b')).toBe(false);
  });

  test('that was ended, or begun anew, is not declared over by its old timers', () => {
    const suspicions = new Suspicions(options);
    suspicions.begin('x', 'a', 2, 0);
    suspicions.begin('y', 'a', 2, 50);
    suspicions.begin('x', 'b', 2, 500);
    suspicions.end('y');
    expect(suspicions.deadline()).toBe(2_500);
    suspicions.postpone(700);
    expect(suspicions.deadline()).toBe(3_200);
  });
});
