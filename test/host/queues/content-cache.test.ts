import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ContentCache } from '../../../src/engine/host/queues/content-cache.ts';

describe('contents that were sent lately', () => {
  test('are those that a plain map holds, while there is room', () => {
    const step = fc.record({ gap: fc.nat(3), queue: fc.nat(2), take: fc.boolean(), which: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const cache = new ContentCache(1_000_000);
        const plain = new Map<string, Uint8Array>();
        const next = [1, 1, 1];
        for (const { gap, queue, take, which } of steps) {
          const key = `${queue} ${which}`;
          if (take) {
            expect(cache.take(queue, which)).toBe(plain.get(key));
            plain.delete(key);
          } else if (which === 0) {
            cache.forget(queue);
            for (const one of [...plain.keys()]) if (one.startsWith(`${queue} `)) plain.delete(one);
          } else {
            const id = (next[queue] ?? 0) + gap;
            next[queue] = id + 1;
            const content = Uint8Array.of(id);
            cache.put(queue, id, content);
            plain.set(`${queue} ${id}`, content);
          }
        }
        for (const [key, content] of plain) {
          const [queue, id] = key.split(' ').map(Number);
          expect(cache.take(queue as number, id as number)).toBe(content);
        }
      }),
    );
  });

  test('go when there are more of them than may be, the oldest first, whatever their queue', () => {
    const cache = new ContentCache(10 * 200);
    for (let id = 1; id <= 40; id++) cache.put(id % 3, id, new Uint8Array(100));
    const left = Array.from({ length: 40 }, (_, i) => i + 1).filter((id) => cache.take(id % 3, id) !== undefined);
    expect(left).toEqual([31, 32, 33, 34, 35, 36, 37, 38, 39, 40]);
  });

  test('do not stand in the way of new ones once they were taken', () => {
    const cache = new ContentCache(10 * 200);
    for (let id = 1; id <= 5_000; id++) {
      cache.put(1, id, new Uint8Array(100));
      expect(cache.take(1, id)).toBeDefined();
    }
    for (let id = 5_001; id <= 5_030; id++) cache.put(1, id, new Uint8Array(100));
    const left = Array.from({ length: 30 }, (_, i) => 5_001 + i).filter((id) => cache.take(1, id) !== undefined);
    expect(left).toEqual([5_021, 5_022, 5_023, 5_024, 5_025, 5_026, 5_027, 5_028, 5_029, 5_030]);
  });
});
