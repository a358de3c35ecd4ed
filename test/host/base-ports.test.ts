import { describe, expect, test } from 'vitest';
import { isNodeId } from '../../src/engine/core/base/ids.ts';
import { NEVER } from '../../src/engine/core/base/instant.ts';
import { context } from '../../src/engine/define-function.ts';
import { SystemClock } from '../../src/engine/host/clock.ts';
import { systemDigest } from '../../src/engine/host/digest.ts';
import { createNodeId, randomName, systemEntropy } from '../../src/engine/host/entropy.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('the clock', () => {
  test('tells whole milliseconds that never go back', () => {
    const clock = new SystemClock();
    let last = clock.now();
    for (let i = 0; i < 1_000; i++) {
      const now = clock.now();
      expect(Number.isInteger(now) && now >= last).toBe(true);
      last = now;
    }
  });

  test('wakes once the instant has come, never before', async () => {
    const clock = new SystemClock();
    const at = clock.now() + 15;
    const woken = await new Promise<number>((resolve) => clock.wakeAt(at, () => resolve(clock.now())));
    expect(woken).toBeGreaterThanOrEqual(at);
  });

  test('wakes once, for the last instant that was asked for, earlier or later', async () => {
    for (const [first, second] of [
      [10, 40],
      [40, 10],
    ] as const) {
      const clock = new SystemClock();
      const start = clock.now();
      const woken: string[] = [];
      clock.wakeAt(start + first, () => woken.push('first'));
      clock.wakeAt(start + second, () => woken.push(clock.now() >= start + second ? 'second' : 'too early'));
      await pause(80);
      expect(woken).toEqual(['second']);
    }
  });

  test('sleeps for ever without a noise, and stops', async () => {
    const clock = new SystemClock();
    const woken: string[] = [];
    clock.wakeAt(NEVER, () => woken.push('never'));
    await pause(20);
    clock.wakeAt(clock.now() + 5, () => woken.push('stopped'));
    clock.stop();
    await pause(20);
    expect(woken).toEqual([]);
  });
});

describe('entropy', () => {
  test('seeds are whole numbers of 53 bits that use all of them', () => {
    let or = 0n;
    for (let i = 0; i < 200; i++) {
      const seed = systemEntropy.seed();
      expect(Number.isSafeInteger(seed) && seed >= 0).toBe(true);
      or |= BigInt(seed);
    }
    expect(or).toBe(2n ** 53n - 1n);
  });

  test('a node id is a ULID: its time comes first, the rest is chance', () => {
    const ids = Array.from({ length: 500 }, () => createNodeId(systemEntropy, 1_469_918_176_385));
    expect(ids.every(isNodeId)).toBe(true);
    expect(ids.every((id) => id.startsWith('01ARYZ6S41'))).toBe(true); // the ULID specification's own example
    expect(new Set(ids).size).toBe(ids.length);
    expect(createNodeId({ ...systemEntropy, bytes: (n) => new Uint8Array(n).fill(255) }, 0)).toBe(
      '0000000000ZZZZZZZZZZZZZZZZ',
    );
  });
});

test('a name of chance is digits and letters: nothing that a command line takes for a flag', () => {
  const names = Array.from({ length: 500 }, () => randomName(systemEntropy, 20));
  expect(names.every((name) => /^[0-9A-Z]{20}$/.test(name))).toBe(true);
  expect(new Set(names).size).toBe(names.length);
});

describe('the digest', () => {
  test('is HMAC-SHA256', () => {
    const key = new TextEncoder().encode('Jefe'); // RFC 4231, test case 2
    expect(Buffer.from(systemDigest.hmac(key, 'what do ya want for nothing?')).toString('hex')).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  test('compares bytes of any lengths', () => {
    const { equal } = systemDigest;
    expect(equal(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(equal(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(equal(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0))).toBe(false);
    expect(equal(new Uint8Array(), new Uint8Array())).toBe(true);
    expect(equal(new Uint8Array(), Uint8Array.of(0))).toBe(false);
  });
});

test('context() outside of a call says where it works', () => {
  expect(() => context()).toThrow(/only while mpreg runs a function/);
});
