/**
 * The clock of one process: it began somewhere else than the world's and runs a little too fast or too slow.
 * It never goes back, because real ones (`Clock` in `host/ports.ts`) do not either.
 */
import { type Instant, NEVER } from '../core/base/instant.ts';

export interface ClockFault {
  /** What the clock showed when its process began. */
  readonly skewMs: number;
  /** Parts per million by which it is too fast (negative: too slow); quartz is within 100. */
  readonly driftPpm: number;
}

export class SimClock {
  readonly #bornAt: Instant;
  readonly #fault: ClockFault;

  constructor(bornAt: Instant, fault: ClockFault) {
    this.#bornAt = bornAt;
    this.#fault = fault;
  }

  /** What it shows at the world's instant `at`. */
  local(at: Instant): Instant {
    const age = at - this.#bornAt;
    return this.#fault.skewMs + age + Math.floor((age * this.#fault.driftPpm) / 1_000_000);
  }

  /** The first instant of the world at which it shows `local` or later. */
  world(local: Instant): Instant {
    if (local >= NEVER) return NEVER;
    const age = Math.floor((local - this.#fault.skewMs) / (1 + this.#fault.driftPpm / 1_000_000));
    let at = this.#bornAt + Math.max(0, age - 1);
    while (this.local(at) < local) at++;
    return at;
  }
}
