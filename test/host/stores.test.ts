import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { MemoryStore } from '../../src/engine/host/stores/memory.ts';
import { SqliteStore } from '../../src/engine/host/stores/sqlite.ts';
import { storeContract } from '../contract/store.ts';

const root = mkdtempSync(join(tmpdir(), 'mpreg-store-'));
let count = 0;
let directory = '';
let file = '';

beforeEach(() => {
  directory = join(root, `${++count}`);
  file = join(directory, 'mpreg.db');
});
afterAll(() => rmSync(root, { force: true, recursive: true }));

storeContract('in memory', () => ({ store: new MemoryStore() }));
storeContract('in SQLite', () => {
  const store = new SqliteStore({ directory });
  return {
    reopen: async () => {
      await store.close();
      return new SqliteStore({ directory });
    },
    store,
  };
});

function refusal(open: () => unknown): unknown {
  try {
    open();
  } catch (error) {
    return (error as { problem?: { code: string } }).problem?.code ?? error;
  }
  return 'nothing was refused';
}

describe('the store in SQLite', () => {
  test('only its owner can read the directory and the file', async () => {
    const store = new SqliteStore({ directory });
    await store.commit([{ key: 'a', value: '1' }]);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await store.close();
  });

  test('a directory has one owner at a time', async () => {
    const store = new SqliteStore({ directory });
    expect(refusal(() => new SqliteStore({ directory }))).toBe('data-in-use');
    await store.commit([{ key: 'a', value: 'still mine' }]);
    expect(refusal(() => new SqliteStore({ directory }))).toBe('data-in-use');
    await store.close();
    await new SqliteStore({ directory }).close();
  });

  test('a killed process leaves everything that it was told is stored, and its directory is free', async () => {
    const module = fileURLToPath(new URL('../../src/engine/host/stores/sqlite.ts', import.meta.url));
    const code = `
      const { SqliteStore } = await import(${JSON.stringify(module)});
      const store = new SqliteStore({ directory: process.argv[1] });
      for (let i = 1; ; i++) { await store.commit([{ key: 'count', value: String(i) }]); console.log(i); }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let told = '';
    try {
      await new Promise<void>((resolve, reject) => {
        child.once('exit', () => reject(new Error('the child ended early')));
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          told += text;
          if (told.split('\n').length > 20) resolve();
        });
      });
      expect(refusal(() => new SqliteStore({ directory }))).toBe('data-in-use');
    } finally {
      child.kill('SIGKILL');
    }
    await once(child, 'close');
    const store = new SqliteStore({ directory });
    const last = Number(told.trim().split('\n').at(-1));
    expect(Number(store.read('count'))).toBeGreaterThanOrEqual(last);
    await store.close();
  });

  const damages: readonly (readonly [string, () => void])[] = [
    ['emptied', () => truncateSync(file, 0)],
    ['cut in half', () => truncateSync(file, Math.floor(statSync(file).size / 8192) * 4096)],
    ['overwritten with something else', () => writeFileSync(file, 'not a database, '.repeat(1000))],
    ['overwritten in the middle', () => writeFileSync(file, readFileSync(file).fill(0xa5, 4096, 8192))],
    [
      'replaced by a database of another program',
      () => {
        rmSync(file);
        const other = new DatabaseSync(file);
        other.exec('create table theirs (x); insert into theirs values (1)');
        other.close();
      },
    ],
  ];
  test.each(damages)('a file that was %s is reported, and left as it is', async (_, damage) => {
    const store = new SqliteStore({ directory });
    await store.commit(Array.from({ length: 500 }, (_, i) => ({ key: `key ${i}`, value: 'x'.repeat(40) })));
    await store.close();
    damage();
    const before = readFileSync(file);
    expect(refusal(() => new SqliteStore({ directory }))).toBe('store-corrupt');
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test('a file that disappeared under its log is not replaced', () => {
    mkdirSync(directory);
    writeFileSync(`${file}-wal`, 'what is left');
    expect(refusal(() => new SqliteStore({ directory }))).toBe('store-corrupt');
  });

  test('a full disk fails the commits of that turn, and later ones succeed again', async () => {
    const store = new SqliteStore({ bytesMax: 100 * 1024, directory });
    await store.commit([{ key: 'small', value: 'kept' }]);
    const large = store.commit([{ key: 'large', value: 'x'.repeat(200 * 1024) }]);
    const beside = store.commit([{ key: 'beside', value: 'same transaction' }]);
    await expect(large).rejects.toMatchObject({ problem: { code: 'store-failed' } });
    await expect(beside).rejects.toMatchObject({ problem: { code: 'store-failed' } });
    expect(store.list('')).toEqual([['small', 'kept']]);
    await store.commit([{ key: 'small', value: 'changed' }]);
    expect(store.read('small')).toBe('changed');
    await store.close();
  });

  test('a directory that cannot be made is a problem with a name', () => {
    mkdirSync(directory);
    writeFileSync(join(directory, 'file'), '');
    expect(refusal(() => new SqliteStore({ directory: join(directory, 'file', 'below') }))).toBe('store-failed');
  });

  test('a hundred commits of one turn cost about as much as one', async () => {
    const store = new SqliteStore({ directory });
    const log = () => statSync(`${file}-wal`).size;
    await store.commit([{ key: 'k', value: '0' }]);
    const before = log();
    await store.commit([{ key: 'k', value: '1' }]);
    const one = log() - before;
    await Promise.all(Array.from({ length: 100 }, (_, i) => store.commit([{ key: 'k', value: `${i}` }])));
    expect(log() - before - one).toBe(one); // one transaction writes the changed page once
    await store.close();
  });
});
