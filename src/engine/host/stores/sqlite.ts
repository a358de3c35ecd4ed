/**
 * The node's map in a file: SQLite in write-ahead mode, synced to the disk before a commit resolves.
 *
 * One process owns a data directory for as long as the store is open (SQLite's exclusive lock, which the system drops
 * when the process dies, however it dies). All commits of one turn of the loop become one transaction and one sync.
 *
 * What it refuses to do: replace or repair a damaged file; open one that another process has; make a database in the
 * place of one that has disappeared. A new database is made under another name and moved in place when it is whole, so
 * that an empty `mpreg.db` is damage, not a beginning.
 *
 * Trade-off: a sync blocks the loop while the disk works, a few milliseconds on a common one. A thread would not, but
 * every acknowledgement would then pay two thread switches more.
 */
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Write } from '../../core/node/effects.ts';
import { type ProblemError, problemError } from '../../problem-error.ts';
import type { Store } from '../ports.ts';

/** Marks the file as ours: "mpre" in ASCII. */
const APPLICATION_ID = 0x6d707265;
const SCHEMA_VERSION = 1;
const PAGE_BYTES = 4096;

export interface SqliteStoreOptions {
  /** Made, readable by its owner alone, where it is missing. */
  readonly directory: string;
  /** The file grows no further; commits beyond fail with `store-failed`. Default 1 GiB. */
  readonly bytesMax?: number;
}

interface Commit {
  readonly writes: readonly Write[];
  readonly resolve: () => void;
  readonly reject: (error: ProblemError) => void;
}

export class SqliteStore implements Store {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  /** Commits of this turn, in order. */
  #waiting: Commit[] = [];
  #open = true;

  /** Throws `data-in-use`, `store-corrupt` or `store-failed`. */
  constructor(options: SqliteStoreOptions) {
    this.#file = join(options.directory, 'mpreg.db');
    this.#db = this.#opened(options);
    this.#put = this.#db.prepare(
      'insert into pairs values (?, ?) on conflict (key) do update set value = excluded.value',
    );
    this.#remove = this.#db.prepare('delete from pairs where key = ?');
  }

  read(key: string): string | undefined {
    return this.#guarded(() => {
      const row = this.#db.prepare('select value from pairs where key = ?').get(key);
      return row && String(row['value']);
    });
  }

  list(prefix: string): readonly (readonly [key: string, value: string])[] {
    return this.#guarded(() => {
      const pairs: (readonly [string, string])[] = [];
      for (const row of this.#db.prepare('select key, value from pairs where key >= ? order by key').iterate(prefix)) {
        const key = String(row['key']);
        if (!key.startsWith(prefix)) break;
        pairs.push([key, String(row['value'])]);
      }
      return pairs.sort(([a], [b]) => (a < b ? -1 : 1)); // SQLite orders by UTF-8, everybody else by UTF-16
    });
  }

  commit(writes: readonly Write[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.#open) return reject(problemError('store-failed', 'the store was closed before the commit'));
      if (this.#waiting.push({ reject, resolve, writes }) === 1) setImmediate(() => this.#flush());
    });
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#flush();
    this.#open = false;
    this.#db.close();
  }

  #flush(): void {
    const group = this.#waiting;
    if (group.length === 0) return;
    this.#waiting = [];
    try {
      this.#db.exec('begin immediate');
      for (const { writes } of group) for (const write of writes) this.#write(write);
      this.#db.exec('commit');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('rollback');
      const problem = this.#explained(error);
      for (const { reject } of group) reject(problem);
      return;
    }
    for (const { resolve } of group) resolve();
  }

  #write({ key, value }: Write): void {
    if (value === null) this.#remove.run(key);
    else this.#put.run(key, value);
  }

  #opened({ directory, bytesMax = 2 ** 30 }: SqliteStoreOptions): DatabaseSync {
    let db: DatabaseSync | undefined;
    try {
      mkdirSync(directory, { mode: 0o700, recursive: true });
      if (!existsSync(this.#file)) this.#make(directory);
      if (statSync(this.#file).size === 0) throw this.#corrupt('it is empty');
      db = new DatabaseSync(this.#file, { timeout: 0 });
      db.exec('pragma locking_mode = exclusive');
      db.exec('begin immediate; commit');
      this.#check(db);
      db.exec('pragma journal_mode = wal; pragma synchronous = full');
      db.exec(`pragma max_page_count = ${Math.ceil(bytesMax / PAGE_BYTES)}`);
      return db;
    } catch (error) {
      db?.close();
      throw this.#explained(error);
    }
  }

  #check(db: DatabaseSync): void {
    const ask = (pragma: string) => Object.values(db.prepare(`pragma ${pragma}`).get() ?? {})[0];
    if (ask('application_id') !== APPLICATION_ID) throw this.#corrupt('it is not a database of mpreg');
    const version = ask('user_version');
    if (version !== SCHEMA_VERSION)
      throw problemError('version-unsupported', `${this.#file} was written by another version of mpreg (${version})`);
    const verdict = ask('quick_check(1)');
    if (verdict !== 'ok') throw this.#corrupt(String(verdict));
  }

  /** Makes an empty database, whole before it has its name. Two processes may try at once: one of them gets the name. */
  #make(directory: string): void {
    if (existsSync(`${this.#file}-wal`)) throw this.#corrupt('it is gone, while its write-ahead log is still there');
    const made = `${this.#file}.${process.pid}.new`;
    rmSync(made, { force: true });
    closeSync(openSync(made, 'wx', 0o600));
    try {
      const db = new DatabaseSync(made);
      db.exec(`pragma page_size = ${PAGE_BYTES}; pragma synchronous = full;
        begin;
        create table pairs (key text primary key, value text not null) strict, without rowid;
        pragma application_id = ${APPLICATION_ID};
        pragma user_version = ${SCHEMA_VERSION};
        commit`);
      db.close();
      linkSync(made, this.#file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(made, { force: true });
    }
    syncDirectory(directory);
  }

  #guarded<Value>(read: () => Value): Value {
    try {
      return read();
    } catch (error) {
      throw this.#explained(error);
    }
  }

  #corrupt(why: string): ProblemError {
    return problemError('store-corrupt', `${this.#file} is damaged: ${why}`);
  }

  #explained(error: unknown): ProblemError {
    if (error instanceof Error && error.name === 'ProblemError') return error as ProblemError;
    const { message, errcode } = error as Error & { errcode?: number };
    const primary = (errcode ?? 0) & 0xff; // the low byte of SQLite's extended result codes
    if (primary === 5 || primary === 6) return problemError('data-in-use', `another process has ${this.#file} open`);
    if (primary === 11 || primary === 26) return this.#corrupt(message);
    return problemError('store-failed', `${this.#file} cannot be used: ${message}`);
  }
}

/** Makes a new name in a directory survive a crash of the machine. Limit: Windows cannot, and need not. */
function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
