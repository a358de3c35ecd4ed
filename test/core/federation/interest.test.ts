import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BloomFilter } from '../../../src/engine/core/federation/bloom.ts';
import { interestOf, mayHear, unionOf } from '../../../src/engine/core/federation/interest.ts';
import { matches, pattern, patterns, topics } from '../topics/naive.ts';

function filterOf(list: readonly string[]): BloomFilter {
  const filter = BloomFilter.read(interestOf(list, 1e-9) ?? { bits: '', hashes: 0 });
  if (filter === undefined) throw new Error('no filter');
  return filter;
}

describe('the interest of a cluster', () => {
  test.each([
    ['order.eu.paid', ['order.eu.paid'], ['order.eu', 'order.eu.paid.now', 'order', 'eu.paid']],
    ['order.*', ['order.eu', 'order.us'], ['order', 'order.eu.paid', 'cart.eu']],
    ['order.#', ['order', 'order.eu', 'order.eu.paid'], ['orders', 'cart.order']],
    ['*.eu', ['order.eu', 'order.us'], ['eu', 'order.eu.paid']],
    ['#', ['a', 'a.b.c'], []],
  ])('in %s affirms %j, and not %j', (text, affirmed, denied) => {
    const filter = filterOf([text]);
    expect(affirmed.filter((topic) => !mayHear(filter, topic))).toEqual([]);
    expect(denied.filter((topic) => mayHear(filter, topic))).toEqual([]);
  });

  test('affirms every topic that some pattern matches, as written and in the one form of patterns', () => {
    fc.assert(
      fc.property(fc.array(patterns, { maxLength: 5, minLength: 1 }), topics, (list, topic) => {
        if (!list.some((text) => matches(text, topic))) return;
        expect(mayHear(filterOf(list), topic)).toBe(true);
        expect(mayHear(filterOf(list.map((text) => pattern(text).segments.join('.'))), topic)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  test('together with others affirms what any of them does', () => {
    const union = unionOf([interestOf(['a.b']), undefined, interestOf(['c.#'], 0.1), { bits: '?', hashes: 1 }]);
    const filter = BloomFilter.read(union ?? { bits: '', hashes: 0 });
    expect(filter && ['a.b', 'c', 'c.d.e'].every((topic) => mayHear(filter, topic))).toBe(true);
    expect(unionOf([undefined])).toBeUndefined();
  });

  test('in nothing is none', () => {
    expect(interestOf([])).toBeUndefined();
  });

  test('of 2,000 services asks for few topics that nobody wants', () => {
    const own = Array.from({ length: 2_000 }, (_, i) => `service.${i}.request.*`);
    const filter = BloomFilter.read(interestOf(own) ?? { bits: '', hashes: 0 }) as BloomFilter;
    const asked = 20_000;
    let inVain = 0;
    for (let i = 0; i < asked; i++) if (mayHear(filter, `service.${2_000 + i}.request.now`)) inVain++;
    // A topic of four segments is asked for by ten keys, each of which may be affirmed by chance once in a thousand times.
    expect(inVain / asked).toBeLessThan(0.01);
  });
});
