/** What all clients have in common: everything that they do, said by the three things that they can do. */
import type {
  AskOptions,
  CallFunction,
  CallOptions,
  Client,
  ExplainOptions,
  PlanDocument,
  Reply,
  RunOptions,
  TypedPlan,
  TypedReply,
} from '../api.ts';
import type { Payload } from '../core/base/payload.ts';
import { problem } from '../core/base/problems.ts';
import type { Explanation } from '../core/calls/explain.ts';
import type { PlanReply } from '../core/calls/messages.ts';
import type { NodeEvent } from '../core/node/effects.ts';
import type { FunctionView, MemberView, NodeSnapshot } from '../core/node/snapshot.ts';
import { INBOX } from '../core/topics/inboxes.ts';
import { parseTopic } from '../core/topics/pattern.ts';
import { withResume } from '../plan-resume.ts';
import { ProblemError } from '../problem-error.ts';
import type { Queue, QueueInfo } from '../queues-api.ts';
import type {
  KeepOptions,
  KeepView,
  Kept,
  OfNode,
  Published,
  Publisher,
  PublisherOptions,
  PublishOptions,
  RequestManyOptions,
  RequestOptions,
  ScheduledView,
  SubscribeOptions,
  Subscription,
  SubscriptionView,
  TopicMatch,
  TopicMessage,
} from '../topics-api.ts';
import { encodable } from '../wire/payload.ts';
import { randomName, systemEntropy } from './entropy.ts';
import type { AskQueue } from './queue-client/queue-calls.ts';
import { QueueHandle, shown } from './queue-client/queue-handle.ts';
import { type KeeperSeen, keeperIn, keepOn, nameOf } from './topics/keep-face.ts';
import type { PublishRequest } from './topics/link-topics.ts';
import { keySaid } from './topics/message-key.ts';
import { REQUEST_MS } from './topics/requests.ts';
import { TopicPublisher } from './topics/topic-publisher.ts';

export abstract class ClientFace implements Client {
  readonly call: CallFunction = Object.assign(
    (fun: string, ...args: readonly unknown[]) => this.ask(fun, args).then(justValue),
    {
      with:
        (options: CallOptions) =>
        (fun: string, ...args: readonly unknown[]) =>
          this.ask(fun, args, options).then(justValue),
    },
  );

  /** Who it is to those who get what it publishes, and how much that was. */
  readonly #publisher = randomName(systemEntropy, 16);
  #published = 0;

  abstract readonly node: Client['node'];
  abstract readonly closed: Promise<string>;
  abstract ask(fun: string, args: readonly unknown[], options?: AskOptions): Promise<Reply>;
  abstract runDocument(plan: PlanDocument, options?: RunOptions): Promise<PlanReply>;
  abstract stream(fun: string, args: readonly unknown[], options?: CallOptions): AsyncIterable<unknown>;
  abstract close(): Promise<void>;
  abstract subscribe(patterns: string | readonly string[], options?: SubscribeOptions): Promise<Subscription>;
  abstract publishRequest(request: PublishRequest, options: PublishOptions): Promise<Published>;

  /** Publishes a message of which nothing is to be known, where it can do so at once; false: it cannot. */
  abstract post(topic: string, by: string, seq: number, value: Uint8Array | Payload): boolean;
  /** Resolves when there is room for more messages; undefined: there is. */
  abstract room(): Promise<void> | undefined;
  abstract requestPayload(topic: string, payload: Payload, options: RequestOptions): Promise<TopicMessage>;
  abstract requestsOf(topic: string, payload: Payload, options: RequestManyOptions): AsyncIterable<TopicMessage>;

  publish(topic: string, payload: unknown, options: PublishOptions = {}): Promise<Published> {
    const posts = isPost(options);
    const bytes = posts && payload instanceof Uint8Array ? this.#post(topic, payload) : undefined;
    if (bytes !== undefined) return bytes;
    const encoded = encodable(payload, 'payload');
    if (!encoded.ok) return Promise.reject(new ProblemError(encoded.problem));
    const posted = posts ? this.#post(topic, encoded.value) : undefined;
    return posted ?? this.#publishPayload(topic, encoded.value, options);
  }

  #post(topic: string, value: Uint8Array | Payload): Promise<Published> | undefined {
    const by = this.#publisher;
    const seq = this.#published + 1;
    if (!this.post(topic, by, seq, value)) return undefined;
    this.#published = seq;
    const published = { id: `${by}/${seq}` };
    return this.room()?.then(() => published) ?? Promise.resolve(published);
  }

  publisher(options: PublisherOptions = {}): Publisher {
    return new TopicPublisher(
      {
        post: (topic, payload, more) => this.publish(topic, payload, more),
        // Why an inbox of nobody's: it is routed behind all else on the link, and goes nowhere.
        routed: () => this.publish(`${INBOX}.${this.node.id}.${'0'.repeat(22)}`, null),
        send: (topic, payload, more) => this.#publishPayload(topic, payload, more),
      },
      options,
    );
  }

  async request(topic: string, payload: unknown, options: RequestOptions = {}): Promise<TopicMessage> {
    const encoded = encodable(payload, 'payload');
    if (!encoded.ok) throw new ProblemError(encoded.problem);
    return this.requestPayload(topic, encoded.value, { timeoutMs: REQUEST_MS, ...withKey(options) });
  }

  requestMany(topic: string, payload: unknown, options: RequestManyOptions = {}): AsyncIterable<TopicMessage> {
    const encoded = encodable(payload, 'payload');
    if (!encoded.ok) throw new ProblemError(encoded.problem);
    return this.requestsOf(topic, encoded.value, { timeoutMs: REQUEST_MS, ...withKey(options) });
  }

  async #publishLater(topic: string, encoded: Payload, options: PublishOptions): Promise<Published> {
    const { at, headers, inMs, idempotent, signal, timeoutMs } = options;
    if (options.retain) throw new ProblemError(problem('usage-invalid', 'what is published later is not retained'));
    const key = keySaid(options);
    const id = `${this.#publisher}/${++this.#published}`;
    const payload = encoded.value();
    if (!payload.ok) throw new ProblemError(payload.problem);
    const request = {
      id,
      payload: payload.value,
      topic,
      ...(at === undefined ? {} : { at: Number(at) }),
      ...(inMs === undefined ? {} : { inMs }),
      ...(headers === undefined ? {} : { headers }),
      ...(key === undefined ? {} : { key }),
    };
    const about = {
      ...(idempotent === undefined ? {} : { idempotent }),
      ...(signal === undefined ? {} : { signal }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
    const { node, value } = await this.ask('mpreg.schedule', [request], about);
    return { id, later: { ...(value as { at: number; durable: boolean }), node } };
  }

  async #publishPayload(topic: string, payload: Payload, options: PublishOptions): Promise<Published> {
    if (options.at !== undefined || options.inMs !== undefined) return this.#publishLater(topic, payload, options);
    const { headers, retain = false } = options;
    const key = keySaid(options);
    const request: PublishRequest = {
      by: this.#publisher,
      kind: 'publish',
      payload,
      seq: ++this.#published,
      topic,
      ...(headers === undefined ? {} : { headers }),
      ...(key === undefined ? {} : { key }),
      ...(retain === false ? {} : { retain: retain === 'clear' ? 'clear' : 'keep' }),
    };
    return this.publishRequest(request, options);
  }

  queue(name: string): Queue {
    const ask: AskQueue = (fun, argument, options) => this.askInOrder(fun, [argument], options).then(justValue);
    return new QueueHandle(name, ask, this.closed);
  }

  queues(): Promise<readonly OfNode<QueueInfo>[]> {
    return this.#everyNode<QueueInfo>('mpreg.queue.list', {}).then((answers) =>
      answers.map((answer) => ({ ...answer, found: answer.found.map(shown) })),
    );
  }

  /** Requests that are made one after the other arrive so, as long as the connection stands. */
  protected askInOrder(fun: string, args: readonly unknown[], options: AskOptions): Promise<Reply> {
    return this.ask(fun, args, options);
  }

  subscriptions(): Promise<readonly OfNode<SubscriptionView>[]> {
    return this.#everyNode<SubscriptionView>('mpreg.subscriptions');
  }

  keep(pattern: string, { node, ...options }: KeepOptions & { readonly node?: string } = {}): Promise<Kept> {
    return keepOn(this, pattern, node, options, () => this.#everyNode<KeeperSeen>('mpreg.keeper', pattern));
  }

  async unkeep(pattern: string, { node }: { readonly node?: string } = {}): Promise<Kept> {
    const keeper = node ?? (await this.#keeperOf(pattern));
    const view = (await this.call.with(on(keeper))('mpreg.unkeep', pattern)) as KeepView;
    return { ...view, node: await nameOf(this, keeper) };
  }

  keeps(): Promise<readonly OfNode<KeepView>[]> {
    return this.#everyNode<KeepView>('mpreg.keeps');
  }

  async forgetReader(pattern: string, name: string): Promise<boolean> {
    const keeper = await this.#keeperOf(pattern);
    return (await this.call.with(on(keeper))('mpreg.forget-reader', pattern, name)) as boolean;
  }

  /** The node that keeps exactly that pattern; rejects with `keep-unknown` or `keeper-away`. */
  async #keeperOf(pattern: string): Promise<string> {
    const seen = (await this.call.with(on(undefined, true))('mpreg.keeper', pattern)) as readonly KeeperSeen[];
    return keeperIn(pattern, seen);
  }

  scheduled(): Promise<readonly OfNode<ScheduledView>[]> {
    return this.#everyNode<ScheduledView>('mpreg.scheduled');
  }

  unschedule(ids: readonly string[]): Promise<readonly OfNode<string>[]> {
    return this.#everyNode<string>('mpreg.unschedule', ids);
  }

  async matches(topic: string): Promise<readonly OfNode<TopicMatch>[]> {
    const parsed = parseTopic(topic);
    if (!parsed.ok) throw new ProblemError(parsed.problem);
    return this.#everyNode<TopicMatch>('mpreg.matches', topic);
  }

  run<Results extends object>(plan: TypedPlan<Results>, options?: RunOptions): Promise<TypedReply<Results>>;
  run(plan: PlanDocument, options?: RunOptions): Promise<PlanReply>;
  async run(plan: PlanDocument | TypedPlan<object>, options: RunOptions = {}): Promise<PlanReply> {
    return this.runDocument(withResume(isTyped(plan) ? plan.toJSON() : plan, options), options);
  }

  async members(): Promise<readonly MemberView[]> {
    return (await this.info()).members;
  }

  async functions(): Promise<readonly FunctionView[]> {
    return (await this.call.with(on(undefined, true))('mpreg.functions')) as readonly FunctionView[];
  }

  async info(node?: string): Promise<NodeSnapshot> {
    return (await this.call.with(on(node, true))('mpreg.info')) as NodeSnapshot;
  }

  async explain(fun: string, { seenBy, ...wish }: ExplainOptions = {}): Promise<Explanation> {
    return (await this.call.with(on(seenBy, true))('mpreg.explain', fun, wish)) as Explanation;
  }

  async drain(node?: string): Promise<void> {
    await this.call.with(on(node))('mpreg.drain');
  }

  async undrain(node?: string): Promise<void> {
    await this.call.with(on(node))('mpreg.undrain');
  }

  async leave(node?: string, options: { readonly graceMs?: number } = {}): Promise<void> {
    await this.call.with(on(node))('mpreg.leave', options.graceMs ?? null);
  }

  async #everyNode<Found>(fun: string, ...args: readonly unknown[]): Promise<readonly OfNode<Found>[]> {
    const members = await this.members();
    const alive = members.filter(({ state }) => state === 'alive' || state === 'draining').sort(byName);
    const asking = alive.map(async ({ id, name: node }): Promise<OfNode<Found>> => {
      const found = this.call.with({ ...on(id, true), timeoutMs: EVERY_NODE_MS })(fun, ...args);
      return found.then(
        (value) => ({ found: value as readonly Found[], node }),
        (error: unknown) => {
          return { found: [], node, problem: error instanceof Error ? error.message : String(error) };
        },
      );
    });
    return Promise.all(asking);
  }

  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<NodeEvent & { readonly at: number }> {
    return this.stream('mpreg.events', [], options) as AsyncIterable<NodeEvent & { readonly at: number }>;
  }
}

function withKey<Options extends RequestOptions>(options: Options): Options {
  const key = keySaid(options);
  return key === options.key ? options : { ...options, key };
}

/** For a node that is asked about itself beside others. */
const EVERY_NODE_MS = 3_000;

function byName(a: MemberView, b: MemberView): number {
  return a.name === b.name ? (a.id < b.id ? -1 : 1) : a.name < b.name ? -1 : 1;
}

function justValue({ value }: Reply): unknown {
  return value;
}

function isTyped(plan: PlanDocument | TypedPlan<object>): plan is TypedPlan<object> {
  return typeof plan === 'object' && plan !== null && 'toJSON' in plan && typeof plan.toJSON === 'function';
}

/** `reads`: a question that changes nothing may be asked twice. */
function on(node: string | undefined, reads = false): CallOptions {
  return { ...(node === undefined ? {} : { node }), ...(reads ? { idempotent: true } : {}) };
}

/** Whether nothing is asked for that a message in one piece with others could not have. */
function isPost(options: PublishOptions): boolean {
  if (options.confirm !== false) return false;
  for (const name in options) {
    const isOther = name !== 'confirm' && name !== 'idempotent' && name !== 'timeoutMs';
    if (isOther && options[name as keyof PublishOptions] !== undefined) return false;
  }
  return true;
}
