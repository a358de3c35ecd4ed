import { type Instant, NEVER } from '../base/instant.ts';
import type { Machine } from '../base/machine.ts';
import type { Prng } from '../base/prng.ts';
import type { QueuesEffect, QueuesInput } from '../queues/effects.ts';
import { Queues } from '../queues/queues.ts';

/**
 * The queues of a node at its door: their time is the calendar's, for what they store outlives the node's clock.
 *
 * How far the two are apart is measured once, when storage is opened. So setting the calendar of a running machine moves
 * nothing; a node that starts again sees delays and times to live by the calendar of then.
 */
export class QueuesDoor implements Machine<QueuesEffect> {
  readonly #queues: Queues;
  /** What the calendar is ahead of the node's clock. */
  #ahead = 0;

  constructor(prng: Prng) {
    this.#queues = new Queues(prng);
  }

  take(input: QueuesInput, local: Instant): void {
    if (input.kind === 'opened') this.#ahead = input.wallMs - local;
    const now = local + this.#ahead;
    switch (input.kind) {
      case 'opened':
        return this.#queues.opened(input, now);
      case 'ask':
        return this.#queues.ask(input.request, input.command, now);
      case 'take':
        return this.#queues.take(input.request, input.parcel, now);
      case 'cancel':
        return this.#queues.cancel(input.request, now);
      case 'persisted':
        return this.#queues.persisted(input.fence, now);
      case 'refused':
        return this.#queues.refused(input.fence, input.problem, now);
      case 'room':
        return this.#queues.room(input.problem);
      case 'loaded':
        return this.#queues.loaded(input.load, input.loaded, now);
      case 'shipped':
        return this.#queues.shipped(input.ship, input.outcome, now);
    }
  }

  leave(): void {
    this.#queues.leave();
  }

  drain(): QueuesEffect[] {
    return this.#queues.drain();
  }

  deadline(): Instant {
    const deadline = this.#queues.deadline();
    return deadline === NEVER ? NEVER : deadline - this.#ahead;
  }

  advance(local: Instant): void {
    this.#queues.advance(local + this.#ahead);
  }
}
