/**
 * A queue as one would write it without a disk, memory limits or haste: a list of messages, looked through from the start.
 *
 * It refuses to guess when a message is swept whose time is up: that is anybody's choice within `SWEPT_MS`, and `swept`
 * is told of it.
 */
import type { QueueOptions } from '../../../src/engine/core/queues/options.ts';

export const SWEPT_MS = 1_000;

export interface NaiveMessage {
  readonly id: number;
  readonly rank: number;
  readonly group: string | undefined;
  /** Its time is up then. */
  readonly end: number;
  due: number;
  receives: number;
  /** The newest receipt that may still be good for something. */
  receipt: string | undefined;
  leaseUntil: number | undefined;
  /** What a node that dies forgets is the lease that is not written yet. */
  writtenAt: number;
  /** Since when nobody has had it. */
  freeSince: number;
}

type End = 'done' | 'dead' | 'expired' | 'purged';

export class NaiveQueue {
  readonly options: QueueOptions;
  messages: NaiveMessage[] = [];
  sent = 0;
  readonly ends: Record<End, number> = { dead: 0, done: 0, expired: 0, purged: 0 };
  now: number;
  /** No receipt is good for anything whose token is not beyond those before. */
  token = 0;

  constructor(options: QueueOptions, now: number) {
    this.options = options;
    this.now = now;
  }

  send(id: number, { rank, group, delayMs, ttlMs }: Sending): void {
    const ends = [ttlMs, this.options.ttlMs].map((ms) => this.now + (ms ?? Number.POSITIVE_INFINITY));
    this.sent++;
    this.messages.push({
      due: this.now + (delayMs ?? this.options.delayMs),
      end: Math.min(...ends),
      freeSince: this.now,
      group,
      id,
      leaseUntil: undefined,
      rank,
      receipt: undefined,
      receives: 0,
      writtenAt: 0,
    });
  }

  get leased(): readonly NaiveMessage[] {
    return this.messages.filter(({ leaseUntil }) => leaseUntil !== undefined);
  }

  get delayed(): readonly NaiveMessage[] {
    return this.messages.filter(({ due, leaseUntil }) => leaseUntil === undefined && due > this.now);
  }

  /** Those that one receive could bring now, in order. `mine`: what it has brought already, at most `groupMax` of a group. */
  receivable(mine: ReadonlySet<number> = new Set(), groupMax = 1): readonly NaiveMessage[] {
    const { now } = this;
    // One that is both delayed and over holds up its group until it is swept.
    const free = this.messages.filter(
      ({ leaseUntil, end, due }) => leaseUntil === undefined && Math.max(end, due) > now,
    );
    const open = free.filter((message) => message.due <= now && this.#isItsTurn(message, free, mine, groupMax));
    return open.sort((a, b) => a.rank - b.rank || a.id - b.id);
  }

  grant(message: NaiveMessage, receipt: string, visibilityMs: number): void {
    message.receives++;
    message.receipt = receipt;
    message.leaseUntil = this.now + visibilityMs;
    message.writtenAt = this.now + this.options.leaseWriteMs;
  }

  /** The message whose lease this receipt is. */
  held(receipt: string): NaiveMessage | undefined {
    return this.leased.find((message) => message.receipt === receipt);
  }

  /** The message that may be acknowledged or held on to with it: nobody has had it since. */
  latest(receipt: string): NaiveMessage | undefined {
    const late = this.options.kind === 'fifo' ? undefined : this.messages.find((one) => one.receipt === receipt);
    return this.held(receipt) ?? late;
  }

  /** The message of a lenient receipt that is not its newest: not a lease of its own, and of no fifo queue. */
  earlier(receipt: string): NaiveMessage | undefined {
    if (this.options.kind === 'fifo') return undefined;
    const [id, token] = receipt.split('.').map(Number);
    const message = this.messages.find((one) => one.id === id);
    const newest = Number(message?.receipt?.split('.')[1] ?? 0);
    return newest > (token ?? 0) ? message : undefined;
  }

  end(message: NaiveMessage, as: End): void {
    this.messages = this.messages.filter((one) => one !== message);
    this.ends[as]++;
  }

  giveBack(message: NaiveMessage, how: 'nacked' | 'released' | 'timed-out', delayMs?: number): void {
    const { maxReceives, retry } = this.options;
    message.leaseUntil = undefined;
    message.freeSince = this.now;
    if (how !== 'timed-out') message.receipt = undefined;
    if (how === 'released') message.receives--;
    const backoff = how === 'nacked' ? Math.min(retry.maxMs, retry.baseMs * retry.factor ** (message.receives - 1)) : 0;
    if (message.end <= this.now) this.expire(message);
    else if (how !== 'released' && message.receives >= (maxReceives ?? Number.POSITIVE_INFINITY))
      this.end(message, 'dead');
    else message.due = this.now + (delayMs ?? backoff);
  }

  expire(message: NaiveMessage): void {
    this.end(message, this.options.expired === 'drop' ? 'expired' : 'dead');
  }

  pass(ms: number): void {
    const end = this.now + ms;
    const ending = this.leased.filter(({ leaseUntil = end }) => leaseUntil <= end);
    for (const message of ending) {
      this.now = message.leaseUntil ?? end;
      this.giveBack(message, 'timed-out');
    }
    this.now = end;
  }

  /** The node dies and starts again. */
  restart(): void {
    for (const message of this.messages) {
      if (message.leaseUntil !== undefined && message.writtenAt <= this.now) continue;
      message.receipt = undefined;
      if (message.leaseUntil === undefined) continue;
      message.leaseUntil = undefined;
      message.receives--;
    }
  }

  purge(): void {
    this.ends.purged += this.messages.length;
    this.messages = [];
  }

  #isItsTurn(one: NaiveMessage, free: readonly NaiveMessage[], mine: ReadonlySet<number>, groupMax: number): boolean {
    if (this.options.kind !== 'fifo') return true;
    const before = this.leased.filter(({ group, id }) => group === one.group && id < one.id);
    const isFirst = free.every(({ group, id }) => group !== one.group || id >= one.id);
    return isFirst && before.length < groupMax && before.every(({ id }) => mine.has(id));
  }
}

export interface Sending {
  readonly rank: number;
  readonly group: string | undefined;
  readonly delayMs: number | undefined;
  readonly ttlMs: number | undefined;
}
