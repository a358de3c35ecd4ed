import { fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Database, type DatabaseOptions } from '../../src/engine/host/stores/database.ts';
import { RowWriter, readRows, type SqlValue } from '../../src/engine/host/stores/packed-rows.ts';

const root = mkdtempSync(join(tmpdir(), 'mpreg-database-'));
let count = 0;
let file = '';
const opened: { close(): Promise<void> }[] = [];

beforeEach(() => {
  file = join(root, `${++count}`, 'words.db');
});
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close();
});
afterAll(() => rmSync(root, { force: true, recursive: true }));

const WORDS = {
  schema: 'create table words (number integer primary key, word any) strict',
  statements: {
    all: 'select number, word from words order by number',
    from: 'select number, word from words where number >= ? order by number limit ?',
    put: 'insert into words values (?, ?)',
  },
  version: 1,
} as const;

async function open(more: Partial<DatabaseOptions<'all' | 'from' | 'put'>> = {}) {
  const database = await Database.open({ ...WORDS, file, ...more });
  opened.push(database);
  return database;
}

const refusal = (code: string) => ({ problem: { code } });

describe('a database in a thread', () => {
  test('what was committed is read, as it was written, also after it was opened again', async () => {
    const first = await open();
    const values: SqlValue[] = [null, 2.5, 'é 🜂 \ufeff\0', new Uint8Array([0, 255]), 2 ** 40];
    for (const [number, value] of values.entries()) first.write('put', number, value);
    await first.commit();
    const seen = (rows: SqlValue[][]) => rows.map(([, v]) => (v instanceof Uint8Array ? [...v] : v));
    const expected = [null, 2.5, 'é 🜂 \ufeff\0', [0, 255], 2 ** 40];
    expect(seen(await first.read('all'))).toEqual(expected);
    await first.close();
    expect(seen(await (await open()).read('all'))).toEqual(expected);
  });

  test('a read sees what was written before it, committed or not yet', async () => {
    const database = await open();
    database.write('put', 1, 'one');
    const stored = database.commit();
    database.write('put', 2, 'two');
    expect(await database.read('from', 1, 10)).toEqual([
      [1, 'one'],
      [2, 'two'],
    ]);
    await stored;
  });

  test('what one turn writes is stored together or not at all, and all who committed in it are told', async () => {
    const database = await open();
    database.write('put', 1, 'one');
    const one = database.commit();
    database.write('put', 1, 'one again');
    const two = database.commit();
    await expect(one).rejects.toMatchObject(refusal('store-failed'));
    await expect(two).rejects.toMatchObject(refusal('store-failed'));
    expect(await database.read('all')).toEqual([]);
    database.write('put', 1, 'one');
    await database.commit();
    expect(await database.read('all')).toEqual([[1, 'one']]);
    expect(database.waitingBytes).toBe(0);
  });

  test('commits of many turns resolve in their order, and those that waited share transactions', async () => {
    const database = await open();
    const order: number[] = [];
    const all: Promise<unknown>[] = [];
    for (let i = 0; i < 500; i++) {
      database.write('put', i, 'x');
      all.push(database.commit().then(() => order.push(i)));
      if (i % 5 === 4) await new Promise(setImmediate);
    }
    await Promise.all(all);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(await database.read('all')).toHaveLength(500);
  });

  test('a commit with nothing to store waits for what is under way', async () => {
    const database = await open();
    const order: string[] = [];
    database.write('put', 1, 'x'.repeat(100_000));
    void database.commit().then(() => order.push('stored'));
    await new Promise(setImmediate);
    await database.commit();
    order.push('after');
    expect(order).toEqual(['stored', 'after']);
  });

  test('the loop goes on while the thread stores', async () => {
    const database = await open();
    let turns = 0;
    let storing = true;
    for (let i = 0; i < 20_000; i++) database.write('put', i, 'x'.repeat(100));
    const stored = database.commit().finally(() => {
      storing = false;
    });
    while (storing) {
      turns++;
      await new Promise(setImmediate);
    }
    await stored;
    expect(turns).toBeGreaterThan(10);
  });

  test('closing stores what was written, and refuses what comes later', async () => {
    const database = await open();
    database.write('put', 1, 'last words');
    const last = database.commit();
    await database.close();
    await expect(last).resolves.toBeUndefined();
    await expect(database.commit()).rejects.toMatchObject(refusal('store-failed'));
    await expect(database.read('all')).rejects.toMatchObject(refusal('store-failed'));
    expect(await (await open()).read('all')).toEqual([[1, 'last words']]);
  });

  test('a full disk fails the commits of that turn, and later ones succeed again', async () => {
    const database = await open({ bytesMax: 100 * 1024 });
    database.write('put', 1, 'x'.repeat(200 * 1024));
    await expect(database.commit()).rejects.toMatchObject(refusal('store-failed'));
    database.write('put', 1, 'small');
    await database.commit();
    expect(await database.read('all')).toEqual([[1, 'small']]);
  });

  test('a file has one owner at a time', async () => {
    const database = await open();
    await expect(Database.open({ ...WORDS, file })).rejects.toMatchObject(refusal('data-in-use'));
    await database.close();
    await open();
  });

  test('a file that is damaged, or of another version, is reported, and left as it is', async () => {
    await (await open()).close();
    await expect(Database.open({ ...WORDS, file, version: 2 })).rejects.toMatchObject(refusal('version-unsupported'));
    writeFileSync(file, 'not a database, '.repeat(1_000));
    const before = readFileSync(file);
    await expect(Database.open({ ...WORDS, file })).rejects.toMatchObject(refusal('store-corrupt'));
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  /** What a crash leaves: the file and its log after so many commits. */
  async function crashed(commits: number): Promise<{ readonly log: string; readonly bytes: Buffer }> {
    const database = await open();
    for (let i = 0; i < commits; i++) {
      database.write('put', i, `word ${i} `.repeat(20));
      await database.commit();
    }
    const copy = join(root, `${++count}`, 'words.db');
    mkdirSync(join(copy, '..'));
    for (const end of ['', '-wal']) copyFileSync(`${file}${end}`, `${copy}${end}`);
    await database.close();
    file = copy;
    return { bytes: readFileSync(`${copy}-wal`), log: `${copy}-wal` };
  }

  const FRAME = 24 + 4_096;
  const flipped = (bytes: Buffer, at: number) => {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    return damaged;
  };

  test('a byte that is wrong anywhere in its log, before the last commit, is reported, and the log left as it is', async () => {
    const { bytes, log } = await crashed(12);
    const frames = (bytes.length - 32) / FRAME;
    expect(frames).toBeGreaterThanOrEqual(12);
    const last = 32 + (frames - 1) * FRAME;
    const places = [0, 17, 31, 32, 36, 45, 50, 60, 32 + 5 * FRAME, 32 + 5 * FRAME + 2_000, last - FRAME + 9, last - 1];
    for (const at of [...places, ...Array.from({ length: 20 }, (_, i) => 32 + i * Math.floor(last / 21))]) {
      const damaged = flipped(bytes, at);
      writeFileSync(log, damaged);
      await expect(Database.open({ ...WORDS, file }), `byte ${at}`).rejects.toMatchObject(refusal('store-corrupt'));
      expect(readFileSync(log).equals(damaged)).toBe(true);
    }
    writeFileSync(log, bytes);
    expect(await (await open()).read('all')).toHaveLength(12);
  });

  test.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length - 100)],
    ['half written', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, bytes.length - 3_000), Buffer.alloc(3_000)])],
    ['overwritten', (bytes: Buffer) => flipped(bytes, bytes.length - FRAME + 30)],
  ])('an end of its log that is %s is what a crash leaves: what was stored before is there', async (_, torn) => {
    const { bytes, log } = await crashed(12);
    writeFileSync(log, torn(bytes));
    const rows = await (await open()).read('all');
    expect(rows.map(([number]) => number)).toEqual(Array.from({ length: 11 }, (__, i) => i));
  });

  test('only its owner can read the file', async () => {
    await open();
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('a killed process leaves everything that it was told is stored', async () => {
    mkdirSync(join(file, '..'));
    const module = new URL('../../src/engine/host/stores/database.ts', import.meta.url).href;
    const program = join(root, `${count}`, 'writer.mjs');
    writeFileSync(
      program,
      `import { Database } from ${JSON.stringify(module)};
      const database = await Database.open(${JSON.stringify({ ...WORDS, file })});
      for (let i = 0; ; i++) { database.write('put', i, 'x'); await database.commit(); process.send(i); }`,
    );
    const writer = fork(fileURLToPath(new URL(`file://${program}`)), { execArgv: [] });
    let last = -1;
    try {
      await new Promise<void>((resolve, reject) => {
        writer.once('exit', () => reject(new Error('the writer ended early')));
        writer.on('message', (told: number) => {
          last = told;
          if (told > 20) resolve();
        });
      });
    } finally {
      writer.kill('SIGKILL');
    }
    await once(writer, 'close');
    const rows = await (await open()).read('all');
    expect(rows.length).toBeGreaterThan(last);
  });
});

test('rows come out as they were packed', () => {
  const value = fc.oneof(
    fc.constant(null),
    fc.double({ noNaN: true }),
    fc.string({ unit: 'grapheme', maxLength: 100 }),
    fc.uint8Array({ maxLength: 100 }),
  );
  const row = fc.tuple(fc.nat(65_535), fc.array(value, { maxLength: 5 }));
  fc.assert(
    fc.property(fc.array(row, { maxLength: 300 }), (rows) => {
      const writer = new RowWriter();
      for (const [tag, values] of rows) writer.row(tag, values);
      const found: [number, SqlValue[]][] = [];
      readRows(writer.take(), (tag, values) => found.push([tag, values.map(plain)]));
      expect(found).toEqual(rows.map(([tag, values]) => [tag, values.map(plain)]));
    }),
    { numRuns: 50 },
  );
});

function plain(value: SqlValue): SqlValue {
  return value instanceof Uint8Array ? Uint8Array.from(value) : value;
}
