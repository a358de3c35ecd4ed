/**
 * Which node a client that lost its own tries next, and when: a machine without clock or chance of its own.
 *
 * It goes in rounds. In each, every known address whose breaker permits it is tried once, those that never failed first,
 * otherwise by chance: a thousand clients of one dead node spread over all others. Between rounds it waits, longer each
 * time, half of it by chance ("equal jitter", AWS Architecture Blog, 2015).
 *
 * Invariants: an address that is neither a seed nor learned is forgotten; seeds never are. It gives up only where every
 * address refused for good (another key, another cluster), or after `giveUpMs`.
 */
import { Breaker, type BreakerOptions } from '../core/base/breaker.ts';
import type { Address } from '../core/base/ids.ts';
import type { Instant } from '../core/base/instant.ts';
import type { Prng } from '../core/base/prng.ts';
import { type Problem, problem } from '../core/base/problems.ts';

export interface ReconnectOptions {
  /** The wait after the first round; doubles. Longer: fewer dials in vain. Shorter: short absences are over sooner. */
  readonly backoffMs: number;
  readonly backoffMsMax: number;
  /** A link that stood so long counts as a success of its node. Longer: one that accepts and drops is seen through. */
  readonly stableMs: number;
  /** Without any node for so long it gives up; 0: never. */
  readonly giveUpMs: number;
  /** Learned addresses kept, drawn by chance. More: survives more deaths at once. Fewer: rounds are shorter. */
  readonly learnedMax: number;
  readonly breaker: BreakerOptions;
}

export const DEFAULT_RECONNECT: ReconnectOptions = {
  backoffMs: 100,
  backoffMsMax: 2_000,
  breaker: { failuresMax: 3, openMs: 500, openMsMax: 5_000, successesMin: 1 },
  giveUpMs: 0,
  learnedMax: 16,
  stableMs: 5_000,
};

export type Attempt =
  | { readonly kind: 'dial'; readonly address: Address }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'give-up'; readonly problem: Problem };

interface Known {
  readonly breaker: Breaker;
  /** What the node said when it last refused for good. */
  refusal?: Problem | undefined;
}

export class ReconnectPolicy {
  readonly #options: ReconnectOptions;
  readonly #prng: Prng;
  readonly #known = new Map<Address, Known>();
  #seeds: readonly Address[] = [];
  #learned: readonly Address[] = [];
  /** Tried in this round. */
  readonly #tried = new Set<Address>();
  #round = 0;
  /** Since when there is no link. */
  #downAt: Instant | undefined;

  constructor(seeds: readonly Address[], prng: Prng, options: ReconnectOptions = DEFAULT_RECONNECT) {
    this.#options = options;
    this.#prng = prng;
    this.seed(seeds);
  }

  get addresses(): readonly Address[] {
    return [...this.#known.keys()];
  }

  /** The addresses that whoever connects has named; in place of those before. */
  seed(addresses: readonly Address[]): void {
    this.#seeds = addresses;
    this.#settle();
  }

  /** The addresses of the members that are alive now; in place of those before. */
  learn(addresses: readonly Address[]): void {
    const left = [...addresses];
    const drawn: Address[] = [];
    while (left.length > 0 && drawn.length < this.#options.learnedMax) {
      drawn.push(...left.splice(this.#prng.below(left.length), 1));
    }
    this.#learned = drawn;
    this.#settle();
  }

  /** Whether another address than this one may be tried now. */
  hasOther(address: Address, now: Instant): boolean {
    return [...this.#known].some(([other, { breaker }]) => other !== address && breaker.permits(now));
  }

  next(now: Instant): Attempt {
    const { giveUpMs } = this.#options;
    const all = [...this.#known.values()];
    const refusal = all[0]?.refusal;
    if (refusal !== undefined && all.every((known) => known.refusal !== undefined)) {
      return { kind: 'give-up', problem: refusal };
    }
    if (giveUpMs > 0 && now - (this.#downAt ?? now) >= giveUpMs) {
      return { kind: 'give-up', problem: problem('nobody-there', `no node answered for ${giveUpMs} ms`) };
    }
    const address = this.#choose(now);
    if (address === undefined) return this.#pause(now);
    this.#tried.add(address);
    this.#known.get(address)?.breaker.tried();
    return { kind: 'dial', address };
  }

  /** There is a link. */
  reached(address: Address): void {
    const known = this.#known.get(address);
    if (known !== undefined) known.refusal = undefined;
    this.#downAt = undefined;
    this.#tried.clear();
    this.#round = 0;
  }

  /** There is none, and `refusal` says that there never will be. */
  failed(address: Address, now: Instant, refusal?: Problem): void {
    const known = this.#known.get(address);
    if (known === undefined) return;
    known.refusal = refusal;
    known.breaker.failed(now);
  }

  /** The link that stood for `stoodMs` is no more. */
  lost(address: Address, now: Instant, stoodMs: number): void {
    this.#downAt ??= now;
    const breaker = this.#known.get(address)?.breaker;
    if (stoodMs >= this.#options.stableMs) breaker?.succeeded(now);
    breaker?.failed(now);
  }

  #choose(now: Instant): Address | undefined {
    const permitted = [...this.#known].filter(([address, { breaker }]) => {
      return !this.#tried.has(address) && breaker.permits(now);
    });
    const clean = permitted.filter(([, { breaker }]) => breaker.clean);
    return this.#prng.pick(clean.length > 0 ? clean : permitted)?.[0];
  }

  #pause(now: Instant): Attempt {
    const { backoffMs, backoffMsMax } = this.#options;
    const ceiling = Math.min(backoffMs * 2 ** Math.min(this.#round++, 20), backoffMsMax);
    const half = Math.ceil(ceiling / 2);
    this.#tried.clear();
    const permittedAt = Math.min(...[...this.#known.values()].map(({ breaker }) => breaker.permittedAt));
    const breakers = Number.isFinite(permittedAt) ? Math.max(permittedAt - now, 0) : 0;
    return {
      kind: 'wait',
      ms: Math.min(breakers, this.#options.breaker.openMsMax) + half + this.#prng.below(half + 1),
    };
  }

  #settle(): void {
    const wanted = new Set([...this.#seeds, ...this.#learned]);
    for (const address of this.#known.keys()) if (!wanted.has(address)) this.#known.delete(address);
    for (const address of wanted) {
      if (!this.#known.has(address)) this.#known.set(address, { breaker: new Breaker(this.#options.breaker) });
    }
  }
}
