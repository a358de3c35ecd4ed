/**
 * Room on the disk that is set aside for a database, so that a full disk never keeps it from letting go of what it has.
 *
 *     there is room:  file.db   file.db-wal   file.db-reserve, larger than the log
 *     the disk is full:  the reserve is let go of ──► with its room the log is carried into the database
 *     since then:  file.db, pinned to its pages   file.db-wal, written over from its beginning again and again
 *
 * To remove something, SQLite needs room in its log and none in the database. So what removes goes on for as long as it
 * takes, and what adds finds the room that was made in the database. When the disk has room, the reserve is made again and
 * the database may grow. Whoever adds is told by `problem` when there is none.
 *
 * Limit: a file system that never writes over what is there (btrfs, ZFS) needs room for that, too; one that is taken by
 * others in the moment in which the reserve is let go of leaves nothing to work with until somebody makes room.
 */
import { closeSync, fsyncSync, ftruncateSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { type Problem, problem } from '../../core/base/problems.ts';
import { PAGE_BYTES } from './sqlite-file.ts';

export class Reserve {
  readonly #db: DatabaseSync;
  readonly #file: string;
  /** So long may the log become while there is room. */
  readonly #logPages: number;
  /** What is set aside now. */
  #bytes = 0;
  #logBytes = 0;
  /** The reserve is gone, and the database pinned. */
  #spent = false;
  /** What a batch needed that found no room. */
  #wanted = 0;
  /** Why nothing should be added now. */
  problem: Problem | undefined;

  /** Sets room aside, or finds that there is none. */
  constructor(db: DatabaseSync, file: string) {
    this.#db = db;
    this.#file = file;
    this.#logPages = Math.min(LOG_PAGES_MAX, Math.max(LOG_PAGES_MIN, Math.floor(this.#free() / 16 / PAGE_BYTES)));
    this.#checkpointEvery(this.#logPages);
    this.#logBytes = sizeOf(`${file}-wal`);
    this.#bytes = sizeOf(this.#name);
    if (!this.#setAside()) this.#spend();
  }

  get isSpent(): boolean {
    return this.#spent;
  }

  /** After each commit: what is set aside grows with the log. */
  wrote(): void {
    if (this.#spent) return this.look();
    this.#logBytes = Math.max(this.#logBytes, sizeOf(`${this.#file}-wal`));
    if (this.#logBytes + SLACK_BYTES > this.#bytes && !this.#setAside()) this.#spend();
  }

  /** A batch found no room. Whether it is worth being tried once more. */
  refused(bytes: number): boolean {
    this.#wanted = bytes;
    const isFresh = !this.#spent;
    if (isFresh) this.#spend();
    else this.#judge(0);
    return isFresh;
  }

  /** Where the reserve is gone: sees whether there is room again. */
  look(): void {
    if (!this.#spent) return;
    if (this.#free() > this.#needed + MARGIN_BYTES) {
      this.#pin(PAGES_MAX);
      if (this.#setAside()) {
        this.#checkpointEvery(this.#logPages);
        this.#spent = false;
        this.#wanted = 0;
        this.problem = undefined;
        return;
      }
      this.#spend();
    }
    this.#judge(this.#number('freelist_count') * PAGE_BYTES);
  }

  get #name(): string {
    return `${this.#file}-reserve`;
  }

  get #needed(): number {
    return this.#logBytes + SLACK_BYTES;
  }

  #spend(): void {
    rmSync(this.#name, { force: true });
    this.#bytes = 0;
    this.#spent = true;
    try {
      this.#db.exec('pragma wal_checkpoint(passive)');
    } catch {
      // No room even now: the log stays as it is, and `look` comes again.
    }
    this.#checkpointEvery(Math.max(LOG_PAGES_MIN, Math.floor(this.#logBytes / PAGE_BYTES / 2)));
    this.#pin(this.#number('page_count') + PINNED_PAGES);
    this.#judge(0);
  }

  /** What has room in the database may be added. */
  #judge(room: number): void {
    const enough = Math.max(this.problem === undefined ? MARGIN_BYTES : 2 * MARGIN_BYTES, 2 * this.#wanted);
    if (room >= enough) this.problem = undefined;
    else this.problem ??= problem('store-failed', fullText(this.#file), { hint: FULL_HINT });
  }

  #setAside(): boolean {
    if (this.#bytes >= this.#needed) return true;
    const handle = openSync(this.#name, 'a', 0o600);
    try {
      for (; this.#bytes < this.#needed; this.#bytes += BLOCK.length) writeSync(handle, BLOCK);
      fsyncSync(handle);
      return true;
    } catch {
      ftruncateSync(handle, 0); // Why: what is half set aside is of no use
      return false;
    } finally {
      closeSync(handle);
    }
  }

  #free(): number {
    const { bavail, bsize } = statfsSync(dirname(this.#file));
    return bavail * bsize;
  }

  #pin(pages: number): void {
    this.#db.exec(`pragma max_page_count = ${pages}`);
  }

  #checkpointEvery(pages: number): void {
    this.#db.exec(`pragma wal_autocheckpoint = ${pages}`);
  }

  #number(pragma: string): number {
    return Number(Object.values(this.#db.prepare(`pragma ${pragma}`).get() ?? {})[0]);
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function fullText(file: string): string {
  return `the disk is full, and ${file} takes nothing more until there is room: what is there can be received, acknowledged and purged`;
}
const FULL_HINT = 'Make room on that disk, or acknowledge or purge messages; nothing has to be started again.';

/** Noise: a file system that compresses, or keeps holes for zeros, would set nothing aside. */
const BLOCK = crypto.getRandomValues(new Uint8Array(65_536));
/** Trade-off: a longer log is carried over less often; a shorter one leaves more of a small disk. Pages of 4 KiB. */
const LOG_PAGES_MAX = 4_096;
const LOG_PAGES_MIN = 128;
/** What the reserve is larger than the log: for the pages that the database may still take, and as much of the log. */
const SLACK_BYTES = 2 * 2 ** 20;
const PINNED_PAGES = 256;
/** Additions are refused where less is free in the database, and taken where twice as much is. */
const MARGIN_BYTES = 2 ** 20;
/** No limit but SQLite's own. */
const PAGES_MAX = 2 ** 31;
