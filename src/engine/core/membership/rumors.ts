/**
 * News waiting to be passed on, each a limited number of times (SWIM §4.1).
 *
 *     sent 0 times   [ b f g ]   taken from the right: latest first
 *     sent 1 time    [ a e ]
 *     sent 2 times   [ c ]       … at the limit a rumor is dropped
 *
 * News that was sent least goes first, so that what is new overtakes what most have heard.
 *
 * Invariants:
 * - at most one rumor of each kind about each node: the newer takes the older's place and is counted from 0;
 * - no more than twice as many lie in the levels as wait, and some;
 * - taking costs time in the number taken and of the levels, not in the number that wait.
 */
import type { NodeId } from '../base/ids.ts';
import type { Rumor } from './messages.ts';

interface Waiting {
  readonly rumor: Rumor;
  /** False once replaced, dropped or sent often enough; then it is skipped where it lies. */
  live: boolean;
}

/** How many rumors may lie dead before that is worth a look. */
const SLACK = 64;

export class Rumors {
  readonly #members = new Map<NodeId, Waiting>();
  readonly #cargo = new Map<NodeId, Waiting>();
  readonly #levels: Waiting[][] = [];
  readonly #weigh: (rumor: Rumor) => number;
  /** Rumors in all levels, those included that are no longer live. */
  #lying = 0;

  /** `weigh`: how many ordinary rumors one counts for. */
  constructor(weigh: (rumor: Rumor) => number = () => 1) {
    this.#weigh = weigh;
  }

  /** How many wait. */
  get size(): number {
    return this.#members.size + this.#cargo.size;
  }

  /** `sent`: as if it had been sent that often. */
  put(rumor: Rumor, sent = 0): void {
    const kept = this.#of(rumor);
    const older = kept.get(rumor.about);
    if (older !== undefined) older.live = false;
    const waiting = { rumor, live: true };
    kept.delete(rumor.about);
    kept.set(rumor.about, waiting);
    this.#level(sent).push(waiting);
    this.#lying++;
    if (this.#lying > 2 * this.size + SLACK) this.#compact();
  }

  /** Forgets what it has to say about a node. */
  drop(about: NodeId): void {
    for (const kept of [this.#members, this.#cargo]) {
      const waiting = kept.get(about);
      if (waiting !== undefined) waiting.live = false;
      kept.delete(about);
    }
  }

  /** Rumors until they weigh `max`, each counted as sent once more; those sent `limit` times are not kept. */
  take(max: number, limit: number): Rumor[] {
    const taken: Waiting[] = [];
    const moves: { readonly to: number; readonly from: number }[] = [];
    let weight = 0;
    for (let sent = 0; sent < this.#levels.length && weight < max; sent++) {
      const level = this.#level(sent);
      const from = taken.length;
      while (weight < max) {
        const waiting = level.pop();
        if (waiting === undefined) break;
        this.#lying--;
        if (!waiting.live) continue;
        taken.push(waiting);
        weight += this.#weigh(waiting.rumor);
      }
      moves.push({ to: sent + 1, from });
    }
    // Counted only now: what was just taken must not be found again one level further.
    let end = taken.length;
    for (const move of moves.reverse()) {
      for (let i = end - 1; i >= move.from; i--) this.#count(taken[i] as Waiting, move.to, limit);
      end = move.from;
    }
    return taken.map((waiting) => waiting.rumor);
  }

  #count(waiting: Waiting, sent: number, limit: number): void {
    if (sent < limit) {
      this.#level(sent).push(waiting);
      this.#lying++;
      return;
    }
    waiting.live = false;
    this.#of(waiting.rumor).delete(waiting.rumor.about);
  }

  #compact(): void {
    this.#lying = 0;
    this.#levels.forEach((level, sent) => {
      this.#levels[sent] = level.filter((waiting) => waiting.live);
      this.#lying += this.#level(sent).length;
    });
  }

  #of(rumor: Rumor): Map<NodeId, Waiting> {
    return rumor.kind === 'member' ? this.#members : this.#cargo;
  }

  #level(sent: number): Waiting[] {
    while (this.#levels.length <= sent) this.#levels.push([]);
    return this.#levels[sent] as Waiting[];
  }
}

/** How often each node passes one rumor on among `nodes`: λ · ⌈log₂(nodes + 1)⌉. */
export function transmissions(nodes: number, lambda: number): number {
  return lambda * Math.ceil(Math.log2(nodes + 1));
}
