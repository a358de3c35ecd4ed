import { type Instant, NEVER } from '../base/instant.ts';
import type { BreakerConfig } from './options.ts';

/**
 * Whether a cluster's link is trusted: the circuit breaker of M. Nygard, "Release It!" (2nd ed. 2018, §5.2).
 *
 *              failureThreshold in a row                  timeoutMs is over, and it is tried
 *     closed ─────────────────────────────► open ◄──────────────────────────────────► half-open
 *        ▲                                   a failure in half-open opens it again         │
 *        └───────────────────── successThreshold successes in a row ───────────────────────┘
 */
export class Breaker {
  readonly #config: BreakerConfig;
  #state: 'closed' | 'open' | 'half-open' = 'closed';
  #failures = 0;
  #successes = 0;
  #openUntil: Instant = 0;

  constructor(config: BreakerConfig) {
    this.#config = config;
  }

  get state(): 'closed' | 'open' | 'half-open' {
    return this.#state;
  }

  /** In a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Not before this instant it is to be tried; `NEVER` while a trial is under way. */
  get permittedAt(): Instant {
    if (this.#state === 'half-open') return NEVER;
    return this.#state === 'open' ? this.#openUntil : 0;
  }

  /** Somebody tries it: this hub, when it is permitted, or the other side, whenever it likes. */
  tried(): void {
    if (this.#state !== 'open') return;
    this.#state = 'half-open';
    this.#successes = 0;
  }

  failed(now: Instant): void {
    this.#failures++;
    const opens = this.#state === 'half-open' || this.#failures >= this.#config.failureThreshold;
    if (!opens || this.#state === 'open') return;
    this.#state = 'open';
    this.#openUntil = now + this.#config.timeoutMs;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#successes++;
    if (this.#state === 'half-open' && this.#successes >= this.#config.successThreshold) this.#state = 'closed';
  }
}
