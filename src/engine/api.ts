/** The types that a user of the library sees. The front door (`index.ts`) exports them. */
import type { NodeId } from './core/base/ids.ts';
import type { Problem } from './core/base/problems.ts';
import type { Explanation } from './core/calls/explain.ts';
import type { PlanReply } from './core/calls/messages.ts';
import type { Coordinates } from './core/directory/record.ts';
import type { NodeEvent } from './core/node/effects.ts';
import type { FunctionView, MemberView, NodeSnapshot } from './core/node/snapshot.ts';
import type { HubOptions } from './federation-api.ts';
import type { RetryPolicy } from './host/functions/trigger.ts';
import type { TlsOptions } from './host/ports.ts';
import type { Queue, QueueInfo } from './queues-api.ts';
import type { SqsOptions } from './sqs-options.ts';
import type { StandardSchema } from './standard-schema.ts';
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
} from './topics-api.ts';

/** What a function sees of its call, as `this` (or `context()` where there is no `this`). */
export interface CallContext {
  /** Aborted when the caller goes away, cancels, or the deadline passes. */
  readonly signal: AbortSignal;
  /** Milliseconds since the Unix epoch; undefined where there is none. */
  readonly deadline: number | undefined;
  readonly step: string | undefined;
  readonly log: (message: string, details?: Record<string, unknown>) => void;
  /**
   * Calls a function, wherever in the mesh it is. It gets at most the time that this call has left, and is cancelled when
   * this call is, or ends. Rejects with a `ProblemError`.
   */
  readonly call: CallFunction;
}

/** A function with what the mesh should know about it. `run` gets the call's arguments, and its kwargs, if any, last. */
export interface FunctionDefinition<
  Run extends (this: CallContext, ...args: never[]) => unknown = (this: CallContext, ...args: never[]) => unknown,
> {
  readonly name: string;
  readonly version?: string;
  readonly functionId?: string;
  readonly resources?: readonly string[];
  readonly description?: string;
  readonly idempotent?: boolean;
  readonly timeoutMs?: number;
  /** Checks the list of arguments, or the one object of named ones; `run` gets what it makes of them. */
  readonly args?: StandardSchema;
  /** Checks what is returned, or each item of a stream. */
  readonly result?: StandardSchema;
  /**
   * Calls that run at once on its node. Default: 512 for each worker thread. More: a function that waits for others serves
   * more. Fewer: one that needs much memory, or the only GPU, is spared.
   */
  readonly concurrency?: number;
  /**
   * Calls that wait while so many run; one more is `overloaded`, and tried on another node. Default: 4 × concurrency, at
   * least 1 000. Longer: larger bursts are carried. Shorter: another node is asked sooner.
   *
   * Or the name of a queue: the function is called with each of its messages, the body and as second argument its
   * `QueuedMessage`, as many at once as its `concurrency` says (10 where it does not).
   */
  readonly queue?: number | string;
  /** With a queue: it is called with a list of up to so many messages; it may return which of them `failed`. Default 1. */
  readonly batch?: number;
  /** With a queue: how long a message belongs to it; that is extended while it runs. Default 30 000. */
  readonly visibilityMs?: number;
  /**
   * Patterns of topics: the function is called with each message's payload, and as second argument its `TriggerMessage`, as
   * many at once as its `concurrency` allows; 1 keeps their order.
   */
  readonly on?: string | readonly string[];
  /** Each message goes to one node of those whose functions name the same group. Default: the function's name. */
  readonly group?: string;
  /** How often a message is tried on which it fails. */
  readonly retry?: RetryPolicy;
  /** The topic that gets messages on which it has failed for good, with the reason in their headers. Default: they are lost. */
  readonly deadLetter?: string;
  readonly run: Run;
}

export interface NodeOptions {
  /** Readable, unique by convention only; default: made from the id. */
  readonly name?: string;
  /** Default `default`: nodes of different clusters do not join. */
  readonly cluster?: string;
  readonly region?: string;
  readonly coordinates?: Coordinates;
  /** Default `127.0.0.1`; anything but loopback needs a key. */
  readonly host?: string;
  /** Default 0: chosen by the system. */
  readonly port?: number;
  /** What others dial to reach it, where that is not where it listens: behind a proxy, in a container. */
  readonly advertise?: string;
  /** URLs of nodes to join. */
  readonly peers?: readonly string[];
  /** Whether to find and be found by this user's other nodes on this machine. Default true. */
  readonly discover?: boolean;
  /**
   * Where to look for other nodes beyond this machine, again and again: `file:PATH`, `srv:NAME`, `http://…`, `mdns` (which also makes it
   * findable), `gossip:ws://HOST:PORT` (docs/federation.md).
   */
  readonly sources?: readonly string[];
  readonly resources?: readonly string[];
  /** Modules (files or folders) whose exports become functions, run in worker threads. */
  readonly functions?: readonly string[];
  /** Functions of this process, run on its own loop: for tests and for functions that never block. */
  readonly inline?: readonly FunctionDefinition[];
  /** Worker threads for functions of modules. Default 2. */
  readonly workers?: number;
  /**
   * Heap of one worker thread in MiB; its buffers may take twice as much. Default 512. More: larger data in one thread.
   * Less: a function that leaks is ended sooner, and takes less from the others on the machine.
   */
  readonly workerMemoryMb?: number;
  /**
   * Mebibytes of values that the node keeps for plans that are under way; one more is `limit-exceeded`. Default 256. More:
   * plans with larger values, and more of them at once. Less: a bound on what they take of its memory.
   */
  readonly planMemoryMb?: number;
  /** Loads modules again when their files change. Calls that run end on the old code. */
  readonly watch?: boolean;
  /**
   * Programs of any language that run functions: `NAME=COMMAND`, or just a command whose first line says what it offers
   * (docs/functions.md). No shell has part in it: words are split, quotes taken off, nothing is expanded.
   */
  readonly exec?: readonly string[];
  /** Keeps the node's identity, its queues and what of topics is kept; without it, every start is a new node. */
  readonly dataDir?: string;
  /**
   * Where its queues are. `disk`, without another where there is a `dataDir`: what was acknowledged survives a crash. `memory`:
   * all that they hold is gone when the node ends; no send waits for a disk. What an earlier start left on disk stays there.
   */
  readonly durability?: 'disk' | 'memory';
  /** Makes the node a hub: one that links its cluster with others. */
  readonly hub?: HubOptions;
  /** Clients of Amazon SQS are answered on the node's port. */
  readonly sqs?: SqsOptions;
  readonly key?: Uint8Array;
  readonly tls?: TlsOptions;
  /** Called with one line of the log. */
  readonly log?: (
    level: 'debug' | 'info' | 'warn' | 'error',
    message: string,
    details?: Record<string, unknown>,
  ) => void;
}

/** A node in this process. */
export interface MpregNode {
  readonly id: NodeId;
  readonly name: string;
  readonly url: string;
  /** Of a hub: where hubs of other clusters dial it. */
  readonly bridgeUrl?: string;
  snapshot(): NodeSnapshot;
  /** A client of this very node, with no socket between. */
  client(): Promise<Client>;
  /** Resolves when at least one other member is alive; rejects with `nobody-there` after `timeoutMs`. */
  joined(timeoutMs: number): Promise<void>;
  /** Takes no new work and says so. */
  drain(): void;
  /** Takes up work again. */
  undrain(): void;
  /** Drains, waits for running calls (at most `graceMs`, default 30 000), tells the others, closes. */
  leave(options?: { readonly graceMs?: number }): Promise<void>;
  /** Closes without a word, as a crash would. */
  kill(): Promise<void>;
  /** Resolves when the node has stopped; rejects with `internal` where a bug of mpreg has ended it. */
  readonly stopped: Promise<void>;
}

export interface ConnectOptions {
  /** Tried in order; default: what the runtime directory offers. */
  readonly urls?: readonly string[];
  readonly key?: Uint8Array;
  readonly tls?: TlsOptions;
  readonly cluster?: string;
  /** For everything, in milliseconds; default 10 000. */
  readonly connectTimeoutMs?: number;
  /**
   * Whether the client survives its node: it connects to another of `urls`, or to a member that it has learned of.
   * Default true. False: it is over with its first connection.
   */
  readonly reconnect?: boolean;
  /**
   * How long a call waits for a connection where there is none, in milliseconds, and not beyond its own `timeoutMs`.
   * Default 10 000. Longer: longer outages go unnoticed. Shorter: `nobody-there` is told sooner.
   */
  readonly waitMs?: number;
  /**
   * How many connections, 1 to 64, each to another one of `urls` where there are several; a request goes to the least
   * busy one. Rejects where not all of them come about. Default 1. More: more than one connection, or one node, can carry.
   * Fewer: less memory on both sides, and fewer handshakes.
   */
  readonly pool?: number;
  /** Milliseconds without any node, after which it gives up for good. Default 0: never. */
  readonly giveUpMs?: number;
  /**
   * A beat is asked for so often, in milliseconds; a connection that brings nothing for two of them is dead. 0: never.
   * Default 5 000 where it reconnects, 0 elsewhere. Longer: less idle traffic. Shorter: dead nodes are noticed sooner.
   */
  readonly keepAliveMs?: number;
}

export interface CallOptions {
  readonly locs?: readonly string[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
  /** Run on this node (name or id) only. */
  readonly node?: string;
  readonly version?: string;
  readonly functionId?: string;
  /** Run in the cluster of this id only, or in one of this region: in another than the node's own through its hubs. */
  readonly cluster?: string;
  readonly region?: string;
  /** Milliseconds; 0: no limit. Default 0, and the function's own. */
  readonly timeoutMs?: number;
  /** It may run twice: repeat it, on another node or another connection, where nobody knows whether it ran. */
  readonly idempotent?: boolean;
  readonly signal?: AbortSignal;
}

export interface AskOptions extends CallOptions {
  /**
   * Takes each item, should the function turn out to be a stream; the reply comes after the last one, with no value.
   * Without it, a stream is `usage-invalid`. Once an item has come, nothing is repeated any more.
   */
  readonly onItem?: (item: unknown) => void;
}

/** What a call would ask for, and which node is asked about it. */
export interface ExplainOptions extends Pick<CallOptions, 'locs' | 'node' | 'version' | 'functionId'> {
  /** Nodes that have had the call already (names or ids): as if they could not take it. */
  readonly tried?: readonly string[];
  /** The node whose view is asked for (name or id); default: the one that the client is connected to. */
  readonly seenBy?: string;
}

export interface RunOptions {
  /** Milliseconds; 0: no limit. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** A reply that failed holds the `values` of all steps that are done, so that another run can go on from it. */
  readonly resumable?: boolean;
  /**
   * A reply to an earlier, resumable run of this plan, which failed: what it holds is not run again, whatever has become
   * of the plan since; `mpreg plan run --resume` looks for changes. Says `resumable` for this run, too.
   */
  readonly resume?: Pick<PlanReply, 'results' | 'values'> & { readonly problem?: Problem | undefined };
  /**
   * Milliseconds that the node has, once `signal` was aborted, to say what is done: it resolves with a reply whose
   * problem is `cancelled`. Without it, or where nothing comes: it rejects with `cancelled`.
   */
  readonly graceMs?: number;
}

/** What came back, and from where. */
export interface Reply {
  readonly value: unknown;
  /** The name of the node that ran it. */
  readonly node: string;
  /** Its cluster, where that is another than that of the node that was asked. */
  readonly cluster?: string;
}

export interface CallFunction {
  /** Rejects with a `ProblemError`. */
  (fun: string, ...args: readonly unknown[]): Promise<unknown>;
  with(options: CallOptions): (fun: string, ...args: readonly unknown[]) => Promise<unknown>;
}

export type PlanDocument = readonly unknown[] | Readonly<Record<string, unknown>>;

/** A plan that knows its results: what `plan()` builds. */
export interface TypedPlan<Results extends object> {
  toJSON(): PlanDocument;
  /** Only for the types. */
  readonly results?: Results;
}

/** All results, or a problem and those that are there all the same. */
export type TypedReply<Results extends object> = Omit<PlanReply, 'results' | 'problem'> &
  (
    | { readonly problem?: undefined; readonly results: Results }
    | { readonly problem: Problem; readonly results: Partial<Results> }
  );

/**
 * The mesh, through any one node. When that node goes away, it connects to another: calls under way there are rejected
 * with `link-lost` at once, unless they are declared idempotent; what is asked meanwhile waits.
 */
export interface Client {
  /** The node that it is, or was last, connected to. */
  readonly node: { readonly id: NodeId; readonly name: string; readonly url: string };
  readonly call: CallFunction;
  /** One call with everything that is known about its answer. */
  ask(fun: string, args: readonly unknown[], options?: AskOptions): Promise<Reply>;
  /** A whole plan. Resolves also where steps failed: `reply.problem` says so. Rejects where nothing was run. */
  run<Results extends object>(plan: TypedPlan<Results>, options?: RunOptions): Promise<TypedReply<Results>>;
  run(plan: PlanDocument, options?: RunOptions): Promise<PlanReply>;
  /** The items of a streaming function as they come. When the connection breaks it throws `link-lost`. */
  stream(fun: string, args: readonly unknown[], options?: CallOptions): AsyncIterable<unknown>;
  /**
   * Tells everybody who listens to the topic; resolves once the node has routed it. Rejects with a `ProblemError`:
   * `topic-invalid`, `not-allowed`, `link-lost` where nobody knows whether it was published.
   */
  publish(topic: string, payload: unknown, options?: PublishOptions): Promise<Published>;
  /** Publishes many messages, without waiting for each. */
  publisher(options?: PublisherOptions): Publisher;
  /**
   * Publishes, and resolves with the first reply. Rejects with `no-responders` where nobody listens, `timed-out` where
   * nobody replied, and the problem where whoever listens refused it.
   */
  request(topic: string, payload: unknown, options?: RequestOptions): Promise<TopicMessage>;
  /** Replies as they come. Throws `timed-out` where none came; one that refuses ends it with its problem. */
  requestMany(topic: string, payload: unknown, options?: RequestManyOptions): AsyncIterable<TopicMessage>;
  /** Listens; resolves once that is effective. */
  subscribe(patterns: string | readonly string[], options?: SubscribeOptions): Promise<Subscription>;
  /**
   * Has messages of matching topics kept, on `node` or the node that it is connected to; where that keeps the pattern already,
   * it changes the limits. Resolves when that is durable there and all nodes in reach know of it, or had five seconds to.
   * Rejects with `exists-already` where another node keeps the same pattern.
   */
  keep(pattern: string, options?: KeepOptions & { readonly node?: string }): Promise<Kept>;
  /** Keeps the pattern no more, on whichever node, and destroys what was kept: resolves with how it was. */
  unkeep(pattern: string, options?: { readonly node?: string }): Promise<Kept>;
  /** What every node that is alive keeps. */
  keeps(): Promise<readonly OfNode<KeepView>[]>;
  /** Gives up a durable name: who comes with it begins anew. False where the keep has no such name. */
  forgetReader(pattern: string, name: string): Promise<boolean>;
  /** Messages that are to be published later, of every node that is alive; the next 1 000 of each. */
  scheduled(): Promise<readonly OfNode<ScheduledView>[]>;
  /** Has messages not be published that were to be; says on which node which were found waiting. */
  unschedule(ids: readonly string[]): Promise<readonly OfNode<string>[]>;
  /** The subscriptions of every node that is alive. */
  subscriptions(): Promise<readonly OfNode<SubscriptionView>[]>;
  /** Who would get a message of the topic, by which pattern, on every node that is alive. Sends nothing. */
  matches(topic: string): Promise<readonly OfNode<TopicMatch>[]>;
  /** A queue by its name, wherever in the mesh it is, also before it is made. */
  queue(name: string): Queue;
  /** The queues of every node that is alive. */
  queues(): Promise<readonly OfNode<QueueInfo>[]>;
  members(): Promise<readonly MemberView[]>;
  functions(): Promise<readonly FunctionView[]>;
  /** `node`: name or id; default: the node that it is connected to. */
  info(node?: string): Promise<NodeSnapshot>;
  /** Who could take a call of the function now, who could not, and why. Resolves also where nobody could. */
  explain(fun: string, options?: ExplainOptions): Promise<Explanation>;
  drain(node?: string): Promise<void>;
  undrain(node?: string): Promise<void>;
  leave(node?: string, options?: { readonly graceMs?: number }): Promise<void>;
  /** Events as the connected node sees them, from now on. When the connection breaks it throws `link-lost`. */
  events(options?: { readonly signal?: AbortSignal }): AsyncIterable<NodeEvent & { readonly at: number }>;
  /** Resolves with the reason when it is over: closed, given up, or, with `reconnect: false`, disconnected. */
  readonly closed: Promise<string>;
  close(): Promise<void>;
}
