/**
 * Messages of one queue as they come, each with a lease that is kept up until somebody has said what becomes of it.
 *
 *     receive ──► ready ──(next)──► begun ──(ack, nack, release, lost)──► gone
 *        ▲          │                                │
 *        │          └── stop: released               │
 *        └───── while ready + begun < prefetch ◄─────┘
 *
 * One receive is under way at a time. It waits on the queue's node until there is something; when there is trouble, it is
 * tried again after pauses that grow. While each brings as many as it asked for, a second one is under way that does not
 * wait, so that there is something to work on while the other is answered. Leases of what is ready or begun are extended when a third of them is over.
 *
 * Limit: where an answer with messages is lost on its way, they come again when their leases end.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ProblemError, problemError } from '../../problem-error.ts';
import type { ConsumeOptions, Consumption, QueueInfo, QueueMessage, ReceivedMessage } from '../../queues-api.ts';
import { HeldMessage } from './held-message.ts';
import { ANSWER_MS, isPassing, type QueueCalls } from './queue-calls.ts';
import { Receipts } from './receipts.ts';

const PREFETCH = 100;
/** Where the queue's own is 0: those that receive from it say how long they need, and nobody does here. */
const VISIBILITY_MS = 30_000;
const GRACE_MS = 30_000;
/** How long a receive that is under way may still bring something once it is to end: what is dropped there comes late. */
const LAST_MS = 200;
/** How long one receive waits where there is nothing. Shorter: more idle calls. Longer: a dead node is noticed later. */
const WAIT_MS = 20_000;
const PAUSE_MS = 100;
const PAUSE_MS_MAX = 5_000;
const RECEIVE_MAX = 1_000;
/** Fewer are not worth a second receive. */
const SECOND_MIN = 50;
/** How often a queue that gave nothing is asked again while something is worked on, where it is to end when nothing comes. */
const LOOK_MS = 200;

type Next = IteratorResult<QueueMessage, undefined>;
const END: Next = { done: true, value: undefined };

export class Consuming implements Consumption {
  readonly closed: Promise<void>;
  readonly #calls: QueueCalls;
  readonly #receipts: Receipts;
  readonly #options: ConsumeOptions;
  readonly #prefetch: number;
  /** Undefined until it is known. */
  #visibilityMs: number | undefined;
  /** So many more may be received. */
  #left: number;
  /** Received and not begun, in order. */
  #ready: HeldMessage[] = [];
  /** Begun, and nobody has said what becomes of them. */
  readonly #begun = new Set<HeldMessage>();
  /** Those who wait for a message; while there are any, none is ready. */
  readonly #waiting: PromiseWithResolvers<Next>[] = [];
  readonly #closed = Promise.withResolvers<void>();
  /** Ends the receive that is under way. */
  readonly #stopping = new AbortController();
  /** Wakes the receiving when there is room. */
  #wake: (() => void) | undefined;
  #receiving: Promise<void> = Promise.resolve();
  /** The second one, where there is one. */
  #second: Promise<void> | undefined;
  /** How many those that are under way asked for. */
  #asked = 0;
  /** Whether the last one brought all that it asked for. */
  #isFull = false;
  /** Resolves when all that was asked before is here: messages stay in order. */
  #before: Promise<unknown> = Promise.resolve();
  /** Set while it waits at its end, called when nothing is begun any more. */
  #idle: (() => void) | undefined;
  /** Whether somebody wants it to end, as opposed to its own end. */
  #isTold = false;
  #grace: NodeJS.Timeout | undefined;
  #error: unknown;
  #extending: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;
  readonly #aborted = () => void this.stop();

  constructor(calls: QueueCalls, options: ConsumeOptions) {
    const { consumer, prefetch = PREFETCH, signal, visibilityMs } = options;
    this.#calls = calls;
    this.#options = options;
    this.#receipts = new Receipts(calls, consumer);
    this.#prefetch = Math.max(1, prefetch);
    this.#left = options.max ?? Number.POSITIVE_INFINITY;
    this.closed = this.#closed.promise;
    this.closed.catch(() => undefined); // whoever wants to know asks
    if (visibilityMs !== undefined) this.#leaseFor(visibilityMs);
    signal?.addEventListener('abort', this.#aborted, { once: true });
    void calls.over.then((reason) => this.#fail(problemError('nobody-there', reason)));
    if (signal?.aborted) void this.stop();
    else this.#receiving = this.#receive();
  }

  get held(): number {
    return this.#ready.length + this.#begun.size;
  }

  /** Hears of each message that was settled, or lost. */
  settled(message: HeldMessage): void {
    this.#begun.delete(message);
    if (this.#begun.size === 0) this.#idle?.();
    if (this.#wants > 0) this.#wake?.();
  }

  next(): Promise<Next> {
    if (this.#error !== undefined) {
      const error = this.#error;
      this.#error = undefined;
      return Promise.reject(error);
    }
    if (this.#stopped !== undefined) return Promise.resolve(END);
    const message = this.#nextReady();
    if (message !== undefined) return Promise.resolve({ done: false, value: message });
    const waiter = Promise.withResolvers<Next>();
    this.#waiting.push(waiter);
    if (this.#wants > 0) this.#wake?.();
    return waiter.promise;
  }

  /** The next message, and what else is there, up to `max` of them; none at the end. */
  async nextBatch(max: number): Promise<readonly QueueMessage[]> {
    const first = await this.next();
    if (first.done) return [];
    const more = this.#ready.splice(0, max - 1);
    for (const message of more) this.#begin(message);
    if (this.#wants > 0) this.#wake?.();
    return [first.value, ...more];
  }

  /** The next one where there is one at once. */
  #nextReady(): HeldMessage | undefined {
    if (this.#error !== undefined || this.#stopped !== undefined) return undefined;
    if (this.#ready.length <= 1 && this.#left === 0) queueMicrotask(() => void this.#end()); // that was the last one
    const message = this.#ready.shift();
    if (message === undefined) return undefined;
    this.#begin(message);
    if (this.#wants > 0) this.#wake?.();
    return message;
  }

  stop(): Promise<void> {
    this.#isTold = true;
    const stopped = this.#end();
    this.#limit();
    return stopped;
  }

  /** Its own end: there is nothing more, and what is begun keeps its lease for as long as it takes. */
  #end(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Only where it is told to end, what is begun has `graceMs`. */
  #limit(): void {
    if (!this.#isTold || this.#idle === undefined) return;
    this.#grace ??= setTimeout(() => this.#idle?.(), this.#options.graceMs ?? GRACE_MS);
  }

  [Symbol.asyncIterator](): AsyncIterator<QueueMessage, undefined> {
    const auto = this.#options.ack !== 'manual';
    let last: HeldMessage | undefined;
    const finish = () => {
      const before = last;
      last = undefined;
      if (before?.isSettled === false) before.done(troubled);
    };
    const troubled = (error: unknown) => this.#trouble(error);
    const later = async () => {
      const next = await this.next();
      if (!auto) return next;
      if (next.done !== true) last = next.value as HeldMessage;
      else await this.#end(); // with it, all acknowledgements have their answers
      return next;
    };
    return {
      next: () => {
        finish();
        const message = this.#nextReady();
        if (message === undefined) return later();
        if (auto) last = message;
        return Promise.resolve({ done: false, value: message });
      },
      // Why released: nobody can know whether the loop was left because the work was done, or because it failed.
      return: async () => {
        const before = last;
        last = undefined;
        if (before?.isSettled === false) await before.release().catch((error: unknown) => this.#trouble(error));
        const stopped = this.stop();
        if (auto) await stopped;
        return END;
      },
    };
  }

  /** Room for so many; 0 while what there is lasts for a while, so that few calls bring many messages each. */
  get #wants(): number {
    const room = Math.min(this.#prefetch - this.held, this.#left) - this.#asked;
    return room * 2 >= this.#prefetch || this.#ready.length === 0 ? Math.max(0, room) : 0;
  }

  async #receive(): Promise<void> {
    let pauseMs = PAUSE_MS;
    let seen = this.#options.awaitQueue === true;
    let inTrouble = false;
    while (this.#stopped === undefined && this.#left > 0) {
      if (this.#wants === 0) await this.#roomy();
      this.#wake = undefined;
      if (this.#stopped !== undefined || this.#wants === 0) continue;
      const wasQuiet = this.held === 0 && this.#receipts.isIdle && this.#second === undefined;
      // Why the first does not wait: a queue whose node goes away meanwhile was there, one that never was is told at once; nor
      // the first after a trouble: that it is over is told at once.
      const isFirst = (!seen && this.#options.idleMs !== 0) || inTrouble;
      const max = Math.min(RECEIVE_MAX, this.#wants, this.#isFull ? this.#half : RECEIVE_MAX);
      try {
        if (this.#visibilityMs === undefined) await this.#askVisibility();
        if (this.#stopped !== undefined) return;
        const asked = this.#ask(max, isFirst ? 0 : undefined);
        if (this.#isFull) this.#another();
        const count = await asked;
        pauseMs = PAUSE_MS;
        seen = true;
        if (inTrouble) this.#options.onWell?.();
        inTrouble = false;
        if (count > 0 || isFirst || this.#options.idleMs === undefined) continue;
        // Why not before all is settled: that may make room for others of its group, or come again.
        if (wasQuiet && this.#second === undefined) this.#left = 0;
        else await Promise.race([this.#quiet(), pause(LOOK_MS, undefined, { ref: false })]);
      } catch (error) {
        if (this.#stopped !== undefined) return;
        const isMissing = error instanceof ProblemError && error.code === 'queue-unknown';
        if (!isPassing(error) || (isMissing && !seen)) return this.#fail(error);
        this.#trouble(error);
        inTrouble = true;
        await pause(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
        pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
      }
    }
    if (this.#ready.length === 0) void this.#end();
  }

  /** Why asked for: to extend leases in time, it must be known how long they are. */
  async #askVisibility(): Promise<void> {
    const { options } = await this.#calls.call<QueueInfo>('info', {}, { signal: this.#stopping.signal });
    this.#leaseFor(options.visibilityMs || VISIBILITY_MS);
  }

  #leaseFor(visibilityMs: number): void {
    this.#visibilityMs = visibilityMs;
    this.#extending = setInterval(() => this.#extend(visibilityMs), Math.max(10, visibilityMs / 3));
  }

  /** A second receive, beside the next one, as long as there is room for both. What is wrong with it, the other one finds, too. */
  #another(): void {
    const max = Math.min(RECEIVE_MAX, this.#half, this.#wants);
    if (max < SECOND_MIN || this.#second !== undefined || this.#stopped !== undefined) return;
    this.#second = this.#ask(max, 0)
      .catch(() => 0)
      .then((count) => {
        this.#second = undefined;
        if (count === max) this.#another();
        this.#wake?.();
      });
  }

  get #half(): number {
    return Math.ceil(this.#prefetch / 2);
  }

  /** How many came. */
  #ask(max: number, waitMs?: number): Promise<number> {
    this.#asked += max;
    const before = this.#before;
    const answer = this.#once(max, waitMs);
    this.#before = answer.catch(() => undefined);
    return before
      .then(() => answer)
      .then(
        (messages) => {
          this.#asked -= max;
          this.#isFull = messages.length === max;
          this.#take(messages);
          return messages.length;
        },
        (error: unknown) => {
          this.#asked -= max;
          throw error;
        },
      );
  }

  /** Resolves when all that is here is settled, and its node has said so. */
  async #quiet(): Promise<void> {
    while (this.held > 0 && this.#stopped === undefined) await this.#roomy();
    await this.#receipts.idle();
  }

  #roomy(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  async #once(max: number, wait?: number): Promise<readonly ReceivedMessage[]> {
    const { consumer, groupMax, idleMs = WAIT_MS } = this.#options;
    const waitMs = wait ?? idleMs;
    const argument = {
      max,
      visibilityMs: this.#visibilityMs,
      waitMs,
      ...(consumer === undefined ? {} : { consumer }),
      ...(groupMax === undefined ? {} : { groupMax }),
    };
    const options = { signal: this.#stopping.signal, timeoutMs: waitMs + ANSWER_MS };
    return await this.#calls.received(argument, options);
  }

  #take(received: readonly ReceivedMessage[]): void {
    this.#left -= received.length;
    for (const one of received) {
      const message = new HeldMessage(this.#calls.name, one, this.#receipts, this);
      const waiter = this.#stopped === undefined ? this.#waiting.shift() : undefined;
      if (waiter === undefined) this.#ready.push(message);
      else {
        this.#begin(message);
        waiter.resolve({ done: false, value: message });
      }
    }
  }

  #begin(message: HeldMessage): void {
    if (!message.isSettled) this.#begun.add(message);
  }

  #extend(visibilityMs: number): void {
    for (const message of [...this.#begun, ...this.#ready]) {
      if (message.isSettled) continue;
      message.extend(visibilityMs).catch((error: unknown) => {
        if (error instanceof ProblemError && error.code === 'lease-lost') this.#lose(message);
        else this.#trouble(error);
      });
    }
  }

  #lose(message: HeldMessage): void {
    if (message.isSettled) return;
    this.#ready = this.#ready.filter((one) => one !== message);
    message.lose();
  }

  async #stop(): Promise<void> {
    // Why later: `#stopped` must be set before anybody looks.
    await Promise.resolve();
    this.#wake?.();
    for (const { resolve } of this.#waiting.splice(0)) resolve(END);
    const late = setTimeout(() => this.#stopping.abort(), LAST_MS);
    await Promise.all([this.#releaseReady(), this.#receiving, this.#second]);
    clearTimeout(late);
    await this.#releaseReady();
    if (this.#begun.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
        this.#limit();
      });
      this.#idle = undefined;
      clearTimeout(this.#grace);
    }
    this.#options.signal?.removeEventListener('abort', this.#aborted);
    clearInterval(this.#extending);
    await Promise.allSettled([...this.#begun].map((message) => message.release()));
    await this.#receipts.idle();
    this.#closed.resolve();
  }

  async #releaseReady(): Promise<void> {
    const ready = this.#ready.filter(({ isSettled }) => !isSettled);
    this.#ready = [];
    const settled = await Promise.allSettled(ready.map((message) => message.release()));
    for (const one of settled) if (one.status === 'rejected') this.#trouble(one.reason);
  }

  #fail(error: unknown): void {
    if (this.#stopped !== undefined) return void this.stop();
    this.#closed.reject(error);
    const first = this.#waiting.shift();
    if (first === undefined) this.#error = error;
    else first.reject(error);
    void this.stop();
  }

  #trouble(error: unknown): void {
    if (error instanceof ProblemError) this.#options.onTrouble?.(error.problem);
  }
}
