import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { finish, hash32, mix } from '../../../src/engine/core/base/hash.ts';

const TEXTS = Array.from({ length: 64_000 }, (_, i) => `node-${i}`);

describe('a hash', () => {
  test('is a whole number of 32 bits, the same each time', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer(), (text, seed) => {
        const hash = hash32(text, seed);
        expect(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32).toBe(true);
        expect(hash32(text, seed)).toBe(hash);
      }),
    );
  });

  test('of these texts is the same on every machine: nodes compare them', () => {
    expect([hash32(''), hash32('a'), hash32('ab', 7), finish(mix(1, 2))]).toMatchInlineSnapshot(`
      [
        0,
        721651713,
        3510782317,
        1712224151,
      ]
    `);
  });

  test.each([0, 1, 99])('fills buckets evenly, whichever bits are taken (seed %i)', (seed) => {
    for (const bits of [0, 8, 16, 24]) {
      const counts = new Array<number>(64).fill(0);
      for (const text of TEXTS) {
        const bucket = (hash32(text, seed) >>> bits) & 63;
        counts[bucket] = (counts[bucket] ?? 0) + 1;
      }
      const expected = TEXTS.length / 64;
      const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      expect(chiSquare).toBeLessThan(130); // 63 degrees of freedom
    }
  });

  test('of similar texts differs in about half of the bits', () => {
    let bits = 0;
    for (const text of TEXTS.slice(0, 2_000)) {
      let differ = hash32(text) ^ hash32(`${text}!`);
      for (; differ !== 0; differ &= differ - 1) bits++;
    }
    expect(bits / 2_000).toBeGreaterThan(15);
    expect(bits / 2_000).toBeLessThan(17);
  });

  test('has about as many collisions as chance has', () => {
    const distinct = new Set(TEXTS.map((text) => hash32(text))).size;
    expect(TEXTS.length - distinct).toBeLessThan(6); // 64 000² / 2³³ ≈ 0.5
  });
});
