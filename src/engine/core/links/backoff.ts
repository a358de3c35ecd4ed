import type { Address } from '../base/ids.ts';
import { type Instant, NEVER } from '../base/instant.ts';
import type { Prng } from '../base/prng.ts';
import type { LinksOptions } from './options.ts';

/**
 * When an address that could not be reached may be dialled again: exponential back-off, half of it by chance ("equal
 * jitter"), so that a thousand nodes that lost the same peer do not come back to it in step (AWS Architecture Blog, 2015).
 *
 * Limit: 4,096 addresses that failed, and as many that are this node's own; beyond, the longest known is forgotten.
 */
export class Backoff {
  readonly #failures = new Map<Address, { count: number; until: Instant }>();
  readonly #own = new Set<Address>();
  readonly #options: LinksOptions;
  readonly #prng: Prng;

  constructor(options: LinksOptions, prng: Prng) {
    this.#options = options;
    this.#prng = prng;
  }

  failed(address: Address, now: Instant): void {
    const count = (this.#failures.get(address)?.count ?? 0) + 1;
    const ceiling = Math.min(this.#options.backoffMaxMs, this.#options.backoffMs * 2 ** Math.min(count - 1, 20));
    const wait = Math.ceil(ceiling / 2) + this.#prng.below(Math.ceil(ceiling / 2) + 1);
    this.#failures.delete(address);
    this.#failures.set(address, { count, until: now + wait });
    dropOldest(this.#failures);
  }

  succeeded(address: Address): void {
    this.#failures.delete(address);
  }

  /** Not before this instant; 0 where nothing stands against it, `NEVER` for this node's own address. */
  until(address: Address): Instant {
    return this.#own.has(address) ? NEVER : (this.#failures.get(address)?.until ?? 0);
  }

  /** It turned out to be this node's own address. */
  never(address: Address): void {
    this.#own.add(address);
    dropOldest(this.#own);
  }
}

const ADDRESSES_MAX = 4_096;

function dropOldest(kept: Map<Address, unknown> | Set<Address>): void {
  if (kept.size <= ADDRESSES_MAX) return;
  for (const oldest of kept.keys()) {
    kept.delete(oldest);
    return;
  }
}
