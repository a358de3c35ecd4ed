const NONE: never[] = [];

/** The effects of one machine, waiting in order. Handing out an empty list costs nothing. */
export class Effects<Effect> {
  #waiting: Effect[] = [];

  push(effect: Effect): void {
    this.#waiting.push(effect);
  }

  drain(): Effect[] {
    if (this.#waiting.length === 0) return NONE;
    const effects = this.#waiting;
    this.#waiting = [];
    return effects;
  }
}
