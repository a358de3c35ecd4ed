/**
 * Many messages, few statements: what one commit does to the messages of queues, gathered.
 *
 *     insert 7, insert 8, … insert 80 ──► run 7…70, run 71…80     plain ones in runs (`packed-run.ts`), sixteen rows at a time elsewhere
 *     touch 9                         ──► run 7…70 becomes rows   what has a state, or is removed alone, needs a row of its own
 *     remove 71, remove 73, remove 72 ──► remove 71…73            by ranges, runs and rows
 *
 * Why: a statement that is run costs more than a row that it writes. A range is removed only where each of its ids is to go.
 *
 * Invariants:
 * - a message is a member of one run, or a row, never both; a member has no state;
 * - what waits here is not yet with the database: `flush` hands it over, before anything that must come after it.
 */
import type { SqlValue } from './packed-rows.ts';
import { inRuns, type PlainMessage, packRun } from './packed-run.ts';
import { INSERTS, type QueueStatement, RUN_MIN } from './queue-sql.ts';

/** Where rows go. */
interface Rows {
  write(name: QueueStatement, ...values: readonly SqlValue[]): void;
}

export class QueueRuns {
  readonly #rows: Rows;
  /** Queues that may have runs. */
  readonly #withRuns: Set<number>;
  /** Everything below is of this one. */
  #queue = 0;
  #inserts: PlainMessage[] = [];
  readonly #touched = new Set<number>();
  #removed: number[] = [];

  constructor(rows: Rows, withRuns: Set<number>) {
    this.#rows = rows;
    this.#withRuns = withRuns;
  }

  insert(queue: number, message: PlainMessage): void {
    this.#of(queue);
    this.#inserts.push(message);
  }

  /** It gets a state, or its row is read. */
  touch(queue: number, seq: number): void {
    this.#of(queue);
    this.#touched.add(seq);
  }

  remove(queue: number, seq: number): void {
    this.#of(queue);
    this.#removed.push(seq);
  }

  flush(): void {
    this.#insertAll();
    const ranges = runsOf(this.#removed);
    this.#removed = [];
    this.#break(ranges);
    for (const [from, to] of ranges) {
      if (from === to) this.#rows.write('remove', this.#queue, from);
      else this.#rows.write('removeRange', this.#queue, from, to);
      if (to - from + 1 >= RUN_MIN && this.#withRuns.has(this.#queue)) {
        this.#rows.write('removeRuns', this.#queue, from, to);
      }
    }
  }

  #of(queue: number): void {
    if (queue === this.#queue) return;
    this.flush();
    this.#queue = queue;
  }

  #insertAll(): void {
    if (this.#inserts.length === 0) return;
    const { runs, others } = inRuns(this.#inserts, ({ seq }) => !this.#touched.has(seq));
    this.#inserts = [];
    const queue = this.#queue;
    if (runs.length > 0) this.#withRuns.add(queue);
    for (const run of runs) this.#rows.write('run', queue, run[0]?.seq ?? 0, ...packRun(run));
    const rows = others.map(({ seq, bytes, sentAt, content }) => [queue, seq, bytes, sentAt, content]);
    let i = 0;
    for (; i + INSERTS <= rows.length; i += INSERTS) this.#rows.write('inserts', ...rows.slice(i, i + INSERTS).flat());
    for (const row of rows.slice(i)) this.#rows.write('plain', ...row);
  }

  /** Runs of which a part is touched or removed become rows. */
  #break(removed: readonly (readonly [from: number, to: number])[]): void {
    const touched = [...this.#touched].map((seq) => [seq, seq] as const);
    this.#touched.clear();
    const ranges = [...touched, ...removed];
    if (ranges.length === 0 || !this.#withRuns.has(this.#queue)) return;
    const text = JSON.stringify(ranges);
    this.#rows.write('breakRuns', this.#queue, text);
    this.#rows.write('dropBroken', this.#queue, text);
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
