/**
 * What was found out about topics, the last used ones, without a list to keep in order and without a sweep that stalls:
 *
 *     young   what was used since the last turn      at most half of the bound
 *     old     what was used in the turn before       dropped as a whole when young is full
 *
 * What is found in old moves to young; so whatever is used at least once in a turn stays. The precedent is the second
 * chance of a clock cache (Corbató 1968), a generation at a time.
 *
 * It refuses to judge whether what it holds is still true: who asks does.
 */
export class RouteCache<Value> {
  readonly #halfMax: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  /** `max`: entries held at most; 0 keeps nothing. */
  constructor(max: number) {
    this.#halfMax = Math.floor(max / 2);
  }

  /** Entries held; one may be counted twice until the next turn. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(topic: string): Value | undefined {
    const value = this.#young.get(topic);
    if (value !== undefined) return value;
    const old = this.#old.get(topic);
    if (old !== undefined) this.set(topic, old);
    return old;
  }

  set(topic: string, value: Value): void {
    if (this.#halfMax === 0) return;
    if (this.#young.size >= this.#halfMax && !this.#young.has(topic)) this.turn();
    this.#young.set(topic, value);
  }

  /** Drops what was not used since the last turn. Called with time, it forgets topics that nobody publishes any more. */
  turn(): void {
    this.#old = this.#young;
    this.#young = new Map();
  }
}
