/**
 * Asking where silence is known: the dead and the seeds. Thus a partition of any length heals by itself, and a node that
 * starts before its seeds finds them.
 *
 * Everybody asks one address from time to time; a node that is alone asks several, soon, then more patiently.
 * Dead members and seeds share the draw, so that seeds are heard of even where the dead are many.
 */
import type { Address } from '../base/ids.ts';
import { type Instant, NEVER } from '../base/instant.ts';
import type { Prng } from '../base/prng.ts';
import type { MembershipOptions } from './options.ts';
import { isActive } from './precedence.ts';
import type { Roster } from './roster.ts';

export class Revival {
  readonly #options: MembershipOptions;
  readonly #roster: Roster;
  readonly #prng: Prng;
  #seeds: readonly Address[] = [];
  #nextAt: Instant = NEVER;
  /** The next pause while alone. */
  #lonelyMs: number;

  constructor(options: MembershipOptions, roster: Roster, prng: Prng) {
    this.#options = options;
    this.#roster = roster;
    this.#prng = prng;
    this.#lonelyMs = options.lonelyMs;
  }

  start(now: Instant): void {
    this.#nextAt = now;
  }

  stop(): void {
    this.#nextAt = NEVER;
  }

  /** Takes the whole list in place of the last. A new address is asked soon, even by a node that has company. */
  seeds(addresses: readonly Address[], now: Instant): void {
    const known = new Set(this.#seeds);
    this.#seeds = [...new Set(addresses)];
    if (this.#nextAt !== NEVER && this.#seeds.some((address) => !known.has(address))) this.soon(now);
  }

  /** There is reason to hope that somebody answers now. */
  soon(now: Instant): void {
    this.#nextAt = now;
    this.#lonelyMs = this.#options.lonelyMs;
  }

  deadline(): Instant {
    return this.#nextAt;
  }

  /** Returns the addresses to contact now. */
  advance(now: Instant): Address[] {
    if (this.#nextAt > now) return [];
    const { silentSeeds, dead } = this.#candidates();
    if (this.#roster.activeCount <= 1) {
      this.#nextAt = now + this.#jittered(this.#lonelyMs);
      this.#lonelyMs = Math.min(this.#options.lonelyMsMax, Math.round(this.#lonelyMs * 1.5));
      return this.#prng.sample([...new Set([...silentSeeds, ...dead])], this.#options.lonelyMax);
    }
    this.#lonelyMs = this.#options.lonelyMs;
    this.#nextAt = now + this.#jittered(this.#options.revivalMs);
    const of = silentSeeds.length > 0 && (dead.length === 0 || this.#prng.chance(0.5)) ? silentSeeds : dead;
    const address = this.#prng.pick(of);
    return address === undefined ? [] : [address];
  }

  /** Seeds at which nobody active is known to be, and the addresses of the dead that nobody else has taken. */
  #candidates(): { silentSeeds: Address[]; dead: Address[] } {
    if (this.#seeds.length === 0 && this.#roster.in('dead').size === 0) return { silentSeeds: [], dead: [] };
    const taken = new Set<Address>();
    for (const member of this.#roster.values()) if (isActive(member)) taken.add(member.address);
    const dead = [...this.#roster.in('dead')].map((id) => this.#roster.get(id)?.address ?? '');
    const isFree = (address: Address) => address !== '' && !taken.has(address);
    return { silentSeeds: this.#seeds.filter(isFree), dead: dead.filter(isFree) };
  }

  #jittered(ms: number): number {
    return Math.round(ms * 0.75) + this.#prng.below(Math.round(ms * 0.5) + 1);
  }
}
