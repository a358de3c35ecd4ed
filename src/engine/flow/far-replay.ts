import type { Delivery } from './delivery.ts';
import { OWN } from './own-messages.ts';
import type { Way } from './way.ts';

/**
 * What other clusters retain, on its way to one new subscription of this node.
 *
 *     subscribe ──► own cluster's values ──► asked: the nearest cluster's, the next one's, …   each topic once
 *                                             │ meanwhile: what comes by itself is newer than what is asked for
 *
 * Invariants: a topic of which the own cluster knows a value, or that it was cleared, is not taken from others; a message
 * reaches the subscription once, be it retained or by itself, as long as it comes within `LATE_MS`.
 */
export class FarReplay {
  readonly patterns: readonly string[];
  readonly #way: Way<Delivery>;
  readonly #isKnown: (topic: string) => boolean;
  /** Topics of which something came from other clusters meanwhile. */
  readonly #live = new Set<string>();
  /** By id, what was taken and may still come by itself. */
  readonly #given = new Set<string>();
  #asking = true;

  constructor(way: Way<Delivery>, patterns: readonly string[], isKnown: (topic: string) => boolean) {
    this.#way = way;
    this.patterns = patterns;
    this.#isKnown = isKnown;
    way.admits = (delivery) => this.#admits(delivery);
  }

  /** Nobody wants more. */
  get isOver(): boolean {
    return this.#way.isOver || !this.#asking || this.#live.size >= LIVE_MAX;
  }

  /** Why half: it must neither hold up others, nor be dropped for lack of room. */
  get hasRoom(): boolean {
    const { bytes, limits, waiting } = this.#way.outbox;
    return waiting < limits.messagesMax / 2 && bytes < limits.bytesMax / 2;
  }

  take(delivery: Delivery): void {
    const { by, seq, topic } = delivery;
    if (this.isOver || this.#live.has(topic) || this.#isKnown(topic)) return;
    this.#given.add(`${by}/${seq}`);
    this.#way.offer(delivery.asRetained(), OWN);
  }

  /** No more is to come. */
  end(later: (ms: number, then: () => void) => void): void {
    this.#asking = false;
    this.#live.clear();
    if (this.#given.size === 0) this.#way.admits = undefined;
    else later(LATE_MS, () => this.#forget());
  }

  #forget(): void {
    this.#way.admits = undefined;
    this.#given.clear();
  }

  #admits({ abroad, by, seq, topic }: Delivery): boolean {
    if (!abroad) return true;
    if (this.#given.delete(`${by}/${seq}`)) return false;
    if (this.#asking && this.#live.size < LIVE_MAX) this.#live.add(topic);
    return true;
  }
}

/** Limit: topics; with more, what is retained elsewhere is asked for no longer. */
const LIVE_MAX = 10_000;
/** How long after its retained value a message may still come by itself, and is known. */
const LATE_MS = 10_000;
