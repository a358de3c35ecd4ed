import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, test } from 'vitest';
import type { QueueStore } from '../../src/engine/host/ports.ts';
import { MemoryQueues } from '../../src/engine/host/stores/memory-queues.ts';
import {
  MOVES_SCHEMA,
  QUEUE_SCHEMA,
  QUEUE_STATEMENTS,
  RUN_MIN,
  RUNS_SCHEMA,
} from '../../src/engine/host/stores/queue-sql.ts';
import { openSqlite } from '../../src/engine/host/stores/sqlite-file.ts';
import { SqliteQueues } from '../../src/engine/host/stores/sqlite-queues.ts';
import { queueStoreContract } from '../contract/queue-store.ts';

const directories: string[] = [];
const stores: QueueStore[] = [];

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  for (const directory of directories.splice(0)) rmSync(directory, { force: true, recursive: true });
});

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'mpreg-queues-'));
  directories.push(made);
  return made;
}

function opened<Store extends QueueStore>(store: Store): Store {
  stores.push(store);
  return store;
}

queueStoreContract('in memory', async () => ({ store: new MemoryQueues() }));

queueStoreContract('in a file', async () => {
  const where = directory();
  const store = opened(new SqliteQueues(where));
  let last = store;
  const reopen = async () => {
    await last.close();
    last = opened(new SqliteQueues(where));
    await last.open();
    return last;
  };
  return { reopen, store };
});

test('a damaged file is told, and left as it is', async () => {
  const where = directory();
  writeFileSync(join(where, 'queues.db'), 'this is no database');
  await expect(opened(new SqliteQueues(where)).open()).rejects.toMatchObject({ problem: { code: 'store-corrupt' } });
});

test('a file of the version before is opened, and knows of moves from then on', async () => {
  const where = directory();
  openSqlite({ file: join(where, 'queues.db'), schema: QUEUE_SCHEMA, version: 1 }).close();
  const store = opened(new SqliteQueues(where));
  expect(await store.open()).toEqual({ ended: [], next: 1, queues: [] });
  await store.commit([{ kind: 'ended', move: 'jobs.1', queue: 1 }]);
  await store.close();
  expect((await opened(new SqliteQueues(where)).open()).ended).toEqual(['jobs.1']);
});

test.each(['purge', 'drop'] as const)('what the disk refuses to %s is still found', async (kind) => {
  const where = directory();
  const file = join(where, 'queues.db');
  const refusing = "create trigger refusing before delete on runs begin select raise(abort, 'no'); end";
  openSqlite({ file, schema: `${QUEUE_SCHEMA};${MOVES_SCHEMA};${RUNS_SCHEMA};${refusing}`, version: 3 }).close();
  const store = opened(new SqliteQueues(where));
  const messages = Array.from({ length: RUN_MIN }, (_, i) => ({ bytes: 1, rank: 0, sentAt: 5, seq: i + 1 }));
  const insert = (message: (typeof messages)[number]) => {
    return { content: new Uint8Array([1]), kind: 'insert', message, queue: 1 } as const;
  };
  await store.commit(messages.map(insert));
  await expect(store.commit([{ kind, queue: 1 }])).rejects.toMatchObject({ problem: { code: 'store-failed' } });
  expect((await store.load(1, { after: { rank: 0, seq: 0 }, limit: 99, what: 'ready' })).messages).toEqual(messages);
});

test('nothing that is asked of it reads all messages of all queues', () => {
  const db = new DatabaseSync(':memory:');
  db.exec(`${QUEUE_SCHEMA};${MOVES_SCHEMA};${RUNS_SCHEMA}`);
  const scans = Object.entries(QUEUE_STATEMENTS).flatMap(([name, text]) =>
    db
      .prepare(`explain query plan ${text}`)
      .all()
      .map(({ detail }) => `${name}: ${detail}`)
      .filter((line) =>
        /SCAN (messages|runs|states|groups|copies|deliveries|dedupe|[mrsgcd])\b(?! VIRTUAL)/.test(line),
      ),
  );
  expect(scans).toEqual([]);
  db.close();
});

test('a file belongs to one process', async () => {
  const where = directory();
  const options = { kind: 'drop', queue: 1 } as const;
  await opened(new SqliteQueues(where)).commit([options]);
  await expect(opened(new SqliteQueues(where)).open()).rejects.toMatchObject({ problem: { code: 'data-in-use' } });
});
