import type { Instant } from '../base/instant.ts';
import type { Problem } from '../base/problems.ts';
import type { QueueWrite, StoredCounts } from './effects.ts';

export type Settled = (why: Problem | undefined, now: Instant) => void;

/** What a batch meant, once it is known what became of it. */
export interface Ended {
  /** Queues of which something was written. */
  readonly touched: ReadonlySet<number>;
  /** Those that must begin anew where it failed. */
  readonly risky: ReadonlySet<number>;
  readonly waiting: readonly Settled[];
}

/**
 * What is stored together: one batch is being stored, and what is decided meanwhile gathers in the next.
 *
 * Invariants:
 * - at most one batch is being stored;
 * - who waits is called back in the order of asking, after all that was written before.
 */
export class Batches {
  #gathering = newBatch();
  #stored: Batch | undefined;
  #fence = 0;

  write(queue: number, write: QueueWrite, undoable: boolean): void {
    const { writes, touched, risky } = this.#gathering;
    writes.push(write);
    touched.add(queue);
    if (!undoable) risky.add(queue);
  }

  touch(queue: number): void {
    this.#gathering.touched.add(queue);
  }

  /** After all that is decided so far: with what gathers, with what is being stored, or at the next `take`. */
  settled(then: Settled): void {
    const batch = this.#gathering.touched.size > 0 ? this.#gathering : (this.#stored ?? this.#gathering);
    batch.waiting.push(then);
  }

  /** What to store now, with the counts of all queues that it touches; undefined where there is nothing, or one is stored. */
  take(
    counts: (queue: number) => StoredCounts | undefined,
    now: Instant,
  ): { readonly fence: number; readonly writes: readonly QueueWrite[] } | undefined {
    while (this.#stored === undefined) {
      const batch = this.#gathering;
      if (batch.touched.size === 0 && batch.waiting.length === 0) return undefined;
      this.#gathering = newBatch();
      if (batch.touched.size === 0) {
        for (const then of batch.waiting) then(undefined, now);
        continue;
      }
      for (const queue of batch.touched) {
        const what = counts(queue);
        if (what !== undefined) batch.writes.push({ counts: { ...what }, kind: 'counts', queue });
      }
      this.#stored = batch;
      return { fence: ++this.#fence, writes: batch.writes };
    }
    return undefined;
  }

  /** The batch with that fence is stored; undefined where there is no such. */
  persisted(fence: number): Ended | undefined {
    const batch = this.#stored;
    if (batch === undefined || fence !== this.#fence) return undefined;
    this.#stored = undefined;
    return batch;
  }

  /** It is not, and so nothing of what was decided since can be. */
  refused(fence: number): Ended | undefined {
    const batch = this.persisted(fence);
    if (batch === undefined) return undefined;
    const next = this.#gathering;
    this.#gathering = newBatch();
    return {
      risky: new Set([...batch.risky, ...next.risky]),
      touched: new Set([...batch.touched, ...next.touched]),
      waiting: [...batch.waiting, ...next.waiting],
    };
  }
}

interface Batch {
  readonly writes: QueueWrite[];
  readonly waiting: Settled[];
  readonly touched: Set<number>;
  readonly risky: Set<number>;
}

function newBatch(): Batch {
  return { risky: new Set(), touched: new Set(), waiting: [], writes: [] };
}
