import { problemError } from '../problem-error.ts';

/**
 * Items that one side pushes and one consumer awaits, in order; stopping the consumer stops the source.
 * Limit: a consumer that is `ITEMS_MAX` items behind fails with `limit-exceeded`, and the source is stopped.
 */
export class ItemQueue<Item> implements AsyncIterable<Item> {
  readonly #items: Item[] = [];
  readonly #onStop: () => void;
  readonly #onTaken: ((left: number) => void) | undefined;
  /** Those who asked for an item that has not come, in order; while there are any, there are no items. */
  readonly #waiting: Waiting<Item>[] = [];
  #error: Error | undefined;
  #ended = false;

  /** `onTaken`: told of each item that was taken, and how many are left. */
  constructor(onStop: () => void, onTaken?: (left: number) => void) {
    this.#onStop = onStop;
    this.#onTaken = onTaken;
  }

  push(item: Item): void {
    if (this.#ended) return;
    const first = this.#waiting.shift();
    if (first !== undefined) {
      first.resolve({ done: false, value: item });
      this.#onTaken?.(0);
    } else if (this.#items.push(item) > ITEMS_MAX) {
      const text = `the consumer is more than ${ITEMS_MAX} items behind`;
      this.fail(problemError('limit-exceeded', text, { outcome: 'unknown' }));
      this.#onStop();
    }
  }

  end(): void {
    this.#ended = true;
    for (const { resolve } of this.#waiting.splice(0)) resolve({ done: true, value: undefined });
  }

  /** The first end counts: what fails because it was stopped does not hide why. */
  fail(error: Error): void {
    if (this.#ended) return;
    const first = this.#waiting.shift();
    if (first === undefined) this.#error = error;
    else first.reject(error);
    this.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<Item> {
    return {
      next: () => this.#next(),
      return: async () => {
        const stops = !this.#ended;
        this.end();
        if (stops) this.#onStop();
        return { done: true, value: undefined };
      },
    };
  }

  #next(): Promise<IteratorResult<Item>> {
    if (this.#items.length > 0) {
      const value = this.#items.shift() as Item;
      if (!this.#ended) this.#onTaken?.(this.#items.length);
      return Promise.resolve({ done: false, value });
    }
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) return Promise.reject(error);
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ reject, resolve });
    });
  }
}

interface Waiting<Item> {
  readonly resolve: (result: IteratorResult<Item>) => void;
  readonly reject: (error: Error) => void;
}

const ITEMS_MAX = 100_000;
