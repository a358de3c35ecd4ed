/**
 * A map that never stops the world to grow. A `Map` that doubles moves all its entries at once, 40 ms and more for half a
 * million; this one is 64 maps, chosen by the passed hash, and each of them grows by itself, at another time.
 *
 * Limit: the parts are as even as the hash is. The order of `values()` depends on what was set and in which order, on
 * nothing else; it is not the order of setting.
 */
export class WideMap<Key, Value> {
  readonly #hash: (key: Key) => number;
  readonly #parts: readonly Map<Key, Value>[] = Array.from({ length: PARTS }, () => new Map());
  #size = 0;

  /** `hash`: whole numbers, not negative, the same for equal keys. */
  constructor(hash: (key: Key) => number, entries: Iterable<readonly [Key, Value]> = []) {
    this.#hash = hash;
    for (const [key, value] of entries) this.set(key, value);
  }

  get size(): number {
    return this.#size;
  }

  get(key: Key): Value | undefined {
    return this.#partOf(key).get(key);
  }

  set(key: Key, value: Value): this {
    const part = this.#partOf(key);
    const before = part.size;
    part.set(key, value);
    this.#size += part.size - before;
    return this;
  }

  delete(key: Key): boolean {
    if (!this.#partOf(key).delete(key)) return false;
    this.#size--;
    return true;
  }

  *values(): Generator<Value> {
    for (const part of this.#parts) yield* part.values();
  }

  #partOf(key: Key): Map<Key, Value> {
    return this.#parts[this.#hash(key) % PARTS] as Map<Key, Value>;
  }
}

const PARTS = 64;
