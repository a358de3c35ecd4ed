import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromBase64url, toBase64url } from '../../../src/engine/core/federation/base64url.ts';
import { BloomFilter, falsePositiveRate } from '../../../src/engine/core/federation/bloom.ts';
import { murmur3, utf8 } from '../../../src/engine/core/federation/murmur.ts';

const anyText = fc.string({ unit: 'binary' });

describe('the hash', () => {
  // Of Appleby's own implementation, as they are listed in many places.
  test.each([
    ['', 0, 0x00000000],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['a', 0x9747b28c, 0x7fa09ea6],
    ['aa', 0x9747b28c, 0x5d211726],
    ['aaa', 0x9747b28c, 0x283e0130],
    ['aaaa', 0x9747b28c, 0x5a97808a],
    ['test', 0, 0xba6bd213],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
    ['ππππππππ', 0x9747b28c, 0xd58063c1],
  ])('of %j with seed %i is that of every other implementation', (text, seed, hash) => {
    expect(murmur3(utf8(text), seed).toString(16)).toBe(hash.toString(16));
  });

  test('reads a text as the platform writes it in UTF-8', () => {
    fc.assert(
      fc.property(anyText, fc.array(fc.integer({ max: 0xffff, min: 0 })), (text, units) => {
        for (const each of [text, String.fromCharCode(...units)]) {
          expect(utf8(each)).toEqual(new Uint8Array(new TextEncoder().encode(each)));
        }
      }),
    );
  });
});

describe('base64url', () => {
  test('is what the platform makes of the bytes, and back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = Buffer.from(bytes).toString('base64url');
        expect(toBase64url(bytes)).toBe(text);
        expect(fromBase64url(text)).toEqual(bytes);
      }),
    );
  });

  test.each(['A', 'AAAAA', 'AB', 'AA==', 'A+/A', 'AA A', 'Aé'])('%j is the text of no bytes', (text) => {
    expect(fromBase64url(text)).toBeUndefined();
  });
});

describe('a Bloom filter', () => {
  test('has these bits, on every machine', () => {
    const filter = BloomFilter.sized(3, 0.01);
    for (const text of ['order', 'order.eu', 'Bücher']) filter.add(text);
    const { hashes, bits } = filter.toInterest();
    expect({ bits, hashes, hex: Buffer.from(bits, 'base64url').toString('hex') }).toMatchInlineSnapshot(`
      {
        "bits": "caQYAsUAKgw",
        "hashes": 7,
        "hex": "71a41802c5002a0c",
      }
    `);
  });

  test('sets the bits that its specification names', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ max: 200, min: 1 }), (text, texts) => {
        const filter = BloomFilter.sized(texts);
        filter.add(text);
        const bytes = Buffer.from(filter.toInterest().bits, 'base64url');
        const [a, b] = [0, 0x9747b28c].map((seed) => BigInt(murmur3(utf8(text), seed)));
        const expected = new Set(
          Array.from({ length: filter.hashes }, (_, i) => {
            return Number((((a as bigint) + BigInt(i) * ((b as bigint) | 1n)) % 2n ** 32n) % BigInt(filter.bits));
          }),
        );
        const set = Array.from({ length: filter.bits }, (_, p) => p).filter(
          (p) => ((bytes[Math.floor(p / 8)] as number) >> (p % 8)) & 1,
        );
        expect(set).toEqual([...expected].sort((x, y) => x - y));
      }),
    );
  });

  test.each([
    [1, 0.01, 64, 7],
    [100, 0.01, 1_024, 7],
    [1_000, 0.001, 16_384, 10],
    [1e9, 0.001, 1_048_576, 10],
    [0, 0.5, 64, 1],
    [10, 1e-30, 2_048, 32],
  ])('for %i texts and a rate of %d has %i bits and %i hashes', (texts, rate, bits, hashes) => {
    const filter = BloomFilter.sized(texts, rate);
    expect([filter.bits, filter.hashes]).toEqual([bits, hashes]);
  });

  test.each([
    [1_000, 0.1],
    [1_000, 0.01],
    [700, 0.001],
    [5_000, 0.02],
  ])('with %i texts for a rate of %d affirms no more others than the formula says', (texts, rate) => {
    const filter = BloomFilter.sized(texts, rate);
    for (let i = 0; i < texts; i++) filter.add(`in ${i}`);
    const asked = 100_000;
    let affirmed = 0;
    for (let i = 0; i < asked; i++) if (filter.has(`out ${i}`)) affirmed++;
    const expected = falsePositiveRate(filter, texts);
    expect(expected).toBeLessThanOrEqual(rate);
    // Five standard deviations; the texts are the same in every run.
    const tolerance = 5 * Math.sqrt((expected * (1 - expected)) / asked);
    expect(Math.abs(affirmed / asked - expected)).toBeLessThan(tolerance + expected * 0.1);
    expect(filter.fill).toBeCloseTo(1 - Math.exp((-filter.hashes * texts) / filter.bits), 1);
  });

  test('affirms all that was put in, also as text and in a union with filters of any size and number of hashes', () => {
    const sets = fc.array(
      fc.record({ rate: fc.constantFrom(0.5, 0.01, 0.001), texts: fc.array(anyText, { maxLength: 40 }) }),
      { maxLength: 4, minLength: 1 },
    );
    fc.assert(
      fc.property(sets, (all) => {
        const filters = all.map(({ rate, texts }) => {
          const filter = BloomFilter.sized(texts.length, rate);
          for (const text of texts) filter.add(text);
          return BloomFilter.read(filter.toInterest());
        });
        const known = filters.filter((filter) => filter !== undefined);
        expect(known).toHaveLength(all.length);
        const union = BloomFilter.union(known);
        for (const [i, { texts }] of all.entries()) {
          expect(texts.filter((text) => !known[i]?.has(text) || !union?.has(text))).toEqual([]);
        }
      }),
    );
  });

  test('of equal size and hashes has the union that all texts in one filter make', () => {
    const [one, other, both] = [BloomFilter.sized(50), BloomFilter.sized(50), BloomFilter.sized(50)];
    for (let i = 0; i < 50; i++) {
      (i % 2 === 0 ? one : other).add(`${i}`);
      both.add(`${i}`);
    }
    expect(BloomFilter.union([one, other])?.toInterest()).toEqual(both.toInterest());
    expect(BloomFilter.union([])).toBeUndefined();
  });

  test.each([
    [{ bits: '', hashes: 3 }],
    [{ bits: 'AAAA', hashes: 3 }],
    [{ bits: `${'A'.repeat(10)}=`, hashes: 3 }],
    [{ bits: 'A'.repeat(16), hashes: 3 }],
    [{ bits: 'A'.repeat(11), hashes: 0 }],
    [{ bits: 'A'.repeat(11), hashes: 33 }],
    [{ bits: 'A'.repeat(11), hashes: 1.5 }],
    [{ bits: 'A'.repeat(2 ** 19), hashes: 3 }],
  ])('is not read from %o', (interest) => {
    expect(BloomFilter.read(interest)).toBeUndefined();
  });
});
