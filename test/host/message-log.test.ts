import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, test } from 'vitest';
import { LateLog } from '../../src/engine/host/stores/late-log.ts';
import { MemoryLog } from '../../src/engine/host/stores/memory-log.ts';
import { SqliteLog } from '../../src/engine/host/stores/sqlite-log.ts';
import { payloadOf } from '../../src/engine/wire/payload.ts';
import { awaited, KEEP, type LogUnderTest, messageLogContract, row, rows } from '../contract/message-log.ts';

const root = mkdtempSync(join(tmpdir(), 'mpreg-log-'));
let count = 0;
afterAll(() => rmSync(root, { force: true, recursive: true }));

const directoryOf = () => join(root, `${++count}`);

async function sqlite(directory: string): Promise<LogUnderTest & { readonly stored: SqliteLog['stored'] }> {
  const log = await SqliteLog.open({ directory });
  const reopen = async () => {
    await log.close();
    return sqlite(directory);
  };
  return { close: () => log.close(), log, reopen, stored: log.stored };
}

messageLogContract('in memory', async () => ({ close: async () => undefined, log: new MemoryLog() }));
messageLogContract('in a file', () => sqlite(directoryOf()));
messageLogContract('in a file that is opened late', async () => {
  const directory = directoryOf();
  const log = new LateLog(() => SqliteLog.open({ directory }));
  const reopen = async () => {
    await log.close();
    return sqlite(directory);
  };
  return { close: () => log.close(), log, reopen };
});

describe('messages in a file', () => {
  test('a file with messages missing is reported, not repaired', async () => {
    const directory = directoryOf();
    const { log, close } = await sqlite(directory);
    const { commit, define } = awaited(log);
    await define(KEEP);
    for (const [from, through] of [
      [1, 2],
      [3, 4],
      [5, 6],
    ] as const)
      await commit(KEEP.id, { rows: rows(from, through) });
    await close();
    const db = new DatabaseSync(join(directory, 'topics.db'));
    db.exec('delete from chunks where first = 3');
    db.close();
    await expect(SqliteLog.open({ directory })).rejects.toMatchObject({ problem: { code: 'store-corrupt' } });
  });

  test.each([
    ['cut off', (file: string) => truncateSync(file, 5_000)],
    ['no database', (file: string) => writeFileSync(file, 'x'.repeat(9_000))],
  ])('a file that is %s is reported, not replaced', async (_, damage) => {
    const directory = directoryOf();
    const { log, close } = await sqlite(directory);
    const { commit, define } = awaited(log);
    await define(KEEP);
    await commit(KEEP.id, { rows: rows(1, 500) });
    await close();
    damage(join(directory, 'topics.db'));
    expect(SqliteLog.isThere(directory)).toBe(true);
    await expect(SqliteLog.open({ directory })).rejects.toMatchObject({ problem: { code: 'store-corrupt' } });
  });

  test('one that may not grow refuses a batch as a whole, says so, and takes the next one that fits', async () => {
    const log = await SqliteLog.open({ bytesMax: 400_000, directory: directoryOf() });
    const { commit, define, read } = awaited(log);
    await define(KEEP);
    expect(await commit(KEEP.id, { rows: rows(1, 3) })).toBeUndefined();
    const large = payloadOf('x'.repeat(100_000));
    const batch = [4, 5, 6, 7, 8].map((sequence) => row(sequence, { payload: large }));
    expect(await commit(KEEP.id, { positions: new Map([['bill', 3]]), rows: batch })).toMatchObject({
      code: 'store-failed',
    });
    expect((await read(KEEP.id, 1, 9)).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(await commit(KEEP.id, { rows: rows(4, 5) })).toBeUndefined();
    expect((await read(KEEP.id, 1, 9)).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
    await log.close();
  });
});
