/**
 * The thread that owns one SQLite file: it writes what `host/stores/database.ts` sends, one transaction and one sync for
 * each batch, and answers its questions, all in the order in which they come.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Problem } from '../engine/core/base/problems.ts';
import { RowWriter, readRows, type SqlValue } from '../engine/host/stores/packed-rows.ts';
import { Reserve } from '../engine/host/stores/reserve.ts';
import { explained, isFull, openSqlite, type SqliteFile } from '../engine/host/stores/sqlite-file.ts';

export interface DatabaseWorkerData extends SqliteFile {
  /** By their tags. */
  readonly statements: readonly string[];
  /** Whether room is set aside, so that it can let go of things on a full disk. */
  readonly reserved: boolean;
}

export type ToDatabase =
  | { readonly kind: 'write' | 'read'; readonly id: number; readonly rows: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'close' };

export type FromDatabase =
  | { readonly kind: 'open' }
  | { readonly kind: 'written'; readonly id: number }
  | { readonly kind: 'read'; readonly id: number; readonly rows: Uint8Array<ArrayBuffer> }
  /** Why nothing should be added, or null: there is room again. */
  | { readonly kind: 'room'; readonly problem: Problem | null }
  /** 0: the file was not opened. */
  | { readonly kind: 'refused'; readonly id: number; readonly problem: Problem };

/** Trade-off: more is written in longer runs, less often; less keeps the log short. Pages of 4 KiB. */
const CHECKPOINT_PAGES = 4_096;
/** How often a full disk is looked at. */
const LOOK_MS = 1_000;

const options = workerData as DatabaseWorkerData;

function tell(what: FromDatabase, bytes?: Uint8Array<ArrayBuffer>): void {
  parentPort?.postMessage(what, bytes === undefined ? [] : [bytes.buffer]);
}

/** Says what changes about the room there is; while the reserve is gone, it looks again and again. */
function teller(reserve: Reserve | undefined) {
  let told: Problem | undefined;
  let looking: NodeJS.Timeout | undefined;
  const stop = () => {
    clearInterval(looking);
    looking = undefined;
  };
  const room = () => {
    if (reserve?.isSpent) looking ??= setInterval(look, LOOK_MS);
    else stop();
    if (reserve?.problem === told) return;
    told = reserve?.problem;
    tell({ kind: 'room', problem: told ?? null });
  };
  const look = () => {
    reserve?.look();
    room();
  };
  return { stop, tell: room };
}

function serve(): void {
  const db = openSqlite(options);
  db.exec(`pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  const reserve = options.reserved ? new Reserve(db, options.file) : undefined;
  const room = teller(reserve);
  const statements = options.statements.map((text) => {
    const statement = db.prepare(text);
    statement.setReturnArrays(true);
    return statement;
  });
  const begin = db.prepare('begin immediate');
  const commit = db.prepare('commit');
  const once = (packed: Uint8Array) => {
    begin.run();
    readRows(packed, (tag, values) => statements[tag]?.run(...values));
    commit.run();
  };
  const write = (packed: Uint8Array) => {
    if (packed.length === 0) return;
    try {
      once(packed);
    } catch (error) {
      if (db.isTransaction) db.exec('rollback');
      if (!isFull(error) || reserve === undefined || !reserve.refused(packed.length)) throw error;
      once(packed);
    }
  };
  const read = (packed: Uint8Array): Uint8Array<ArrayBuffer> => {
    const rows = new RowWriter();
    readRows(packed, (tag, values) => {
      for (const row of statements[tag]?.iterate(...values) ?? []) rows.row(0, row as unknown as SqlValue[]);
    });
    return rows.take();
  };
  parentPort?.on('message', (asked: ToDatabase) => {
    if (asked.kind === 'close') {
      room.stop();
      db.close();
      parentPort?.close();
      return;
    }
    const { id } = asked;
    try {
      if (asked.kind === 'write') {
        write(asked.rows);
        tell({ id, kind: 'written' });
        reserve?.wrote();
      } else {
        const rows = read(asked.rows);
        tell({ id, kind: 'read', rows }, rows);
      }
    } catch (error) {
      if (db.isTransaction) db.exec('rollback');
      tell({ id, kind: 'refused', problem: explained(error, options.file).problem });
    }
    room.tell();
  });
  tell({ kind: 'open' });
  room.tell();
}

try {
  serve();
} catch (error) {
  tell({ id: 0, kind: 'refused', problem: explained(error, options.file).problem });
}
