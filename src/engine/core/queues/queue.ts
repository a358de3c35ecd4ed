import { earlier, type Instant, NEVER } from '../base/instant.ts';
import { done, failed } from '../base/outcome.ts';
import { type Problem, problem } from '../base/problems.ts';
import { entryFor, isNewest, type Leniency } from './claims.ts';
import type { Desk } from './desk.ts';
import type { Loaded, StoredQueue } from './effects.ts';
import { type Entry, isExpired } from './entry.ts';
import { type Accepted, Intake } from './intake.ts';
import { leaseOf, takeUpTo } from './lease.ts';
import type { Handled, Lease, Order, QueueCommand, QueueReply, QueueView, RedriveJob } from './messages.ts';
import { isMoving, type StoredMove } from './move.ts';
import { optionsFlaw, type QueueOptions, withOptions } from './options.ts';
import { Redrive } from './redrive.ts';
import { Stock } from './stock.ts';
import { type Waiter, Waiting } from './waiting.ts';

/**
 * One queue: what is asked of it, and what it answers.
 *
 *     send ──► persist ··· persisted ──► ready ──► receive ──► leased ──► ack ──► persist ··· persisted ──► done
 *                          └► "sent"       ▲                     │                           └► "ok"
 *                                          └── time up, nack ────┘
 *
 * Commands are plain data, and every decision depends on what was decided before, the command and its `now`. What is to be
 * stored leaves as plain data, too, in order, and nothing that depends on it is told before it is durable. So a log that
 * several nodes agree on can take the place of the disk: `persist` proposes, `persisted` is its commit.
 *
 * It refuses to hold what users send: contents go to storage, and memory knows only the messages that are next, and those
 * that somebody has.
 */
export class Queue {
  readonly number: number;
  name: string;
  readonly createdAt: Instant;
  options: QueueOptions;
  changedAt: Instant;
  /** Its creation is not durable yet. */
  isNew = false;
  /** It is being deleted. */
  isGone = false;
  /** Set while it leaves for another node: nothing happens here. */
  moving: Leaving | undefined;
  readonly stock: Stock;
  readonly #desk: Desk;
  readonly intake: Intake;
  readonly #waiting = new Waiting();
  /** Receives whose answer waits for the disk: no later one overtakes them. */
  #unanswered = 0;
  readonly #redrive: Redrive;
  /** What there was when it stood still. */
  #frozen: { readonly delayed: number; readonly leased: number } | undefined;

  constructor(desk: Desk, stored: StoredQueue, now: Instant) {
    const { number, name, options, createdAt, changedAt } = stored;
    this.#desk = desk;
    this.number = number;
    this.name = name;
    this.options = options;
    this.createdAt = createdAt;
    this.changedAt = changedAt;
    this.stock = new Stock(desk, stored, () => this);
    this.#redrive = new Redrive(desk, this, stored.job);
    this.intake = new Intake(desk, this);
    this.intake.open(stored);
    this.stock.open(stored, now);
    this.#stay(stored);
  }

  get job(): RedriveJob | undefined {
    return this.#redrive.job;
  }

  get view(): QueueView {
    const { sent, dead, done: ended, expired, purged, lost, bytes, messages } = this.stock.counts;
    const { delayed, leased } = this.#frozen ?? { delayed: this.stock.delayed, leased: this.stock.leases.count };
    const ready = messages - leased - delayed;
    return {
      changedAt: this.changedAt,
      consumers: [...this.intake.consumers],
      counts: {
        bytes,
        dead,
        delayed,
        done: ended,
        expired,
        leased,
        lost,
        purged,
        ready,
        refused: this.intake.refused,
        sent,
      },
      createdAt: this.createdAt,
      moving: this.moving?.to ?? null,
      name: this.name,
      number: this.number,
      options: this.options,
      redrive: this.#redrive.job ?? null,
      waiting: this.#waiting.size,
    };
  }

  deadline(): Instant {
    if (this.moving !== undefined) return NEVER;
    const others = earlier(this.stock.deadline(), earlier(this.intake.deadline(), this.#redrive.deadline()));
    return earlier(this.#waiting.deadline(), others);
  }

  advance(now: Instant): void {
    if (this.moving !== undefined) return;
    this.stock.advance(now);
    if (!this.stock.isReopening) {
      this.intake.advance(now);
      this.#redrive.advance(now);
      this.proceed(now);
    }
    for (let request = this.#waiting.due(now); request !== undefined; request = this.#waiting.due(now)) {
      this.#desk.reply(request, done(this.#received([])));
    }
  }

  loaded(load: number, loaded: Loaded, now: Instant): void {
    this.stock.loaded(load, loaded, now);
    if (loaded.stored !== undefined) {
      this.intake.open(loaded.stored);
      this.options = loaded.stored.options;
      this.#redrive.restart(loaded.stored.job);
      this.#stay(loaded.stored);
    }
    this.proceed(now);
  }

  /** Does what has become possible: answers receives that wait, and has more messages loaded. */
  proceed(now: Instant): void {
    const { stock } = this;
    if (stock.closed) return;
    stock.schedule.refill(now);
    if (this.#waiting.size === 0) return;
    for (const waiter of this.#waiting.all()) {
      if (stock.schedule.peek() === undefined && stock.deliveries.open === 0) break;
      if (this.#give(waiter, now)) this.#waiting.delete(waiter.request);
    }
    stock.schedule.refill(now);
    if (!stock.isSettled(now)) return;
    for (const request of this.#waiting.hasty()) {
      this.#desk.reply(request, done(this.#received([])));
    }
  }

  send(request: number, orders: readonly Order[], now: Instant): void {
    const accepted: Accepted[] = [];
    const { life } = this.stock;
    const results = orders.map((order) => this.intake.accept(order, accepted, now));
    const reply = done({ kind: 'sent', results } as const);
    const waits = orders.some((order, i) => 'id' in (results[i] ?? {}) && !this.intake.isForgettable(order));
    if (!waits) this.#desk.reply(request, reply);
    if (accepted.length === 0 && !waits) return;
    this.#desk.settled((why, at) => {
      const isCurrent = life === this.stock.life;
      if (isCurrent)
        for (const one of accepted) why === undefined ? this.intake.arrive(one, at) : this.intake.takeBack(one);
      if (waits) this.#desk.reply(request, why === undefined ? reply : failed(why));
      if (why === undefined) this.proceed(at);
    });
  }

  receive(request: number, command: Extract<QueueCommand, { kind: 'receive' }>, now: Instant): void {
    const { max, waitMs, visibilityMs, consumer, groupMax = 1 } = command;
    const hasty = waitMs === 0;
    const until = now + (hasty ? HASTY_MS : waitMs);
    const waiter = { consumer, groupMax, hasty, max, request, until, visibilityMs };
    const { leases } = this.stock;
    if (leases.isDue(now)) this.stock.advance(now);
    if (this.#waiting.size === 0 && this.#give(waiter, now)) {
      this.stock.schedule.refill(now);
    } else if (leases.count >= this.options.leasesMax) {
      const text = `${leases.count} messages of ${this.name} are in consumers' hands already (leasesMax)`;
      this.#desk.reply(request, failed(problem('overloaded', text)));
    } else if (this.#waiting.size >= WAITING_MAX) {
      this.#desk.reply(request, failed(problem('overloaded', `${WAITING_MAX} receives wait for ${this.name} already`)));
    } else {
      this.#waiting.add(waiter);
      this.proceed(now);
    }
  }

  /** Whoever asked no longer wants it. */
  cancel(request: number): boolean {
    return this.#waiting.delete(request);
  }

  ack(request: number, receipts: readonly string[], consumer: string | undefined, now: Instant): void {
    this.#handle(request, receipts, now, (receipt) => {
      const entry = entryFor(this, { consumer, late: true, lenient: 'free', receipt }, now);
      if ('code' in entry) return { problem: entry };
      if (entry.state === 'leased') {
        this.stock.ends.finish(entry, 'done', true);
      } else if (entry.state === 'ready') {
        this.stock.schedule.withdraw(entry);
        this.stock.ends.finish(entry, 'done', false);
      }
      return OK;
    });
  }

  nack({ receipts, consumer }: Extract<QueueCommand, { kind: 'nack' }>, request: number, now: Instant): void {
    this.#handle(request, receipts, now, ({ receipt, delayMs, reason }) => {
      const entry = this.#held(receipt, consumer, now);
      if ('code' in entry) return { problem: entry };
      this.stock.ends.giveBack(entry, 'nacked', now, { delayMs, reason });
      return OK;
    });
  }

  extend({ receipts }: Extract<QueueCommand, { kind: 'extend' }>, request: number, now: Instant): void {
    this.#handle(request, receipts, now, ({ receipt, visibilityMs }) => {
      const entry = this.#held(receipt, undefined, now, { late: true, lenient: 'held' });
      if ('code' in entry) return { problem: entry };
      // Why: whoever has it must not lose it by what an earlier receipt asks for.
      const isOthers =
        entry.state === 'leased' && !isNewest(entry, receipt, this) && entry.leaseUntil > now + visibilityMs;
      if (isOthers) return { leaseUntil: entry.leaseUntil, ok: true };
      if (visibilityMs > 0) this.stock.extend(entry, visibilityMs, now);
      else if (entry.state === 'leased') this.stock.ends.giveBack(entry, 'timed-out', now);
      return { leaseUntil: now + visibilityMs, ok: true };
    });
  }

  release(request: number, receipts: readonly string[], now: Instant): void {
    this.#handle(request, receipts, now, (receipt) => {
      const entry = this.#held(receipt, undefined, now);
      if ('code' in entry) return { problem: entry };
      this.stock.ends.giveBack(entry, 'released', now);
      return OK;
    });
  }

  purge(request: number): void {
    this.intake.purge();
    const purged = this.stock.purge();
    this.#replySettled(request, { kind: 'purged', purged });
  }

  redrive(request: number, command: Extract<QueueCommand, { kind: 'redrive' }>, now: Instant): void {
    const job = this.#redrive.start(command, this.view.counts.ready, now);
    if (!job.ok) this.#desk.reply(request, job);
    else this.#replySettled(request, { job: job.value, kind: 'redrive' });
  }

  cancelRedrive(request: number, now: Instant): void {
    const job = this.#redrive.cancel(now);
    if (!job.ok) this.#desk.reply(request, job);
    else this.#replySettled(request, { job: job.value, kind: 'redrive' });
  }

  subscribe(request: number, consumer: string, subscribed: boolean): void {
    const { consumers } = this.intake;
    if (subscribed && !consumers.has(consumer) && consumers.size >= CONSUMERS_MAX) {
      const text = `${CONSUMERS_MAX} consumers are subscribed to ${this.name} already`;
      this.#desk.reply(request, failed(problem('overloaded', text)));
      return;
    }
    if (this.intake.subscribe(consumer, subscribed) && !subscribed) this.stock.ends.forgive(consumer);
    this.#replySettled(request, { consumers: [...this.intake.consumers], kind: 'consumers' });
  }

  edit(given: Readonly<Record<string, unknown>>, now: Instant): Problem | undefined {
    const options = withOptions(this.options, given);
    if (!options.ok) return options.problem;
    if (options.value.kind !== this.options.kind) {
      return problem('input-invalid', `${this.name} is a ${this.options.kind} queue, and stays one`);
    }
    const flaw = given['deadLetter'] === undefined ? undefined : optionsFlaw(this.name, options.value);
    if (flaw !== undefined) return flaw;
    this.options = options.value;
    this.changedAt = now;
    this.store();
    this.stock.sweep.soon(now);
    return undefined;
  }

  /** Writes what the queue itself is. */
  store(): void {
    const { name, number: queue, options, createdAt, changedAt } = this;
    this.#desk.write(queue, { changedAt, createdAt, kind: 'queue', name, options, queue });
  }

  /** Writes how far its move has come; with the first, everything stands still, and is on disk. */
  leave(move: Leaving): void {
    if (this.moving === undefined) this.#freeze(move);
    this.moving = move;
    this.#desk.write(this.number, { kind: 'move', move, queue: this.number });
  }

  /** Nothing is answered any more but that it is gone. */
  close(why: Problem): void {
    this.dismiss(why);
    this.stock.closed = true;
    this.stock.life++;
  }

  /** Nobody waits here any more. */
  dismiss(why: Problem): void {
    for (const { request } of this.#waiting.all()) {
      this.#waiting.delete(request);
      this.#desk.reply(request, failed(why));
    }
  }

  #freeze(move: Leaving): void {
    const { leased, delayed } = this.view.counts;
    this.#frozen = { delayed, leased };
    this.dismiss(isMoving(this.name, move.to));
    this.stock.freeze();
  }

  /** Whether it moves is what storage says. */
  #stay({ move }: StoredQueue): void {
    this.#frozen = undefined;
    this.moving = move?.role === 'leaving' ? move : undefined;
    if (this.moving !== undefined) this.#freeze(this.moving);
  }

  /** The next message for a redrive; it is in the queue's own hands then. */
  takeReady(now: Instant): Entry | undefined {
    if (this.stock.closed) return undefined;
    const { schedule } = this.stock;
    for (;;) {
      const [entry] = schedule.take(undefined, 1, () => true);
      if (entry === undefined || !isExpired(entry, this.options.ttlMs, now)) return entry;
      this.stock.ends.expire(entry, true, now);
    }
  }

  #held(receipt: unknown, consumer: string | undefined, now: Instant, also: Leniency = {}): Entry | Problem {
    const entry = entryFor(this, { consumer, receipt, ...also }, now);
    if ('code' in entry || entry.state !== 'ending') return entry;
    return problem('lease-lost', `message ${entry.seq} of ${this.name} is being acknowledged`);
  }

  #handle<Item>(request: number, items: readonly Item[], now: Instant, handle: (item: Item) => Handled): void {
    const results = items.map(handle);
    this.#replySettled(request, { kind: 'handled', results });
    this.#desk.settled((why, at) => why === undefined && this.proceed(at)); // groups go on when an end is durable
    this.proceed(now);
  }

  #replySettled(request: number, reply: QueueReply): void {
    this.#desk.settled((why) => this.#desk.reply(request, why === undefined ? done(reply) : failed(why)));
  }

  #received(leases: readonly Lease[]): QueueReply {
    return { createdAt: this.createdAt, kind: 'received', leases, queue: this.number };
  }

  /** Answers a receive with what is there; false where that is nothing. */
  #give({ request, max, visibilityMs, consumer, groupMax }: Waiter, now: Instant): boolean {
    const { stock, options } = this;
    if (stock.closed) return false;
    const room = Math.min(max, stock.leases.tokens, options.leasesMax - stock.leases.count);
    const taken = takeUpTo(stock, { consumer, groupMax, room, ttlMs: options.ttlMs }, now);
    if (taken.length === 0) return false;
    for (const entry of taken) {
      if (entry.about.guarantee !== 'fire-and-forget') {
        stock.grant(entry, consumer, visibilityMs ?? options.visibilityMs, now);
      } else {
        entry.receives++;
        entry.firstAt ??= now;
        stock.ends.finish(entry, 'done', true);
      }
    }
    stock.reserve();
    const reply = done(this.#received(taken.map((entry) => leaseOf(entry, options.kind, stock.receiptEnd))));
    // Why not at once what is gone with this: where the node dies before that is stored, it would come twice.
    const isHeld = taken.every(({ about }) => about.guarantee !== 'fire-and-forget');
    if (options.leaseWriteMs > 0 && isHeld && this.#unanswered === 0) {
      this.#desk.reply(request, reply);
      return true;
    }
    this.#unanswered++;
    this.#desk.settled((why) => {
      this.#unanswered--;
      this.#desk.reply(request, why === undefined ? reply : failed(why));
    });
    return true;
  }
}

export type Leaving = Extract<StoredMove, { readonly role: 'leaving' }>;

const OK: Handled = { ok: true };

/** A receive that does not want to wait waits for storage all the same, but not longer. */
const HASTY_MS = 5_000;
/** Limit: receives that wait for one queue. */
const WAITING_MAX = 10_000;
/** Limit: named consumers of one queue. */
const CONSUMERS_MAX = 1_000;
