/**
 * Kept messages in a file: SQLite in a thread of its own (`database.ts`), a transaction and a sync for each batch.
 *
 *     keeps      number, id, pattern, limits, first and next number
 *     chunks     keep, first, last ──► facts: when and how large each message is │ rows: the messages
 *     positions  keep, name ──► the last number that it has acknowledged
 *
 * Messages are stored in chunks, one for each commit, or several where it is large: SQLite is asked once for many of
 * them. When a node begins it reads the facts alone. A chunk is removed when all of it is to go.
 *
 * It refuses to begin with a file in which messages are missing: `store-corrupt`.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { done, failed, type Outcome } from '../../core/base/outcome.ts';
import { type Problem, problem } from '../../core/base/problems.ts';
import type { StoredBacklog } from '../../core/topics/backlog.ts';
import { COST_BYTES } from '../../core/topics/messages.ts';
import type { KeepDefinition, LogBatch, LogRow, MessageLog, StoredKeep } from '../../flow/message-log.ts';
import { ProblemError, problemError } from '../../problem-error.ts';
import { payloadFrom } from '../../wire/payload.ts';
import { Database } from './database.ts';
import { RowWriter, readRows, type SqlValue } from './packed-rows.ts';

const SCHEMA = `
  create table keeps (number integer primary key, id text unique not null, pattern text not null, age real,
    count real not null, bytes real not null, first integer not null, next integer not null) strict;
  create table chunks (keep integer not null, first integer not null, last integer not null, size integer not null,
    facts blob not null, rows blob not null) strict;
  create unique index chunk on chunks (keep, last);
  create table positions (keep integer not null, name text not null, sequence integer not null,
    primary key (keep, name)) strict, without rowid`;

const STATEMENTS = {
  begin: 'insert into keeps values (?, ?, ?, ?, ?, ?, 1, 1)',
  chunk: 'insert into chunks values (?, ?, ?, ?, ?, ?)',
  chunks: 'select last, size from chunks where keep = ? and last >= ? and first <= ? order by last limit 1024',
  ends: 'update keeps set first = max(first, ?), next = ? where number = ?',
  evict: 'delete from chunks where keep = ? and last < ?',
  facts: 'select first, last, facts from chunks where keep = ? order by last',
  forget: 'delete from positions where keep = ? and name = ?',
  keeps: 'select number, id, pattern, age, count, bytes, first, next from keeps order by number',
  limits: 'update keeps set age = ?, count = ?, bytes = ? where number = ?',
  position:
    'insert into positions values (?, ?, ?) on conflict (keep, name) do update set sequence = excluded.sequence',
  positions: 'select name, sequence from positions where keep = ?',
  remove: 'delete from keeps where number = ?',
  removeChunks: 'delete from chunks where keep = ?',
  removePositions: 'delete from positions where keep = ?',
  rows: 'select first, rows from chunks where keep = ? and last >= ? and last <= ? order by last',
};

type Statement = keyof typeof STATEMENTS;

export class SqliteLog implements MessageLog {
  readonly stored: readonly StoredKeep[];
  readonly #database: Database<Statement>;
  /** Id → number, and the number after the last message. */
  readonly #keeps = new Map<string, { readonly number: number; first: number; next: number }>();
  #nextNumber = 1;

  /** Whether something is kept in a directory, or was, and is damaged. */
  static isThere(directory: string): boolean {
    const file = join(directory, FILE);
    return existsSync(file) || existsSync(`${file}-wal`);
  }

  /** Rejects with `data-in-use`, `store-corrupt`, `version-unsupported` or `store-failed`. */
  static async open({ bytesMax = BYTES_MAX, directory }: { readonly directory: string; readonly bytesMax?: number }) {
    const file = join(directory, FILE);
    const database = await Database.open({ bytesMax, file, schema: SCHEMA, statements: STATEMENTS, version: 1 });
    try {
      const log = new SqliteLog(database, await load(database, file));
      return log;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  private constructor(database: Database<Statement>, loaded: readonly (StoredKeep & { readonly number: number })[]) {
    this.#database = database;
    this.stored = loaded;
    for (const { definition, number, stored } of loaded) {
      this.#keeps.set(definition.id, { first: stored.first, next: stored.next, number });
      this.#nextNumber = Math.max(this.#nextNumber, number + 1);
    }
  }

  define(
    { ageMaxMs, bytesMax, countMax, id, pattern }: KeepDefinition,
    then: (refused: Problem | undefined) => void,
  ): void {
    const known = this.#keeps.get(id);
    const limits = [ageMaxMs ?? null, countMax, bytesMax] as const;
    if (known !== undefined) this.#database.write('limits', ...limits, known.number);
    else {
      const number = this.#nextNumber++;
      this.#keeps.set(id, { first: 1, next: 1, number });
      this.#database.write('begin', number, id, pattern, ...limits);
    }
    this.#stored((refused) => {
      if (refused !== undefined && known === undefined) this.#keeps.delete(id);
      then(refused);
    });
  }

  remove(id: string, then: (refused: Problem | undefined) => void): void {
    const known = this.#keeps.get(id);
    if (known === undefined) return void queueMicrotask(() => then(undefined));
    for (const from of ['remove', 'removeChunks', 'removePositions'] as const) this.#database.write(from, known.number);
    this.#stored((refused) => {
      if (refused === undefined) this.#keeps.delete(id);
      then(refused);
    });
  }

  commit(id: string, { evict, positions, rows }: LogBatch, then: (refused: Problem | undefined) => void): void {
    const keep = this.#keeps.get(id);
    if (keep === undefined) return void queueMicrotask(() => then(problem('store-failed', `there is no keep ${id}`)));
    const { number } = keep;
    for (const { facts, first, last, packed } of chunksOf(rows)) {
      this.#database.write('chunk', number, first, last, packed.length, facts, packed);
    }
    const next = (rows.at(-1)?.sequence ?? keep.next - 1) + 1;
    const first = Math.max(keep.first, evict ?? 0);
    if (rows.length > 0 || evict !== undefined) this.#database.write('ends', first, next, number);
    if (evict !== undefined) this.#database.write('evict', number, evict);
    for (const [name, sequence] of positions) {
      if (sequence === undefined) this.#database.write('forget', number, name);
      else this.#database.write('position', number, name, sequence);
    }
    this.#stored((refused) => {
      if (refused === undefined) Object.assign(keep, { first, next });
      then(refused);
    });
  }

  read(
    id: string,
    from: number,
    through: number,
    bytesMax: number,
    then: (rows: Outcome<readonly LogRow[]>) => void,
  ): void {
    this.#read(id, from, through, bytesMax).then(
      (rows) => then(done(rows)),
      (error: unknown) => then(failed(problemOf(error))),
    );
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #read(id: string, from: number, through: number, bytesMax: number): Promise<readonly LogRow[]> {
    const keep = this.#keeps.get(id);
    if (keep === undefined) throw problemError('store-failed', `there is no keep ${id}`);
    const chunks = await this.#database.read('chunks', keep.number, from, through);
    let bytes = 0;
    let last: SqlValue = null;
    for (const [end = null, size] of chunks) {
      bytes += Number(size);
      if (last !== null && bytes > bytesMax) break;
      last = end;
    }
    if (last === null) return [];
    const found: LogRow[] = [];
    for (const [first, rows] of await this.#database.read('rows', keep.number, from, last)) {
      let sequence = Number(first);
      readRows(rows as Uint8Array, (_, row) => {
        if (sequence >= from && sequence <= through) found.push(rowOf(sequence, row));
        sequence++;
      });
    }
    return found;
  }

  #stored(then: (refused: Problem | undefined) => void): void {
    this.#database.commit().then(
      () => then(undefined),
      (error: unknown) => then(problemOf(error)),
    );
  }
}

/** What is there when a node begins. */
async function load(database: Database<Statement>, file: string) {
  const keeps: (StoredKeep & { readonly number: number })[] = [];
  for (const [number, id, pattern, age, countMax, bytesMax, first, next] of await database.read('keeps')) {
    const definition: KeepDefinition = {
      bytesMax: Number(bytesMax),
      countMax: Number(countMax),
      id: String(id),
      pattern: String(pattern),
      ...(age === null ? {} : { ageMaxMs: Number(age) }),
    };
    const messages = await factsOf(database, Number(number), Number(first), Number(next));
    if (messages === undefined) {
      const text = `${file} is damaged: of what is kept as ${definition.pattern}, messages are missing`;
      throw problemError('store-corrupt', text);
    }
    const positions = new Map<string, number>();
    for (const [name, sequence] of await database.read('positions', Number(number))) {
      positions.set(String(name), Number(sequence));
    }
    const stored: StoredBacklog = { first: Number(first), messages, next: Number(next), positions };
    keeps.push({ definition, number: Number(number), stored });
  }
  return keeps;
}

/** When and how large the messages from `first` on are; undefined where some are missing before `next`. */
async function factsOf(database: Database<Statement>, keep: number, first: number, next: number) {
  const parts: Facts[] = [];
  let expected = first;
  for (const [from, through, facts] of await database.read('facts', keep)) {
    if (Number(from) > expected || facts === undefined) return undefined;
    parts.push({ bytes: facts as Uint8Array, skip: expected - Number(from) });
    expected = Number(through) + 1;
  }
  return expected === next ? { [Symbol.iterator]: () => messagesOf(parts) } : undefined;
}

interface Facts {
  readonly bytes: Uint8Array;
  /** Messages at its beginning that are gone. */
  readonly skip: number;
}

function* messagesOf(parts: readonly Facts[]): Generator<{ readonly at: number; readonly bytes: number }> {
  for (const { bytes, skip } of parts) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = skip * FACT_BYTES; at < bytes.length; at += FACT_BYTES) {
      yield { at: view.getFloat64(at), bytes: view.getUint32(at + 8) };
    }
  }
}

/** Rows, in pieces that are read together. */
function* chunksOf(rows: readonly LogRow[]) {
  const writer = new RowWriter();
  let facts: LogRow[] = [];
  for (const [i, row] of rows.entries()) {
    const { at, by, headers, payload, seq, topic } = row;
    writer.row(0, [
      topic,
      by,
      seq,
      at,
      headers === undefined ? null : JSON.stringify(headers),
      row.keptAt,
      payload.bytes(),
    ]);
    facts.push(row);
    if (writer.size < CHUNK_BYTES && i < rows.length - 1) continue;
    const first = row.sequence - facts.length + 1;
    yield { facts: packedFacts(facts), first, last: row.sequence, packed: writer.take() };
    facts = [];
  }
}

function packedFacts(rows: readonly LogRow[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(rows.length * FACT_BYTES));
  rows.forEach(({ keptAt, payload }, i) => {
    view.setFloat64(i * FACT_BYTES, keptAt);
    view.setUint32(i * FACT_BYTES + 8, payload.size + COST_BYTES);
  });
  return new Uint8Array(view.buffer);
}

function rowOf(sequence: number, [topic, by, seq, at, headers, keptAt, payload]: SqlValue[]): LogRow {
  return {
    at: Number(at),
    by: String(by),
    keptAt: Number(keptAt),
    payload: payloadFrom(payload as Uint8Array),
    seq: Number(seq),
    sequence,
    topic: String(topic),
    ...(headers === null ? {} : { headers: JSON.parse(String(headers)) as Record<string, string> }),
  };
}

function problemOf(error: unknown): Problem {
  return error instanceof ProblemError ? error.problem : problem('store-failed', String(error));
}

const FILE = 'topics.db';
/** `at` as float 64, size as unsigned 32. */
const FACT_BYTES = 12;
/** Trade-off: larger, and fewer rows for SQLite; smaller, and less is read for a reader of a few. */
const CHUNK_BYTES = 128 * 1024;
/** The limits of the keeps bound the file; this bounds only their sum. */
const BYTES_MAX = 2 ** 42;
