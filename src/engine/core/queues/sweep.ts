import { type Instant, NEVER } from '../base/instant.ts';
import type { Deliveries } from './deliveries.ts';
import type { LoadAsk, Loaded, NewMessage } from './effects.ts';
import { type Entry, entryOf, isExpired } from './entry.ts';
import type { QueueOptions } from './options.ts';
import type { Schedule } from './schedule.ts';
import { isForSeveral } from './sending.ts';

/** The messages that are looked through. */
interface Swept {
  readonly schedule: Schedule;
  readonly deliveries: Deliveries;
  readonly ends: { expire(entry: Entry, held: boolean, now: Instant): void };
}

/**
 * Finds messages whose time is up where nobody asks for them: on disk, a part at a time, when the first of them is due.
 * What somebody has in hand is judged when it comes back.
 */
export class Sweep {
  readonly #stock: Swept;
  readonly #options: () => QueueOptions;
  readonly #load: (ask: LoadAsk) => number;
  #at: Instant = NEVER;
  #loading: number | undefined;

  constructor(stock: Swept, options: () => QueueOptions, load: (ask: LoadAsk) => number) {
    this.#stock = stock;
    this.#options = options;
    this.#load = load;
  }

  deadline(): Instant {
    return this.#loading === undefined ? this.#at : NEVER;
  }

  /** Begins anew: looks then, for the first time. */
  begin(at: Instant): void {
    this.#at = at;
    this.#loading = undefined;
  }

  /** A message has come that will be due some time. */
  watch({ expiresAt = NEVER, sentAt }: Pick<NewMessage, 'expiresAt' | 'sentAt'>, now: Instant): void {
    const { ttlMs } = this.#options();
    const end = Math.min(expiresAt, ttlMs === null ? NEVER : sentAt + ttlMs);
    if (end < this.#at) this.#at = Math.max(end, now);
  }

  /** What is kept how long has changed. */
  soon(now: Instant): void {
    this.#at = Math.min(this.#at, now);
  }

  advance(now: Instant): void {
    if (this.#loading !== undefined || this.#at > now) return;
    const { ttlMs } = this.#options();
    const sentBy = ttlMs === null ? -1 : now - ttlMs;
    this.#loading = this.#load({ at: now, limit: SWEEP_MAX, sentBy, what: 'expired' });
  }

  /** Storage has answered; false where that was no answer to this. */
  loaded(load: number, { messages, next = NEVER, oldestAt }: Loaded, now: Instant): boolean {
    if (load !== this.#loading) return false;
    this.#loading = undefined;
    const { schedule, deliveries } = this.#stock;
    const { ttlMs } = this.#options();
    for (const message of messages) {
      const delivery = deliveries.of(message.seq);
      // Why: with its last copy memory has ended it, and storage does not know yet.
      if (delivery === undefined && isForSeveral(message.about?.guarantee)) continue;
      const known =
        delivery === undefined ? [schedule.known.get(message.seq) ?? entryOf(message)] : delivery.open.values();
      for (const entry of [...known]) {
        const isFree = entry.state === 'ready' || entry.state === 'behind';
        if (!isFree || !isExpired(entry, ttlMs, now)) continue;
        schedule.withdraw(entry);
        this.#stock.ends.expire(entry, entry.delivery !== undefined, now);
      }
    }
    const oldest = ttlMs === null || oldestAt === undefined ? NEVER : oldestAt + ttlMs;
    // Why not at once: those in somebody's hands are found again and again.
    this.#at = messages.length < SWEEP_MAX ? Math.max(Math.min(next, oldest), now + SWEEP_AGAIN_MS) : now + SWEEP_ON_MS;
    return true;
  }
}

const SWEEP_MAX = 1_000;
const SWEEP_AGAIN_MS = 1_000;
const SWEEP_ON_MS = 5;
