import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BUCKETS, type Replay, Retained, type Version } from '../../../src/engine/core/topics/retained.ts';
import { matches, pattern, patterns, topics } from './naive.ts';

function all(replay: Replay<string>, step = 2): string[] {
  const found: string[] = [];
  for (;;) {
    const next = replay.step(step);
    found.push(...next.found);
    if (next.done) return found;
  }
}

const at = (time: number, node = 'a'): Version => ({ node, time });
const LIMITS = { bytesMax: 1_000, topicsMax: 50 };

/** One node tells another what that one lacks, as nodes do. */
function teach(from: Retained<string>, to: Retained<string>): void {
  const theirs = to.buckets;
  from.buckets.forEach((mine, bucket) => {
    if (mine === theirs[bucket]) return;
    for (const { message, topic, version } of from.lacking(bucket, to.entries(bucket))) {
      expect(to.put(topic, version, message, 1)).toBe('news');
    }
  });
}

describe('retained messages', () => {
  test('are told of by the first words of their topics, for as long as one of them is there', () => {
    const retained = new Retained<string>({ bytesMax: 100, topicsMax: 5 });
    const generations: number[] = [];
    const put = (topic: string, time: number, cleared?: true) => {
      retained.put(topic, { ...at(time), ...(cleared && { cleared }) }, topic, 1);
      generations.push(retained.wordsGeneration);
    };
    put('a.b', 1);
    put('a.c', 2);
    put('a.b', 3);
    put('d', 4);
    expect([retained.words, generations]).toEqual([
      ['a', 'd'],
      [1, 1, 1, 2],
    ]);
    put('a.b', 5, true);
    put('a.b', 6, true);
    put('a.c', 7, true);
    expect([retained.words, generations.slice(4)]).toEqual([['d'], [2, 2, 3]]);
    retained.expire(100);
    put('a.b', 8);
    expect(retained.words).toEqual(['d', 'a']);
    expect([retained.knows('a.b'), retained.knows('a.c'), retained.knows('x')]).toEqual([true, false, false]);
  });

  test('are the newest of each topic, until it is cleared', () => {
    const retained = new Retained<string>({ bytesMax: 100, topicsMax: 5 });
    expect(retained.put('a', at(1), '1', 10)).toBe('news');
    retained.put('b', at(2), '2', 10);
    expect(retained.put('a', at(3), '3', 10)).toBe('news');
    retained.put('c.d', at(4), '4', 10);
    expect([retained.put('a', at(2), 'late', 10), retained.put('a', at(3), 'again', 10)]).toEqual(['known', 'known']);
    expect(retained.counts).toEqual({ bytes: 30, refused: 0, topics: 3 });
    expect([all(retained.replay([pattern('#')])), all(retained.replay([pattern('*')]))]).toEqual([
      ['2', '3', '4'],
      ['2', '3'],
    ]);
    expect(retained.put('a', { ...at(5), cleared: true }, '', 1)).toBe('news');
    expect([retained.get('a'), retained.get('b'), all(retained.replay([pattern('#')]))]).toEqual([
      undefined,
      '2',
      ['2', '4'],
    ]);
    expect(retained.put('a', at(4), 'from before', 10)).toBe('known');
    retained.expire(6);
    expect(retained.counts).toEqual({ bytes: 20, refused: 0, topics: 2 });
  });

  test('are put by clocks that differ: who puts later wins, and of the same moment the same one everywhere', () => {
    const [fast, slow] = [new Retained<string>(LIMITS), new Retained<string>(LIMITS)];
    fast.put('a', fast.next('fast', 9_000), 'first', 1);
    teach(fast, slow);
    const version = slow.next('slow', 5);
    expect(version).toEqual({ node: 'slow', time: 9_001 });
    slow.put('a', version, 'second', 1);
    teach(slow, fast);
    expect(fast.get('a')).toBe('second');
    expect([fast.put('b', at(7, 'x'), 'x', 1), fast.put('b', at(7, 'y'), 'y', 1)]).toEqual(['news', 'news']);
    expect([slow.put('b', at(7, 'y'), 'y', 1), slow.put('b', at(7, 'x'), 'x', 1)]).toEqual(['news', 'known']);
    expect(fast.digest).toBe(slow.digest);
  });

  test('stay where there is no room for newer ones', () => {
    const retained = new Retained<string>({ bytesMax: 100, topicsMax: 2 });
    retained.put('a', at(1), 'a', 30);
    retained.put('b', at(2), 'b', 30);
    expect(retained.put('c', at(3), 'c', 1)).toBe('full');
    expect(retained.put('a', at(4), 'too large', 71)).toBe('full');
    expect(retained.put('a', at(5), 'fits', 70)).toBe('news');
    expect([retained.get('a'), retained.get('c'), retained.counts]).toEqual([
      'fits',
      undefined,
      { bytes: 100, refused: 2, topics: 2 },
    ]);
  });

  test('are replayed as of when the replay began; what is put later is not, for it comes live', () => {
    const retained = new Retained<string>(LIMITS);
    for (const topic of ['a', 'b', 'c', 'd', 'e']) retained.put(topic, at(1), `${topic}1`, 1);
    const replay = retained.replay([pattern('*')]);
    expect(replay.step(2)).toEqual({ done: false, found: ['a1', 'b1'] });
    retained.put('a', at(2), 'a2', 1);
    retained.put('d', at(2), 'd2', 1);
    retained.put('x', at(2), 'x1', 1);
    retained.put('c', { ...at(2), cleared: true }, '', 1);
    expect(all(replay)).toEqual(['e1']);
  });

  test('are found by any of the patterns, once each', () => {
    fc.assert(
      fc.property(fc.uniqueArray(topics, { maxLength: 20 }), fc.array(patterns, { maxLength: 4 }), (put, texts) => {
        const retained = new Retained<string>(LIMITS);
        for (const topic of put) retained.put(topic, at(1), topic, 1);
        expect(all(retained.replay(texts.map(pattern)))).toEqual(
          put.filter((topic) => texts.some((text) => matches(text, topic))),
        );
      }),
    );
  });

  test('are the same on all nodes once each has told each other what it lacks, whatever was put where', () => {
    const put = fc.record({
      node: fc.nat(2),
      cleared: fc.constantFrom(undefined, true as const),
      text: fc.string({ maxLength: 3 }),
      time: fc.nat(5),
      topic: fc.constantFrom('a', 'b', 'c.d', 'e.f.g'),
    });
    fc.assert(
      fc.property(fc.array(put, { maxLength: 30 }), (puts) => {
        const nodes = [0, 1, 2].map(() => new Retained<string>(LIMITS));
        const newest = new Map<string, { readonly version: Version; readonly text: string }>();
        for (const { cleared, node, text, time, topic } of puts) {
          const retained = nodes[node] as Retained<string>;
          const version = { ...retained.next(`${node}`, time), ...(cleared && { cleared }) };
          expect(retained.put(topic, version, text, 1)).toBe('news');
          const best = newest.get(topic);
          const isBest = best === undefined || version.time > best.version.time;
          if (isBest || (version.time === best.version.time && version.node > best.version.node)) {
            newest.set(topic, { text, version });
          }
        }
        for (const one of nodes) for (const other of nodes) if (one !== other) teach(one, other);
        for (const one of nodes) for (const other of nodes) if (one !== other) teach(one, other);
        expect(new Set(nodes.map(({ digest }) => digest)).size).toBe(1);
        for (const retained of nodes) {
          for (const [topic, { text, version }] of newest) {
            expect(retained.get(topic)).toBe(version.cleared ? undefined : text);
          }
          for (let bucket = 0; bucket < BUCKETS; bucket++) {
            expect(retained.lacking(bucket, (nodes[0] as Retained<string>).entries(bucket))).toEqual([]);
          }
        }
      }),
    );
  });
});
