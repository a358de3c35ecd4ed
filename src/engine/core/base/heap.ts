/**
 * A binary min-heap: the least item first, equal items in the order in which they came.
 *
 * Invariants:
 * - no item is less than its parent at (index − 1) >> 1;
 * - `order` must be total; ties are broken by a sequence number, so the heap never depends on an engine's sort.
 */
export class Heap<Item> {
  readonly #order: (a: Item, b: Item) => number;
  readonly #items: { readonly item: Item; readonly seq: number }[] = [];
  #seq = 0;

  constructor(order: (a: Item, b: Item) => number) {
    this.#order = order;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): Item | undefined {
    return this.#items[0]?.item;
  }

  push(item: Item): void {
    this.#items.push({ item, seq: this.#seq++ });
    this.#up(this.#items.length - 1);
  }

  pop(): Item | undefined {
    const first = this.#items[0];
    const last = this.#items.pop();
    if (first === undefined || last === undefined) return undefined;
    if (this.#items.length > 0) {
      this.#items[0] = last;
      this.#down(0);
    }
    return first.item;
  }

  #less(i: number, j: number): boolean {
    const a = this.#items[i];
    const b = this.#items[j];
    if (a === undefined || b === undefined) return false;
    const order = this.#order(a.item, b.item);
    return order < 0 || (order === 0 && a.seq < b.seq);
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
