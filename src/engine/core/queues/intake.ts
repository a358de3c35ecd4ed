import { type Instant, NEVER } from '../base/instant.ts';
import { type Problem, problem } from '../base/problems.ts';
import { aboutElsewhere } from './dead-letter.ts';
import { Dedupe } from './dedupe.ts';
import type { Desk, Transfer } from './desk.ts';
import type { NewMessage, StoredDelivery, StoredQueue } from './effects.ts';
import type { Order, Sent } from './messages.ts';
import { isMoving, type Place } from './move.ts';
import type { QueueOptions } from './options.ts';
import { dueOf, guaranteeOf, isForSeveral, messageOf, refusal } from './sending.ts';
import type { Stock } from './stock.ts';

/** The queue that messages come to. */
interface Target {
  readonly name: string;
  readonly number: number;
  readonly options: QueueOptions;
  readonly moving: { readonly to: Place } | undefined;
  readonly stock: Stock;
  proceed(now: Instant): void;
}

/**
 * How messages come into a queue: judged, numbered, written, and, once they are durable, to be received.
 *
 * Invariant: of an order that was refused, by the queue or by the disk, nothing is remembered: no id, no count of it.
 */
export class Intake {
  readonly #desk: Desk;
  readonly #queue: Target;
  #dedupe = new Dedupe([]);
  #consumers = new Set<string>();
  /** Orders refused in this life of the node. */
  refused = 0;

  constructor(desk: Desk, queue: Target) {
    this.#desk = desk;
    this.#queue = queue;
  }

  get consumers(): ReadonlySet<string> {
    return this.#consumers;
  }

  /** Begins, or begins again, with what is stored. */
  open({ dedupe, consumers }: StoredQueue): void {
    this.#dedupe = new Dedupe(dedupe);
    this.#consumers = new Set(consumers);
  }

  /** Whether that changes anything; it is written then. */
  subscribe(name: string, subscribed: boolean): boolean {
    if (this.#consumers.has(name) === subscribed) return false;
    if (subscribed) this.#consumers.add(name);
    else this.#consumers.delete(name);
    this.#desk.write(this.#queue.number, { kind: 'consumer', name, queue: this.#queue.number, subscribed });
    return true;
  }

  deadline(): Instant {
    return this.#dedupe.deadline() ?? NEVER;
  }

  /** All messages go: what was sent before may be sent again. */
  purge(): void {
    if (this.#dedupe.size === 0) return;
    this.#dedupe = new Dedupe([]);
    this.#desk.write(this.#queue.number, { kind: 'forget', queue: this.#queue.number, through: NEVER });
  }

  /** Forgets ids whose time is up. */
  advance(now: Instant): void {
    const queue = this.#queue.number;
    if (this.#dedupe.forget(now)) this.#desk.write(queue, { kind: 'forget', queue, through: now }, true);
  }

  /** A message comes from another queue of this node. Dead letters are taken though the queue be full. */
  admit({ from, entry, dead }: Transfer, now: Instant): Problem | undefined {
    if (this.#queue.stock.isReopening) return problem('store-failed', `${this.#queue.name} is read anew from its disk`);
    if (this.#queue.moving !== undefined) return isMoving(this.#queue.name, this.#queue.moving.to);
    const { messagesMax, bytesMax, kind } = this.#queue.options;
    const { counts } = this.#queue.stock;
    const isFull =
      (messagesMax !== null && counts.messages >= messagesMax) ||
      (bytesMax !== null && counts.bytes + entry.bytes > bytesMax);
    if (isFull && dead === undefined) return problem('queue-full', `${this.#queue.name} is full`);
    const rank = entry.about.rank ?? entry.rank;
    const about = aboutElsewhere(entry, dead === undefined ? undefined : from.name, kind === 'priority' ? 0 : rank);
    const group = entry.group ?? (kind === 'fifo' ? from.name : undefined);
    const message: NewMessage = {
      ...this.#next(entry.bytes, now),
      rank: kind === 'priority' ? rank : 0,
      ...(group !== undefined && { group }),
      ...(about !== undefined && { about }),
      ...(dead !== undefined && { dead }),
    };
    const contentSeq = entry.delivery?.of ?? entry.seq;
    this.#desk.write(this.#queue.number, {
      contentSeq,
      kind: 'copy',
      message,
      queue: from.number,
      to: this.#queue.number,
    });
    const { life } = this.#queue.stock;
    this.#desk.settled((why, at) => {
      if (why !== undefined || life !== this.#queue.stock.life) return;
      this.#queue.stock.arrived(message, undefined, at);
      this.#queue.proceed(at);
    });
    return undefined;
  }

  isForgettable(order: Order): boolean {
    return guaranteeOf(order, this.#queue.options) === 'fire-and-forget';
  }

  /** Takes one order in; it may be received when that is durable. */
  accept(order: Order, accepted: Accepted[], now: Instant): Sent {
    const { dedupeId } = order;
    const known = dedupeId === undefined ? undefined : this.#dedupe.of(dedupeId, now);
    if (known !== undefined) return { duplicate: true, id: known };
    const why = this.#desk.refusal(now) ?? refusal(order, this.#terms);
    if (why !== undefined) {
      this.refused++;
      if (why.code === 'store-failed' && this.isForgettable(order)) this.#queue.stock.counts.lost++;
      return { problem: why };
    }
    const guarantee = guaranteeOf(order, this.#queue.options);
    const { seq, sentAt } = this.#next(order.bytes, now);
    const message = messageOf(order, guarantee, seq, sentAt, this.#queue.options);
    const due = dueOf(order, this.#queue.options, now);
    this.#desk.write(
      this.#queue.number,
      { content: order.content, kind: 'insert', message, queue: this.#queue.number },
      true,
    );
    if (dedupeId !== undefined) this.#remember(dedupeId, seq, now);
    const delivery = isForSeveral(guarantee) ? this.#deliver(order, message) : undefined;
    if (due !== undefined) for (const one of delivery?.copies ?? [message]) this.#park(one.seq, due);
    accepted.push({ dedupeId, delivery, due, isForgettable: guarantee === 'fire-and-forget', message });
    return { id: seq };
  }

  arrive({ message, delivery, due }: Accepted, now: Instant): void {
    if (delivery === undefined) this.#queue.stock.arrived(message, due, now);
    else this.#queue.stock.arrivedFor(delivery, due, now);
  }

  /** The disk has refused it: as if it had never come. */
  takeBack({ message, delivery, dedupeId, isForgettable }: Accepted): void {
    const { counts } = this.#queue.stock;
    const count = delivery?.copies.length ?? 1;
    counts.sent -= count;
    counts.messages -= count;
    counts.bytes -= message.bytes;
    if (dedupeId !== undefined) this.#dedupe.delete(dedupeId);
    this.refused++;
    if (isForgettable) counts.lost++;
  }

  /** An id for a message that is sent now. */
  #next(bytes: number, now: Instant): { readonly seq: number; readonly sentAt: Instant; readonly bytes: number } {
    const { counts } = this.#queue.stock;
    const sentAt = Math.max(now, counts.newestAt);
    counts.newestAt = sentAt;
    counts.sent++;
    counts.messages++;
    counts.bytes += bytes;
    return { bytes, sentAt, seq: counts.next++ };
  }

  /** One copy for each consumer; they, not the message, are what is counted. */
  #deliver(order: Order, message: NewMessage): StoredDelivery {
    const { counts } = this.#queue.stock;
    const copies = [...this.#consumers].map((consumer) => ({ consumer, seq: counts.next++ }));
    counts.sent += copies.length - 1;
    counts.messages += copies.length - 1;
    const needed = order.quorum ?? copies.length;
    const queue = this.#queue.number;
    this.#desk.write(queue, { copies, kind: 'deliveries', needed, of: message.seq, queue }, true);
    return { copies, message, needed };
  }

  #park(seq: number, due: Instant): void {
    const state = { due, history: [], receives: 0 };
    this.#desk.write(this.#queue.number, { kind: 'state', queue: this.#queue.number, seq, state }, true);
  }

  #remember(key: string, seq: number, now: Instant): void {
    const until = now + this.#queue.options.dedupeMs;
    this.#dedupe.remember(key, seq, until);
    this.#desk.write(this.#queue.number, { key, kind: 'dedupe', queue: this.#queue.number, seq, until }, true);
  }

  get #terms() {
    const { name, options, stock } = this.#queue;
    const { counts, deliveries } = stock;
    return { consumers: this.#consumers, counts, deliveries: deliveries.open, ids: this.#dedupe.size, name, options };
  }
}

/** A message that waits to be durable. */
export interface Accepted {
  readonly message: NewMessage;
  readonly delivery: StoredDelivery | undefined;
  readonly due: Instant | undefined;
  readonly dedupeId: string | undefined;
  readonly isForgettable: boolean;
}
