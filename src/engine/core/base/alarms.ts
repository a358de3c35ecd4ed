import { Heap } from './heap.ts';
import { type Instant, NEVER } from './instant.ts';

/**
 * When each of some things is due: at most one instant for each.
 *
 * Invariant: a thing that was cleared, or set anew, is due no earlier than its new instant.
 *
 * Why entries that no longer hold stay in the heap until they come up: a heap cannot find them. More than `STALE_MAX`
 * and twice what is set are thrown out at once.
 */
export class Alarms<Thing> {
  readonly #at = new Map<Thing, Instant>();
  #heap = this.#empty();

  /** Things that are due some time. */
  get size(): number {
    return this.#at.size;
  }

  /** The thing is due then, and not when it was before. */
  set(thing: Thing, at: Instant): void {
    this.#at.set(thing, at);
    this.#heap.push({ at, thing });
    if (this.#heap.size > 3 * this.#at.size + STALE_MAX) this.#tidy();
  }

  clear(thing: Thing): void {
    this.#at.delete(thing);
  }

  /** When a thing is due; `NEVER` where it is not. */
  of(thing: Thing): Instant {
    return this.#at.get(thing) ?? NEVER;
  }

  deadline(): Instant {
    for (let first = this.#heap.peek(); first !== undefined; first = this.#heap.peek()) {
      if (this.#at.get(first.thing) === first.at) return first.at;
      this.#heap.pop();
    }
    return NEVER;
  }

  /** One thing that is due, which is then no longer set; or undefined. */
  due(now: Instant): Thing | undefined {
    if (this.deadline() > now) return undefined;
    const thing = this.#heap.pop()?.thing;
    if (thing !== undefined) this.#at.delete(thing);
    return thing;
  }

  #tidy(): void {
    this.#heap = this.#empty();
    for (const [thing, at] of this.#at) this.#heap.push({ at, thing });
  }

  #empty(): Heap<{ readonly at: Instant; readonly thing: Thing }> {
    return new Heap((a, b) => a.at - b.at);
  }
}

const STALE_MAX = 1_024;
