/**
 * Anti-entropy: two nodes find out what one of them has missed, at the price of what differs (after Demers et al. 1987).
 *
 *     A ── sync-digest   one hash of everything ──────────► B   equal: done
 *     A ◄─ sync-buckets  64 hashes, by id ─────────────────  B
 *     A ── sync-entries  who is in the differing buckets ──► B
 *     A ◄─ sync-news     what A lacks, what B wants ───────  B
 *     A ── sync-news     what B wanted ────────────────────► B
 *
 * The dead and those that left are not hashed: they are forgotten at different times. They are listed where a bucket
 * differs, so that nobody is taken for new who is only new here.
 *
 * Invariant: a bucket that is listed in `sync-entries` is listed completely, in one message.
 */
import { finish, hash32, mix } from '../base/hash.ts';
import type { NodeId } from '../base/ids.ts';
import type { Cargo, Member } from './effects.ts';
import type { MembershipMessage, Rumor, SyncEntry } from './messages.ts';
import type { MembershipOptions } from './options.ts';
import { isActive, isMeaningful, rank, supersedes } from './precedence.ts';
import { type Roster, rumorOf } from './roster.ts';
import type { Voice } from './voice.ts';

const BUCKETS = 64;

type Of<Kind extends MembershipMessage['kind']> = MembershipMessage & { readonly kind: Kind };

export class Sync {
  readonly #options: MembershipOptions;
  readonly #roster: Roster;
  readonly #cargo: Cargo;
  readonly #voice: Voice;

  constructor(of: { options: MembershipOptions; roster: Roster; cargo: Cargo; voice: Voice }) {
    this.#options = of.options;
    this.#roster = of.roster;
    this.#cargo = of.cargo;
    this.#voice = of.voice;
  }

  /** Begins to compare with this node. */
  ask(to: NodeId): void {
    const self = this.#roster.get(this.#roster.self);
    if (self === undefined) return;
    this.#voice.send(to, { kind: 'sync-digest', digest: fold(this.#buckets()), self: rumorOf(self) });
  }

  /** Somebody asked; what it says of itself has been taken in before. */
  digest(from: NodeId, message: Of<'sync-digest'>): void {
    const buckets = this.#buckets();
    if (fold(buckets) !== message.digest) this.#voice.send(from, { kind: 'sync-buckets', buckets });
  }

  buckets(from: NodeId, message: Of<'sync-buckets'>): void {
    if (message.buckets.length !== BUCKETS) return;
    const differing = new Map<number, SyncEntry[]>();
    this.#buckets().forEach((hash, bucket) => {
      if (hash !== message.buckets[bucket]) differing.set(bucket, []);
    });
    for (const member of this.#roster.values()) {
      const { id, state, incarnation, address } = member;
      differing.get(bucketOf(id))?.push({ id, state, incarnation, address, version: this.#cargo.version(id) });
    }
    let listed: number[] = [];
    let entries: SyncEntry[] = [];
    for (const [bucket, inIt] of differing) {
      if (listed.length > 0 && entries.length + inIt.length > this.#options.syncItemsMax) {
        this.#voice.send(from, { kind: 'sync-entries', buckets: listed, entries });
        listed = [];
        entries = [];
      }
      listed.push(bucket);
      entries.push(...inIt);
    }
    if (listed.length > 0) this.#voice.send(from, { kind: 'sync-entries', buckets: listed, entries });
  }

  /** Answers with what the other lacks and what this node wants. To be called before the entries themselves count. */
  entries(from: NodeId, message: Of<'sync-entries'>): void {
    const news: Rumor[] = [];
    const wanted: NodeId[] = [];
    const seen = new Set<NodeId>();
    for (const entry of message.entries) {
      if (!isMeaningful(entry)) continue;
      seen.add(entry.id);
      const mine = this.#roster.get(entry.id);
      if (mine !== undefined && supersedes(mine, entry)) news.push(rumorOf(mine));
      if (!isActive(mine ?? entry) && !isActive(entry)) continue; // the cargo of the dead is nobody's business
      const version = this.#cargo.version(entry.id);
      if (entry.version > version) wanted.push(entry.id);
      else if (entry.version < version) news.push(this.#cargoRumor(entry.id, version));
    }
    const listed = new Set(message.buckets);
    for (const mine of this.#roster.values()) {
      if (!isActive(mine) || !listed.has(bucketOf(mine.id)) || seen.has(mine.id)) continue;
      news.push(...this.#everythingAbout(mine));
    }
    this.#tell(from, news, wanted);
  }

  /** The other side's wishes: cargo about these ids. */
  wanted(from: NodeId, ids: readonly NodeId[]): void {
    const news: Rumor[] = [];
    for (const id of ids) {
      const version = this.#cargo.version(id);
      if (version > 0) news.push(this.#cargoRumor(id, version));
    }
    this.#tell(from, news, []);
  }

  #tell(to: NodeId, rumors: readonly Rumor[], wanted: readonly NodeId[]): void {
    const max = this.#options.syncItemsMax;
    let part: Rumor[] = [];
    let weight = 0;
    for (const rumor of rumors) {
      part.push(rumor);
      weight += rumor.kind === 'cargo' ? this.#cargo.weight(rumor.about) : 1;
      if (weight < max) continue;
      this.#voice.send(to, { kind: 'sync-news', rumors: part, wanted: [] });
      part = [];
      weight = 0;
    }
    for (let i = 0; i === 0 || i < wanted.length; i += max) {
      if (part.length > 0 || wanted.length > i) {
        this.#voice.send(to, { kind: 'sync-news', rumors: part, wanted: wanted.slice(i, i + max) });
      }
      part = [];
    }
  }

  #everythingAbout(member: Member): Rumor[] {
    const version = this.#cargo.version(member.id);
    return version > 0 ? [rumorOf(member), this.#cargoRumor(member.id, version)] : [rumorOf(member)];
  }

  #cargoRumor(about: NodeId, version: number): Rumor {
    return { kind: 'cargo', about, version, body: this.#cargo.body(about) };
  }

  /** Computed when asked for, so that it is always true; that is O(n), on rare events only. */
  #buckets(): number[] {
    const buckets = new Array<number>(BUCKETS).fill(0);
    for (const member of this.#roster.values()) {
      if (!isActive(member)) continue;
      const id = hash32(member.id);
      let h = mix(id, rank(member.state));
      h = mixWhole(h, member.incarnation);
      h = finish(mixWhole(h, this.#cargo.version(member.id)));
      const bucket = id % BUCKETS;
      buckets[bucket] = ((buckets[bucket] as number) ^ h) >>> 0; // exclusive or: the order of members does not matter
    }
    return buckets;
  }
}

function bucketOf(id: NodeId): number {
  return hash32(id) % BUCKETS;
}

function fold(buckets: readonly number[]): number {
  return finish(buckets.reduce((h, bucket) => mix(h, bucket), 0));
}

/** Mixes in a whole number of up to 53 bits. */
function mixWhole(h: number, whole: number): number {
  return mix(mix(h, whole >>> 0), Math.floor(whole / 2 ** 32));
}
