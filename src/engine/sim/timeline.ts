/**
 * Virtual time: one heap of things that will happen, in whole milliseconds since the world began.
 *
 * Nothing waits. The next event is taken, time jumps to it, it happens. Events of the same instant happen in the order
 * in which they were planned, so a run depends on nothing but its seed.
 */
import { assert } from '../core/base/assert.ts';
import { Heap } from '../core/base/heap.ts';
import type { Instant } from '../core/base/instant.ts';

interface Planned {
  readonly at: Instant;
  readonly happen: () => void;
}

export class Timeline {
  readonly #planned = new Heap<Planned>((a, b) => a.at - b.at);
  #now: Instant = 0;
  #events = 0;

  get now(): Instant {
    return this.#now;
  }

  /** Events that have happened, for the limits of a run. */
  get events(): number {
    return this.#events;
  }

  /** Plans something for the instant `at`; at once, where that has passed. */
  at(at: Instant, happen: () => void): void {
    assert(Number.isSafeInteger(at), 'the simulator plans in whole milliseconds');
    this.#planned.push({ at: Math.max(at, this.#now), happen });
  }

  after(delayMs: number, happen: () => void): void {
    this.at(this.#now + delayMs, happen);
  }

  /** Lets everything happen that is planned up to and at `until`; time stands at `until` afterwards. */
  runUntil(until: Instant): void {
    for (let next = this.#planned.peek(); next !== undefined && next.at <= until; next = this.#planned.peek()) {
      this.#planned.pop();
      this.#now = next.at;
      this.#events++;
      next.happen();
    }
    this.#now = Math.max(this.#now, until);
  }
}
