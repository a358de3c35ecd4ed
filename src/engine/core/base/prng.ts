/**
 * The core's only source of chance: a generator made from a seed, so that a run can be repeated.
 * Algorithm: xoshiro128** by Blackman and Vigna (2018), seeded through splitmix32. Not for secrets.
 */
export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** `seed`: any whole number; only its low 53 bits count. */
  constructor(seed: number) {
    let state = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0;
    const next = () => {
      state = (state + 0x9e3779b9) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return (z ^ (z >>> 15)) >>> 0;
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1; // never all zero
  }

  /** A whole number of 32 bits. */
  next(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** A whole number from 0 to `below` − 1; `below` at least 1 and at most 2³². */
  below(below: number): number {
    return Math.floor((this.next() / 2 ** 32) * below);
  }

  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  /** True with the probability `share`, 0 to 1. */
  chance(share: number): boolean {
    return this.next() < share * 2 ** 32;
  }

  /** One of the items, or undefined where there is none. */
  pick<Item>(items: readonly Item[]): Item | undefined {
    return items.length === 0 ? undefined : items[this.below(items.length)];
  }

  /** Up to `count` different items, in random order. */
  sample<Item>(items: readonly Item[], count: number): Item[] {
    return this.shuffle([...items], count).slice(0, count);
  }

  /** Shuffles in place (Fisher–Yates); with `count`, only the first `count` places are final. */
  shuffle<Item>(items: Item[], count: number = items.length): Item[] {
    const stop = Math.min(count, items.length - 1);
    for (let i = 0; i < stop; i++) {
      const j = i + this.below(items.length - i);
      const kept = items[i] as Item;
      items[i] = items[j] as Item;
      items[j] = kept;
    }
    return items;
  }

  /** A generator of its own, so that one part's draws do not shift another's. */
  fork(): Prng {
    return new Prng(this.next() * 2 ** 21 + (this.next() >>> 11));
  }
}
