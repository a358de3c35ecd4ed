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
import { COST_BYTES, type DeliverMessage, type KeptMessage } from '../../core/topics/messages.ts';
import { ProblemError } from '../../problem-error.ts';
import type { SubscribeOptions, Subscription, TopicMessage } from '../../topics-api.ts';
import { reasonOf } from '../call-request.ts';
import { wallClock } from '../clock.ts';
import { ItemQueue } from '../item-queue.ts';
import { KeptPosition, OPEN_MAX, type ReadRequest } from './kept-position.ts';
import type { Listening, Sink, SubscribeRequest } from './link-topics.ts';
import { headerNamed } from './message-key.ts';
import { type Publish, ReceivedMessage } from './received-message.ts';

/** Something that can subscribe: one link. */
export interface Listener {
  listen(request: SubscribeRequest, sink: Sink): Listening;
  read(request: ReadRequest, sink: Sink): Listening;
}

interface Entry {
  readonly message: ReceivedMessage;
  readonly cost: number;
  readonly listening: Listening | undefined;
  /** It was given to a member of a group, which is to acknowledge it. */
  readonly owed: boolean;
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
  readonly #publish: Publish;
  readonly #queue = new ItemQueue<Entry>(() => void this.close());
  readonly #ready = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #listening: Listening | undefined;
  /** To be told with the next message. */
  #gap = 0;
  #interrupted = false;
  #ended = false;
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
    this.#publish = life.publish;
    this.closed = this.#closed.promise;
    this.closed.catch(() => undefined); // whoever wants to know asks
    this.#ready.promise.catch(() => undefined);
    this.#request = requestOf(this.patterns, options);
    const { signal } = options;
    signal?.addEventListener('abort', this.#aborted, { once: true });
    if (options.onMessage !== undefined) void this.#handle(options.onMessage);
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
      missed: (count) => this.#miss(count),
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
    listening = this.#kept === undefined ? link.listen(this.#request, sink) : link.read(this.#kept.request(), sink);
    if (!this.#ended) this.#listening = listening;
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
    this.#queue.fail(error);
    this.#end(() => this.#closed.reject(error));
    this.#ready.reject(error);
  }

  async close(): Promise<void> {
    this.#queue.end();
    this.#end(() => this.#closed.resolve());
    this.#ready.reject(new ProblemError(problem('cancelled', 'the subscription was closed before it was effective')));
  }

  [Symbol.asyncIterator](): AsyncIterator<ReceivedMessage> {
    const entries = this.#queue[Symbol.asyncIterator]();
    let last: ReceivedMessage | undefined;
    return {
      next: async () => {
        if (this.#options.ack !== 'manual') last?.ack();
        for (;;) {
          const next = await entries.next();
          if (next.done) return { done: true, value: undefined };
          if (this.#isAnothers(next.value)) continue;
          this.#taken(next.value);
          last = next.value.message;
          return { done: false, value: last };
        }
      },
      return: async () => {
        await entries.return?.();
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  #end(settle: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.signal?.removeEventListener('abort', this.#aborted);
    this.#tell();
    this.#listening?.stop();
    this.#listening = undefined;
    this.#over(this);
    settle();
  }

  #take(delivered: DeliverMessage | KeptMessage, listening: Listening | undefined): void {
    const { at, by, headers = {}, missed = 0, payload, seq, topic } = delivered;
    this.#miss(missed);
    const cost = payload.size + COST_BYTES;
    const value = payload.value();
    const settle = this.#settler(delivered, listening);
    if (!value.ok) {
      this.#miss(1);
      listening?.taken(cost);
      settle?.(true);
      return;
    }
    const told = { interrupted: this.#interrupted, missed: this.#gap };
    this.#gap = 0;
    this.#interrupted = false;
    const said =
      delivered.kind === 'kept'
        ? { attempt: 1, position: this.#kept?.positionOf(delivered.sequence), sequence: delivered.sequence }
        : { attempt: delivered.attempt ?? 1 };
    const about = {
      headers,
      id: `${by}/${seq}`,
      payload: value.value,
      publisher: by,
      time: at,
      topic,
      ...told,
      ...said,
    };
    const message = new ReceivedMessage(about, this.#publish, settle);
    if (this.#kept?.isFull) this.fail(problem('limit-exceeded', UNACKNOWLEDGED, { outcome: 'unknown' }));
    this.#queue.push({ cost, listening, message, owed: delivered.kind === 'deliver' && delivered.tag !== undefined });
  }

  /** Tells that a message is done, or refused; undefined where nobody waits to hear of it. */
  #settler(
    delivered: DeliverMessage | KeptMessage,
    listening: Listening | undefined,
  ): ((done: boolean) => void) | undefined {
    if (delivered.kind === 'kept') return (done) => done && this.#acknowledge(delivered.sequence);
    const { tag } = delivered;
    return tag === undefined ? undefined : (done) => listening?.settle(tag, done);
  }

  /** Another member of the group has it meanwhile: the link on which it could be acknowledged is gone. */
  #isAnothers({ listening, owed }: Entry): boolean {
    return owed && listening !== this.#listening;
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

  #miss(count: number): void {
    this.#gap += count;
    this.missed += count;
  }

  #taken({ cost, listening }: Entry): void {
    if (listening === this.#listening) listening?.taken(cost);
  }

  async #handle(onMessage: (message: TopicMessage) => unknown): Promise<void> {
    try {
      for await (const message of this) {
        // Why within the loop: leaving it by a throw would close, as if all were well.
        try {
          const doing = onMessage(message);
          const returned = doing instanceof Promise ? await doing : doing;
          if (returned !== undefined && message.wantsReply) await message.reply(returned);
        } catch (error) {
          const why = thrownBy(error);
          if (!message.wantsReply) this.fail(why);
          else await message.refuse(new ProblemError(why)).catch(() => undefined);
        }
      }
    } catch {
      // It failed, and `closed` says why.
    }
  }
}

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
