/** What every `Store` promises, as tests. Each adapter's own test file runs it. */
import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/engine/host/ports.ts';

/** `make` gives an empty store; `reopen`, where the adapter is durable, closes it and opens the same data again. */
export interface StoreUnderTest {
  readonly store: Store;
  readonly reopen?: () => Promise<Store>;
}

export function storeContract(name: string, make: () => StoreUnderTest): void {
  describe(`the store ${name}`, () => {
    test('what a commit wrote is read once it has resolved', async () => {
      const { store } = make();
      expect(store.read('a')).toBeUndefined();
      await store.commit([
        { key: 'a', value: '1' },
        { key: 'b', value: '' },
      ]);
      expect(store.read('a')).toBe('1');
      expect(store.read('b')).toBe('');
      await store.close();
    });

    test('the last write of a key counts, within a commit and over several, and null removes', async () => {
      const { store } = make();
      const first = store.commit([
        { key: 'a', value: '1' },
        { key: 'a', value: '2' },
        { key: 'b', value: '3' },
      ]);
      const second = store.commit([
        { key: 'a', value: '4' },
        { key: 'b', value: null },
        { key: 'never', value: null },
      ]);
      await Promise.all([first, second]);
      expect(store.list('')).toEqual([['a', '4']]);
      await store.close();
    });

    test('commits resolve in their order', async () => {
      const { store } = make();
      const order: number[] = [];
      await Promise.all([1, 2, 3].map((i) => store.commit([{ key: 'k', value: `${i}` }]).then(() => order.push(i))));
      expect(order).toEqual([1, 2, 3]);
      expect(store.read('k')).toBe('3');
      await store.close();
    });

    test('a list has the keys of its prefix and no others, in the order of the keys', async () => {
      const { store } = make();
      const keys = ['b', 'a/2', 'a/10', 'a', 'a/', 'a0', 'a/%_', 'a/\u{1f702}', 'a/\uffee', 'A/1', 'a/é'];
      await store.commit(keys.map((key) => ({ key, value: `of ${key}` })));
      const expected = keys.filter((key) => key.startsWith('a/')).sort();
      expect(store.list('a/').map(([key]) => key)).toEqual(expected);
      expect(store.list('a/10')).toEqual([['a/10', 'of a/10']]);
      expect(store.list('').length).toBe(keys.length);
      expect(store.list('nothing')).toEqual([]);
      await store.close();
    });

    test('values keep every character', async () => {
      const { store } = make();
      const value = `line\nquote ' " zero \0 end 🜂 ${'x'.repeat(100_000)}`;
      await store.commit([{ key: "it's", value }]);
      expect(store.read("it's")).toBe(value);
      await store.close();
    });

    test('closing finishes what was committed, and refuses what comes later', async () => {
      const { store } = make();
      const last = store.commit([{ key: 'last', value: 'words' }]);
      await store.close();
      await expect(last).resolves.toBeUndefined();
      await expect(store.commit([{ key: 'late', value: '' }])).rejects.toMatchObject({
        problem: { code: 'store-failed' },
      });
      await store.close();
    });

    test('a durable one has everything after it was opened again', async () => {
      const { store, reopen } = make();
      await store.commit([
        { key: 'id', value: 'me' },
        { key: 'gone', value: 'soon' },
      ]);
      await store.commit([{ key: 'gone', value: null }]);
      if (reopen === undefined) return store.close();
      const again = await reopen();
      expect(again.list('')).toEqual([['id', 'me']]);
      await again.close();
    });
  });
}
