/** What every `MessageLog` promises, as tests. Each adapter's own test file runs it. */
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/engine/core/base/outcome.ts';
import type { Problem } from '../../src/engine/core/base/problems.ts';
import type { KeepDefinition, LogBatch, LogRow, MessageLog, StoredKeep } from '../../src/engine/flow/message-log.ts';
import { payloadOf } from '../../src/engine/wire/payload.ts';

/** `make` gives an empty log; `reopen`, where the adapter is durable, closes it and opens the same data again. */
export interface LogUnderTest {
  readonly log: MessageLog;
  readonly close: () => Promise<void>;
  readonly reopen?: () => Promise<LogUnderTest & { readonly stored: readonly StoredKeep[] }>;
}

export const KEEP: KeepDefinition = { bytesMax: 1_000_000, countMax: 1_000, id: 'a.1', pattern: 'order.#' };

export function row(sequence: number, more: Partial<LogRow> = {}): LogRow {
  return {
    at: 1_000 + sequence,
    by: 'ann',
    keptAt: 2_000 + sequence,
    payload: payloadOf(sequence),
    seq: sequence,
    sequence,
    topic: 'order.eu',
    ...more,
  };
}

export const rows = (from: number, through: number) =>
  Array.from({ length: through - from + 1 }, (_, i) => row(from + i));

/** The log with promises in place of callbacks; none may be called within the call. */
export function awaited(log: MessageLog) {
  const later = <Value>(ask: (then: (value: Value) => void) => void) =>
    new Promise<Value>((resolve, reject) => {
      let within = true;
      ask((value) => (within ? reject(new Error('answered within the call')) : resolve(value)));
      within = false;
    });
  return {
    commit: (id: string, batch: Partial<LogBatch>) =>
      later<Problem | undefined>((then) => log.commit(id, { positions: new Map(), rows: [], ...batch }, then)),
    define: (keep: KeepDefinition) => later<Problem | undefined>((then) => log.define(keep, then)),
    read: async (id: string, from: number, through: number, bytesMax = 1_000_000) => {
      const read = await later<Outcome<readonly LogRow[]>>((then) => log.read(id, from, through, bytesMax, then));
      if (!read.ok) throw new Error(read.problem.message);
      return read.value;
    },
    remove: (id: string) => later<Problem | undefined>((then) => log.remove(id, then)),
  };
}

const sequences = (found: readonly LogRow[]) => found.map(({ sequence }) => sequence);

export function messageLogContract(name: string, make: () => Promise<LogUnderTest>): void {
  describe(`the log of messages ${name}`, () => {
    test('rows are read as they were stored', async () => {
      const { log, close } = await make();
      const { commit, define, read } = awaited(log);
      expect(await define(KEEP)).toBeUndefined();
      const odd = row(1, {
        by: 'é\u{1f702}',
        headers: { user: '7', empty: '' },
        payload: payloadOf({ a: [1n, new Uint8Array([0, 255])] }),
        topic: 'order.é',
      });
      expect(await commit(KEEP.id, { rows: [odd, row(2)] })).toBeUndefined();
      const [first, second] = await read(KEEP.id, 1, 9);
      expect({ ...first, payload: first?.payload.value() }).toEqual({ ...odd, payload: odd.payload.value() });
      expect({ ...second, payload: second?.payload.value() }).toEqual({ ...row(2), payload: { ok: true, value: 2 } });
      await close();
    });

    test('a read gives what is there of a range, as much as fits, one at least', async () => {
      const { log, close } = await make();
      const { commit, define, read } = awaited(log);
      await define(KEEP);
      for (const [from, through] of [
        [1, 1],
        [2, 40],
        [41, 41],
        [42, 60],
      ] as const)
        await commit(KEEP.id, { rows: rows(from, through) });
      expect(sequences(await read(KEEP.id, 39, 43))).toEqual([39, 40, 41, 42, 43]);
      expect(sequences(await read(KEEP.id, 60, 99))).toEqual([60]);
      expect(sequences(await read(KEEP.id, 61, 99))).toEqual([]);
      expect((await read(KEEP.id, 1, 60, 1)).length).toBeGreaterThan(0);
      const all: number[] = [];
      while (all.length < 60) all.push(...sequences(await read(KEEP.id, (all.at(-1) ?? 0) + 1, 60, 500)));
      expect(all).toEqual(sequences(rows(1, 60)));
      await close();
    });

    test('what is evicted is never read again, or as if it were there', async () => {
      const { log, close } = await make();
      const { commit, define, read } = awaited(log);
      await define(KEEP);
      await commit(KEEP.id, { rows: rows(1, 5) });
      await commit(KEEP.id, { evict: 6, rows: rows(6, 9) });
      expect(sequences(await read(KEEP.id, 1, 9))).toEqual([6, 7, 8, 9]);
      await commit(KEEP.id, { evict: 10 });
      expect(sequences(await read(KEEP.id, 1, 9))).toEqual([]);
      expect(await commit(KEEP.id, { rows: rows(10, 10) })).toBeUndefined();
      expect(sequences(await read(KEEP.id, 1, 99))).toEqual([10]);
      await close();
    });

    test('keeps are apart from each other, and one that is removed is empty when it is made again', async () => {
      const { log, close } = await make();
      const { commit, define, read, remove } = awaited(log);
      const other = { ...KEEP, id: 'a.2', pattern: 'cart.#' };
      await Promise.all([define(KEEP), define(other)]);
      await Promise.all([
        commit(KEEP.id, { rows: rows(1, 3) }),
        commit(other.id, { rows: [row(1, { topic: 'cart' })] }),
      ]);
      expect((await read(other.id, 1, 9)).map(({ topic }) => topic)).toEqual(['cart']);
      expect(await remove(KEEP.id)).toBeUndefined();
      expect(await commit(KEEP.id, { rows: rows(4, 4) })).toMatchObject({ code: 'store-failed' });
      await define(KEEP);
      expect(await read(KEEP.id, 1, 9)).toEqual([]);
      expect(sequences(await read(other.id, 1, 9))).toEqual([1]);
      await close();
    });

    test('a durable one has all of it after it was opened again', async () => {
      const { log, close, reopen } = await make();
      const { commit, define } = awaited(log);
      await define(KEEP);
      await commit(KEEP.id, {
        positions: new Map([
          ['bill', 2],
          ['jill', 1],
        ]),
        rows: rows(1, 5),
      });
      await commit(KEEP.id, {
        evict: 3,
        positions: new Map([
          ['bill', 4],
          ['jill', undefined],
        ]),
      });
      await define({ ...KEEP, ageMaxMs: 60_000, countMax: 7 });
      await define({ ...KEEP, id: 'a.2', pattern: 'cart' });
      await commit('a.2', { rows: rows(1, 2) });
      await commit('a.2', { evict: 3 });
      if (reopen === undefined) return close();
      const again = await reopen();
      const [first, second] = again.stored;
      expect(first?.definition).toEqual({ ...KEEP, ageMaxMs: 60_000, countMax: 7 });
      expect({ ...first?.stored, messages: [...(first?.stored.messages ?? [])] }).toEqual({
        first: 3,
        messages: rows(3, 5).map(({ keptAt }) => ({ at: keptAt, bytes: 257 })),
        next: 6,
        positions: new Map([['bill', 4]]),
      });
      expect({ ...second?.stored, messages: [...(second?.stored.messages ?? [])] }).toMatchObject({
        first: 3,
        messages: [],
        next: 3,
      });
      const { read } = awaited(again.log);
      expect(sequences(await read(KEEP.id, 1, 9)).filter((sequence) => sequence >= 3)).toEqual([3, 4, 5]);
      expect(await awaited(again.log).commit('a.2', { rows: rows(3, 3) })).toBeUndefined();
      await again.close();
    });
  });
}
