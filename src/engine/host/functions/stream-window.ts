/**
 * What one paced stream has on its way to whoever takes its items: bounded in bytes, not in items, since memory is what
 * has to be spared; counted back in items, since whoever takes them need not know how large they were on the wire.
 */
import type { Payload } from '../../core/base/payload.ts';
import { itemCost, STREAM_BYTES_MAX } from './worker-frames.ts';

export class StreamWindow {
  /** Of the items that nobody has taken, in their order. */
  readonly #costs: number[] = [];
  #cost = 0;

  /** Whether the next item has to wait. */
  get full(): boolean {
    return this.#cost >= STREAM_BYTES_MAX;
  }

  sent(payload: Payload): void {
    const cost = itemCost(payload.size);
    this.#costs.push(cost);
    this.#cost += cost;
  }

  /** So many items were taken. Answers what they had cost; nothing for more than there were. */
  taken(items: number): number {
    const cost = this.#costs.splice(0, items).reduce((sum, one) => sum + one, 0);
    this.#cost -= cost;
    return cost;
  }
}
