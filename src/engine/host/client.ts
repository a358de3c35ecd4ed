import type { AskOptions, CallOptions, PlanDocument, Reply, RunOptions } from '../api.ts';
import { IdTable } from '../core/base/id-table.ts';
import type { NodeId } from '../core/base/ids.ts';
import { done, failed, type Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import type { PlanReply } from '../core/calls/messages.ts';
import type { Message } from '../core/node/inputs.ts';
import { ProblemError } from '../problem-error.ts';
import type {
  Published,
  PublishOptions,
  RequestManyOptions,
  RequestOptions,
  SubscribeOptions,
  Subscription,
  TopicMessage,
} from '../topics-api.ts';
import { encodable } from '../wire/payload.ts';
import {
  argumentsOf,
  type CallHeader,
  headerOf,
  nameProblem,
  optionsProblem,
  reasonOf,
  timeoutProblem,
  wholeMs,
} from './call-request.ts';
import { ClientFace } from './client-face.ts';
import { ItemQueue } from './item-queue.ts';
import { KeepAlive } from './keep-alive.ts';
import { Pending, type RawReply, type Settle } from './pending.ts';
import { Receipts } from './receipts.ts';
import type { ReadRequest } from './topics/kept-position.ts';
import {
  LinkTopics,
  type Listening,
  type PublishRequest,
  type Sink,
  type SubscribeRequest,
} from './topics/link-topics.ts';
import type { Publish } from './topics/received-message.ts';
import { Requests } from './topics/requests.ts';
import { TopicSubscription } from './topics/topic-subscription.ts';
import type { WireLink } from './wire-link.ts';

/** The node that a client is connected to. */
export interface ClientNode {
  readonly id: NodeId;
  readonly name: string;
  readonly url: string;
}

const STREAM_HINT = { hint: 'Ask for its items as a stream.\nmpreg call --stream', outcome: 'unknown' } as const;

export type { RawReply, Settle } from './pending.ts';

/**
 * A client over one link. Many requests share it, none waits for another.
 *
 * When the link ends, every request that has no answer is rejected with `link-lost`: its outcome is unknown, and the
 * client never repeats anything by itself. `reconnecting-client.ts` does.
 */
export class LinkClient extends ClientFace {
  readonly node: ClientNode;
  readonly closed: Promise<string>;
  readonly #link: WireLink;
  readonly #pending = new IdTable<Pending>();
  readonly #keepAlive: KeepAlive | undefined;
  readonly #topics: LinkTopics;
  readonly #requests: Requests;
  #nextId = 1;
  #gone: string | undefined;
  #retired = false;
  #resolveClosed: (reason: string) => void = () => undefined;

  /** `keepAliveMs`: a beat is asked for so often, and a link that brings nothing for two of them is cut; 0: never. */
  constructor(link: WireLink, node: ClientNode, keepAliveMs = 0) {
    super();
    this.#link = link;
    this.node = node;
    this.#topics = new LinkTopics({
      get isFull() {
        return link.isFull;
      },
      nextId: () => this.#nextId++,
      send: (message) => link.send(message),
      settled: () => this.#closeIfDone(),
    });
    this.#requests = new Requests({
      nodeId: node.id,
      publishRequest: (request, options) => this.publishRequest(request, options),
      settled: () => this.#closeIfDone(),
      subscribe: (pattern, options) => this.subscribe(pattern, options),
    });
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    if (keepAliveMs > 0) {
      const ask = () => void link.send({ kind: 'beat', reply: false });
      const dead = () => link.connection.destroy(`nothing was heard for ${2 * keepAliveMs} ms`);
      this.#keepAlive = new KeepAlive(keepAliveMs, ask, dead);
    }
  }

  get connected(): boolean {
    return this.#gone === undefined;
  }

  /** Why it takes no more requests. Those that are under way may still be answered until it is closed. */
  get gone(): string | undefined {
    return this.#gone;
  }

  /** Takes no more requests, and closes with the last answer. */
  retire(why: string): void {
    this.#gone ??= why;
    this.#retired = true;
    this.#closeIfDone();
  }

  ask(fun: string, args: readonly unknown[], options: AskOptions = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#call(fun, args, options, new Pending(settler(resolve, reject), options.onItem));
    });
  }

  runDocument(plan: PlanDocument, options: RunOptions = {}): Promise<PlanReply> {
    return new Promise((resolve, reject) => {
      const settle = settler((reply) => resolve(reply.value as PlanReply), reject);
      this.#plan(plan, options, new Pending(settle));
    });
  }

  stream(fun: string, args: readonly unknown[], options: CallOptions = {}): AsyncIterable<unknown> {
    const receipts = new Receipts((items) => {
      if (this.#pending.get(id) !== undefined) this.#link.send({ id, items, kind: 'more' });
    });
    const queue = new ItemQueue<unknown>(
      () => this.#cancel(id, 'the consumer stopped'),
      (left) => receipts.taken(left),
    );
    let items = 0;
    const item = (value: unknown) => {
      items++;
      queue.push(value);
    };
    const settle: Settle = (outcome) => {
      if (!outcome.ok) {
        queue.fail(new ProblemError(outcome.problem));
        return;
      }
      const reply = replyOf(outcome.value);
      // What is no stream is one of a single item.
      if (items === 0 && reply.ok && reply.value.value !== undefined) queue.push(reply.value.value);
      if (reply.ok) queue.end();
      else queue.fail(new ProblemError(reply.problem));
    };
    const id = this.#call(fun, args, options, new Pending(settle, item, true));
    return queue;
  }

  /** A call of arguments that are encoded, for a value that stays so: for whoever passes both on. Answers what takes it back. */
  pass(call: CallHeader, payload: Payload, settle: Settle): (reason: string) => void {
    const pending = new Pending(settle);
    const id = this.#nextId++;
    const why = this.#whyNot(call.fun, undefined);
    if (why === undefined) this.#request({ ...call, id, kind: 'call', payload }, undefined, pending);
    else pending.end(failed(why));
    return (reason) => this.#cancel(id, reason);
  }

  publishRequest(request: PublishRequest, options: PublishOptions): Promise<Published> {
    const why = this.#whyNot('publish', options.signal);
    return why === undefined ? this.#topics.publish(request, options) : Promise.reject(new ProblemError(why));
  }

  post(topic: string, by: string, seq: number, value: Uint8Array | Payload): boolean {
    return this.#gone === undefined && this.#link.publish(topic, by, seq, value) === undefined;
  }

  room(): Promise<void> | undefined {
    return this.#topics.room();
  }

  requestPayload(topic: string, payload: Payload, options: RequestOptions): Promise<TopicMessage> {
    return new Promise((resolve, reject) => {
      const end = (why: Problem | undefined) => why !== undefined && reject(new ProblemError(why));
      this.#requests.ask(topic, payload, { ...options, replies: 1 }, { end, reply: resolve });
    });
  }

  requestsOf(topic: string, payload: Payload, options: RequestManyOptions): AsyncIterable<TopicMessage> {
    const queue = new ItemQueue<TopicMessage>(() => stop());
    const end = (why: Problem | undefined) => (why === undefined ? queue.end() : queue.fail(new ProblemError(why)));
    const stop = this.#requests.ask(topic, payload, options, { end, reply: (message) => queue.push(message) });
    return queue;
  }

  async subscribe(patterns: string | readonly string[], options: SubscribeOptions = {}): Promise<Subscription> {
    const publish: Publish = (...message) => this.publish(...message);
    const subscription = new TopicSubscription(patterns, options, { over: () => undefined, publish, survives: false });
    const why = this.#whyNot('subscribe', options.signal);
    if (why === undefined) subscription.listenOn(this);
    else subscription.fail(why);
    return subscription.effective();
  }

  listen(request: SubscribeRequest, sink: Sink): Listening {
    return this.#topics.listen(request, sink);
  }

  read(request: ReadRequest, sink: Sink): Listening {
    return this.#topics.read(request, sink);
  }

  /** The link has room again. */
  drained(): void {
    this.#topics.drained();
  }

  async close(): Promise<void> {
    this.#link.close('the client closes');
    await this.closed;
  }

  /** A message arrived on the link. */
  receive(message: Message): void {
    this.#keepAlive?.heard();
    if (message.kind === 'beat') {
      if (!message.reply) this.#link.send({ kind: 'beat', reply: true });
      return;
    }
    if (message.kind === 'goaway') {
      this.#gone ??= message.problem.message;
      return;
    }
    if (this.#topics.receive(message)) return;
    if (message.kind !== 'result' && message.kind !== 'error' && message.kind !== 'item') return;
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    if (message.kind === 'item') {
      const item = message.payload.value();
      if (pending.item === undefined) pending.unasked = true;
      else if (item.ok) pending.item(item.value);
      else this.#undecodable(message.id, pending, item.problem);
      return;
    }
    this.#pending.delete(message.id);
    if (message.kind === 'error') pending.end(failed(message.problem));
    else if (pending.unasked) pending.end(failed(problem('usage-invalid', 'it gives a stream of items', STREAM_HINT)));
    else {
      const { by: node, cluster, payload } = message;
      pending.end(done(cluster === undefined ? { node, payload } : { cluster, node, payload }));
    }
    this.#closeIfDone();
  }

  /** The link has ended. */
  end(reason: string, why: Problem | undefined): void {
    this.#keepAlive?.stop();
    const text = `the connection to ${this.node.name} ended: ${this.#gone ?? why?.message ?? reason}`;
    for (const pending of this.#pending.values()) {
      pending.end(failed(problem('link-lost', text, { node: this.node.name })));
    }
    this.#pending.clear();
    const lost = problem('link-lost', text, { node: this.node.name });
    this.#topics.end(lost);
    this.#requests.end(lost);
    this.#gone ??= text;
    this.#resolveClosed(text);
  }

  /** Sends a call. Gives the number by which it can be taken back. */
  #call(fun: string, args: readonly unknown[], options: CallOptions, pending: Pending): number {
    const id = this.#nextId++;
    const { kwargs, signal } = options;
    const why = optionsProblem(options) ?? this.#whyNot(fun, signal);
    const payload = why === undefined ? encodable(argumentsOf(args, kwargs), 'arguments') : failed(why);
    if (!payload.ok) pending.end(payload);
    else {
      const message: Asking = { ...headerOf(fun, options), id, kind: 'call', payload: payload.value };
      this.#request(pending.paced ? { ...message, paced: true } : message, signal, pending);
    }
    return id;
  }

  #plan(document: PlanDocument, { graceMs, signal, timeoutMs = 0 }: RunOptions, pending: Pending): void {
    const why = timeoutProblem(timeoutMs) ?? this.#whyNot('plan', signal);
    const payload = why === undefined ? encodable(document, 'plan') : failed(why);
    if (!payload.ok) {
      pending.end(payload);
      return;
    }
    const message: Asking = {
      id: this.#nextId++,
      kind: 'plan',
      payload: payload.value,
      timeoutMs: wholeMs(timeoutMs),
    };
    this.#request(message, signal, pending, graceMs);
  }

  /** `graceMs`: how long the answer may still take once it was cancelled. */
  #request(message: Asking, signal: AbortSignal | undefined, pending: Pending, graceMs = 0): void {
    const { id } = message;
    this.#pending.set(id, pending);
    if (signal !== undefined) {
      const aborted = () => this.#cancel(id, reasonOf(signal), graceMs);
      signal.addEventListener('abort', aborted, { once: true });
      pending.release = () => signal.removeEventListener('abort', aborted);
    }
    const refused = this.#link.send(message);
    if (refused !== undefined && this.#pending.delete(id)) pending.end(failed(refused));
  }

  #cancel(id: number, reason: string, graceMs = 0): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#link.send({ id, kind: 'cancel', reason });
    const end = () => {
      if (this.#pending.delete(id)) pending.end(failed(problem('cancelled', `cancelled: ${reason}`)));
    };
    if (graceMs === 0) return end();
    const { release } = pending;
    const timer = setTimeout(end, graceMs);
    pending.release = () => {
      clearTimeout(timer);
      release?.();
    };
  }

  /** An item is no value: the stream ends there. */
  #undecodable(id: number, pending: Pending, why: Problem): void {
    this.#pending.delete(id);
    this.#link.send({ id, kind: 'cancel', reason: why.message });
    pending.end(failed(afterWork(why)));
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    const isBusy = this.#pending.size > 0 || this.#topics.isBusy || this.#requests.isBusy;
    if (this.#retired && !isBusy) this.#link.close('the client goes elsewhere');
  }

  #whyNot(fun: string, signal: AbortSignal | undefined): Problem | undefined {
    const misnamed = nameProblem(fun);
    if (misnamed !== undefined) return misnamed;
    if (this.#gone !== undefined) return problem('nobody-there', this.#gone);
    if (signal?.aborted) return problem('cancelled', `cancelled: ${reasonOf(signal)}`, { outcome: 'did-not-happen' });
    return undefined;
  }
}

type Asking = Extract<Message, { readonly kind: 'call' | 'plan' }>;

function replyOf({ payload, ...from }: RawReply): Outcome<Reply> {
  const value = payload.value();
  return value.ok ? done({ ...from, value: value.value }) : failed(afterWork(value.problem));
}

/** What arrived of work that was done is no value. */
function afterWork(problem: Problem): Problem {
  return { ...problem, outcome: 'unknown' };
}

function settler(resolve: (reply: Reply) => void, reject: (error: ProblemError) => void): Settle {
  return (outcome) => {
    const reply = outcome.ok ? replyOf(outcome.value) : outcome;
    if (reply.ok) resolve(reply.value);
    else reject(new ProblemError(reply.problem));
  };
}
