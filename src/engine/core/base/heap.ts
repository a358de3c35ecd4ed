/**
 * A priority queue: the least item first, equal items in the order in which they came.
 *
 *     run    3 5 5 8 9 …      what came in order: taken from its front, at no cost
 *     heap   4 7 6            what came out of order: a binary min-heap
 *
 * Why two: nearly all that is timed or numbered comes in order, and a heap alone would compare each of them some dozens of
 * times.
 *
 * Invariants:
 * - no item of the run is less than the one before it;
 * - no item of the heap is less than its parent at (index − 1) >> 1;
 * - `order` must be total; ties are broken by a sequence number, so nothing depends on an engine's sort.
 */
export class Heap<Item> {
  readonly #order: (a: Item, b: Item) => number;
  readonly #items: Numbered<Item>[] = [];
  /** From `#first` on; what is before was taken. */
  #run: (Numbered<Item> | undefined)[] = [];
  #first = 0;
  #seq = 0;

  constructor(order: (a: Item, b: Item) => number) {
    this.#order = order;
  }

  get size(): number {
    return this.#items.length + this.#run.length - this.#first;
  }

  peek(): Item | undefined {
    return this.#least()?.item;
  }

  push(item: Item): void {
    const numbered = { item, seq: this.#seq++ };
    const last = this.#run.at(-1);
    if (last === undefined || this.#order(last.item, item) <= 0) {
      this.#run.push(numbered);
      return;
    }
    this.#items.push(numbered);
    this.#up(this.#items.length - 1);
  }

  pop(): Item | undefined {
    const least = this.#least();
    if (least === undefined) return undefined;
    if (least === this.#run[this.#first]) this.#shift();
    else this.#popHeap();
    return least.item;
  }

  #least(): Numbered<Item> | undefined {
    const next = this.#run[this.#first];
    const top = this.#items[0];
    return next === undefined || (top !== undefined && this.#isBefore(top, next)) ? top : next;
  }

  /** Why not `shift`: that moves all that follow. */
  #shift(): void {
    this.#run[this.#first++] = undefined;
    if (this.#first === this.#run.length) {
      this.#run = [];
      this.#first = 0;
    } else if (this.#first >= TAKEN_MAX && this.#first * 2 >= this.#run.length) {
      this.#run = this.#run.slice(this.#first);
      this.#first = 0;
    }
  }

  #popHeap(): void {
    const last = this.#items.pop();
    if (last === undefined || this.#items.length === 0) return;
    this.#items[0] = last;
    this.#down(0);
  }

  #isBefore(a: Numbered<Item>, b: Numbered<Item>): boolean {
    const order = this.#order(a.item, b.item);
    return order < 0 || (order === 0 && a.seq < b.seq);
  }

  #less(i: number, j: number): boolean {
    const a = this.#items[i];
    const b = this.#items[j];
    return a !== undefined && b !== undefined && this.#isBefore(a, b);
  }

  #swap(i: number, j: number): void {
    const a = this.#items[i];
    const b = this.#items[j];
    if (a === undefined || b === undefined) return;
    this.#items[i] = b;
    this.#items[j] = a;
  }

  #up(from: number): void {
    let i = from;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.#less(i, parent)) return;
      this.#swap(i, parent);
      i = parent;
    }
  }

  #down(from: number): void {
    let i = from;
    for (;;) {
      const left = 2 * i + 1;
      let least = this.#less(left, i) ? left : i;
      if (this.#less(left + 1, least)) least = left + 1;
      if (least === i) return;
      this.#swap(i, least);
      i = least;
    }
  }
}

interface Numbered<Item> {
  readonly item: Item;
  readonly seq: number;
}

/** Trade-off: fewer are thrown out more often; more take memory. */
const TAKEN_MAX = 1_024;
