import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Heap } from '../../../src/engine/core/base/heap.ts';

interface Item {
  readonly rank: number;
  readonly name: number;
}

/** What a heap should be, in the plainest way: a list that is sorted whenever something is taken. */
class SortedList {
  #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  push(item: Item): void {
    this.#items = [...this.#items, item].sort((a, b) => a.rank - b.rank); // a stable sort keeps equal ones in order
  }

  pop(): Item | undefined {
    return this.#items.shift();
  }
}

describe('a heap', () => {
  test('gives what a sorted list gives, equal items in the order in which they came', () => {
    const action = fc.oneof(fc.nat(5), fc.constant('pop' as const));
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const heap = new Heap<Item>((a, b) => a.rank - b.rank);
        const list = new SortedList();
        for (const [name, act] of actions.entries()) {
          if (act === 'pop') {
            const next = heap.peek();
            const popped = heap.pop();
            expect(popped).toEqual(list.pop());
            expect(popped).toBe(next);
          } else {
            heap.push({ name, rank: act });
            list.push({ name, rank: act });
          }
          expect(heap.size).toBe(list.size);
        }
        for (let left = list.pop(); left !== undefined; left = list.pop()) expect(heap.pop()).toEqual(left);
        expect(heap.pop()).toBeUndefined();
        expect(heap.peek()).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });
});
