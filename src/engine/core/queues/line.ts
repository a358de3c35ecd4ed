import { Heap } from '../base/heap.ts';
import { type Entry, inOrder } from './entry.ts';

/** Messages that are ready, the next one first. One that no longer is ready stays in it, and is passed over. */
export interface Line {
  push(entry: Entry): void;
  peek(): Entry | undefined;
  /** Takes the first one, as often as it is there: one that was leased anew without being received stands twice. */
  pull(first: Entry): void;
}

/** By (rank, seq). */
export class InOrder implements Line {
  readonly #heap = new Heap<Entry>(inOrder);
  readonly #isReady: (entry: Entry) => boolean;

  constructor(isReady: (entry: Entry) => boolean) {
    this.#isReady = isReady;
  }

  push(entry: Entry): void {
    this.#heap.push(entry);
  }

  peek(): Entry | undefined {
    for (let top = this.#heap.peek(); top !== undefined; top = this.#heap.peek()) {
      if (this.#isReady(top)) return top;
      this.#heap.pop();
    }
    return undefined;
  }

  pull(first: Entry): void {
    do this.#heap.pop();
    while (this.#heap.peek() === first);
  }
}

/**
 * Heads of groups, by the turn of their group: it grows with every receive, and a group has that of when it was last received
 * from, or came. So no group with few messages waits for one with many, nor the other way round.
 */
export class ByTurn implements Line {
  readonly #heap = new Heap<Ticket>((a, b) => a.turn - b.turn || inOrder(a.entry, b.entry));
  readonly #isReady: (entry: Entry) => boolean;
  readonly #turnOf: (entry: Entry) => number;

  constructor(isReady: (entry: Entry) => boolean, turnOf: (entry: Entry) => number) {
    this.#isReady = isReady;
    this.#turnOf = turnOf;
  }

  /** Why a ticket: the turn of a group grows while a former head of it may still stand here. */
  push(entry: Entry): void {
    this.#heap.push({ entry, turn: this.#turnOf(entry) });
  }

  peek(): Entry | undefined {
    for (let top = this.#heap.peek(); top !== undefined; top = this.#heap.peek()) {
      if (this.#isReady(top.entry) && top.turn === this.#turnOf(top.entry)) return top.entry;
      this.#heap.pop();
    }
    return undefined;
  }

  pull(first: Entry): void {
    do this.#heap.pop();
    while (this.#heap.peek()?.entry === first);
  }
}

interface Ticket {
  readonly entry: Entry;
  readonly turn: number;
}
