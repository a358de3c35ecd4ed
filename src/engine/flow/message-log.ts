/**
 * Where kept messages are stored: the one thing that a keeper asks of its world.
 *
 * What is asked is answered once, later, never within the call; a keep asks for one commit at a time and awaits its answer.
 *
 * What a world must provide, the simulated one too:
 * - a commit is stored as a whole or not at all, and survives a crash once it was answered; of one that was not answered,
 *   a crash leaves all or nothing;
 * - one that is refused has left nothing, and the next one may succeed;
 * - after a crash, `StoredKeep` shows what the commits that are there have made, in their order: rows, evictions, positions,
 *   and `next`, which is one more than the highest number ever stored, though the row may be gone.
 */
import type { Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import type { Problem } from '../core/base/problems.ts';
import type { StoredBacklog } from '../core/topics/backlog.ts';
import type { Headers } from '../core/topics/messages.ts';

export interface MessageLog {
  /** Makes a keep, or changes the limits of one. */
  define(keep: KeepDefinition, then: (refused: Problem | undefined) => void): void;
  /** Removes a keep with everything in it. */
  remove(id: string, then: (refused: Problem | undefined) => void): void;
  commit(id: string, batch: LogBatch, then: (refused: Problem | undefined) => void): void;
  /**
   * The rows from `from` on that are there, not beyond `through`, in their order: as many as fit into `bytesMax`, one at
   * least. None where none of them is there any more.
   */
  read(
    id: string,
    from: number,
    through: number,
    bytesMax: number,
    then: (rows: Outcome<readonly LogRow[]>) => void,
  ): void;
}

/** What a keep is. */
export interface KeepDefinition {
  /** Nobody else's, ever: numbers of messages mean something only together with it. */
  readonly id: string;
  readonly pattern: string;
  /** Milliseconds; undefined: no age is too old. */
  readonly ageMaxMs?: number;
  readonly countMax: number;
  readonly bytesMax: number;
}

/** A keep as it is in storage when a node begins. */
export interface StoredKeep {
  readonly definition: KeepDefinition;
  readonly stored: StoredBacklog;
}

/** What is to be stored together. */
export interface LogBatch {
  /** In the order of their numbers, which follow one another. */
  readonly rows: readonly LogRow[];
  /** All numbers below are to go. */
  readonly evict?: number;
  /** How far durable names have come; undefined: the name is given up. */
  readonly positions: ReadonlyMap<string, number | undefined>;
}

/** One message in storage. */
export interface LogRow {
  readonly sequence: number;
  /** When the keeper took it, in milliseconds since 1970, never less than that of the row before. */
  readonly keptAt: number;
  readonly topic: string;
  readonly by: string;
  readonly seq: number;
  /** When its publisher's node took it. */
  readonly at: number;
  readonly headers?: Headers;
  readonly payload: Payload;
}
