/**
 * Whom to probe next: everybody once per round, each round in a new random order (SWIM §4.3), so that the time until
 * a crash is noticed by a given node has a bound.
 *
 *     probed in this round ◄── cursor ──► still to come, a newcomer gets a random place here
 *
 * Invariant: `#listed` holds exactly the ids in `#order`. Who is no longer to be probed is dropped when met.
 */
import type { NodeId } from '../base/ids.ts';
import type { Prng } from '../base/prng.ts';

export class Rounds {
  readonly #prng: Prng;
  readonly #order: NodeId[] = [];
  readonly #listed = new Set<NodeId>();
  #cursor = 0;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  add(id: NodeId): void {
    if (this.#listed.has(id)) return;
    this.#listed.add(id);
    const place = this.#prng.between(this.#cursor, this.#order.length);
    const displaced = this.#order[place];
    this.#order[place] = id;
    if (displaced !== undefined) this.#order.push(displaced);
  }

  /** The next id that is `wanted`, or undefined where none is. */
  next(wanted: (id: NodeId) => boolean): NodeId | undefined {
    for (let restarts = 0; restarts < 2; ) {
      const id = this.#order[this.#cursor];
      if (id === undefined) {
        restarts++;
        this.#cursor = 0;
        this.#prng.shuffle(this.#order);
      } else if (wanted(id)) {
        this.#cursor++;
        return id;
      } else {
        this.#drop(this.#cursor);
      }
    }
    return undefined;
  }

  /** Up to `count` different random ids that are `wanted`; gives up after some draws, so that it never costs O(n). */
  some(count: number, wanted: (id: NodeId) => boolean): NodeId[] {
    const found: NodeId[] = [];
    for (let draws = 4 * count; draws > 0 && found.length < count; draws--) {
      const id = this.#prng.pick(this.#order);
      if (id !== undefined && !found.includes(id) && wanted(id)) found.push(id);
    }
    return found;
  }

  #drop(place: number): void {
    const id = this.#order[place] as NodeId;
    const last = this.#order.pop() as NodeId;
    if (place < this.#order.length) this.#order[place] = last;
    this.#listed.delete(id);
  }
}
