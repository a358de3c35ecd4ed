/**
 * Time and waking up, for real: the process's monotonic clock, and one timer.
 *
 * Setting the machine's date moves nothing here. The timer of an earlier instant is kept when a later one is asked for
 * and set anew when it fires: a node asks after every turn, and most of its deadlines are never reached.
 */
import type { Instant } from '../core/base/instant.ts';
import type { Clock } from './ports.ts';

/** What `setTimeout` can wait at most; longer waits take several. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export class SystemClock implements Clock {
  #timer: NodeJS.Timeout | undefined;
  /** When `#timer` fires. */
  #firesAt: Instant = 0;
  #at: Instant = 0;
  #wake: (() => void) | undefined;

  now(): Instant {
    return Math.floor(performance.now());
  }

  wakeAt(at: Instant, wake: () => void): void {
    this.#at = at;
    this.#wake = wake;
    if (this.#timer === undefined || at < this.#firesAt) this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wake = undefined;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const now = this.now();
    const wait = Math.min(Math.max(this.#at - now, 0), TIMER_MS_MAX);
    this.#firesAt = now + wait;
    this.#timer = setTimeout(() => this.#fired(), wait);
  }

  #fired(): void {
    this.#timer = undefined;
    if (this.now() < this.#at) {
      this.#arm();
      return;
    }
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/** What the calendar says, in milliseconds since 1970: for people and for ids, never for waiting. */
export function wallClock(): number {
  return Date.now();
}
