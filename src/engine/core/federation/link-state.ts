import { finish, hash32, mix } from '../base/hash.ts';
import type { NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import type { Held, Told } from './messages.ts';
import type { HubRecord, OffersRecord } from './records.ts';
import { type Refusal, Refusals } from './refusals.ts';
import { sizeOf } from './size-of.ts';

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
 * - no record is larger than `hubBytesMax` or `offersBytesMax`, nor all together than `allHubsBytesMax` and
 *   `allOffersBytesMax`, whoever wrote them; what is refused for that is counted, and told (`refusals.ts`);
 * - `generation` grows with each change of the hubs' records, `offersGeneration` with each of their offers or of the former.
 *
 * It refuses to judge who can be reached: ways do (`ways.ts`), by edges that both ends claim.
 */
export class LinkState {
  readonly #entries = new Map<NodeId, Entry>();
  readonly #recordMsMax: number;
  readonly #hubsMax: number;
  readonly #hubsRoom: Room;
  readonly #offersRoom: Room;
  readonly refusals = new Refusals();
  #digest: number | undefined;
  generation = 1;
  offersGeneration = 1;

  constructor(options: LinkStateOptions) {
    this.#recordMsMax = options.recordMsMax;
    this.#hubsMax = options.hubsMax;
    this.#hubsRoom = new Room(options.hubBytesMax, options.allHubsBytesMax);
    this.#offersRoom = new Room(options.offersBytesMax, options.allOffersBytesMax);
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
    if (version > VERSION_MAX || (entry === undefined && this.#entries.size >= this.#hubsMax)) return false;
    const bytes = this.#hubsRoom.take(record, entry?.recordBytes ?? 0);
    if (typeof bytes !== 'number') {
      this.refusals.add({ ...bytes, cluster: record.identity.cluster, hub, what: 'hub' });
      return false;
    }
    this.refusals.clear(hub, 'hub');
    const toldAt = now - ageMs;
    if (entry !== undefined) Object.assign(entry, { record, recordBytes: bytes, toldAt });
    else this.#entries.set(hub, { ...NO_OFFERS, record, recordBytes: bytes, toldAt });
    this.#changed();
    return true;
  }

  /** True where that is news. What a hub offers is not taken before its record. */
  putOffers(offers: OffersRecord, ageMs: number, now: Instant): boolean {
    const entry = this.#entries.get(offers.hub);
    if (entry === undefined || ageMs > this.#recordMsMax) return false;
    if (entry.offers !== undefined && entry.offers.version >= offers.version) return false;
    if (offers.version > VERSION_MAX) return false;
    const { cluster, hub } = offers;
    const bytes = this.#offersRoom.take(offers, entry.offersBytes);
    if (typeof bytes !== 'number') {
      this.refusals.add({ ...bytes, cluster, hub, what: 'offers' });
      return false;
    }
    this.refusals.clear(hub, 'offers');
    entry.offers = offers;
    entry.offersBytes = bytes;
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
        this.#hubsRoom.leave(entry.recordBytes);
        this.#offersRoom.leave(entry.offersBytes);
        gone.push(entry.record);
        this.refusals.clear(hub, 'hub');
        this.refusals.clear(hub, 'offers');
        this.#changed();
      } else if (entry.offers !== undefined && now - entry.offersToldAt > this.#recordMsMax) {
        this.#offersRoom.leave(entry.offersBytes);
        Object.assign(entry, NO_OFFERS);
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

export interface LinkStateOptions {
  readonly recordMsMax: number;
  readonly hubsMax: number;
  readonly hubBytesMax: number;
  readonly offersBytesMax: number;
  readonly allHubsBytesMax: number;
  readonly allOffersBytesMax: number;
}

/** What records of one sort take together. */
class Room {
  readonly #oneMax: number;
  readonly #allMax: number;
  #taken = 0;

  constructor(oneMax: number, allMax: number) {
    this.#oneMax = oneMax;
    this.#allMax = allMax;
  }

  /** What a record has from now on, in place of one that had `before`; or why it is too much. */
  take(record: object, before: number): number | Pick<Refusal, 'bytes' | 'bytesMax' | 'limit'> {
    const bytes = sizeOf(record);
    const taken = this.#taken - before + bytes;
    if (bytes > this.#oneMax) return { bytes, bytesMax: this.#oneMax, limit: 'one' };
    if (taken > this.#allMax) return { bytes, bytesMax: this.#allMax, limit: 'all' };
    this.#taken = taken;
    return bytes;
  }

  leave(bytes: number): void {
    this.#taken -= bytes;
  }
}

/**
 * A higher version is taken for nobody's: 2³² lives are more than a hub can have. Why below what fits a number: whoever is
 * said to have said more than it did must have versions left to answer with.
 */
export const VERSION_MAX = 2 ** 52;

/**
 * Nobody counts on from here: a thousand lives are left below `VERSION_MAX`. What is said in a hub's name at such a version
 * hides the hub until it is too old, and no longer.
 */
export const OUTRUN_MAX = VERSION_MAX - 2 ** 30;

const NO_OFFERS = { offers: undefined, offersBytes: 0, offersToldAt: 0 };

interface Entry {
  record: HubRecord;
  /** As `sizeOf` has it. */
  recordBytes: number;
  /** When its hub told it, by this node's clock. */
  toldAt: Instant;
  offers: OffersRecord | undefined;
  offersBytes: number;
  offersToldAt: Instant;
}

/** Versions are of up to 53 bits; their lives stand above the lowest twenty. */
function low(version: number): number {
  return ((version % 2 ** 32) ^ Math.floor(version / 2 ** 32)) >>> 0;
}
