/**
 * One SQLite file, in a thread of its own, so that a slow disk never holds up the node's loop.
 *
 *     write, write, …, commit ──┐
 *     write, …, commit ─────────┴─ one turn ──► one batch ──► one transaction, one sync ──► all of their commits resolve
 *
 * What is written in one turn of the loop is stored together or not at all. While batches are with the thread, what comes
 * waits and makes the next one (group commit): the slower the disk, the larger the batches. A read sees everything
 * that was written before it.
 *
 * It refuses to bound what waits: whoever writes knows `waitingBytes`, and holds back.
 */
import type { Worker } from 'node:worker_threads';
import type { DatabaseWorkerData, FromDatabase, ToDatabase } from '../../../worker/database-worker.ts';
import type { Problem } from '../../core/base/problems.ts';
import { ProblemError, problemError } from '../../problem-error.ts';
import { startWorker } from '../start-worker.ts';
import { RowWriter, readRows, type SqlValue } from './packed-rows.ts';
import type { SqliteFile } from './sqlite-file.ts';

export interface DatabaseOptions<Name extends string> extends SqliteFile {
  /** SQL by name, with `?` for its values. Each is prepared once. */
  readonly statements: Readonly<Record<Name, string>>;
  /** With it, room is set aside (`reserve.ts`); told why nothing should be added, and of nothing once there is room. */
  readonly onRoom?: (why: Problem | undefined) => void;
}

/** What the thread was asked and has not answered. */
interface Asked {
  readonly bytes: number;
  readonly resolve: (rows: Uint8Array | undefined) => void;
  readonly reject: (error: ProblemError) => void;
}

export class Database<Name extends string> {
  readonly #worker: Worker;
  readonly #tags = new Map<Name, number>();
  readonly #asked = new Map<number, Asked>();
  readonly #onRoom: (why: Problem | undefined) => void;
  readonly #exited: Promise<void>;
  #nextId = 1;
  #writer = new RowWriter();
  /** Of the batch that is being made. */
  #commit: PromiseWithResolvers<void> | undefined;
  #planned = false;
  #batches = 0;
  #sentBytes = 0;
  /** Why nothing more is stored. */
  #over: ProblemError | undefined;

  /** Rejects with `data-in-use`, `store-corrupt`, `version-unsupported` or `store-failed`. */
  static async open<Name extends string>(options: DatabaseOptions<Name>): Promise<Database<Name>> {
    const database = new Database(options);
    try {
      await new Promise<unknown>((resolve, reject) => database.#asked.set(0, { bytes: 0, reject, resolve }));
      return database;
    } catch (error) {
      await database.#worker.terminate();
      throw error;
    }
  }

  private constructor(options: DatabaseOptions<Name>) {
    const { onRoom, statements, ...file } = options;
    this.#onRoom = onRoom ?? (() => undefined);
    const names = Object.keys(statements) as Name[];
    for (const [tag, name] of names.entries()) this.#tags.set(name, tag);
    const workerData: DatabaseWorkerData = {
      ...file,
      reserved: onRoom !== undefined,
      statements: names.map((name) => statements[name]),
    };
    this.#worker = startWorker('database-worker', { stderr: false, stdout: false, workerData });
    this.#worker.on('message', (told: FromDatabase) => this.#told(told));
    this.#worker.on('error', (error) => this.#end(`its thread crashed: ${String(error)}`));
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#end('its thread has ended');
        resolve();
      });
    });
  }

  /** Bytes that were written and are not stored yet. */
  get waitingBytes(): number {
    return this.#writer.size + this.#sentBytes;
  }

  /** Becomes part of what this turn of the loop stores. Whoever writes commits, and hears there what became of it. */
  write(name: Name, ...values: readonly SqlValue[]): void {
    if (this.#over === undefined) this.#writer.row(this.#tag(name), values);
  }

  /**
   * Resolves when all that was written so far would survive a crash of the machine. Rejects with `store-failed` or
   * `store-corrupt`: then nothing of what was written in this turn is stored.
   */
  commit(): Promise<void> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    this.#commit ??= Promise.withResolvers();
    this.#plan();
    return this.#commit.promise;
  }

  /** As `commit`, without waiting for what else this turn writes: for who has gathered already. */
  commitNow(): Promise<void> {
    const stored = this.commit();
    if (this.#over === undefined && this.#batches < BATCHES) this.#flush();
    return stored;
  }

  /** The rows that a statement gives. */
  async read(name: Name, ...values: readonly SqlValue[]): Promise<SqlValue[][]> {
    if (this.#writer.size > 0) await this.commit().catch(() => undefined); // whoever wrote is told
    if (this.#over !== undefined) throw this.#over;
    const asks = new RowWriter();
    asks.row(this.#tag(name), values);
    const found: SqlValue[][] = [];
    const packed = await this.#ask('read', asks.take());
    if (packed !== undefined) readRows(packed, (_, row) => found.push(row));
    return found;
  }

  /** Stores what was written, and closes the file. */
  async close(): Promise<void> {
    if (this.#over === undefined) {
      this.#flush();
      this.#over = problemError('store-failed', 'the database was closed');
      this.#worker.postMessage({ kind: 'close' } satisfies ToDatabase);
    }
    await this.#exited;
  }

  #tag(name: Name): number {
    return this.#tags.get(name) as number;
  }

  /** Why not at once: what else comes in this turn shares the sync. */
  #plan(): void {
    if (this.#planned || this.#batches >= BATCHES) return;
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      if (this.#over === undefined) this.#flush();
    });
  }

  /** Also where nothing was written: a commit then waits for what is under way. */
  #flush(): void {
    const commit = this.#commit;
    if (commit === undefined && this.#writer.size === 0) return;
    this.#commit = undefined;
    this.#batches++;
    const ended = () => {
      this.#batches--;
      if (this.#over === undefined && (this.#commit !== undefined || this.#writer.size > 0)) this.#plan();
    };
    this.#ask('write', this.#writer.take())
      .finally(ended)
      .then(
        () => commit?.resolve(),
        (error: unknown) => commit?.reject(error),
      );
  }

  #ask(kind: 'write' | 'read', rows: Uint8Array<ArrayBuffer>): Promise<Uint8Array | undefined> {
    const id = this.#nextId++;
    const bytes = kind === 'write' ? rows.length : 0;
    this.#sentBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { bytes, reject, resolve });
      this.#worker.postMessage({ id, kind, rows } satisfies ToDatabase, [rows.buffer]);
    });
  }

  #told(told: FromDatabase): void {
    if (told.kind === 'room') return this.#onRoom(told.problem ?? undefined);
    const id = told.kind === 'open' ? 0 : told.id;
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    this.#asked.delete(id);
    this.#sentBytes -= asked.bytes;
    if (told.kind === 'refused') asked.reject(new ProblemError(told.problem));
    else asked.resolve(told.kind === 'read' ? told.rows : undefined);
  }

  #end(why: string): void {
    this.#over ??= problemError('store-failed', `the database cannot be used: ${why}`);
    const over = this.#over;
    for (const { reject } of this.#asked.values()) reject(over);
    this.#asked.clear();
    this.#sentBytes = 0;
    this.#commit?.reject(over);
    this.#commit = undefined;
  }
}

/** With the thread at once. Why two: it has the next one at hand when it has stored one. */
const BATCHES = 2;
