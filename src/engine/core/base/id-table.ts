/**
 * Values by whole numbers that are given out one after the other and soon given back: calls, tasks.
 *
 *            0      1      2      3
 *         ├──────┼──────┼──────┼──────┤
 *     ids │  64  │  65  │      │   3  │      the place of 67 is taken, for 3 takes long: `#others` has 67
 *         └──────┴──────┴──────┴──────┘
 *
 * Why not a map: one whose entries come and go makes all of its memory anew every so many of them, and looks each up by a
 * hash: 80 ns for one that comes, is looked up and goes, instead of 16. A call passes through nine tables on its way.
 *
 * Invariants:
 * - an id is in its place (its lowest bits) or in `#others`, never in both;
 * - there are at most `PLACES_MAX` places, whatever ids somebody chooses.
 */
export class IdTable<Value extends NonNullable<unknown>> {
  #ids: number[] = new Array(PLACES_MIN).fill(NONE);
  #values: (Value | undefined)[] = new Array(PLACES_MIN).fill(undefined);
  readonly #others = new Map<number, Value>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): Value | undefined {
    const place = id & (this.#ids.length - 1);
    if (this.#ids[place] === id) return this.#values[place];
    return this.#others.size === 0 ? undefined : this.#others.get(id);
  }

  set(id: number, value: Value): void {
    this.delete(id);
    this.#size++;
    const place = id & (this.#ids.length - 1);
    if (this.#ids[place] !== NONE) {
      this.#others.set(id, value);
      if (this.#others.size * 2 > this.#ids.length && this.#ids.length < PLACES_MAX) this.#grow();
      return;
    }
    this.#ids[place] = id;
    this.#values[place] = value;
  }

  /** False where it was not there. */
  delete(id: number): boolean {
    const place = id & (this.#ids.length - 1);
    if (this.#ids[place] === id) {
      this.#ids[place] = NONE;
      this.#values[place] = undefined;
    } else if (this.#others.size === 0 || !this.#others.delete(id)) {
      return false;
    }
    this.#size--;
    return true;
  }

  clear(): void {
    for (const [id] of this.entries()) this.delete(id);
  }

  /** The smallest id first: what was given out first. */
  entries(): (readonly [id: number, value: Value])[] {
    const entries: (readonly [number, Value])[] = [...this.#others];
    for (const [place, id] of this.#ids.entries()) {
      const value = this.#values[place];
      if (id !== NONE && value !== undefined) entries.push([id, value]);
    }
    return entries.sort(([a], [b]) => a - b);
  }

  values(): Value[] {
    return this.entries().map(([, value]) => value);
  }

  #grow(): void {
    const entries = this.entries();
    const places = this.#ids.length * 2;
    this.#ids = new Array(places).fill(NONE);
    this.#values = new Array(places).fill(undefined);
    this.#others.clear();
    this.#size = 0;
    for (const [id, value] of entries) this.set(id, value);
  }
}

/** No id. */
const NONE = -1;
/** Trade-off: more, and every client that does little costs its node more memory. A power of two. */
const PLACES_MIN = 16;
/** Limit: more ids than these at once are looked up in a map. A power of two. */
const PLACES_MAX = 4_096;
