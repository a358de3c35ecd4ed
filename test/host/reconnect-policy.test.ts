import { describe, expect, test } from 'vitest';
import { Prng } from '../../src/engine/core/base/prng.ts';
import { problem } from '../../src/engine/core/base/problems.ts';
import { DEFAULT_RECONNECT, type ReconnectOptions, ReconnectPolicy } from '../../src/engine/host/reconnect-policy.ts';

function policyOf(seeds: readonly string[], options: Partial<ReconnectOptions> = {}, seed = 7): ReconnectPolicy {
  const breaker = { failuresMax: 2, openMs: 1_000, openMsMax: 4_000, successesMin: 1 };
  return new ReconnectPolicy(seeds, new Prng(seed), { ...DEFAULT_RECONNECT, breaker, ...options });
}

/** Lets every dial fail until it waits; the addresses that were dialled, and for how long it waits. */
function round(policy: ReconnectPolicy, now: number): { readonly dialled: readonly string[]; readonly waitMs: number } {
  const dialled: string[] = [];
  for (;;) {
    const attempt = policy.next(now);
    if (attempt.kind === 'give-up') throw new Error(attempt.problem.message);
    if (attempt.kind === 'wait') return { dialled: dialled.sort(), waitMs: attempt.ms };
    dialled.push(attempt.address);
    policy.failed(attempt.address, now);
  }
}

describe('a round', () => {
  test('tries every address once, then waits between half of the back-off and all of it', () => {
    const { dialled, waitMs } = round(policyOf(['a', 'b', 'c']), 0);
    expect(dialled).toEqual(['a', 'b', 'c']);
    expect(waitMs).toBeGreaterThanOrEqual(50);
    expect(waitMs).toBeLessThanOrEqual(100);
  });

  test('begins with those that have not failed: the node that was just lost comes last', () => {
    for (let seed = 0; seed < 20; seed++) {
      const policy = policyOf(['a', 'b', 'c'], {}, seed);
      policy.lost('b', 0, 60_000);
      const order = [0, 1, 2].map(() => {
        const attempt = policy.next(0);
        if (attempt.kind !== 'dial') throw new Error(attempt.kind);
        policy.failed(attempt.address, 0);
        return attempt.address;
      });
      expect(order[2]).toBe('b');
    }
  });

  test('leaves out whose breaker is open, and waits for it where all are', () => {
    const policy = policyOf(['a', 'b']);
    round(policy, 0);
    expect(round(policy, 100).dialled).toEqual(['a', 'b']); // the second failure opens them until 1 100
    const { dialled, waitMs } = round(policy, 200);
    expect(dialled).toEqual([]);
    expect(waitMs).toBeGreaterThanOrEqual(900);
    expect(round(policy, 1_100).dialled).toEqual(['a', 'b']); // half-open: one trial each
    expect(round(policy, 2_900).dialled).toEqual([]); // which failed: open for twice as long
    expect(round(policy, 3_100).dialled).toEqual(['a', 'b']);
  });

  test('spreads the clients of one dead node over the others', () => {
    const first = new Set<string>();
    for (let seed = 0; seed < 50; seed++) {
      const attempt = policyOf(['a', 'b', 'c', 'd'], {}, seed).next(0);
      if (attempt.kind === 'dial') first.add(attempt.address);
    }
    expect([...first].sort()).toEqual(['a', 'b', 'c', 'd']);
  });
});

test('waits grow up to the limit, and start small again after a link', () => {
  const patient = { breaker: { failuresMax: 1_000, openMs: 1, openMsMax: 1, successesMin: 1 } };
  const policy = policyOf(['a'], patient);
  const waits = Array.from({ length: 12 }, (_, i) => round(policy, i).waitMs);
  for (const [i, ms] of waits.entries()) {
    const ceiling = Math.min(100 * 2 ** i, 2_000);
    expect(ms).toBeGreaterThanOrEqual(ceiling / 2);
    expect(ms).toBeLessThanOrEqual(ceiling + 1);
  }
  policy.reached('a');
  policy.lost('a', 20, 0);
  expect(round(policy, 20).waitMs).toBeLessThanOrEqual(101);
});

test('a node that accepts and drops is seen through, one whose link stood is not blamed for earlier', () => {
  const flaky = policyOf(['a']);
  flaky.lost('a', 0, 10);
  flaky.reached('a');
  flaky.lost('a', 20, 10);
  expect(flaky.next(20).kind).toBe('wait');
  const steady = policyOf(['a']);
  steady.lost('a', 0, 60_000);
  steady.reached('a');
  steady.lost('a', 60_000, 60_000);
  expect(steady.next(60_000)).toEqual({ address: 'a', kind: 'dial' });
});

describe('addresses', () => {
  test('that are learned take the place of those learned before, and never of seeds', () => {
    const policy = policyOf(['a']);
    policy.learn(['a', 'b', 'c']);
    expect([...policy.addresses].sort()).toEqual(['a', 'b', 'c']);
    policy.learn(['d']);
    expect([...policy.addresses].sort()).toEqual(['a', 'd']);
    policy.seed(['e']);
    expect([...policy.addresses].sort()).toEqual(['d', 'e']);
  });

  test('of a large mesh are kept up to the limit', () => {
    const policy = policyOf(['seed'], { learnedMax: 5 });
    policy.learn(Array.from({ length: 100 }, (_, i) => `n${i}`));
    expect(policy.addresses.length).toBe(6);
  });

  test('say whether there is another one to go to', () => {
    const policy = policyOf(['a']);
    expect(policy.hasOther('a', 0)).toBe(false);
    policy.learn(['a', 'b']);
    expect(policy.hasOther('a', 0)).toBe(true);
    policy.failed('b', 0);
    policy.failed('b', 0);
    expect(policy.hasOther('a', 0)).toBe(false);
  });
});

describe('it gives up', () => {
  const refusal = problem('key-wrong', 'the keys differ');

  test('where every address refused for good, and says why', () => {
    const policy = policyOf(['a', 'b']);
    policy.failed('a', 0, refusal);
    expect(policy.next(0).kind).toBe('dial');
    policy.failed('b', 0, refusal);
    expect(policy.next(0)).toEqual({ kind: 'give-up', problem: refusal });
  });

  test('not where one of them has only failed since', () => {
    const policy = policyOf(['a']);
    policy.failed('a', 0, refusal);
    policy.failed('a', 1);
    expect(policy.next(1).kind).not.toBe('give-up');
  });

  test('after the time that it was given, counted from the loss', () => {
    const policy = policyOf(['a'], { giveUpMs: 500 });
    policy.lost('a', 1_000, 60_000);
    expect(policy.next(1_499).kind).not.toBe('give-up');
    expect(policy.next(1_500)).toMatchObject({ kind: 'give-up', problem: { code: 'nobody-there' } });
  });

  test('never, where it was not told to', () => {
    const policy = policyOf(['a']);
    policy.lost('a', 0, 0);
    expect(policy.next(10 ** 9).kind).not.toBe('give-up');
  });
});
