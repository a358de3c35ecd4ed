import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyOf } from '../../../src/engine/core/topics/pattern.ts';
import { summarise } from '../../../src/engine/core/topics/summary.ts';
import { Trie } from '../../../src/engine/core/topics/trie.ts';
import { everyTopic, matches, pattern, patterns } from './naive.ts';

function summary(texts: readonly string[], max: number): string[] {
  const trie = new Trie<string>();
  for (const text of texts) trie.add(pattern(text), text);
  return summarise(trie.root, max).map(keyOf).sort();
}

describe('the summary of what a node listens to', () => {
  test.each([
    ['nothing', [], 4, []],
    ['what there is room for', ['a.b', 'c.*', 'd'], 4, ['a.b', 'c.*', 'd']],
    ['the wider of two', ['order.eu.paid', 'order.#', 'order.*.paid', 'cart.*'], 9, ['cart.*', 'order.#']],
    ['the wider of two, with wildcards in both', ['#.paid', '*.#.paid', 'a.*.b.#', 'a.#'], 9, ['#.paid', 'a.#']],
    ['everything, once', ['#', 'a.#', '*', 'b'], 9, ['#']],
    ['a branch where there are too many', ['a.b', 'a.c', 'a.d', 'e.f'], 3, ['a.#', 'e.f']],
    ['small branches as they are, beside a large one', ['a.b', 'a.c', 'a.d', 'e.f', 'e.g'], 4, ['a.#', 'e.f', 'e.g']],
    ['everything, where even the first segments are too many', ['a', 'b', 'c', 'd'], 3, ['#']],
    ['a branch below what is the same for all', ['x.a.b', 'x.a.c', 'x.a.d', 'x.e'], 2, ['x.a.#', 'x.e']],
    ['what is not wasted on what lies within', ['o.#', 'o.a', 'e.f', 'e.g', 'e.h'], 4, ['e.f', 'e.g', 'e.h', 'o.#']],
    ['a branch that is itself subscribed to', ['a', 'a.b.c', 'a.b.d', 'a.b.e'], 2, ['a', 'a.b.#']],
    ['everything, where nothing else is allowed', ['a', 'b'], 1, ['#']],
  ])('is %s: %j in %i is %j', (_, texts, max, expected) => {
    expect(summary(texts, max)).toEqual(expected);
  });

  test('of ten thousand inboxes beside exact services is one pattern more than the services', () => {
    const services = Array.from({ length: 50 }, (_, i) => `service.${i}.*`);
    const inboxes = Array.from({ length: 10_000 }, (_, i) => `reply.${i}`);
    expect(summary([...inboxes, ...services], 64)).toEqual(['reply.#', ...services].sort());
  });

  test('matches all that any subscription matches, in no more patterns than allowed', () => {
    const all = everyTopic(['a', 'b', 'd'], 5);
    fc.assert(
      fc.property(fc.array(patterns, { maxLength: 15 }), fc.integer({ max: 8, min: 1 }), (texts, max) => {
        const told = summary(texts, max);
        expect(told.length).toBeLessThanOrEqual(max);
        for (const topic of all) {
          if (texts.some((text) => matches(text, topic))) {
            expect(told.some((text) => matches(text, topic))).toBe(true);
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  test('matches nothing else where there is room for all', () => {
    const all = everyTopic(['a', 'b', 'd'], 5);
    fc.assert(
      fc.property(fc.array(patterns, { maxLength: 10 }), (texts) => {
        const told = summary(texts, 100);
        const by = (some: readonly string[]) => all.filter((topic) => some.some((text) => matches(text, topic)));
        expect(by(told)).toEqual(by(texts));
      }),
      { numRuns: 100 },
    );
  });

  test('is the same in whatever order the subscriptions came', () => {
    fc.assert(
      fc.property(fc.uniqueArray(patterns, { maxLength: 15 }), fc.integer({ max: 8, min: 1 }), (texts, max) => {
        expect(summary(texts.toReversed(), max)).toEqual(summary(texts, max));
      }),
    );
  });
});
