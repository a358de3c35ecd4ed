/**
 * How well this node itself is doing, judged by what it can observe: 0 is fine (Lifeguard §3, LHA-Probe).
 *
 * The idea: a node that is slow sees silence everywhere. The more of it that cannot be the others' fault, the longer this
 * node waits before it accuses anybody.
 */
export class Health {
  readonly #worst: number;
  #score = 0;

  constructor(worst: number) {
    this.#worst = worst;
  }

  /** 0 to the worst. */
  get score(): number {
    return this.#score;
  }

  better(): void {
    this.#score = Math.max(0, this.#score - 1);
  }

  worse(by = 1): void {
    this.#score = Math.min(this.#worst, this.#score + by);
  }

  worst(): void {
    this.#score = this.#worst;
  }

  /** A patience of `ms`, lengthened by bad health. */
  scale(ms: number): number {
    return ms * (this.#score + 1);
  }
}
