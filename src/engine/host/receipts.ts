/**
 * Tells how many items of a stream its consumer has taken: when there are many of them, and when none is left to take.
 *
 * Why both: said for every item, it would cost as much as the item; said only in numbers, a producer that has room for
 * fewer large items than that would wait for ever.
 */
export class Receipts {
  readonly #send: (items: number) => void;
  #untold = 0;
  #soon = false;

  constructor(send: (items: number) => void) {
    this.#send = send;
  }

  /** One more was taken; so many lie there that were not. */
  taken(left: number): void {
    this.#untold++;
    if (this.#untold >= ITEMS) this.#tell();
    else if (left === 0 && !this.#soon) this.#tellSoon();
  }

  /** Why not at once: what comes in one turn of the loop is often taken in it, one by one. */
  #tellSoon(): void {
    this.#soon = true;
    setImmediate(() => {
      this.#soon = false;
      this.#tell();
    });
  }

  #tell(): void {
    if (this.#untold === 0) return;
    this.#send(this.#untold);
    this.#untold = 0;
  }
}

const ITEMS = 64;
