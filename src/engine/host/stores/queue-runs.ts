/**
 * Many messages, few statements: plain messages are inserted sixteen at a time, and what is removed goes by ranges of ids.
 *
 *     insert 7, insert 8, …, remove 3, remove 5, remove 4 ──► insert (7 … 22), remove 3…5
 *
 * Why: a statement that is run costs more than a row that it writes. A range is removed only where each of its ids is to go.
 *
 * What waits here is not yet with the database: `flush` hands it over, before anything that must come after it.
 */

import type { SqlValue } from './packed-rows.ts';
import { INSERTS, type QueueStatement } from './queue-sql.ts';

/** Where rows go. */
interface Rows {
  write(name: QueueStatement, ...values: readonly SqlValue[]): void;
}

export interface PlainMessage {
  readonly seq: number;
  readonly bytes: number;
  readonly sentAt: number;
}

export class QueueRuns {
  readonly #rows: Rows;
  /** Five values for each message: queue, id, bytes, when it was sent, content. */
  #inserts: SqlValue[] = [];
  /** Ids to go, of one queue. */
  #removed: number[] = [];
  #queue = 0;

  constructor(rows: Rows) {
    this.#rows = rows;
  }

  insert(queue: number, { seq, bytes, sentAt }: PlainMessage, content: Uint8Array): void {
    this.#inserts.push(queue, seq, bytes, sentAt, content);
    if (this.#inserts.length < INSERTS * VALUES) return;
    this.#rows.write('inserts', ...this.#inserts);
    this.#inserts = [];
  }

  remove(queue: number, seq: number): void {
    if (queue !== this.#queue) this.#flushRemoved();
    this.#queue = queue;
    this.#removed.push(seq);
  }

  flush(): void {
    const inserts = this.#inserts;
    this.#inserts = [];
    for (let i = 0; i < inserts.length; i += VALUES) this.#rows.write('plain', ...inserts.slice(i, i + VALUES));
    this.#flushRemoved();
  }

  #flushRemoved(): void {
    const removed = this.#removed;
    if (removed.length === 0) return;
    this.#removed = [];
    for (const [from, to] of runsOf(removed)) {
      if (from === to) this.#rows.write('remove', this.#queue, from);
      else this.#rows.write('removeRun', this.#queue, from, this.#queue, to);
    }
  }
}

/** First and last of each row of whole numbers without a gap; the list is sorted. */
export function runsOf(ids: number[]): readonly (readonly [from: number, to: number])[] {
  const runs: [number, number][] = [];
  if (ids.some((id, i) => id < (ids[i - 1] ?? 0))) ids.sort((a, b) => a - b);
  for (const id of ids) {
    const last = runs.at(-1);
    if (last !== undefined && id <= last[1] + 1) last[1] = id;
    else runs.push([id, id]);
  }
  return runs;
}

const VALUES = 5;
