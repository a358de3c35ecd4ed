/** Kept messages in memory: for nodes without a data directory, and for keeps that want no disk. It survives nothing. */
import { done, failed, type Outcome } from '../../core/base/outcome.ts';
import { type Problem, problem } from '../../core/base/problems.ts';
import { COST_BYTES } from '../../core/topics/messages.ts';
import type { KeepDefinition, LogBatch, LogRow, MessageLog } from '../../flow/message-log.ts';

interface Held {
  /** From `first` on; those before it are gone. */
  rows: LogRow[];
  /** Where the first one is, in `rows`. */
  head: number;
}

export class MemoryLog implements MessageLog {
  readonly #keeps = new Map<string, Held>();

  define({ id }: KeepDefinition, then: (refused: Problem | undefined) => void): void {
    if (!this.#keeps.has(id)) this.#keeps.set(id, { head: 0, rows: [] });
    queueMicrotask(() => then(undefined));
  }

  remove(id: string, then: (refused: Problem | undefined) => void): void {
    this.#keeps.delete(id);
    queueMicrotask(() => then(undefined));
  }

  commit(id: string, { evict, rows }: LogBatch, then: (refused: Problem | undefined) => void): void {
    const held = this.#keeps.get(id);
    // Why copies: what came in one piece with other messages would be kept alive as a whole.
    for (const row of rows) held?.rows.push({ ...row, payload: row.payload.kept() });
    if (held !== undefined && evict !== undefined) evictFrom(held, evict);
    const refused = held === undefined ? unknown(id) : undefined;
    queueMicrotask(() => then(refused));
  }

  read(
    id: string,
    from: number,
    through: number,
    bytesMax: number,
    then: (rows: Outcome<readonly LogRow[]>) => void,
  ): void {
    const held = this.#keeps.get(id);
    const found = held === undefined ? failed(unknown(id)) : done(rowsOf(held, from, through, bytesMax));
    queueMicrotask(() => then(found));
  }
}

function rowsOf({ head, rows }: Held, from: number, through: number, bytesMax: number): readonly LogRow[] {
  const first = rows[head]?.sequence;
  if (first === undefined) return [];
  const found: LogRow[] = [];
  let bytes = 0;
  for (let i = head + Math.max(0, from - first); i < rows.length; i++) {
    const row = rows[i] as LogRow;
    bytes += row.payload.size + COST_BYTES;
    if (row.sequence > through || (found.length > 0 && bytes > bytesMax)) break;
    found.push(row);
  }
  return found;
}

/** Why not at once from the list: taking each by itself out of a long one costs as much as it is long. */
function evictFrom(held: Held, before: number): void {
  const { rows } = held;
  while (held.head < rows.length && (rows[held.head] as LogRow).sequence < before) {
    (rows as (LogRow | undefined)[])[held.head] = undefined;
    held.head++;
  }
  if (held.head * 2 < rows.length) return;
  held.rows = rows.slice(held.head);
  held.head = 0;
}

function unknown(id: string): Problem {
  return problem('store-failed', `there is no keep ${id} in memory`);
}
