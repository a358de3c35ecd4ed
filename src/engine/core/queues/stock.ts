import { earlier, type Instant, NEVER } from '../base/instant.ts';
import { Deliveries } from './deliveries.ts';
import type { Desk } from './desk.ts';
import { type Loaded, type NewMessage, noCounts, type StoredCounts, type StoredQueue } from './effects.ts';
import { Endings, type Mutable } from './endings.ts';
import { type Entry, entryOf, leasedState } from './entry.ts';
import { Leases, receiptEnd } from './leases.ts';
import type { QueueOptions } from './options.ts';
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
  /** Of this queue's receipts. */
  readonly receiptEnd: string;
  schedule: Schedule;
  deliveries = new Deliveries();
  /** Counts up when all that memory knew is forgotten: what was decided before means nothing afterwards. */
  life = 0;
  /** Set while memory and disk differ: nothing is received. */
  closed = true;
  readonly sweep: Sweep;
  /** What becomes of messages that were taken. */
  readonly ends: Endings;
  #reopening: number | undefined;
  #reserving = false;
  /** When tokens that the disk has refused to reserve are asked for again. */
  #reserveAt: Instant = NEVER;

  constructor(desk: Desk, stored: StoredQueue, about: () => { readonly name: string; readonly options: QueueOptions }) {
    this.#desk = desk;
    this.#about = about;
    this.number = stored.number;
    this.counts = { ...stored.counts };
    this.leases = new Leases(stored.counts.tokens);
    this.receiptEnd = receiptEnd(stored.createdAt);
    this.schedule = this.#newSchedule(stored);
    this.ends = new Endings(desk, this, about);
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
    const { deliveries, ends, leases, schedule } = this;
    const lacksTokens = leases.tokens === 0 && (schedule.peek() !== undefined || deliveries.open > 0);
    return ends.isSettled && schedule.isSettled(now) && !lacksTokens;
  }

  deadline(): Instant {
    if (this.closed) return NEVER;
    const { leases, schedule, deliveries } = this;
    const lease = earlier(leases.deadline(this.#options.leaseWriteMs), this.#reserveAt);
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
    this.#reserveAt = NEVER;
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

  /** Nothing happens until it is opened again. What only memory knew of leases is written. */
  freeze(): void {
    this.writeLeases();
    this.#forget();
  }

  /** Whatever only memory knows of leases. */
  writeLeases(): void {
    if (this.closed) return;
    for (const entry of this.schedule.known.values()) {
      if (entry.state !== 'leased' || entry.written) continue;
      entry.written = true;
      this.#writeLease(entry);
    }
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
    this.#reserveAt = NEVER;
    this.counts.tokens = wanted;
    this.#desk.touch(this.number);
    this.#desk.settled((why, now) => {
      if (this.leases !== leases) return;
      this.#reserving = false;
      if (why === undefined) leases.reserved(wanted);
      else this.#reserveAt = now + RESERVE_AGAIN_MS;
    });
  }

  /** A message has become durable. */
  arrived(message: NewMessage, due: Instant | undefined, now: Instant): void {
    const entry = entryOf(message);
    entry.due = due ?? 0;
    entry.hasState = due !== undefined;
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

  /** Gives an entry that was taken to a consumer. */
  grant(entry: Entry, consumer: string | undefined, visibilityMs: number, now: Instant): void {
    this.leases.grant(entry, consumer, visibilityMs, now);
    if (this.#options.leaseWriteMs > 0) return;
    entry.written = true;
    this.#writeLease(entry);
  }

  /** Also one that came back, as long as nobody has had it since. */
  extend(entry: Entry, visibilityMs: number, now: Instant): void {
    if (entry.state === 'ready') this.schedule.withdraw(entry);
    entry.state = 'leased';
    this.leases.hold(entry, now + visibilityMs);
    entry.written = true;
    this.#writeLease(entry);
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
      if (entry.state === 'leased') this.ends.giveBack(entry, 'timed-out', now);
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
    const schedule: Schedule = new Schedule(this.#options.kind, stored, {
      load: (ask) => this.#desk.load(this.number, ask),
      // Why also where the disk refused: what cannot be undone has made the schedule anew then; else only sends were refused.
      settled: (then) =>
        this.#desk.settled((_why, now) => {
          if (this.schedule === schedule) then(now);
        }),
    });
    return schedule;
  }

  #forget(): void {
    this.life++;
    this.ends.forget();
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
    entry.hasState = true;
    entry.wasDue = false;
    this.#desk.write(this.number, { kind: 'state', queue: this.number, seq: entry.seq, state: leasedState(entry) });
  }
}

/** What is stored of a queue that was made just now. */
export function newQueue(about: Omit<StoredQueue, 'changedAt' | keyof typeof NOTHING>): StoredQueue {
  return { ...NOTHING, ...about, changedAt: about.createdAt, counts: noCounts() };
}

const NOTHING = { consumers: [], counts: noCounts(), dedupe: [], delayed: 0, deliveries: [], leased: [] };

/** Limit: a lease of a former life is honoured at most so long, or for the queue's visibility time. */
const HELD_MS_MAX = 12 * 3_600_000;

/** Why so long: a disk that is full refuses that, too, until there is room. */
const RESERVE_AGAIN_MS = 1_000;
