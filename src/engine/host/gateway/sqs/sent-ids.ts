/**
 * The ids of messages that were sent of late to fifo queues, by their numbers: whoever sends a duplicate is answered with
 * the id of the first one, also where that one has been received and deleted since.
 *
 * Limit: known to the node over which they were sent.
 */

/** As long as queues remember duplicates, by default. */
const KEPT_MS = 300_000;
/** More: more sends a second are known for all that time. Fewer: less memory, about 200 bytes each. */
const KEPT_MAX = 100_000;

export class SentIds {
  readonly #now: () => number;
  /** In the order of their age. */
  readonly #ids = new Map<string, { readonly id: string; readonly at: number }>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  put(queue: string, number: number, id: string): void {
    const now = this.#now();
    for (const [key, { at }] of this.#ids) {
      if (this.#ids.size < KEPT_MAX && at + KEPT_MS > now) break;
      this.#ids.delete(key);
    }
    this.#ids.set(keyOf(queue, number), { at: now, id });
  }

  get(queue: string, number: number): string | undefined {
    return this.#ids.get(keyOf(queue, number))?.id;
  }
}

function keyOf(queue: string, number: number): string {
  return `${queue}\n${number}`;
}
