import { problemError } from '../problem-error.ts';

/**
 * Items that one side pushes and one consumer awaits, in order; stopping the consumer stops the source.
 * Limit: a consumer that is `ITEMS_MAX` items behind fails with `limit-exceeded`, and the source is stopped.
 */
export class ItemQueue<Item> implements AsyncIterable<Item> {
  readonly #items: Item[] = [];
  readonly #onStop: () => void;
  #waiting:
    | { readonly resolve: (result: IteratorResult<Item>) => void; readonly reject: (error: Error) => void }
    | undefined;
  #error: Error | undefined;
  #ended = false;

  constructor(onStop: () => void) {
    this.#onStop = onStop;
  }

  push(item: Item): void {
    if (this.#ended) return;
    if (this.#waiting === undefined) {
      this.#items.push(item);
      if (this.#items.length > ITEMS_MAX) {
        this.fail(problemError('limit-exceeded', `the consumer is more than ${ITEMS_MAX} items behind`));
        this.#onStop();
      }
      return;
    }
    this.#waiting.resolve({ done: false, value: item });
    this.#waiting = undefined;
  }

  end(): void {
    this.#ended = true;
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = undefined;
  }

  fail(error: Error): void {
    this.#ended = true;
    if (this.#waiting === undefined) this.#error = error;
    else this.#waiting.reject(error);
    this.#waiting = undefined;
  }

  [Symbol.asyncIterator](): AsyncIterator<Item> {
    return {
      next: () => this.#next(),
      return: async () => {
        if (!this.#ended) this.#onStop();
        this.end();
        return { done: true, value: undefined };
      },
    };
  }

  #next(): Promise<IteratorResult<Item>> {
    if (this.#items.length > 0) return Promise.resolve({ done: false, value: this.#items.shift() as Item });
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) return Promise.reject(error);
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting = { reject, resolve };
    });
  }
}

const ITEMS_MAX = 100_000;
