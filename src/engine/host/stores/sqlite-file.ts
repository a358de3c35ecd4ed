/**
 * Opens a SQLite file that belongs to this process alone, in write-ahead mode, synced to the disk at every commit.
 *
 * What it refuses to do: replace or repair a damaged file, or one whose log is damaged (`log-check.ts`); open one that another process has; make a database in the
 * place of one that has disappeared. A new database is made under another name and moved in place when it is whole, so
 * that an empty file is damage, not a beginning.
 */
import { closeSync, existsSync, fsyncSync, linkSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type ProblemError, problemError } from '../../problem-error.ts';
import { makeDirectory } from '../make-directory.ts';
import { logFlaw } from './log-check.ts';

/** Marks the file as ours: "mpre" in ASCII. */
const APPLICATION_ID = 0x6d707265;
export const PAGE_BYTES = 4096;
/** How every SQLite file begins. */
const MAGIC = Buffer.from('SQLite format 3\0');

/** Larger files are not read from end to end when they are opened: what is damaged there shows when it is read. */
const CHECKED_BYTES_MAX = 256 * 1024 * 1024;

export interface SqliteFile {
  /** Its directory is made, readable by its owner alone, where it is missing. */
  readonly file: string;
  /** What makes its tables. Changes with `version` only. */
  readonly schema: string;
  readonly version: number;
  /** What makes version 2 of version 1, version 3 of version 2, and so on. */
  readonly upgrades?: readonly string[];
  /** It grows no further; commits beyond fail with `store-failed`. Default 1 GiB. */
  readonly bytesMax?: number;
}

/** Throws `data-in-use`, `store-corrupt`, `version-unsupported` or `store-failed`. */
export function openSqlite(options: SqliteFile): DatabaseSync {
  const { file, bytesMax = 2 ** 30 } = options;
  let db: DatabaseSync | undefined;
  try {
    makeDirectory(dirname(file), 0o700);
    if (!existsSync(file)) make(options);
    if (statSync(file).size === 0) throw corrupt(file, 'it is empty');
    if (!beginsAsDatabase(file)) throw corrupt(file, 'it is not a database');
    const flaw = logFlaw(file);
    if (flaw !== undefined) {
      throw isInUse(file) ? inUse(file) : corrupt(file, flaw);
    }
    db = new DatabaseSync(file, { timeout: 0 });
    db.exec('pragma locking_mode = exclusive');
    db.exec('begin immediate; commit');
    check(db, options);
    db.exec('pragma journal_mode = wal; pragma synchronous = full');
    db.exec(`pragma max_page_count = ${Math.ceil(bytesMax / PAGE_BYTES)}`);
    return db;
  } catch (error) {
    db?.close();
    throw explained(error, file);
  }
}

/** Whether there was no room for what was to be written. */
export function isFull(error: unknown): boolean {
  return ((error as { readonly errcode?: number }).errcode ?? 0) % 256 === 13;
}

function isBusy(error: unknown): boolean {
  return [5, 6].includes(((error as { readonly errcode?: number }).errcode ?? 0) % 256);
}

function inUse(file: string): ProblemError {
  return problemError('data-in-use', `another process has ${file} open`);
}

/** What SQLite threw, as a problem of the file. */
export function explained(error: unknown, file: string): ProblemError {
  if (error instanceof Error && error.name === 'ProblemError') return error as ProblemError;
  const { message, errcode } = error as Error & { errcode?: number };
  const primary = (errcode ?? 0) & 0xff; // the low byte of SQLite's extended result codes
  if (isBusy(error)) return inUse(file);
  if (primary === 11 || primary === 26) return corrupt(file, message);
  return problemError('store-failed', `${file} cannot be used: ${message}`);
}

function check(db: DatabaseSync, { file, upgrades = [], version: wanted }: SqliteFile): void {
  const ask = (pragma: string) => Object.values(db.prepare(`pragma ${pragma}`).get() ?? {})[0];
  if (ask('application_id') !== APPLICATION_ID) throw corrupt(file, 'it is not a database of mpreg');
  const version = Number(ask('user_version'));
  const missing = version < wanted ? upgrades.slice(version - 1, wanted - 1) : [];
  if (version + missing.length !== wanted)
    throw problemError('version-unsupported', `${file} was written by another version of mpreg (${version})`);
  if (statSync(file).size <= CHECKED_BYTES_MAX) {
    const verdict = ask('quick_check(1)');
    if (verdict !== 'ok') throw corrupt(file, String(verdict));
  }
  if (missing.length > 0) db.exec(`begin; ${missing.join(';')}; pragma user_version = ${wanted}; commit`);
}

/** Whether another process has it open: then its log is being written just now. Why read only: so it leaves all as it is. */
function isInUse(file: string): boolean {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 0 });
  try {
    db.exec('pragma locking_mode = exclusive; select count(*) from sqlite_schema');
    return false;
  } catch (error) {
    return isBusy(error);
  } finally {
    db.close();
  }
}

/** Why before SQLite looks: where there is a write-ahead log, it would write that into whatever file this is. */
function beginsAsDatabase(file: string): boolean {
  const handle = openSync(file, 'r');
  try {
    const head = Buffer.alloc(MAGIC.length);
    return readSync(handle, head, 0, head.length, 0) === head.length && head.equals(MAGIC);
  } finally {
    closeSync(handle);
  }
}

/** Makes an empty database, whole before it has its name. Two processes may try at once: one of them gets the name. */
function make({ file, schema, version }: SqliteFile): void {
  if (existsSync(`${file}-wal`)) throw corrupt(file, 'it is gone, while its write-ahead log is still there');
  const made = `${file}.${process.pid}.new`;
  rmSync(made, { force: true });
  closeSync(openSync(made, 'wx', 0o600));
  try {
    const db = new DatabaseSync(made);
    db.exec(`pragma page_size = ${PAGE_BYTES}; pragma synchronous = full;
      begin;
      ${schema};
      pragma application_id = ${APPLICATION_ID};
      pragma user_version = ${version};
      commit`);
    db.close();
    linkSync(made, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(made, { force: true });
  }
  syncDirectory(dirname(file));
}

function corrupt(file: string, why: string): ProblemError {
  return problemError('store-corrupt', `${file} is damaged: ${why}`);
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
