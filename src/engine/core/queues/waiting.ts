import { Alarms } from '../base/alarms.ts';
import type { Instant } from '../base/instant.ts';

/** A receive that has got nothing so far. */
export interface Waiter {
  readonly request: number;
  readonly max: number;
  readonly visibilityMs: number | undefined;
  readonly consumer: string | undefined;
  readonly groupMax: number;
  readonly until: Instant;
  /** It waits for storage only, not for messages. */
  readonly hasty: boolean;
}

/** Receives that wait, the longest waiting first. */
export class Waiting {
  readonly #waiters = new Map<number, Waiter>();
  readonly #ends = new Alarms<number>();
  readonly #hasty = new Set<number>();

  get size(): number {
    return this.#waiters.size;
  }

  add(waiter: Waiter): void {
    this.#waiters.set(waiter.request, waiter);
    this.#ends.set(waiter.request, waiter.until);
    if (waiter.hasty) this.#hasty.add(waiter.request);
  }

  delete(request: number): boolean {
    this.#ends.clear(request);
    this.#hasty.delete(request);
    return this.#waiters.delete(request);
  }

  all(): Iterable<Waiter> {
    return this.#waiters.values();
  }

  /** Those that wait for storage only; they no longer wait. */
  hasty(): readonly number[] {
    if (this.#hasty.size === 0) return NOBODY;
    const requests = [...this.#hasty];
    for (const request of requests) this.delete(request);
    return requests;
  }

  deadline(): Instant {
    return this.#ends.deadline();
  }

  /** One that has waited long enough, and no longer waits. */
  due(now: Instant): number | undefined {
    const request = this.#ends.due(now);
    if (request !== undefined) this.delete(request);
    return request;
  }
}

const NOBODY: readonly number[] = [];
