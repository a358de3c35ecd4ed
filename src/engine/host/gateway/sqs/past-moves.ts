import type { RedriveView } from './queues-face.ts';

/** Limits: moves of one queue that are listed, as the service has it, and queues of which more than the last is known. */
const MOVES_MAX = 10;
const QUEUES_MAX = 1_000;

/**
 * Moves of dead letters that have ended, the last first: a queue itself knows its last one only.
 *
 * Limit: known to the node over which the next one was begun, until it ends.
 */
export class PastMoves {
  readonly #moves = new Map<string, readonly RedriveView[]>();

  add(queue: string, move: RedriveView): void {
    const before = this.of(queue).filter(({ id }) => id !== move.id);
    this.#moves.delete(queue);
    this.#moves.set(queue, [move, ...before].slice(0, MOVES_MAX));
    const [oldest] = this.#moves.keys();
    if (this.#moves.size > QUEUES_MAX && oldest !== undefined) this.#moves.delete(oldest);
  }

  of(queue: string): readonly RedriveView[] {
    return this.#moves.get(queue) ?? [];
  }

  forget(queue: string): void {
    this.#moves.delete(queue);
  }
}
