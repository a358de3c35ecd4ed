/**
 * Whether an address is worth trying now: the circuit breaker of M. Nygard, "Release It!" (2nd ed. 2018, §5.2).
 *
 *              failuresMax in a row                   the wait is over, and it is tried
 *     closed ───────────────────────► open ◄─────────────────────────────► half-open
 *        ▲                             a failure: open again, twice as long     │
 *        └──────────────────────────────── a success ───────────────────────────┘
 *
 * Invariants: while half-open, one trial is under way and no other is permitted. A wait is never longer than `openMsMax`.
 */
import { type Instant, NEVER } from '../core/base/instant.ts';

export interface BreakerOptions {
  /** Failures in a row that open it. More: a flaky node is forgiven longer. Fewer: dead ones cost fewer dials. */
  readonly failuresMax: number;
  /** The first wait; doubles with each failed trial. Longer: fewer dials in vain. Shorter: found again sooner. */
  readonly openMs: number;
  readonly openMsMax: number;
}

export const DEFAULT_BREAKER: BreakerOptions = { failuresMax: 3, openMs: 500, openMsMax: 5_000 };

export class Breaker {
  readonly #options: BreakerOptions;
  #state: 'closed' | 'open' | 'half-open' = 'closed';
  /** In a row, while closed. */
  #failures = 0;
  #waitMs: number;
  #until: Instant = 0;

  constructor(options: BreakerOptions = DEFAULT_BREAKER) {
    this.#options = options;
    this.#waitMs = options.openMs;
  }

  get state(): 'closed' | 'open' | 'half-open' {
    return this.#state;
  }

  /** Whether nothing has failed since the last success. */
  get clean(): boolean {
    return this.#state === 'closed' && this.#failures === 0;
  }

  /** From when on it may be tried; `NEVER` while a trial is under way. */
  get permittedAt(): Instant {
    if (this.#state === 'half-open') return NEVER;
    return this.#state === 'open' ? this.#until : 0;
  }

  permits(now: Instant): boolean {
    return now >= this.permittedAt;
  }

  /** Somebody tries it, as it permitted. */
  tried(): void {
    if (this.#state === 'open') this.#state = 'half-open';
  }

  succeeded(): void {
    this.#state = 'closed';
    this.#failures = 0;
    this.#waitMs = this.#options.openMs;
  }

  failed(now: Instant): void {
    if (this.#state === 'open') return;
    if (this.#state === 'half-open') this.#waitMs = Math.min(this.#waitMs * 2, this.#options.openMsMax);
    else if (++this.#failures < this.#options.failuresMax) return;
    this.#state = 'open';
    this.#failures = 0;
    this.#until = now + this.#waitMs;
  }
}
