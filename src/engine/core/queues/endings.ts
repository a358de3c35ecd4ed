import type { Instant } from '../base/instant.ts';
import { problem } from '../base/problems.ts';
import { deadInfo, withReceipt } from './dead-letter.ts';
import type { Deliveries, Delivery } from './deliveries.ts';
import type { Desk } from './desk.ts';
import type { StoredCounts } from './effects.ts';
import { type Entry, isExpired, restingState } from './entry.ts';
import type { Leases } from './leases.ts';
import type { Receipt } from './messages.ts';
import type { QueueOptions } from './options.ts';
import { backoffMs } from './retry.ts';
import type { Schedule } from './schedule.ts';

/** The messages of which some end. */
interface Held {
  readonly number: number;
  readonly counts: Mutable<StoredCounts>;
  readonly leases: Leases;
  readonly schedule: Schedule;
  readonly deliveries: Deliveries;
  readonly life: number;
}

/**
 * What becomes of a message that was taken: it is done, given back, parked until later, buried, or its time is up.
 *
 *     taken ─┬─ finish ──────────────────────────────────────► (gone)
 *            ├─ giveBack ─┬─ rest ──► ready, or parked
 *            │            └─ bury ──► the dead letters ──► finish
 *            └─ expire ────────────── bury, or finish
 *
 * Invariant: memory forgets a message only when its end is durable.
 */
export class Endings {
  readonly #desk: Desk;
  readonly #stock: Held;
  readonly #about: () => { readonly name: string; readonly options: QueueOptions };
  /** Those whose time was found to be up, and whose end is not durable: others of their groups wait for that. */
  #expiring = 0;

  constructor(desk: Desk, stock: Held, about: () => { readonly name: string; readonly options: QueueOptions }) {
    this.#desk = desk;
    this.#stock = stock;
    this.#about = about;
  }

  get isSettled(): boolean {
    return this.#expiring === 0;
  }

  get #options(): QueueOptions {
    return this.#about().options;
  }

  /** Begins anew, with all that memory knew forgotten. */
  forget(): void {
    this.#expiring = 0;
  }

  /** The end of an entry that was taken or withdrawn. It is gone when that is durable. */
  finish(entry: Entry, as: End, held: boolean): void {
    this.#stock.leases.end(entry);
    entry.state = 'ending';
    this.#stock.counts[as]++;
    this.#stock.counts.messages--;
    if (entry.delivery === undefined) {
      this.#stock.counts.bytes -= entry.bytes;
      this.#remove(entry);
    } else {
      this.#finishCopy(entry, as === 'done');
    }
    const { life } = this.#stock;
    this.#desk.settled((why) => {
      if (why === undefined && life === this.#stock.life) this.#stock.schedule.gone(entry, held);
    });
  }

  /** From a consumer's hands: to be received again, now or later, or for the last time. */
  giveBack(entry: Entry, how: Receipt['how'] | 'released', now: Instant, more: GivenBack = {}): void {
    const { maxReceives, ttlMs, deadLetter, retry } = this.#options;
    this.#stock.leases.end(entry);
    if (how === 'released') entry.receives--;
    else entry.history = withReceipt(entry, how, more.reason, now);
    if (how !== 'timed-out') entry.token = 0; // its holder wants it no longer
    const max = entry.about.maxReceives === undefined ? maxReceives : entry.about.maxReceives;
    if (isExpired(entry, ttlMs, now)) return this.expire(entry, true, now);
    if (how !== 'released' && max !== null && entry.receives >= max && deadLetter !== null) {
      const last =
        more.reason ?? (how === 'nacked' ? 'a consumer gave it back' : 'its consumer did not finish in time');
      return this.#bury(entry, last, true, now);
    }
    const policy = { ...retry, ...entry.about.retry };
    const backoff = how === 'nacked' ? backoffMs(policy, entry.receives, this.#desk.prng) : 0;
    this.#rest(entry, more.delayMs ?? backoff, now);
  }

  /** The time of an entry that was taken or withdrawn is up. */
  expire(entry: Entry, held: boolean, now: Instant): void {
    const { expired, deadLetter } = this.#options;
    if (expired === 'dead-letter' && deadLetter !== null) this.#bury(entry, 'its time was up', held, now);
    else this.finish(entry, 'expired', held);
    this.#expiring++;
    const { life } = this.#stock;
    this.#desk.settled(() => {
      if (life === this.#stock.life) this.#expiring--;
    });
  }

  /** A consumer is no longer subscribed: what it owes is forgiven. */
  forgive(consumer: string): void {
    for (const { open } of [...this.#stock.deliveries.all()]) {
      for (const entry of [...open.values()]) {
        if (entry.delivery?.consumer !== consumer || entry.state === 'ending') continue;
        this.#stock.schedule.withdraw(entry);
        this.finish(entry, 'purged', true);
      }
    }
  }

  #remove({ seq, group, hasState = false }: Pick<Entry, 'seq'> & Partial<Pick<Entry, 'group' | 'hasState'>>): void {
    const inGroup = group === undefined || this.#options.kind !== 'fifo' ? {} : { group };
    const more = hasState ? { ...inGroup, hasState } : inGroup;
    this.#desk.write(this.#stock.number, { kind: 'remove', queue: this.#stock.number, seq, ...more });
  }

  #finishCopy(entry: Entry, acknowledged: boolean): void {
    const of = entry.delivery?.of ?? -1;
    const delivery = this.#stock.deliveries.of(of);
    if (delivery === undefined) return;
    if (acknowledged) delivery.needed--;
    this.#settleCopy(entry, delivery);
    if (delivery.needed > 0 && delivery.open.size > 0) return;
    for (const other of [...delivery.open.values()]) {
      this.#stock.leases.end(other);
      other.state = 'ending';
      this.#stock.counts.done++;
      this.#stock.counts.messages--;
      this.#settleCopy(other, delivery);
      this.#stock.schedule.known.delete(other.seq);
    }
    this.#stock.counts.bytes -= delivery.message.bytes;
    this.#remove({ seq: of });
  }

  #settleCopy(entry: Entry, { needed, message }: Delivery): void {
    this.#stock.deliveries.settled(entry);
    this.#desk.write(this.#stock.number, {
      kind: 'delivered',
      needed,
      of: message.seq,
      queue: this.#stock.number,
      seq: entry.seq,
    });
  }

  #bury(entry: Entry, reason: string, held: boolean, now: Instant): void {
    const { deadLetter } = this.#options;
    const { name } = this.#about();
    const dead = deadInfo(name, entry, reason, now);
    const why =
      deadLetter === null
        ? problem('queue-unknown', `${name} has no queue for dead letters`)
        : this.#desk.transfer({ dead, entry, from: { name, number: this.#stock.number }, to: deadLetter }, now);
    if (why === undefined) this.finish(entry, 'dead', held);
    else if (held) this.#rest(entry, BURY_AGAIN_MS, now);
    else this.#stock.schedule.back(entry);
  }

  /**
   * Why a lease that is on disk ends only when that is durable: where the node dies before, or the disk refuses, the old
   * lease would be honoured again, though somebody else had been given the message.
   */
  #rest(entry: Entry, delayMs: number, now: Instant): void {
    const queue = this.#stock.number;
    const due = delayMs > 0 ? now + delayMs : undefined;
    const isOnDisk = entry.written;
    entry.written = false;
    if (due !== undefined || isOnDisk || entry.receives > 0) {
      entry.hasState = true;
      entry.wasDue = false;
      this.#desk.write(queue, { kind: 'state', queue, seq: entry.seq, state: restingState(entry, due) });
    }
    if (due === undefined && !isOnDisk) return this.#stock.schedule.back(entry);
    entry.due = due ?? 0;
    entry.state = 'parking';
    if (due !== undefined && entry.delivery === undefined) this.#stock.schedule.park(entry);
    const { life } = this.#stock;
    this.#desk.settled((why) => {
      // Why its state: what was owed for a message may have been forgiven meanwhile.
      if (why !== undefined || life !== this.#stock.life || entry.state !== 'parking') return;
      if (due === undefined) this.#stock.schedule.back(entry);
      else if (entry.delivery !== undefined) this.#stock.deliveries.park(entry);
      else this.#stock.schedule.parked(entry);
    });
  }
}

export type End = 'done' | 'dead' | 'expired' | 'purged';

export interface GivenBack {
  readonly reason?: string | undefined;
  /** In place of what the retry policy says. */
  readonly delayMs?: number | undefined;
}

export type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const BURY_AGAIN_MS = 1_000;
