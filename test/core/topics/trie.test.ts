/** A naive matcher judges the trie, and its visits are counted where others would take for ever. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Trie } from '../../../src/engine/core/topics/trie.ts';
import { matches, pattern, patterns, topics } from './naive.ts';

const found = (trie: Trie<string>, topic: string) => [...trie.match(topic.split('.'))].sort();

describe('the trie', () => {
  test.each([
    ['#', ['a', 'a.b', 'a.b.c'], []],
    ['a', ['a'], ['b', 'a.b']],
    ['*', ['a'], ['a.b']],
    ['a.*', ['a.b'], ['a', 'a.b.c']],
    ['a.#', ['a', 'a.b', 'a.b.c'], ['b', 'b.a']],
    ['#.a', ['a', 'b.a', 'a.a'], ['a.b']],
    ['a.#.b', ['a.b', 'a.c.b', 'a.b.c.b'], ['a', 'a.b.c']],
    ['*.#', ['a', 'a.b'], []],
    ['#.*.b', ['a.b', 'c.a.b'], ['b']],
    ['#.a.#.b.#', ['a.b', 'c.a.c.b.c', 'b.a.b'], ['b.a', 'a', 'c.b']],
  ])('matches %s with %j, not with %j', (text, yes, no) => {
    const trie = new Trie<string>();
    trie.add(pattern(text), text);
    for (const topic of yes) expect(found(trie, topic)).toEqual([text]);
    for (const topic of no) expect(found(trie, topic)).toEqual([]);
  });

  test('finds what the naive matcher finds, each value once', () => {
    fc.assert(
      fc.property(fc.uniqueArray(patterns, { maxLength: 30 }), fc.array(topics, { maxLength: 10 }), (texts, all) => {
        const trie = new Trie<string>();
        for (const text of texts) trie.add(pattern(text), text);
        for (const topic of all) {
          expect(found(trie, topic)).toEqual(texts.filter((text) => matches(text, topic)).sort());
        }
      }),
      { numRuns: 500 },
    );
  });

  test('stays right while values come and go, and is as empty as before when all have gone', () => {
    const step = fc.record({ text: patterns, value: fc.nat(12) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), topics, (steps, topic) => {
        const trie = new Trie<string>();
        const there = new Map<string, string>();
        for (const { text, value } of steps) {
          // Why: the same step again takes back what the first one did.
          const one = pattern(text);
          const key = `${one.segments.join('.')} ${value}`;
          const had = there.delete(key);
          expect(had ? trie.remove(one, key) : trie.add(one, key)).toBe(true);
          expect(had ? trie.remove(one, key) : trie.add(one, key)).toBe(false);
          if (!had) there.set(key, text);
          const expected = [...there].filter(([, each]) => matches(each, topic)).map(([each]) => each);
          expect(found(trie, topic)).toEqual(expected.sort());
        }
        expect(trie.counts.values).toBe(there.size);
        expect(trie.counts.patterns).toBe(new Set([...there.keys()].map((key) => key.split(' ')[0])).size);
        for (const [key, text] of there) trie.remove(pattern(text), key);
        expect(trie.counts).toEqual({ nodes: 1, patterns: 0, values: 0 });
        expect(trie.root).toMatchObject({ any: undefined, below: 0, one: undefined, words: undefined });
      }),
      { numRuns: 300 },
    );
  });

  test('has as many nodes as its patterns have different beginnings', () => {
    fc.assert(
      fc.property(fc.array(patterns, { maxLength: 20 }), fc.nat(), (texts, kept) => {
        const trie = new Trie<string>();
        const forms = [...new Set(texts.map((text) => pattern(text).segments.join('.')))];
        for (const form of forms) trie.add(pattern(form), form);
        const rest = forms.slice(forms.length === 0 ? 0 : kept % forms.length);
        for (const form of forms) if (!rest.includes(form)) trie.remove(pattern(form), form);
        const beginnings = new Set(
          rest.flatMap((form) => form.split('.').map((_, i, all) => all.slice(0, i + 1).join('.'))),
        );
        expect(trie.counts).toEqual({ nodes: beginnings.size + 1, patterns: rest.length, values: rest.length });
      }),
    );
  });

  test('keeps many values of one pattern apart', () => {
    const trie = new Trie<number>();
    for (let i = 0; i < 100; i++) trie.add(pattern('a.*'), i);
    expect(trie.add(pattern('a.*'), 50)).toBe(false);
    for (let i = 0; i < 99; i++) expect(trie.remove(pattern('a.*'), i)).toBe(true);
    expect([trie.remove(pattern('a.*'), 5), trie.remove(pattern('a'), 99), trie.remove(pattern('b.c'), 99)]).toEqual([
      false,
      false,
      false,
    ]);
    expect(trie.match(['a', 'b'])).toEqual([99]);
  });

  test('has room for very many words beside each other, and gives it back', () => {
    const trie = new Trie<number>();
    const texts = Array.from({ length: 40_000 }, (_, i) => pattern(`user.${i}.#`));
    for (const [i, each] of texts.entries()) trie.add(each, i);
    for (const i of [0, 1, 16_383, 16_384, 39_999]) expect(trie.match(['user', `${i}`, 'x'])).toEqual([i]);
    expect(trie.counts).toEqual({ nodes: 80_002, patterns: 40_000, values: 40_000 });
    for (const [i, each] of texts.entries()) trie.remove(each, i);
    expect(trie.counts.nodes).toBe(1);
  });

  test('gives a result that later changes leave alone', () => {
    const trie = new Trie<string>();
    trie.add(pattern('a.#'), 'one');
    const before = trie.match(['a']);
    trie.add(pattern('a'), 'two');
    trie.remove(pattern('a.#'), 'one');
    expect(before).toEqual(['one']);
    expect(trie.match(['a'])).toEqual(['two']);
  });
});

describe('the cost of a match', () => {
  const visits = (trie: Trie<string>, topic: readonly string[]) => {
    const before = trie.visited;
    trie.match(topic);
    return trie.visited - before;
  };

  test.each([
    ['#.a.#.a.#.a…', () => Array.from({ length: 255 }, (_, i) => (i % 2 === 0 ? '#' : 'a'))],
    ['*.#.a.*.#.a…', () => Array.from({ length: 255 }, (_, i) => ['*', '#', 'a'][i % 3] ?? '')],
    ['#.a.a.a.a.a…', () => ['#', ...Array.from({ length: 254 }, () => 'a')]],
  ])('of %s is at most its length times the length of the topic', (_, make) => {
    const text = make().join('.');
    for (const length of [16, 64, 255]) {
      const trie = new Trie<string>();
      trie.add(pattern(text), text);
      const topic = Array.from({ length }, () => 'a');
      const cost = visits(trie, topic);
      expect(cost).toBeGreaterThan(length);
      expect(cost).toBeLessThanOrEqual((length + 1) * trie.counts.nodes);
      // One that nearly fits takes a search that tries and takes back 2^127 steps.
      expect(visits(trie, [...topic.slice(1), 'b'])).toBeLessThanOrEqual((length + 1) * trie.counts.nodes);
    }
  });

  test('is bounded by segments and nodes for any patterns', () => {
    fc.assert(
      fc.property(fc.array(patterns, { maxLength: 40 }), topics, (texts, topic) => {
        const trie = new Trie<string>();
        for (const text of texts) trie.add(pattern(text), text);
        const segments = topic.split('.');
        expect(visits(trie, segments)).toBeLessThanOrEqual((segments.length + 1) * trie.counts.nodes);
      }),
    );
  });

  test('does not grow with patterns that begin otherwise', () => {
    const trie = new Trie<string>();
    trie.add(pattern('order.*.paid'), 'mine');
    const alone = visits(trie, ['order', 'eu', 'paid']);
    for (let i = 0; i < 10_000; i++) trie.add(pattern(`user.${i}.#`), `${i}`);
    expect(visits(trie, ['order', 'eu', 'paid'])).toBe(alone);
  });
});
