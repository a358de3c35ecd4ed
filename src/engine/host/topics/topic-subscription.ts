/**
 * A subscription that outlives its link: what the user of the library holds.
 *
 *     deliver ──► queue ──► for await … or onMessage ──► taken, told to the node
 *                            link lost ──► the next link: subscribed again, the next message says `interrupted`
 *
 * It refuses to guess what was missed meanwhile: it says that nobody knows. A reader of what is kept goes on after the last
 * message that it got (`kept-position.ts`), and misses nothing.
 */
import { type Problem, problem } from '../../core/base/problems.ts';
import {
  COST_BYTES,
  type DeliverMessage,
  type DeliverRunMessage,
  type KeptMessage,
} from '../../core/topics/messages.ts';
import { ProblemError } from '../../problem-error.ts';
import type { SubscribeOptions, Subscription, TopicMessage } from '../../topics-api.ts';
import { reasonOf } from '../call-request.ts';
import { wallClock } from '../clock.ts';
import { type FarLink, readFar } from './far-reading.ts';
import { Inbox } from './inbox.ts';
import { KeptPosition, OPEN_MAX, type ReadRequest } from './kept-position.ts';
import type { Listening, Sink, SubscribeRequest } from './link-topics.ts';
import { headerNamed } from './message-key.ts';
import type { About, Publish, ReceivedMessage } from './received-message.ts';

/** Something that can subscribe: one link. */
export interface Listener extends FarLink {
  listen(request: SubscribeRequest, sink: Sink): Listening;
  read(request: ReadRequest, sink: Sink): Listening;
}

/** Who asked for a message that has not come. */
interface Waiting {
  readonly resolve: (result: IteratorResult<ReceivedMessage>) => void;
  readonly reject: (error: Error) => void;
}

export class TopicSubscription implements Subscription {
  readonly patterns: readonly string[];
  readonly closed: Promise<void>;
  missed = 0;
  interruptions = 0;
  readonly #request: SubscribeRequest;
  readonly #options: SubscribeOptions;
  /** Of a reader of what is kept. */
  readonly #kept: KeptPosition | undefined;
  /** To be told as acknowledged, with all before it, at the end of this turn. */
  #untold: number | undefined;
  /** Whether it goes on when its link is lost. */
  readonly #survives: boolean;
  readonly #over: (subscription: TopicSubscription) => void;
  readonly #inbox: Inbox;
  /** While there are any, the inbox is empty. */
  readonly #waiting: Waiting[] = [];
  readonly #ready = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #listening: Listening | undefined;
  /** To be told with the next message. */
  #interrupted = false;
  #ended = false;
  /** What was handed over last. */
  #last: ReceivedMessage | undefined;
  /** Nothing more is handed to `onMessage`. */
  #deaf = false;
  /** A message is with `onMessage`. */
  #handling = false;
  /** What whoever asks for another message is told, once. */
  #error: Error | undefined;
  readonly #aborted = () => void this.close();

  constructor(
    patterns: string | readonly string[],
    options: SubscribeOptions,
    life: {
      readonly survives: boolean;
      readonly over: (subscription: TopicSubscription) => void;
      /** For replies. */
      readonly publish: Publish;
    },
  ) {
    this.patterns = typeof patterns === 'string' ? [patterns] : [...patterns];
    this.#options = options;
    this.#kept = KeptPosition.of(this.patterns, options, wallClock);
    this.#survives = life.survives;
    this.#over = life.over;
    this.#inbox = new Inbox({
      broken: () => this.missed++,
      // Why: the link on which it could be acknowledged is gone.
      isAnothers: (message, by) => message.kind === 'deliver' && message.tag !== undefined && by !== this.#listening,
      publish: life.publish,
      settler: (message, by) => this.#settler(message, by),
      taken: (by, bytes) => by === this.#listening && by?.taken(bytes),
    });
    this.closed = this.#closed.promise;
    this.closed.catch(() => undefined); // whoever wants to know asks
    this.#ready.promise.catch(() => undefined);
    this.#request = requestOf(this.patterns, options);
    const { signal } = options;
    signal?.addEventListener('abort', this.#aborted, { once: true });
  }

  /** Resolves with itself once it is effective; rejects, and is over, where it is not within its time. */
  async effective(): Promise<this> {
    const { timeoutMs = READY_MS, signal } = this.#options;
    const text = `nobody said within ${timeoutMs} ms that the subscription is effective`;
    const timer = setTimeout(() => this.fail(problem('timed-out', text, { outcome: 'did-not-happen' })), timeoutMs);
    const flaw = KeptPosition.flaw(this.#options);
    if (flaw !== undefined) this.fail(flaw);
    if (signal?.aborted) this.fail(problem('cancelled', `cancelled: ${reasonOf(signal)}`));
    try {
      await this.#ready.promise;
    } finally {
      clearTimeout(timer);
    }
    return this;
  }

  /** Subscribes on a link, in place of the last one. */
  listenOn(link: Listener): void {
    if (this.#ended || KeptPosition.flaw(this.#options) !== undefined) return;
    this.interrupt();
    const sink: Sink = {
      ended: (why) => {
        if (this.#listening !== listening) return;
        if (this.#survives && why.code === 'link-lost') this.interrupt();
        else this.fail(why);
      },
      kept: (message) => {
        if (this.#kept?.received(message.sequence)) this.#take(message, listening);
        else listening?.taken(message.payload.size + COST_BYTES);
      },
      message: (message) => this.#take(message, listening),
      missed: (count) => {
        this.missed += count;
        this.#inbox.gap(count);
      },
      reading: ({ keep, next }) => {
        if (this.#kept?.reading(keep, next)) this.#interrupted = true;
        if (this.#kept !== undefined && this.#kept.told > 0) listening?.acknowledge(this.#kept.told);
        this.#ready.resolve();
      },
      ready: () => this.#ready.resolve(),
    };
    // Why set before it is there: a link that refuses says so at once.
    let listening: Listening | undefined;
    this.#listening = undefined;
    listening = this.#listenOn(link, sink);
    if (!this.#ended) this.#listening = listening;
  }

  #listenOn(link: Listener, sink: Sink): Listening {
    if (this.#kept === undefined) return link.listen(this.#request, sink);
    const { keptIn } = this.#options;
    const request = this.#kept.request();
    return keptIn === undefined ? link.read(request, sink) : readFar(link, keptIn, request, sink);
  }

  /** Its link is lost, and another is looked for. */
  interrupt(): void {
    if (this.#listening === undefined) return;
    this.#listening.stop();
    this.#listening = undefined;
    if (this.#kept === undefined) this.#interrupted = true;
    this.interruptions++;
  }

  fail(why: Problem): void {
    const error = new ProblemError(why);
    if (!this.#ended) {
      const first = this.#waiting.shift();
      if (first === undefined) this.#error = error;
      else first.reject(error);
    }
    this.#end(() => this.#closed.reject(error));
    this.#ready.reject(error);
  }

  async close(): Promise<void> {
    this.#deaf = true;
    this.#end(() => this.#closed.resolve());
    this.#ready.reject(new ProblemError(problem('cancelled', 'the subscription was closed before it was effective')));
  }

  [Symbol.asyncIterator](): AsyncIterator<ReceivedMessage> {
    return {
      next: () => this.#next(),
      return: async () => {
        await this.close();
        return DONE;
      },
    };
  }

  #next(): Promise<IteratorResult<ReceivedMessage>> {
    const value = this.#handOver();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) return Promise.reject(error);
    if (this.#ended) return Promise.resolve(DONE);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ reject, resolve });
    });
  }

  /** The next message. Asking for it says that the one before was dealt with. */
  #handOver(): ReceivedMessage | undefined {
    if (this.#options.ack !== 'manual') this.#last?.ack();
    this.#last = this.#inbox.next();
    return this.#last;
  }

  #end(settle: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.signal?.removeEventListener('abort', this.#aborted);
    this.#tell();
    this.#listening?.stop();
    this.#listening = undefined;
    for (const { resolve } of this.#waiting.splice(0)) resolve(DONE);
    this.#over(this);
    settle();
  }

  #take(message: DeliverMessage | DeliverRunMessage | KeptMessage, listening: Listening | undefined): void {
    this.missed += message.missed ?? 0;
    if (this.#kept?.isFull) this.fail(problem('limit-exceeded', UNACKNOWLEDGED, { outcome: 'unknown' }));
    if (this.#ended) return;
    const position = message.kind === 'kept' ? this.#kept?.positionOf(message.sequence) : undefined;
    if (!this.#inbox.push(message, listening, this.#interrupted, position)) {
      const text = `the consumer is more than ${this.#inbox.messages} messages behind`;
      this.fail(problem('limit-exceeded', text, { outcome: 'unknown' }));
      return;
    }
    this.#interrupted = false;
    if (this.#options.onMessage !== undefined) this.#pump(this.#options.onMessage);
    else this.#serve();
  }

  /** Gives what has come to those who wait for it. */
  #serve(): void {
    while (this.#waiting.length > 0) {
      const value = this.#handOver();
      if (value === undefined) return;
      this.#waiting.shift()?.resolve({ done: false, value });
    }
  }

  /** Hands over message by message. Why no iterator: a promise for each would cost more than all else. */
  #pump(onMessage: (message: TopicMessage) => unknown): void {
    while (!this.#handling && !this.#deaf) {
      const message = this.#handOver();
      if (message === undefined) return;
      this.#handling = true;
      try {
        const doing = onMessage(message);
        if (doing === undefined || !(doing instanceof Promise || message.wantsReply)) this.#handling = false;
        else void this.#settle(message, doing).then(() => this.#pump(onMessage));
      } catch (error) {
        void this.#threw(message, error).then(() => this.#pump(onMessage));
      }
    }
  }

  async #settle(message: ReceivedMessage, doing: unknown): Promise<void> {
    try {
      const returned = await doing;
      if (returned !== undefined && message.wantsReply) await message.reply(returned);
      this.#handling = false;
    } catch (error) {
      await this.#threw(message, error);
    }
  }

  async #threw(message: ReceivedMessage, error: unknown): Promise<void> {
    const why = thrownBy(error);
    if (message.wantsReply) await message.refuse(new ProblemError(why)).catch(() => undefined);
    else {
      this.#deaf = true;
      this.fail(why);
    }
    this.#handling = false;
  }

  /** Tells that a message is done, or refused; undefined where nobody waits to hear of it. */
  #settler(message: DeliverMessage | KeptMessage, by: Listening | undefined): About['settle'] {
    if (message.kind === 'kept') return (done) => done && this.#acknowledge(message.sequence);
    const { tag } = message;
    return tag === undefined ? undefined : (done) => by?.settle(tag, done);
  }

  /** Why at the end of the turn: the node would hear of each message by itself. */
  #acknowledge(sequence: number): void {
    const told = this.#ended ? undefined : this.#kept?.acknowledge(sequence);
    if (told === undefined) return;
    if (this.#untold === undefined) setImmediate(() => this.#tell());
    this.#untold = told;
  }

  #tell(): void {
    if (this.#untold !== undefined) this.#listening?.acknowledge(this.#untold);
    this.#untold = undefined;
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

function requestOf(patterns: readonly string[], options: SubscribeOptions): SubscribeRequest {
  const { ack = 'auto', ackTimeoutMs, bytesMax, everywhere, group, key, messagesMax, policy, window } = options;
  const acks = group !== undefined && ack !== 'none';
  return {
    patterns,
    ...(group === undefined ? {} : { group }),
    ...(everywhere ? { everywhere } : {}),
    ...(policy === undefined ? {} : { policy }),
    ...(messagesMax === undefined ? {} : { messagesMax }),
    ...(bytesMax === undefined ? {} : { bytesMax }),
    ...(key === undefined ? {} : { key: headerOf(key) }),
    ...(acks || window !== undefined ? { window: window ?? WINDOW } : {}),
    ...(ackTimeoutMs === undefined || !acks ? {} : { settleMs: ackTimeoutMs }),
  };
}

/** Throws `input-invalid` where it names no header. */
function headerOf(key: string): string {
  const name = headerNamed(key);
  if (name !== undefined) return name;
  throw new ProblemError(problem('input-invalid', `a group finds keys in header:NAME, not in "${key}"`));
}

function thrownBy(error: unknown): Problem {
  const cause = error instanceof Error ? error : new Error(String(error));
  if (cause instanceof ProblemError) return cause.problem;
  const { message, name, stack } = cause;
  const told = { cause: { message, name, ...(stack === undefined ? {} : { stack }) } };
  return problem('function-failed', `onMessage threw: ${message}`, told);
}

const READY_MS = 10_000;
const WINDOW = 64;
const UNACKNOWLEDGED = `more than ${OPEN_MAX} messages are not acknowledged: call ack() on each that was dealt with`;
