import type { Instant } from '../base/instant.ts';

/**
 * The ids of messages that were sent lately: one that comes again is answered with the message that is there.
 *
 * Limit: `dedupeMax` ids, all in memory; beyond, a send that has an id is refused. It is never accepted unchecked.
 */
export class Dedupe {
  /** In the order in which they were sent. */
  readonly #ids = new Map<string, { readonly seq: number; readonly until: Instant }>();

  constructor(stored: readonly { readonly key: string; readonly seq: number; readonly until: Instant }[]) {
    for (const { key, seq, until } of stored) this.#ids.set(key, { seq, until });
  }

  get size(): number {
    return this.#ids.size;
  }

  /** The message that was sent with this id. */
  of(id: string, now: Instant): number | undefined {
    const known = this.#ids.get(id);
    return known !== undefined && known.until > now ? known.seq : undefined;
  }

  remember(id: string, seq: number, until: Instant): void {
    this.#ids.delete(id);
    this.#ids.set(id, { seq, until });
  }

  delete(id: string): void {
    this.#ids.delete(id);
  }

  /** Whether something was forgotten. Why it may stop early: where the window was made shorter, the older ones go first. */
  forget(now: Instant): boolean {
    const { size } = this.#ids;
    for (const [id, { until }] of this.#ids) {
      if (until > now) break;
      this.#ids.delete(id);
    }
    return this.#ids.size < size;
  }

  deadline(): Instant | undefined {
    for (const { until } of this.#ids.values()) return until;
    return undefined;
  }
}
