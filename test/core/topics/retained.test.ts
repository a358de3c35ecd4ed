import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Replay, Retained } from '../../../src/engine/core/topics/retained.ts';
import { matches, pattern, patterns, topics } from './naive.ts';

function all(replay: Replay<string>, step = 2): string[] {
  const found: string[] = [];
  for (;;) {
    const next = replay.step(step);
    found.push(...next.found);
    if (next.done) return found;
  }
}

describe('retained messages', () => {
  test('are the newest of each topic', () => {
    const retained = new Retained<string>({ bytesMax: 100, topicsMax: 5 });
    for (const [topic, text] of ['a 1', 'b 2', 'a 3', 'c.d 4'].map((one) => one.split(' '))) {
      retained.put(topic ?? '', text ?? '', 10);
    }
    expect(retained.counts).toEqual({ bytes: 30, dropped: 0, topics: 3 });
    expect([all(retained.replay([pattern('#')])), all(retained.replay([pattern('*')]))]).toEqual([
      ['2', '3', '4'],
      ['2', '3'],
    ]);
    expect([retained.clear('a'), retained.clear('a'), retained.get('a'), retained.get('b')]).toEqual([
      true,
      false,
      undefined,
      '2',
    ]);
  });

  test('make room for newer ones: those that were put longest ago go first', () => {
    const retained = new Retained<string>({ bytesMax: 100, topicsMax: 3 });
    for (const topic of ['a', 'b', 'c']) expect(retained.put(topic, topic, 30)).toEqual([]);
    expect(retained.put('a', 'a2', 30)).toEqual([]);
    expect(retained.put('d', 'd', 10)).toEqual(['b']);
    expect(retained.put('e', 'e', 80)).toEqual(['c', 'a']);
    expect(retained.put('e', 'too large', 101)).toBeUndefined();
    expect([retained.get('e'), retained.counts]).toEqual(['e', { bytes: 90, dropped: 3, topics: 2 }]);
  });

  test('are replayed as of when the replay began; what is put later is not, for it comes live', () => {
    const retained = new Retained<string>({ bytesMax: 1_000, topicsMax: 50 });
    for (const topic of ['a', 'b', 'c', 'd', 'e']) retained.put(topic, `${topic}1`, 1);
    const replay = retained.replay([pattern('*')]);
    expect(replay.step(2)).toEqual({ done: false, found: ['a1', 'b1'] });
    retained.put('a', 'a2', 1);
    retained.put('d', 'd2', 1);
    retained.put('x', 'x1', 1);
    retained.clear('c');
    expect(all(replay)).toEqual(['e1']);
  });

  test('are found by any of the patterns, once each', () => {
    fc.assert(
      fc.property(fc.uniqueArray(topics, { maxLength: 20 }), fc.array(patterns, { maxLength: 4 }), (put, texts) => {
        const retained = new Retained<string>({ bytesMax: 1_000, topicsMax: 50 });
        for (const topic of put) retained.put(topic, topic, 1);
        expect(all(retained.replay(texts.map(pattern)))).toEqual(
          put.filter((topic) => texts.some((text) => matches(text, topic))),
        );
      }),
    );
  });
});
