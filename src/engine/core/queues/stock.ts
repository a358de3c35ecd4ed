import { earlier, type Instant, NEVER } from '../base/instant.ts';
import { type Problem, problem } from '../base/problems.ts';
import { deadInfo, withReceipt } from './dead-letter.ts';
import { Deliveries, type Delivery } from './deliveries.ts';
import type { Desk } from './desk.ts';
import type { Loaded, NewMessage, StoredCounts, StoredQueue } from './effects.ts';
import { type Entry, entryOf, isExpired, leasedState, restingState } from './entry.ts';
import { Leases, readReceipt } from './leases.ts';
import type { Receipt } from './messages.ts';
import type { QueueOptions } from './options.ts';
import { backoffMs } from './retry.ts';
import { Schedule } from './schedule.ts';
import { Sweep } from './sweep.ts';

/**
 * The messages of one queue, from their arrival to their end. It knows nothing of who asks.
 *
 * Invariants:
 * - sent = messages + done + dead + expired + purged, and what is stored says so with every write;
 * - a message is received only once it is durable, and has an end only once that is;
 * - a message is in at most one consumer's hands: the one whose token is the newest.
 *
 * Where the disk refuses, all that was decided since is forgotten and the queue begins again with what is stored, as after
 * a restart of its node. Why: nothing that was decided on top of what is not there can be right.
 */
export class Stock {
  readonly #desk: Desk;
  readonly #about: () => { readonly name: string; readonly options: QueueOptions };
  readonly number: number;
  counts: Mutable<StoredCounts>;
  leases: Leases;
  schedule: Schedule;
  deliveries = new Deliveries();
  /** Counts up when all that memory knew is forgotten: what was decided before means nothing afterwards. */
  life = 0;
  /** Set while memory and disk differ: nothing is received. */
  closed = true;
  readonly sweep: Sweep;
  #reopening: number | undefined;
  #reserving = false;
  /** Those whose time was found to be up, and whose end is not durable: others of their groups wait for that. */
  #expiring = 0;

  constructor(desk: Desk, stored: StoredQueue, about: () => { readonly name: string; readonly options: QueueOptions }) {
    this.#desk = desk;
    this.#about = about;
    this.number = stored.number;
    this.counts = { ...stored.counts };
    this.leases = new Leases(stored.counts.tokens);
    this.schedule = this.#newSchedule(stored);
    this.sweep = new Sweep(
      this,
      () => about().options,
      (ask) => desk.load(stored.number, ask),
    );
  }

  get #options(): QueueOptions {
    return this.#about().options;
  }

  get delayed(): number {
    return this.schedule.delayed + this.deliveries.parked;
  }

  /** What memory counts is wrong, and must not be written. */
  get isReopening(): boolean {
    return this.#reopening !== undefined;
  }

  /** Whether nothing can be received, as far as anybody can know. */
  isSettled(now: Instant): boolean {
    return this.#expiring === 0 && this.schedule.isSettled(now);
  }

  deadline(): Instant {
    if (this.closed) return NEVER;
    const { leases, schedule, deliveries } = this;
    const lease = leases.deadline(this.#options.leaseWriteMs);
    return earlier(earlier(lease, schedule.deadline()), earlier(deliveries.deadline(), this.sweep.deadline()));
  }

  /** Begins, or begins again, with what is stored. */
  open(stored: StoredQueue, now: Instant): void {
    const next = Math.max(this.counts.next, stored.counts.next);
    this.counts = { ...stored.counts, next };
    this.leases = new Leases(Math.max(stored.counts.tokens, this.counts.tokens));
    this.schedule = this.#newSchedule(stored);
    this.deliveries = new Deliveries();
    this.closed = false;
    this.#reserving = false;
    this.sweep.begin(now);
    for (const message of stored.leased) this.#hold(entryOf(message), now);
    for (const delivery of stored.deliveries) {
      for (const entry of this.deliveries.add(delivery)) {
        if (entry.token > 0) this.#hold(entry, now);
        else this.#arriveOwed(entry, now);
      }
    }
    this.reserve();
  }

  /** Everything that memory knows is wrong: asks storage. */
  reopen(): void {
    this.#forget();
    this.#reopening = this.#desk.load(this.number, { what: 'open' });
  }

  /** Reserves tokens where they run short. */
  reserve(): void {
    const { wanted } = this.leases;
    if (wanted === undefined || this.#reserving || this.closed) return;
    const { leases } = this;
    this.#reserving = true;
    this.counts.tokens = wanted;
    this.#desk.touch(this.number);
    this.#desk.settled((why) => {
      if (this.leases !== leases) return;
      this.#reserving = false;
      if (why === undefined) leases.reserved(wanted);
    });
  }

  /** A message has become durable. */
  arrived(message: NewMessage, due: Instant | undefined, now: Instant): void {
    const entry = entryOf(message);
    entry.due = due ?? 0;
    this.schedule.arrived(entry);
    this.sweep.watch(message, now);
  }

  arrivedFor(delivery: Parameters<Deliveries['add']>[0], due: Instant | undefined, now: Instant): void {
    for (const entry of this.deliveries.add(delivery)) {
      entry.due = due ?? 0;
      this.#arriveOwed(entry, now);
    }
    this.sweep.watch(delivery.message, now);
  }

  /**
   * The entry that a receipt is good for. With `late` also one whose time is up, as long as nobody has had it since: there is
   * still one owner. Not in a fifo queue, where others of its group may have gone on.
   */
  leased(receipt: unknown, consumer: string | undefined, now: Instant, late = false): Entry | Problem {
    const read = readReceipt(receipt);
    if (read === undefined) return problem('input-invalid', `${JSON.stringify(receipt)} is no receipt`);
    const entry = this.schedule.known.get(read.seq);
    if (entry === undefined) return this.#lost(read.seq, 'gone', 'it is done, or waits to be received later');
    if (entry.token !== read.token) return this.#lost(read.seq, 'lost', 'somebody else has had it since');
    if (consumer !== undefined && entry.consumer !== consumer) {
      return this.#lost(read.seq, 'lost', `its lease is not ${consumer}'s`);
    }
    const isHeld = entry.state === 'ending' || (entry.state === 'leased' && entry.leaseUntil > now);
    const isFree = entry.state === 'ready' || entry.state === 'leased';
    if (isHeld || (late && isFree && this.#options.kind !== 'fifo')) return entry;
    return this.#lost(read.seq, 'expired', 'it came back when its time was up');
  }

  /** Gives an entry that was taken to a consumer. */
  grant(entry: Entry, consumer: string | undefined, visibilityMs: number, now: Instant): void {
    this.leases.grant(entry, consumer, visibilityMs, now);
    if (this.#options.leaseWriteMs > 0) return;
    entry.written = true;
    this.#writeLease(entry);
  }

  extend(entry: Entry, visibilityMs: number, now: Instant): void {
    this.leases.hold(entry, now + visibilityMs);
    entry.written = true;
    this.#writeLease(entry);
  }

  /** The end of an entry that was taken or withdrawn. It is gone when that is durable. */
  finish(entry: Entry, as: End, held: boolean): void {
    this.leases.end(entry);
    entry.state = 'ending';
    this.counts[as]++;
    this.counts.messages--;
    if (entry.delivery === undefined) {
      this.counts.bytes -= entry.bytes;
      this.#remove(entry);
    } else {
      this.#finishCopy(entry, as === 'done');
    }
    const { life } = this;
    this.#desk.settled((why) => {
      if (why === undefined && life === this.life) this.schedule.gone(entry, held);
    });
  }

  /** From a consumer's hands: to be received again, now or later, or for the last time. */
  giveBack(entry: Entry, how: Receipt['how'] | 'released', now: Instant, more: GivenBack = {}): void {
    const { maxReceives, ttlMs, deadLetter, retry } = this.#options;
    this.leases.end(entry);
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
    const { life } = this;
    this.#desk.settled(() => {
      if (life === this.life) this.#expiring--;
    });
  }

  /** A consumer is no longer subscribed: what it owes is forgiven. */
  forgive(consumer: string): void {
    for (const { open } of [...this.deliveries.all()]) {
      for (const entry of [...open.values()]) {
        if (entry.delivery?.consumer !== consumer || entry.state === 'ending') continue;
        this.schedule.withdraw(entry);
        this.finish(entry, 'purged', true);
      }
    }
  }

  /** All messages go. How many these were. */
  purge(): number {
    const { messages } = this.counts;
    this.counts.purged += messages;
    this.counts.messages = 0;
    this.counts.bytes = 0;
    this.#desk.write(this.number, { kind: 'purge', queue: this.number });
    this.#forget();
    const { life } = this;
    this.#desk.settled((why) => {
      if (why !== undefined || life !== this.life) return;
      this.schedule = this.#newSchedule({ delayed: 0 });
      this.closed = false;
    });
    return messages;
  }

  loaded(load: number, loaded: Loaded, now: Instant): void {
    if (load === this.#reopening && loaded.stored !== undefined) {
      this.#reopening = undefined;
      this.open(loaded.stored, now);
    } else if (!this.closed && !this.sweep.loaded(load, loaded, now)) {
      this.schedule.loaded(load, loaded, now);
    }
  }

  advance(now: Instant): void {
    if (this.closed) return;
    const { leases, schedule, deliveries } = this;
    for (let entry = leases.due(now); entry !== undefined; entry = leases.due(now)) {
      if (entry.state === 'leased') this.giveBack(entry, 'timed-out', now);
    }
    const { leaseWriteMs } = this.#options;
    for (let entry = leases.old(leaseWriteMs, now); entry !== undefined; entry = leases.old(leaseWriteMs, now)) {
      this.#writeLease(entry);
    }
    for (let entry = deliveries.due(now); entry !== undefined; entry = deliveries.due(now)) schedule.back(entry);
    this.sweep.advance(now);
    this.reserve();
  }

  #newSchedule(stored: { readonly delayed: number; readonly nextDue?: Instant }): Schedule {
    return new Schedule(this.#options.kind, stored, {
      load: (ask) => this.#desk.load(this.number, ask),
      settled: (then) => this.#desk.settled((why) => why === undefined && then()),
    });
  }

  #forget(): void {
    this.life++;
    this.#expiring = 0;
    this.closed = true;
    this.leases.clear();
    this.schedule = this.#newSchedule({ delayed: 0 });
    this.deliveries = new Deliveries();
    this.sweep.begin(NEVER);
    this.#reopening = undefined;
  }

  /** A lease of a former life is honoured until its time is up, but not beyond what the calendar's jumps can explain. */
  #hold(entry: Entry, now: Instant): void {
    entry.state = 'leased';
    entry.leasedAt = now;
    entry.written = true;
    this.schedule.held(entry);
    this.leases.hold(entry, Math.min(entry.leaseUntil, now + Math.max(this.#options.visibilityMs, HELD_MS_MAX)));
  }

  #arriveOwed(entry: Entry, now: Instant): void {
    if (entry.due <= now) {
      this.schedule.arrived(entry);
      return;
    }
    entry.state = 'parking';
    this.schedule.known.set(entry.seq, entry);
    this.deliveries.park(entry);
  }

  #writeLease(entry: Entry): void {
    this.#desk.write(this.number, { kind: 'state', queue: this.number, seq: entry.seq, state: leasedState(entry) });
  }

  #remove({ seq, group }: { readonly seq: number; readonly group?: string | undefined }): void {
    const inGroup = group === undefined || this.#options.kind !== 'fifo' ? {} : { group };
    this.#desk.write(this.number, { kind: 'remove', queue: this.number, seq, ...inGroup });
  }

  #finishCopy(entry: Entry, acknowledged: boolean): void {
    const of = entry.delivery?.of ?? -1;
    const delivery = this.deliveries.of(of);
    if (delivery === undefined) return;
    if (acknowledged) delivery.needed--;
    this.#settleCopy(entry, delivery);
    if (delivery.needed > 0 && delivery.open.size > 0) return;
    for (const other of [...delivery.open.values()]) {
      this.leases.end(other);
      other.state = 'ending';
      this.counts.done++;
      this.counts.messages--;
      this.#settleCopy(other, delivery);
      this.schedule.known.delete(other.seq);
    }
    this.counts.bytes -= delivery.message.bytes;
    this.#remove({ seq: of });
  }

  #settleCopy(entry: Entry, { needed, message }: Delivery): void {
    this.deliveries.settled(entry);
    this.#desk.write(this.number, { kind: 'delivered', needed, of: message.seq, queue: this.number, seq: entry.seq });
  }

  #bury(entry: Entry, reason: string, held: boolean, now: Instant): void {
    const { deadLetter } = this.#options;
    const { name } = this.#about();
    const dead = deadInfo(name, entry, reason, now);
    const why =
      deadLetter === null
        ? problem('queue-unknown', `${name} has no queue for dead letters`)
        : this.#desk.transfer({ dead, entry, from: { name, number: this.number }, to: deadLetter }, now);
    if (why === undefined) this.finish(entry, 'dead', held);
    else if (held) this.#rest(entry, BURY_AGAIN_MS, now);
    else this.schedule.back(entry);
  }

  /**
   * Why a lease that is on disk ends only when that is durable: where the node dies before, or the disk refuses, the old
   * lease would be honoured again, though somebody else had been given the message.
   */
  #rest(entry: Entry, delayMs: number, now: Instant): void {
    const queue = this.number;
    const due = delayMs > 0 ? now + delayMs : undefined;
    const isOnDisk = entry.written;
    entry.written = false;
    if (due !== undefined || isOnDisk || entry.receives > 0) {
      this.#desk.write(queue, { kind: 'state', queue, seq: entry.seq, state: restingState(entry, due) });
    }
    if (due === undefined && !isOnDisk) return this.schedule.back(entry);
    entry.due = due ?? 0;
    entry.state = 'parking';
    if (due !== undefined && entry.delivery === undefined) this.schedule.park(entry);
    const { life } = this;
    this.#desk.settled((why) => {
      if (why !== undefined || life !== this.life) return;
      if (due === undefined) this.schedule.back(entry);
      else if (entry.delivery !== undefined) this.deliveries.park(entry);
      else this.schedule.parked(entry);
    });
  }

  #lost(seq: number, name: 'gone' | 'lost' | 'expired', why: string): Problem {
    const message = `message ${seq} of ${this.#about().name} is not yours (any more): ${why}`;
    return problem('lease-lost', message, { cause: { message: why, name } });
  }
}

export type End = 'done' | 'dead' | 'expired' | 'purged';

export interface GivenBack {
  readonly reason?: string | undefined;
  /** In place of what the retry policy says. */
  readonly delayMs?: number | undefined;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Limit: a lease of a former life is honoured at most so long, or for the queue's visibility time. */
const HELD_MS_MAX = 12 * 3_600_000;
const BURY_AGAIN_MS = 1_000;
