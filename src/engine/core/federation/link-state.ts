import { finish, hash32, mix } from '../base/hash.ts';
import type { NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import type { Held, Told } from './messages.ts';
import type { HubRecord, OffersRecord } from './records.ts';

/**
 * What every hub of the federation says of itself, the newest of it: the link-state database (OSPF, RFC 2328 §12–13).
 *
 *     hub  ──► record  version 17   told at 12:00:03      its edges, its cluster, its name
 *          ──► offers  version  9   told at 11:58:40      what its cluster has, where it speaks for it
 *
 * Records have one writer and a version that only grows, so the newer one wins, in whatever order they come. A record lives
 * as long as its writer tells it anew; its age travels with it, so that what nobody tells any more dies everywhere.
 *
 * Invariants:
 * - the version kept of a record never decreases while it is known;
 * - a record of an age beyond `recordMsMax` is neither kept, nor told, nor taken;
 * - `generation` grows with each change of the hubs' records, `offersGeneration` with each of their offers or of the former.
 *
 * It refuses to judge who can be reached: ways do (`ways.ts`), by edges that both ends claim.
 */
export class LinkState {
  readonly #entries = new Map<NodeId, Entry>();
  readonly #recordMsMax: number;
  readonly #hubsMax: number;
  #digest: number | undefined;
  generation = 1;
  offersGeneration = 1;

  constructor(options: { readonly recordMsMax: number; readonly hubsMax: number }) {
    this.#recordMsMax = options.recordMsMax;
    this.#hubsMax = options.hubsMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  hub(id: NodeId): HubRecord | undefined {
    return this.#entries.get(id)?.record;
  }

  *hubs(): Generator<HubRecord> {
    for (const { record } of this.#entries.values()) yield record;
  }

  *offers(): Generator<OffersRecord> {
    for (const { offers, record } of this.#entries.values())
      if (offers !== undefined && record.withdrawn === undefined) yield offers;
  }

  /** Milliseconds since a hub told its record; undefined where it is not known. */
  ageOf(id: NodeId, now: Instant): number | undefined {
    const entry = this.#entries.get(id);
    return entry === undefined ? undefined : now - entry.toldAt;
  }

  /** True where that is news. */
  put(record: HubRecord, ageMs: number, now: Instant): boolean {
    const { hub, version } = record;
    const entry = this.#entries.get(hub);
    if (ageMs > this.#recordMsMax || (entry !== undefined && entry.record.version >= version)) return false;
    if (entry === undefined) {
      if (this.#entries.size >= this.#hubsMax) return false;
      this.#entries.set(hub, { offers: undefined, offersToldAt: 0, record, toldAt: now - ageMs });
    } else {
      entry.record = record;
      entry.toldAt = now - ageMs;
    }
    this.#changed();
    return true;
  }

  /** True where that is news. What a hub offers is not taken before its record. */
  putOffers(offers: OffersRecord, ageMs: number, now: Instant): boolean {
    const entry = this.#entries.get(offers.hub);
    if (entry === undefined || ageMs > this.#recordMsMax) return false;
    if (entry.offers !== undefined && entry.offers.version >= offers.version) return false;
    entry.offers = offers;
    entry.offersToldAt = now - ageMs;
    this.offersGeneration++;
    this.#digest = undefined;
    return true;
  }

  /** Forgets what has not been told anew for too long; returns the hubs that are no longer known. */
  expire(now: Instant): readonly HubRecord[] {
    const gone: HubRecord[] = [];
    for (const [hub, entry] of this.#entries) {
      if (now - entry.toldAt > this.#recordMsMax) {
        this.#entries.delete(hub);
        gone.push(entry.record);
        this.#changed();
      } else if (entry.offers !== undefined && now - entry.offersToldAt > this.#recordMsMax) {
        entry.offers = undefined;
        this.offersGeneration++;
        this.#digest = undefined;
      }
    }
    return gone;
  }

  told(hub: NodeId, now: Instant): Told<HubRecord> | undefined {
    const entry = this.#entries.get(hub);
    return entry === undefined ? undefined : { ageMs: now - entry.toldAt, record: entry.record };
  }

  toldOffers(hub: NodeId, now: Instant): Told<OffersRecord> | undefined {
    const entry = this.#entries.get(hub);
    if (entry?.offers === undefined) return undefined;
    return { ageMs: now - entry.offersToldAt, record: entry.offers };
  }

  /** The same number means, but for one case in 2³², the same versions. It does not depend on the order of anything. */
  get digest(): number {
    if (this.#digest === undefined) {
      let sum = 0;
      for (const [hub, { record, offers }] of this.#entries) {
        const versions = mix(mix(hash32(hub), low(record.version)), low(offers?.version ?? 0));
        sum = (sum + finish(versions)) >>> 0;
      }
      this.#digest = sum;
    }
    return this.#digest;
  }

  have(): readonly Held[] {
    return [...this.#entries].map(([hub, { record, offers }]) => ({
      hub,
      offers: offers?.version ?? 0,
      version: record.version,
    }));
  }

  /** What somebody lacks who has that, as hubs whose records and whose offers he lacks; `behind`: whether he has what this one lacks. */
  compare(have: readonly Held[]): {
    readonly hubs: readonly NodeId[];
    readonly offers: readonly NodeId[];
    readonly behind: boolean;
  } {
    const theirs = new Map(have.map((held) => [held.hub, held]));
    const hubs: NodeId[] = [];
    const offers: NodeId[] = [];
    for (const [hub, entry] of this.#entries) {
      const held = theirs.get(hub);
      if (entry.record.version > (held?.version ?? 0)) hubs.push(hub);
      if ((entry.offers?.version ?? 0) > (held?.offers ?? 0)) offers.push(hub);
    }
    const behind = have.some((held) => {
      const entry = this.#entries.get(held.hub);
      return held.version > (entry?.record.version ?? 0) || held.offers > (entry?.offers?.version ?? 0);
    });
    return { behind, hubs, offers };
  }

  #changed(): void {
    this.generation++;
    this.offersGeneration++;
    this.#digest = undefined;
  }
}

interface Entry {
  record: HubRecord;
  /** When its hub told it, by this node's clock. */
  toldAt: Instant;
  offers: OffersRecord | undefined;
  offersToldAt: Instant;
}

/** Versions are of up to 53 bits; their lives stand above the lowest twenty. */
function low(version: number): number {
  return ((version % 2 ** 32) ^ Math.floor(version / 2 ** 32)) >>> 0;
}
