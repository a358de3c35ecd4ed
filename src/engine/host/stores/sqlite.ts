/**
 * The node's map in a file: SQLite in write-ahead mode, synced to the disk before a commit resolves.
 *
 * One process owns a data directory for as long as the store is open (SQLite's exclusive lock, which the system drops
 * when the process dies, however it dies). All commits of one turn of the loop become one transaction and one sync.
 *
 * Trade-off: a sync blocks the loop while the disk works, a few milliseconds on a common one. What is written for every
 * message is in a thread instead (`database.ts`); this is written when a node starts, and little else.
 */
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Write } from '../../core/node/effects.ts';
import { type ProblemError, problemError } from '../../problem-error.ts';
import type { Store } from '../ports.ts';
import { explained, openSqlite } from './sqlite-file.ts';

const SCHEMA = 'create table pairs (key text primary key, value text not null) strict, without rowid';

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
    this.#db = openSqlite({ ...options, file: this.#file, schema: SCHEMA, version: 1 });
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
      const problem = explained(error, this.#file);
      for (const { reject } of group) reject(problem);
      return;
    }
    for (const { resolve } of group) resolve();
  }

  #write({ key, value }: Write): void {
    if (value === null) this.#remove.run(key);
    else this.#put.run(key, value);
  }

  #guarded<Value>(read: () => Value): Value {
    try {
      return read();
    } catch (error) {
      throw explained(error, this.#file);
    }
  }
}
