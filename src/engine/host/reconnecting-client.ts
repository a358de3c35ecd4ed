/**
 * A client that survives its node: when its link ends it connects to another node, and goes on.
 *
 *     ask ──► link there? ──yes──► LinkClient.ask ──► the answer
 *              │ no                     │ the link breaks
 *              ▼                        ├── it certainly was not sent, or is declared idempotent: once more
 *       wait for the next link ◄────────┘── otherwise: `link-lost`, outcome unknown, at once
 *
 * It refuses to repeat what may have happened, unless its caller allowed it: a call, or every step of a plan. Streams, and events with them, are never
 * taken up again: one that breaks ends with `link-lost`, since nobody knows what was missed.
 *
 * Limit: a call is sent `SENDS_MAX` times at most: one that brings down every node it meets must not meet them all.
 */
import type { AskOptions, CallOptions, Client, PlanDocument, Reply, RunOptions } from '../api.ts';
import type { Payload } from '../core/base/payload.ts';
import { didNotHappen, problem } from '../core/base/problems.ts';
import type { PlanReply } from '../core/calls/messages.ts';
import { ProblemError, problemError } from '../problem-error.ts';
import type {
  Published,
  PublishOptions,
  RequestManyOptions,
  RequestOptions,
  SubscribeOptions,
  Subscription,
  TopicMessage,
} from '../topics-api.ts';
import { isObject } from '../wire/json-value.ts';
import type { LinkClient } from './client.ts';
import { ClientFace } from './client-face.ts';
import type { ReconnectPolicy } from './reconnect-policy.ts';
import type { PublishRequest } from './topics/link-topics.ts';
import type { Publish } from './topics/received-message.ts';
import { TopicSubscription } from './topics/topic-subscription.ts';

export interface ReconnectingOptions {
  readonly policy: ReconnectPolicy;
  /** Connects to one address. Rejects with a `ProblemError` where a node answered and refused. */
  readonly open: (address: string) => Promise<LinkClient>;
  /** The addresses to begin with, read again for each outage: nodes of this machine come back on other ports. */
  readonly seeds: () => readonly string[];
  /** How long a call waits for a link, in milliseconds. */
  readonly waitMs: number;
}

type Patience = Pick<CallOptions, 'timeoutMs' | 'idempotent' | 'signal'>;

interface Waiter {
  readonly resolve: (link: LinkClient) => void;
  readonly reject: (error: ProblemError) => void;
}

export class ReconnectingClient extends ClientFace {
  readonly closed: Promise<string>;
  readonly #options: ReconnectingOptions;
  readonly #waiters = new Set<Waiter>();
  readonly #resolveClosed: (reason: string) => void;
  /** The link in use, which may just have ended. */
  #link: LinkClient;
  /** All that are open: that one, and those that were left and still have something under way. */
  readonly #links = new Set<LinkClient>();
  readonly #subscriptions = new Set<TopicSubscription>();
  #connecting = false;
  /** Why there will never be a link again. */
  #over: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #learning: NodeJS.Timeout | undefined;

  constructor(first: LinkClient, options: ReconnectingOptions) {
    super();
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    this.#link = first;
    this.#use(first);
  }

  /** The node that it is, or was last, connected to. */
  get node(): Client['node'] {
    return this.#link.node;
  }

  ask(fun: string, args: readonly unknown[], given: AskOptions = {}): Promise<Reply> {
    const options = given.onItem === undefined ? given : onceItems(given, given.onItem);
    return this.#send(options, (link, timeoutMs) => link.ask(fun, args, inTime(options, timeoutMs)));
  }

  runDocument(plan: PlanDocument, options: RunOptions = {}): Promise<PlanReply> {
    const repeatable = { ...options, idempotent: isIdempotent(plan) };
    return this.#send(repeatable, (link, timeoutMs) => link.runDocument(plan, inTime(options, timeoutMs)));
  }

  stream(fun: string, args: readonly unknown[], options: CallOptions = {}): AsyncIterable<unknown> {
    return this.#iterate(options, (link) => link.stream(fun, args, options));
  }

  post(topic: string, by: string, seq: number, value: Uint8Array | Payload): boolean {
    return this.connected && this.#link.post(topic, by, seq, value);
  }

  room(): Promise<void> | undefined {
    return this.#link.room();
  }

  publishRequest(request: PublishRequest, options: PublishOptions): Promise<Published> {
    return this.#send(options, (link, timeoutMs) => link.publishRequest(request, inTime(options, timeoutMs)));
  }

  requestPayload(topic: string, payload: Payload, options: RequestOptions): Promise<TopicMessage> {
    return this.#send(options, (link, timeoutMs) => link.requestPayload(topic, payload, inTime(options, timeoutMs)));
  }

  requestsOf(topic: string, payload: Payload, options: RequestManyOptions): AsyncIterable<TopicMessage> {
    return this.#iterate(options, (link) => link.requestsOf(topic, payload, options));
  }

  async subscribe(patterns: string | readonly string[], options: SubscribeOptions = {}): Promise<Subscription> {
    const over = (one: TopicSubscription) => this.#subscriptions.delete(one);
    const publish: Publish = (...message) => this.publish(...message);
    const subscription = new TopicSubscription(patterns, options, { over, publish, survives: true });
    this.#subscriptions.add(subscription);
    if (this.#over !== undefined) subscription.fail(problem('nobody-there', this.#over));
    else if (this.connected) subscription.listenOn(this.#link);
    return subscription.effective();
  }

  async close(): Promise<void> {
    for (const subscription of [...this.#subscriptions]) await subscription.close();
    this.#end('the client closes');
    await Promise.all([...this.#links].map((link) => link.close()));
  }

  #iterate<Item>(options: Patience, open: (link: LinkClient) => AsyncIterable<Item>): AsyncIterable<Item> {
    if (this.connected) return open(this.#link);
    return whenThere(this.#connected(this.#patience(options), options.signal), open);
  }

  /** Why the first link is tried apart: nearly every call ends there, and needs no loop that waits. */
  #send<Answer>(options: Patience, send: (link: LinkClient, timeoutMs: number) => Promise<Answer>): Promise<Answer> {
    const { timeoutMs = 0 } = options;
    const until = timeoutMs > 0 ? performance.now() + timeoutMs : Number.POSITIVE_INFINITY;
    if (!this.connected) return this.#sendOn(options, until, send, 0, undefined);
    const link = this.#link;
    return send(link, timeoutMs).catch((error: unknown) =>
      this.#sendOn(options, until, send, 1, this.#doubt(options, link, error)),
    );
  }

  /** Sends on the next link, until one answers. `before`: how often it was sent before. */
  async #sendOn<Answer>(
    options: Patience,
    until: number,
    send: (link: LinkClient, timeoutMs: number) => Promise<Answer>,
    before: number,
    doubt: ProblemError | undefined,
  ): Promise<Answer> {
    let unknown = doubt;
    for (let sends = before + 1; ; sends++) {
      const { signal } = options;
      const link = this.connected ? this.#link : await this.#connected(this.#patience(options, until), signal, unknown);
      try {
        return await send(link, until === Number.POSITIVE_INFINITY ? 0 : msUntil(until));
      } catch (error) {
        if (sends >= SENDS_MAX) throw error;
        unknown = this.#doubt(options, link, error) ?? unknown;
      }
    }
  }

  /** Throws an error that its call ends with. Else it may be sent again; gives the error where it may have happened. */
  #doubt({ idempotent = false }: Patience, link: LinkClient, error: unknown): ProblemError | undefined {
    if (!(error instanceof ProblemError) || !this.#leaves(link, error)) throw error;
    if (didNotHappen(error.problem)) return undefined;
    if (!idempotent) throw error;
    return error;
  }

  /** Whether an error tells of the link's end, or of its node's, and not of the call. */
  #leaves(link: LinkClient, { problem }: ProblemError): boolean {
    const stopping = problem.code === 'node-stopping' && problem.node === link.node.name && didNotHappen(problem);
    if (link.gone !== undefined) return stopping || problem.code === 'link-lost' || problem.code === 'nobody-there';
    if (!stopping || !this.#options.policy.hasOther(link.node.url, now())) return false;
    link.retire(problem.message); // what it has under way goes on there
    this.#lost(link);
    return true;
  }

  /** Whether what is asked now can be sent at once. */
  get connected(): boolean {
    return this.#link.gone === undefined && this.#over === undefined;
  }

  #patience({ timeoutMs = 0 }: Pick<CallOptions, 'timeoutMs'>, until = performance.now() + timeoutMs): number {
    return timeoutMs > 0 ? Math.min(this.#options.waitMs, until - performance.now()) : this.#options.waitMs;
  }

  /** The next link. `unknown`: what is true where none comes, for a call that was sent before. */
  #connected(waitMs: number, signal: AbortSignal | undefined, unknown?: ProblemError): Promise<LinkClient> {
    const { promise, resolve, reject } = Promise.withResolvers<LinkClient>();
    const fail = (error: ProblemError) => reject(unknown ?? error);
    if (this.#over !== undefined) fail(problemError('nobody-there', this.#over));
    else if (signal?.aborted) fail(problemError('cancelled', 'cancelled before it was sent', NOTHING_DONE));
    else if (this.#waiters.size >= WAITERS_MAX) {
      fail(problemError('overloaded', `${WAITERS_MAX} calls wait for a connection already`));
    } else {
      const late = setTimeout(() => waiter.reject(problemError('nobody-there', this.#absence(waitMs))), waitMs);
      const aborted = () => waiter.reject(problemError('cancelled', 'cancelled before it was sent', NOTHING_DONE));
      const done = () => {
        clearTimeout(late);
        signal?.removeEventListener('abort', aborted);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        reject: (error) => {
          done();
          fail(error);
        },
        resolve: (link) => {
          done();
          resolve(link);
        },
      };
      signal?.addEventListener('abort', aborted, { once: true });
      this.#waiters.add(waiter);
    }
    return promise;
  }

  #absence(waitMs: number): string {
    const tried = this.#options.policy.addresses;
    return `${this.#link.gone}; no node answered within ${Math.max(0, Math.round(waitMs))} ms, of ${tried.join(', ')}`;
  }

  #use(link: LinkClient): void {
    const since = now();
    this.#link = link;
    this.#links.add(link);
    this.#options.policy.reached(link.node.url);
    void link.closed.then(() => {
      this.#links.delete(link);
      if (link === this.#link) this.#lost(link, now() - since);
    });
    for (const subscription of [...this.#subscriptions]) subscription.listenOn(link);
    for (const waiter of [...this.#waiters]) waiter.resolve(link);
    void this.#learn(link);
  }

  #lost(link: LinkClient, stoodMs = 0): void {
    clearTimeout(this.#learning);
    if (this.#connecting || this.#over !== undefined) return;
    this.#connecting = true;
    this.#options.policy.lost(link.node.url, now(), stoodMs);
    this.#options.policy.seed(this.#options.seeds());
    void this.#connect();
  }

  async #connect(): Promise<void> {
    const { policy, open } = this.#options;
    while (this.#over === undefined) {
      const attempt = policy.next(now());
      if (attempt.kind === 'give-up') return this.#end(attempt.problem.message);
      if (attempt.kind === 'wait') {
        await new Promise<void>((resolve) => {
          this.#timer = setTimeout(resolve, attempt.ms);
        });
        policy.seed(this.#options.seeds());
        continue;
      }
      try {
        const link = await open(attempt.address);
        this.#connecting = false;
        if (this.#over === undefined) this.#use(link);
        else await link.close();
        return;
      } catch (error) {
        const refused = error instanceof ProblemError && FOR_GOOD.has(error.code) ? error.problem : undefined;
        policy.failed(attempt.address, now(), refused);
      }
    }
  }

  /** Asks now and then who else is there: often at first, since a node that has just started knows nobody yet. */
  async #learn(link: LinkClient, againMs = LEARN_MS): Promise<void> {
    const members = await link.members().catch(() => []);
    if (link.gone !== undefined || this.#over !== undefined) return;
    const alive = members.filter(({ state, address }) => state === 'alive' && address !== '');
    if (alive.length > 0) this.#options.policy.learn(alive.map(({ address }) => address));
    const nextMs = Math.min(againMs * 2, LEARN_MS_MAX);
    this.#learning = setTimeout(() => void this.#learn(link, nextMs), againMs).unref();
  }

  #end(why: string): void {
    if (this.#over !== undefined) return;
    this.#over = why;
    clearTimeout(this.#timer);
    clearTimeout(this.#learning);
    for (const waiter of [...this.#waiters]) waiter.reject(problemError('nobody-there', why));
    for (const subscription of [...this.#subscriptions]) subscription.fail(problem('nobody-there', why));
    this.#resolveClosed(why);
  }
}

const SENDS_MAX = 6;
/** Limit: calls that wait for a link. */
const WAITERS_MAX = 10_000;
/** Trade-off: more often, and a client knows newer nodes; more rarely, and a thousand clients cost less. */
const LEARN_MS = 1_000;
const LEARN_MS_MAX = 30_000;
const NOTHING_DONE = { outcome: 'did-not-happen' } as const;
/** What no waiting will change. */
const FOR_GOOD: ReadonlySet<string> = new Set(['key-missing', 'key-wrong', 'cluster-wrong', 'version-unsupported']);

/** Whether a plan may run twice: each of its steps says so. What functions say of themselves is not known here. */
function isIdempotent(plan: unknown): boolean {
  const steps = isObject(plan) ? plan['steps'] : plan;
  const says = (step: unknown) => typeof step === 'object' && step !== null && 'idempotent' in step && step.idempotent;
  return Array.isArray(steps) && steps.length > 0 && steps.every((step) => says(step) === true);
}

function now(): number {
  return Math.floor(performance.now());
}

function msUntil(until: number): number {
  return Math.max(1, Math.ceil(until - performance.now()));
}

/** The same options, that allow no repetition any more once an item has come: it would come again. */
function onceItems(options: AskOptions, onItem: (item: unknown) => void): AskOptions {
  const once = {
    ...options,
    onItem: (item: unknown) => {
      once.idempotent = false;
      onItem(item);
    },
  };
  return once;
}

function inTime<Options extends Patience>(options: Options, timeoutMs: number): Options {
  return (options.timeoutMs ?? 0) === timeoutMs ? options : { ...options, timeoutMs };
}

/** Items from a link that is not there yet. */
function whenThere<Item>(
  link: Promise<LinkClient>,
  open: (link: LinkClient) => AsyncIterable<Item>,
): AsyncIterable<Item> {
  let stopped = false;
  const items = link.then((there) => (stopped ? undefined : open(there)[Symbol.asyncIterator]()));
  items.catch(() => undefined); // told to whoever asks for an item
  const end = { done: true, value: undefined } as const;
  return {
    [Symbol.asyncIterator]: () => ({
      next: async () => (await items)?.next() ?? end,
      return: async () => {
        stopped = true;
        void items.then(
          (iterator) => iterator?.return?.(),
          () => undefined,
        );
        return end;
      },
    }),
  };
}
