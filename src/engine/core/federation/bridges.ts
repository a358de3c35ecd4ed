import type { Breaker } from '../base/breaker.ts';
import type { Address, DialId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import type { Prng } from '../base/prng.ts';
import { breakerOf } from './breaker.ts';
import type { BreakerConfig, LinkConfig } from './options.ts';

/**
 * Which bridges this hub wants, and when it dials for them: one to each cluster that its configuration names.
 *
 *     wanted ──► dialling ──► up            a failure: the next address of that cluster, after a pause that doubles;
 *       ▲           │          │            so many in a row: the breaker opens, and one attempt per `timeoutMs` is made
 *       └── pause ──┴──────────┘
 *
 * It refuses to know links: whoever has them says for which clusters one is up.
 */
export class Bridges {
  readonly #options: BridgesOptions;
  readonly #prng: Prng;
  readonly #targets = new Map<string, Target>();
  readonly #breakers = new Map<string, Breaker>();
  /** Clusters to which nothing goes over a link, and since when: over all attempts to make one. */
  readonly #out = new Map<string, Instant>();
  #breaker: BreakerConfig;
  #nextDial = -1;

  constructor(options: BridgesOptions, breaker: BreakerConfig, prng: Prng) {
    this.#options = options;
    this.#breaker = breaker;
    this.#prng = prng;
  }

  /** Which links are wanted from now on, and what trips a breaker. */
  configure(links: readonly LinkConfig[], breaker: BreakerConfig, now: Instant): void {
    if (JSON.stringify(breaker) !== JSON.stringify(this.#breaker)) this.#breakers.clear();
    this.#breaker = breaker;
    const wanted = new Map(links.map((link) => [link.cluster, link]));
    for (const cluster of this.#targets.keys()) if (!wanted.has(cluster)) this.#targets.delete(cluster);
    for (const cluster of this.#out.keys()) if (!wanted.has(cluster)) this.#out.delete(cluster);
    for (const link of links) {
      const target = this.#targets.get(link.cluster);
      if (target === undefined) this.#targets.set(link.cluster, newTarget(link, now));
      else if (JSON.stringify(target.link) !== JSON.stringify(link)) {
        target.link = link;
        target.dialAt = target.dialling === undefined ? now : target.dialAt;
      }
    }
  }

  targets(): readonly Readonly<Target>[] {
    return [...this.#targets.values()];
  }

  target(cluster: string): Readonly<Target> | undefined {
    return this.#targets.get(cluster);
  }

  breaker(cluster: string): Breaker {
    let breaker = this.#breakers.get(cluster);
    if (breaker === undefined) {
      breaker = breakerOf(this.#breaker);
      this.#breakers.set(cluster, breaker);
    }
    return breaker;
  }

  /** Whether what is for a cluster goes over a link to it now. */
  carries(cluster: string, does: boolean, now: Instant): void {
    if (does) this.#out.delete(cluster);
    else if (!this.#out.has(cluster)) this.#out.set(cluster, now);
  }

  /** Since when nothing goes over a link to a cluster; undefined where something does. */
  outSince(cluster: string): Instant | undefined {
    return this.#out.get(cluster);
  }

  /** The cluster that was dialled, where that was this hub's doing. */
  ended(dial: DialId): { readonly cluster: string; readonly address: Address } | undefined {
    for (const target of this.#targets.values()) {
      const { dialling, link } = target;
      if (dialling?.dial !== dial) continue;
      target.dialling = undefined;
      return { address: dialling.address, cluster: link.cluster };
    }
    return undefined;
  }

  /** A link to a cluster is up. */
  up(cluster: string): void {
    const target = this.#targets.get(cluster);
    if (target === undefined) return;
    target.reason = undefined;
    target.dialAt = NEVER;
  }

  /** A link to a cluster has shown that it works. Why not when it is up: it may be closed at once, again and again. */
  proved(cluster: string): void {
    const target = this.#targets.get(cluster);
    if (target !== undefined) target.failures = 0;
  }

  /** A cluster could not be dialled, or the last link to it is gone: that with the hub at `address`, which is not the next to be asked. */
  failed(cluster: string, reason: string, now: Instant, address?: Address): void {
    const breaker = this.breaker(cluster);
    breaker.failed(now);
    const target = this.#targets.get(cluster);
    if (target === undefined) return;
    target.avoid = address;
    target.turn++;
    target.reason = reason;
    const pauseMs = this.#pauseMs(target);
    target.failures++;
    target.dialAt = breaker.state === 'open' ? breaker.permittedAt : now + pauseMs;
  }

  /**
   * Why so short a pause after a link that worked: other hubs of that cluster are likely to be well, and until one is reached no way leads
   * over this hub. Why half of it by chance: hubs that lost the same cluster are not to come back to it in step.
   */
  #pauseMs({ failures, link }: Target): number {
    const { redialMs, redialMsMax } = this.#options;
    if (failures === 0 && link.addresses.length > 1) return this.#prng.below(Math.ceil(redialMs / AT_ONCE) + 1);
    const half = Math.ceil(Math.min(redialMsMax, redialMs * 2 ** Math.min(failures, 20)) / 2);
    return half + this.#prng.below(half + 1);
  }

  deadline(): Instant {
    let at = NEVER;
    for (const { dialAt, dialling } of this.#targets.values()) if (dialling === undefined) at = earlier(at, dialAt);
    return at;
  }

  /** The dials that are due; `addresses` says where else hubs of a cluster may be found. */
  due(
    now: Instant,
    isUp: (cluster: string) => boolean,
    addresses: (cluster: string) => readonly Address[],
  ): readonly Dial[] {
    const dials: Dial[] = [];
    for (const target of this.#targets.values()) {
      const { link, dialAt, dialling } = target;
      if (dialling !== undefined || dialAt > now) continue;
      target.dialAt = NEVER;
      if (isUp(link.cluster)) continue;
      const known = [...new Set([...link.addresses, ...addresses(link.cluster)])];
      const count = Math.max(1, known.length);
      if (known[target.turn % count] === target.avoid) target.turn++;
      const address = known[target.turn % count];
      if (address === undefined) {
        target.reason = 'no address of a hub of it is known';
        target.dialAt = now + this.#options.redialMsMax;
        continue;
      }
      const dial = this.#nextDial--;
      target.dialling = { address, dial };
      dials.push({ address, cluster: link.cluster, dial });
    }
    return dials;
  }
}

export interface BridgesOptions {
  readonly redialMs: number;
  readonly redialMsMax: number;
}

export interface Dial {
  readonly dial: DialId;
  readonly address: Address;
  readonly cluster: string;
}

/** A cluster that this hub wants a bridge to. */
export interface Target {
  link: LinkConfig;
  /** In a row. */
  failures: number;
  /** Counts up with each failure: which address is next. */
  turn: number;
  /** Of the hub that was lost last. */
  avoid: Address | undefined;
  dialling: { readonly dial: DialId; readonly address: Address } | undefined;
  /** `NEVER` while a link is up. */
  dialAt: Instant;
  /** Why it is not up. */
  reason: string | undefined;
}

function newTarget(link: LinkConfig, now: Instant): Target {
  return { avoid: undefined, dialAt: now, dialling: undefined, failures: 0, link, reason: undefined, turn: 0 };
}

/** The first pause, where there are other hubs, is at most such a part of `redialMs`. */
const AT_ONCE = 5;
