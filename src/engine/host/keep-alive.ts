/**
 * Notices a link that is open but dead: a machine without power, a cut cable, a node that was stopped.
 *
 * It asks for a beat in every period, and takes whatever arrives for an answer. It counts periods, not time: a process
 * that was busy for long reads what has waited for it before it judges.
 */
export class KeepAlive {
  readonly #timer: NodeJS.Timeout;
  /** Beats asked for since anything was heard. */
  #unanswered = 0;

  /** `ask` sends a beat; `dead` is called once, where two of them brought nothing. */
  constructor(periodMs: number, ask: () => void, dead: () => void) {
    this.#timer = setInterval(() => {
      if (this.#unanswered >= UNANSWERED_MAX) {
        this.stop();
        dead();
      } else {
        this.#unanswered++;
        ask();
      }
    }, periodMs).unref();
  }

  heard(): void {
    this.#unanswered = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

const UNANSWERED_MAX = 2;
