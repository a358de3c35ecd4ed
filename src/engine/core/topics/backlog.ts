import { Effects } from '../base/effects.ts';
import { type Instant, NEVER } from '../base/instant.ts';
import type { Machine } from '../base/machine.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import { problem } from '../base/problems.ts';
import { Kept } from './kept.ts';

/**
 * The kept messages of one set of topics: what stays and what goes, and how readers get from what was to what is.
 *
 *     gone │ first ────────── kept ──────────── durable │ ──── being stored ──── next
 *                    ▲                                ▲
 *              a reader, reading                      readers that are live
 *
 * A message has a sequence number as soon as it comes, and readers see it when it is durable. Why: a number that a reader
 * has seen must never stand for another message after a crash.
 *
 * A reader *reads* from storage what was before, a part at a time, until it has reached the durable end; in the same
 * input it becomes *live* and is handed what becomes durable from then on. So there is no gap and nothing twice: each
 * reader's `next` is the one number that says what it gets next. A live reader that cannot keep up reads again, from
 * where it fell behind. What has gone before a reader came to it, it is told as a gap.
 *
 * A durable name remembers the last number that its reader acknowledged, and those before count as acknowledged too.
 *
 * Invariants:
 * - at most countMax messages and bytesMax bytes are kept, none older than ageMaxMs after `advance`, but for those that
 *   are being stored;
 * - first ≤ durable ≤ next; a reader gets each number from its start on once: delivered, or within one gap;
 * - at most one read per reader is under way.
 *
 * It refuses to hold messages: storage is the host's. It does not know patterns either: a reader gets every number, and
 * the host passes on what matches.
 */
export class Backlog implements Machine<BacklogEffect> {
  #limits: BacklogLimits;
  readonly #kept: Kept;
  readonly #effects = new Effects<BacklogEffect>();
  readonly #readers = new Map<number, Reader>();
  /** Name → the last number acknowledged. */
  readonly #positions: Map<string, number>;
  /** The first number that is not durable yet. */
  #durable: number;
  /** Of those that are being stored. */
  #comingBytes = 0;

  /** What is in storage, as `stored` says; for a set that is new: nothing, from 1 on. */
  constructor(limits: BacklogLimits, stored: StoredBacklog = NOTHING) {
    this.#limits = limits;
    this.#kept = new Kept(stored.first);
    for (const { bytes, at } of stored.messages) this.#kept.push(bytes, at);
    this.#durable = stored.next;
    this.#positions = new Map(stored.positions);
  }

  get counts(): BacklogCounts {
    const live = [...this.#readers.values()].filter((reader) => reader.live).length;
    const { first, next, count, bytes } = this.#kept;
    return {
      bytes,
      count,
      durable: this.#durable,
      first,
      live,
      names: this.#positions.size,
      next,
      readers: this.#readers.size,
    };
  }

  /** How far each durable name has come. */
  get positions(): ReadonlyMap<string, number> {
    return this.#positions;
  }

  /** Other limits, from now on. */
  limit(limits: BacklogLimits, now: Instant): void {
    this.#limits = limits;
    this.#evict(now);
  }

  /** A message has come. Its number; it is durable when `persisted` says so, and makes others go only then. */
  append(bytes: number, now: Instant): number {
    const sequence = this.#kept.push(bytes, now);
    this.#comingBytes += bytes;
    this.#evict(now);
    return sequence;
  }

  /** All messages up to and with `through` are in storage. */
  persisted(through: number, now: Instant): void {
    const end = Math.min(through + 1, this.#kept.next);
    if (end <= this.#durable) return;
    const from = this.#durable;
    this.#durable = end;
    for (let sequence = from; sequence < end; sequence++) this.#comingBytes -= this.#kept.bytesOf(sequence);
    const live: number[] = [];
    for (const [id, reader] of this.#readers) {
      if (!reader.live) continue;
      reader.next = end;
      live.push(id);
    }
    if (live.length > 0) this.#effects.push({ from, kind: 'fresh', readers: live, through: end - 1 });
    this.#evict(now);
  }

  /** Storage has refused what is not durable yet. Nobody has seen those numbers, so that they are given out again. */
  refused(_now: Instant): void {
    this.#kept.truncate(this.#durable);
    this.#comingBytes = 0;
  }

  /** A reader begins; `id` never stood for another. One that comes with a name takes the place of another of that name, which is told. */
  open(id: number, start: Start, now: Instant): Outcome<number> {
    if (this.#readers.has(id)) return failed(problem('exists-already', `reader ${id} reads already`));
    if (start.kind === 'name' && !this.#positions.has(start.name)) {
      if (this.#positions.size >= this.#limits.namesMax) {
        const text = `${this.#limits.namesMax} durable names are remembered here already (namesMax)`;
        return failed(problem('overloaded', text));
      }
      this.#remember(start.name, this.#within(this.#startOf(start.first ?? { kind: 'new' })) - 1);
    }
    if (start.kind === 'name') this.#replace(start.name);
    this.#evict(now);
    const next = this.#within(this.#startOf(start));
    const reader: Reader = { live: false, name: start.kind === 'name' ? start.name : undefined, next };
    this.#readers.set(id, reader);
    this.#goOn(id, reader);
    return done(next);
  }

  close(id: number, _now: Instant): void {
    this.#readers.delete(id);
  }

  /**
   * Storage gave the messages `from` to `through`, perhaps not all that were asked for; where there was none left,
   * `from` is the number after the last that was asked for, and `through` that last one. What is told next says which of
   * them to pass on. The next part is asked for at once: the host begins to read it when the reader has room.
   */
  read(id: number, from: number, through: number, _now: Instant): void {
    const reader = this.#readers.get(id);
    if (reader === undefined || reader.live || through < reader.next) return;
    if (from > reader.next) this.#gap(id, reader, from);
    if (through >= from) this.#effects.push({ from: reader.next, kind: 'deliver', reader: id, through });
    reader.next = through + 1;
    this.#goOn(id, reader);
  }

  /** A live reader had no room for `next`, which it was handed, and gets nothing more until it has read that. */
  fellBehind(id: number, next: number, _now: Instant): void {
    const reader = this.#readers.get(id);
    if (reader === undefined || !reader.live || next >= reader.next) return;
    reader.live = false;
    reader.next = next;
    this.#goOn(id, reader);
  }

  /** A durable name has dealt with everything up to and with `sequence`. */
  acknowledge(name: string, sequence: number, _now: Instant): Outcome<number> {
    const position = this.#positions.get(name);
    if (position === undefined) return failed(problem('input-invalid', `no durable name ${JSON.stringify(name)} here`));
    if (sequence >= this.#durable) {
      return failed(problem('input-invalid', `${sequence} cannot be acknowledged: ${this.#durable - 1} is the newest`));
    }
    if (sequence > position) this.#remember(name, sequence);
    return done(Math.max(position, sequence));
  }

  /** A durable name is given up. False where there is none. */
  forget(name: string, _now: Instant): boolean {
    if (!this.#positions.delete(name)) return false;
    this.#effects.push({ kind: 'forget', name });
    return true;
  }

  drain(): BacklogEffect[] {
    return this.#effects.drain();
  }

  deadline(): Instant {
    const { first } = this.#kept;
    if (first >= this.#durable || this.#limits.ageMaxMs === NEVER) return NEVER;
    return this.#kept.at(first) + this.#limits.ageMaxMs;
  }

  advance(now: Instant): void {
    this.#evict(now);
  }

  /**
   * Lets go of the oldest until the limits are kept. A message of `ageMaxMs` is too old.
   *
   * Why only durable ones count: storage may yet refuse the others, and then what had gone for them would be missing.
   * Trade-off: storage holds, until the next time it is written to, what has come since over its limits.
   */
  #evict(now: Instant): void {
    const { countMax, bytesMax } = this.#limits;
    const kept = this.#kept;
    const { first } = kept;
    const isOver = () =>
      this.#durable - kept.first > countMax || kept.bytes - this.#comingBytes > bytesMax || this.deadline() <= now;
    while (kept.first < this.#durable && isOver()) kept.shift();
    if (kept.first > first) this.#effects.push({ before: kept.first, kind: 'evict' });
  }

  #startOf(start: Start): number {
    switch (start.kind) {
      case 'new':
        return this.#durable;
      case 'from':
        return start.sequence;
      case 'last':
        return Math.max(this.#kept.first, this.#durable - start.count);
      case 'since':
        return this.#kept.since(start.at);
      case 'name':
        return start.next ?? (this.#positions.get(start.name) ?? 0) + 1;
    }
  }

  #within(next: number): number {
    return Math.max(1, Math.min(next, this.#durable));
  }

  /** Has the next part read, or makes the reader live where there is none. */
  #goOn(id: number, reader: Reader): void {
    if (reader.next < this.#kept.first) this.#gap(id, reader, this.#kept.first);
    if (reader.next >= this.#durable) {
      reader.live = true;
      this.#effects.push({ kind: 'live', reader: id });
    } else {
      const through = Math.min(this.#durable, reader.next + this.#limits.readMax) - 1;
      this.#effects.push({ from: reader.next, kind: 'read', reader: id, through });
    }
  }

  #gap(id: number, reader: Reader, to: number): void {
    this.#effects.push({ from: reader.next, kind: 'gap', reader: id, through: to - 1 });
    reader.next = to;
  }

  #replace(name: string): void {
    for (const [id, reader] of this.#readers) {
      if (reader.name !== name) continue;
      this.#readers.delete(id);
      this.#effects.push({ kind: 'replaced', reader: id });
    }
  }

  #remember(name: string, sequence: number): void {
    this.#positions.set(name, sequence);
    this.#effects.push({ kind: 'position', name, sequence });
  }
}

export interface BacklogLimits {
  readonly countMax: number;
  readonly bytesMax: number;
  /** `NEVER`: no age is too old. */
  readonly ageMaxMs: number;
  /** Messages in one read. */
  readonly readMax: number;
  /** Durable names remembered at once. */
  readonly namesMax: number;
}

/** Where a reader begins. */
export type Start =
  /** With what comes from now on. */
  | { readonly kind: 'new' }
  | { readonly kind: 'from'; readonly sequence: number }
  /** With the newest `count` that are kept. */
  | { readonly kind: 'last'; readonly count: number }
  | { readonly kind: 'since'; readonly at: Instant }
  /**
   * After the last that was acknowledged under a name. A new name begins with `first`, or with what comes from now on.
   * `next`: of a reader that has been here and comes back; it has what was before, though it is not acknowledged yet.
   */
  | { readonly kind: 'name'; readonly name: string; readonly first?: Start; readonly next?: number };

export type BacklogEffect =
  /** To be read from storage, and answered with `read`. */
  | { readonly kind: 'read'; readonly reader: number; readonly from: number; readonly through: number }
  /** Of what was just read, to be passed on. */
  | { readonly kind: 'deliver'; readonly reader: number; readonly from: number; readonly through: number }
  /** Gone before the reader came to it; to be told in its place. */
  | { readonly kind: 'gap'; readonly reader: number; readonly from: number; readonly through: number }
  /** From now on the reader gets what becomes durable, by `fresh`. */
  | { readonly kind: 'live'; readonly reader: number }
  /** Has become durable; to be passed on to all of these. */
  | { readonly kind: 'fresh'; readonly readers: readonly number[]; readonly from: number; readonly through: number }
  /** Another reader has taken its name. */
  | { readonly kind: 'replaced'; readonly reader: number }
  /** To be taken out of storage: all numbers below. */
  | { readonly kind: 'evict'; readonly before: number }
  /** To be stored: how far a durable name has come. */
  | { readonly kind: 'position'; readonly name: string; readonly sequence: number }
  | { readonly kind: 'forget'; readonly name: string };

/** What storage holds when a node starts. `next` is stored too, so that no number is used twice where all have gone. */
export interface StoredBacklog {
  readonly next: number;
  /** The number of the oldest; `next` where there is none. */
  readonly first: number;
  /** Those from `first` to `next`. */
  readonly messages: Iterable<{ readonly bytes: number; readonly at: Instant }>;
  readonly positions: ReadonlyMap<string, number>;
}

export interface BacklogCounts {
  readonly first: number;
  readonly durable: number;
  readonly next: number;
  readonly count: number;
  readonly bytes: number;
  readonly readers: number;
  readonly live: number;
  readonly names: number;
}

interface Reader {
  /** The number that it gets next. */
  next: number;
  live: boolean;
  readonly name: string | undefined;
}

const NOTHING: StoredBacklog = { first: 1, messages: [], next: 1, positions: new Map() };
