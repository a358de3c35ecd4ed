import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';

/**
 * Age and size of each kept message, by its sequence number: 12 bytes each, in blocks that are freed as a whole.
 *
 *     first                                      next
 *     ▼                                          ▼
 *     [ 3 4 5 … 1023 ][ 1024 … 2047 ][ 2048 2049 ]
 *       at, bytes       at, bytes      at, bytes
 *
 * Invariants: sequence numbers have no gaps; `at` never decreases.
 */
export class Kept {
  /** The one that holds `#first` is the first of them. */
  #blocks: Block[] = [];
  #first: number;
  #next: number;
  #bytes = 0;

  /** `next`: the number of the next message. */
  constructor(next: number) {
    this.#first = next;
    this.#next = next;
  }

  /** The oldest that is kept; `next` where none is. */
  get first(): number {
    return this.#first;
  }

  get next(): number {
    return this.#next;
  }

  get count(): number {
    return this.#next - this.#first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(bytes: number, at: Instant): number {
    const sequence = this.#next++;
    const place = sequence % BLOCK;
    if (place === 0 || this.#blocks.length === 0) {
      this.#blocks.push({ at: new Float64Array(BLOCK), bytes: new Uint32Array(BLOCK) });
    }
    const block = this.#blockOf(sequence);
    block.at[place] = sequence === this.#first ? at : Math.max(at, this.at(sequence - 1));
    block.bytes[place] = bytes;
    this.#bytes += bytes;
    return sequence;
  }

  /** Takes the oldest out. */
  shift(): void {
    assert(this.count > 0, 'only what is kept can be dropped');
    this.#bytes -= this.bytesOf(this.#first);
    this.#first++;
    if (this.#first % BLOCK === 0) this.#blocks.shift();
  }

  /** Takes the newest out, down to `next`, which is not below `first`. */
  truncate(next: number): void {
    while (this.#next > next && this.count > 0) {
      this.#next--;
      this.#bytes -= this.bytesOf(this.#next);
      if (this.#next % BLOCK === 0 || this.count === 0) this.#blocks.pop();
    }
  }

  /** The size of a kept message. */
  bytesOf(sequence: number): number {
    return this.#blockOf(sequence).bytes[sequence % BLOCK] ?? 0;
  }

  /** When a kept message came. */
  at(sequence: number): Instant {
    return this.#blockOf(sequence).at[sequence % BLOCK] ?? 0;
  }

  /** The oldest message that came at `at` or later; `next` where none did. */
  since(at: Instant): number {
    let low = this.#first;
    let high = this.#next;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      if (this.at(middle) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #blockOf(sequence: number): Block {
    const block = this.#blocks[Math.floor(sequence / BLOCK) - Math.floor(this.#first / BLOCK)];
    assert(block !== undefined, 'a kept message has a block');
    return block;
  }
}

const BLOCK = 1_024;

interface Block {
  readonly at: Float64Array;
  readonly bytes: Uint32Array;
}
