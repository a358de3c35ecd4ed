/**
 * Whether something that may fail is worth trying now: the circuit breaker of M. Nygard, "Release It!" (2nd ed. 2018, §5.2).
 * Clients have one for each address, hubs one for each link to another cluster.
 *
 *              failuresMax in a row                   the wait is over, and it is tried
 *     closed ───────────────────────► open ◄─────────────────────────────► half-open
 *        ▲                             a failure: open again, twice as long     │
 *        └───────────────────── successesMin in a row ──────────────────────────┘
 *
 * Invariants: while half-open, one trial at most is under way and no other is permitted. A wait is never longer than `openMsMax`.
 */
import { type Instant, NEVER } from './instant.ts';

export interface BreakerOptions {
  /** Failures in a row that open it. More: what is flaky is forgiven longer. Fewer: what is dead costs fewer trials. */
  readonly failuresMax: number;
  /** Successes in a row that close it, once it is half-open. More: it is sure to be well. Fewer: it is used sooner. */
  readonly successesMin: number;
  /** The first wait; doubles with each failed trial. Longer: fewer trials in vain. Shorter: found again sooner. */
  readonly openMs: number;
  /** Equal to `openMs`: all waits are equally long. */
  readonly openMsMax: number;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

export class Breaker {
  readonly #options: BreakerOptions;
  #state: BreakerState = 'closed';
  /** In a row. */
  #failures = 0;
  /** In a row, while half-open. */
  #successes = 0;
  /** While half-open. */
  #isTried = false;
  #waitMs: number;
  #until: Instant = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#waitMs = options.openMs;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** In a row, up to now. */
  get failures(): number {
    return this.#failures;
  }

  /** Whether nothing has failed since the last success. */
  get clean(): boolean {
    return this.#state === 'closed' && this.#failures === 0;
  }

  /** From when on it may be tried; `NEVER` while a trial is under way. */
  get permittedAt(): Instant {
    if (this.#state === 'half-open') return this.#isTried ? NEVER : 0;
    return this.#state === 'open' ? this.#until : 0;
  }

  permits(now: Instant): boolean {
    return now >= this.permittedAt;
  }

  /** Somebody tries it: as it permitted, or from the other side, whenever that likes. */
  tried(): void {
    if (this.#state === 'closed') return;
    this.#state = 'half-open';
    this.#isTried = true;
  }

  /** Of what nobody tried, while it is open: it counts as a trial from the instant on that it was permitted. */
  succeeded(now: Instant): void {
    if (this.#state === 'open' && now < this.#until) return;
    if (this.#state === 'open') this.#state = 'half-open';
    this.#isTried = false;
    this.#failures = 0;
    if (this.#state === 'half-open' && ++this.#successes < this.#options.successesMin) return;
    this.#state = 'closed';
    this.#successes = 0;
    this.#waitMs = this.#options.openMs;
  }

  failed(now: Instant): void {
    this.#failures++;
    if (this.#state === 'open') return;
    if (this.#state === 'half-open') this.#waitMs = Math.min(this.#waitMs * 2, this.#options.openMsMax);
    else if (this.#failures < this.#options.failuresMax) return;
    this.#state = 'open';
    this.#successes = 0;
    this.#isTried = false;
    this.#until = now + this.#waitMs;
  }
}
