/**
 * Queues as a user of the library sees them.
 *
 * Durations end in `Ms`; moments (`at`, `…At`, `…Until`) are milliseconds since 1970. Every promise rejects with a
 * `ProblemError`.
 */
import type { Problem } from './core/base/problems.ts';
import type { QueueCounts } from './core/queues/messages.ts';

export type QueueKind = 'standard' | 'fifo' | 'priority' | 'delay';

/**
 * `fire-and-forget`: gone when it is received. `at-least-once`: leased, and given again until it is acknowledged.
 * `broadcast`: every consumer that is subscribed by name when it is sent has to acknowledge. `quorum`: so many of them.
 */
export type QueueGuarantee = 'fire-and-forget' | 'at-least-once' | 'broadcast' | 'quorum';

/** After a nack without a delay: `baseMs · factorⁿ`, at most `maxMs`, less up to the share `jitter` of it. */
export interface RetryPolicy {
  readonly baseMs: number;
  readonly factor: number;
  readonly maxMs: number;
  readonly jitter: number;
}

export interface QueueOptions {
  /** For good. Default `standard`. */
  readonly kind?: QueueKind;
  /** How long a received message belongs to its receiver. Default 30 000. */
  readonly visibilityMs?: number;
  /** Before a message can be received for the first time. Default 0. */
  readonly delayMs?: number;
  /** How long messages are kept; null: until they are acknowledged. Default null. */
  readonly ttlMs?: number | null;
  /** What becomes of those that were kept so long. Default `drop`. */
  readonly expired?: 'drop' | 'dead-letter';
  /** Receives of one message before it is a dead letter; null: any number. Default 10. */
  readonly maxReceives?: number | null;
  /** The queue of its dead letters. Default `NAME.dead`, made when first needed. */
  readonly deadLetter?: string | null;
  readonly retry?: Partial<RetryPolicy>;
  /** Most messages that it holds; one more is `queue-full`. Default: no limit. */
  readonly messagesMax?: number | null;
  /** Most bytes that they have together. Default: no limit. */
  readonly bytesMax?: number | null;
  /** Largest message. Default 1 MiB. */
  readonly messageBytesMax?: number;
  /** Most messages that are leased at once. Default 120 000. */
  readonly leasesMax?: number;
  /** `content`: messages without a `dedupeId` are told apart by their body. Default `id`. */
  readonly dedupe?: 'id' | 'content';
  /** How long an id is remembered. Default 300 000. */
  readonly dedupeMs?: number;
  /** What sends have that do not say. Default `at-least-once`. */
  readonly guarantee?: QueueGuarantee;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface CreateQueueOptions extends QueueOptions {
  /**
   * Where it lives: `any` (chosen among the nodes that keep queues on disk), a node's name, or `label=value`, a resource
   * of one. Default: the node that is asked; where its dead letters are on another one already, there.
   */
  readonly place?: string;
}

export type { QueueCounts };

export interface QueueInfo {
  readonly name: string;
  /** The node on which it lives. */
  readonly node: string;
  readonly kind: QueueKind;
  readonly options: Required<Omit<QueueOptions, 'kind' | 'retry'>> & { readonly retry: RetryPolicy };
  readonly createdAt: number;
  readonly changedAt: number;
  /** `memory`: what it holds is gone when its node ends. */
  readonly durability: 'disk' | 'memory';
  readonly counts: QueueCounts;
  /** Subscribed by name, for `broadcast` and `quorum`. */
  readonly consumers: readonly string[];
  /** Receives that wait for a message. */
  readonly waiting: number;
  /** When the oldest message that it holds was sent. */
  readonly oldestAt: number | null;
  readonly redrive: RedriveJob | null;
  readonly deadLetter: string | null;
  /** The queues whose dead letters come here; absent where there are none, and in lists. */
  readonly sources?: readonly string[];
  /** Where it is moving now. */
  readonly moving?: string;
  /** Patterns of topics whose messages are stored in it; absent where there are none. */
  readonly bindings?: readonly string[];
}

export interface RedriveOptions {
  /** `origin`, where each of them came from, or another queue of the same node. Default `origin`. */
  readonly to?: string;
  readonly max?: number;
  /** Messages a second, also fewer than one. */
  readonly rate?: number;
  /** Only say what would be moved. */
  readonly dryRun?: boolean;
}

export interface RedriveJob {
  readonly id: number | string;
  readonly to: string;
  readonly max: number | null;
  readonly rate: number | null;
  readonly moved: number;
  readonly failed: number;
  /** The code of the problem with the first of these: `queue-unknown`, `queue-full`. */
  readonly failure?: string;
  /** How many there were when it began. */
  readonly total: number;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly state: 'running' | 'done' | 'cancelled';
  readonly dryRun: boolean;
}

export interface SendOptions {
  /** Plain data, given back as it was. */
  readonly headers?: Readonly<Record<string, unknown>>;
  /** In a fifo queue: those of one group come in order, one at a time. Needed there. */
  readonly group?: string;
  /** A second message with the same id within the queue's `dedupeMs` is not stored. */
  readonly dedupeId?: string;
  /** 0 to 255; higher first. */
  readonly priority?: number;
  /** Not to be received before. */
  readonly delayMs?: number;
  readonly at?: number;
  readonly ttlMs?: number;
  readonly guarantee?: QueueGuarantee;
  /** Of how many consumers, for the guarantee `quorum`. */
  readonly quorum?: number;
  readonly retry?: Partial<RetryPolicy>;
  readonly maxReceives?: number;
}

export interface SendMessage extends SendOptions {
  /** Text stays text, bytes stay bytes; anything else that can be sent to a function. */
  readonly body: unknown;
}

/** What became of a message: it is stored. */
export interface Sent {
  readonly id: number;
  /** It was there already; `id` is that of the first. */
  readonly duplicate?: boolean;
}

export type SendResult = Sent | { readonly problem: Problem };

/** Why a message is in a queue of dead letters. */
export interface DeadInfo {
  readonly queue: string;
  readonly id: number;
  readonly reason: string;
  readonly at: number;
  readonly receives: number;
  readonly sentAt: number;
  /** The last ten times that it was received. */
  readonly history: readonly {
    readonly at: number;
    readonly consumer?: string;
    readonly endedAt: number;
    readonly how: 'nacked' | 'timed-out';
    readonly reason?: string;
  }[];
}

/** A message as it lies in its queue. */
export interface StoredMessage {
  readonly id: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly group?: string;
  readonly dedupeId?: string;
  readonly priority: number;
  readonly sentAt: number;
  /** How often it was received; 1 the first time. */
  readonly receives: number;
  /** Absent where it never was. */
  readonly firstReceivedAt?: number;
  readonly guarantee: QueueGuarantee;
  readonly dead?: DeadInfo;
}

export interface PeekedMessage extends StoredMessage {
  readonly state: 'ready' | 'delayed' | 'leased';
  readonly leaseUntil?: number | null;
}

/** A message that was received, as it came. */
export interface ReceivedMessage extends StoredMessage {
  /** What acknowledges it; of this receive alone. */
  readonly receipt: string;
  /** Grows with each receive: what a later owner writes wins over what an earlier one does. */
  readonly token: number;
  readonly leaseUntil: number;
}

/** A message that belongs to whoever received it until its lease ends. `lease-lost` is what the four reject with after that. */
export interface QueueMessage extends ReceivedMessage {
  readonly queue: string;
  /** Whether its receiver has said what becomes of it, or has lost it. */
  readonly isSettled: boolean;
  /** Aborted once it is known that the message belongs to somebody else. */
  readonly signal: AbortSignal;
  /** It is done, and never comes again. */
  ack(): Promise<void>;
  /** It is not done: it comes again after `delayMs`, or as the queue's retry policy says. */
  nack(options?: { readonly delayMs?: number; readonly reason?: string }): Promise<void>;
  /** It belongs to its receiver for so long from now. Resolves with the moment when that ends. */
  extend(visibilityMs: number): Promise<number>;
  /** As if it had never been received. */
  release(): Promise<void>;
}

export interface ReceiveOptions {
  /** Default 1, at most 1 000. */
  readonly max?: number;
  /** How long to wait where there is none. Default 0. */
  readonly waitMs?: number;
  /** Default: the queue's. */
  readonly visibilityMs?: number;
  /** By which name, for the guarantees `broadcast` and `quorum`. */
  readonly consumer?: string;
  /** How many of one fifo group at once; the group waits until all of them are done. Default 1. */
  readonly groupMax?: number;
  readonly signal?: AbortSignal;
}

export interface ConsumeOptions {
  /**
   * Messages that are here and not done with, at most. Default 100, or twice the `concurrency` of `work`. More: fewer calls
   * for each message. Fewer: less that others could have worked on meanwhile.
   */
  readonly prefetch?: number;
  /** The lease of each; it is extended until the message is done with. Default: the queue's as it was at the beginning. */
  readonly visibilityMs?: number;
  /**
   * `auto`: asking for the next message acknowledges the one before; where the loop is left, the last one is released.
   * `manual`: `ack`, `nack` or `release` it. Default `auto`.
   */
  readonly ack?: 'auto' | 'manual';
  readonly consumer?: string;
  readonly groupMax?: number;
  /** Ends after so many messages. */
  readonly max?: number;
  /** Ends when nothing has come for so long; 0: when there is nothing. Default: never. */
  readonly idleMs?: number;
  /** Whether to wait for a queue that is not there. Default false: `queue-unknown`, if it was never there. */
  readonly awaitQueue?: boolean;
  /** Once it is told to end, how long what is under way keeps its lease. Default 30 000. At its own end: until it is done. */
  readonly graceMs?: number;
  /** Hears why nothing comes at the moment: the connection, the queue's node. */
  readonly onTrouble?: (problem: Problem) => void;
  /** Hears that the queue answers again after a trouble, also where it has nothing. */
  readonly onWell?: () => void;
  /** Ends it: what was not begun is released, what was begun is waited for. */
  readonly signal?: AbortSignal;
}

/** Messages as they come, until it is stopped. Survives the loss of its connection and of the queue's node. */
export interface Consumption extends AsyncIterable<QueueMessage> {
  /** Messages that are here and not done with. */
  readonly held: number;
  /** Takes nothing new, releases what nobody has begun, and resolves when all else is done with or `graceMs` are over. */
  stop(): Promise<void>;
  /** Resolves when it has stopped; rejects where it ended otherwise: there is no such queue, the client is over. */
  readonly closed: Promise<void>;
}

export interface WorkOptions extends Omit<ConsumeOptions, 'ack'> {
  /** Messages, or batches, that are worked on at once. Default 1. */
  readonly concurrency?: number;
}

/** Handlers at work. */
export interface Work {
  /** Takes nothing new, waits for the handlers that run (at most `graceMs`), releases the rest. */
  stop(): Promise<void>;
  readonly closed: Promise<void>;
  readonly running: number;
}

/**
 * A queue, wherever in the mesh it lives. Making one of these asks nobody.
 *
 * What is sent, or acknowledged, in one turn of the loop goes in one call, and several calls are under way at once.
 */
export interface Queue {
  readonly name: string;
  /**
   * Resolves when the message is stored. What nobody knows the outcome of is sent again only where it has a `dedupeId`;
   * else it rejects with `link-lost` or `timed-out`.
   */
  send(body: unknown, options?: SendOptions): Promise<Sent>;
  /** One result for each, in order; rejects where nothing is known of any. */
  sendBatch(messages: readonly SendMessage[]): Promise<readonly SendResult[]>;
  /** Messages that were given to `send` and have no answer. Beyond 100 000 of them, or 64 MiB, `send` is `overloaded`. */
  readonly sending: number;
  /** Resolves when `send` may go on without piling up: at once, or when half of what waits is gone. */
  room(): Promise<void>;
  receive(options?: ReceiveOptions): Promise<readonly QueueMessage[]>;
  consume(options?: ConsumeOptions): Consumption;
  /** Has each message worked on: acknowledged when `handler` is done, given again where it throws. */
  work(handler: (message: QueueMessage) => unknown, options?: WorkOptions): Work;
  /** The same, with up to `batch` messages at once: those that are there. What the handler has not settled is acknowledged. */
  workBatches(
    handler: (messages: readonly QueueMessage[]) => unknown,
    options: WorkOptions & { readonly batch: number },
  ): Work;
  /** By receipt, for whoever did not receive it in this process. One result for each. */
  ack(receipts: readonly string[], consumer?: string): Promise<readonly ReceiptResult[]>;
  nack(receipts: readonly NackReceipt[], consumer?: string): Promise<readonly ReceiptResult[]>;
  extend(receipts: readonly ExtendReceipt[]): Promise<readonly ReceiptResult[]>;
  release(receipts: readonly string[]): Promise<readonly ReceiptResult[]>;
  /** What it holds, in order, without taking any of it. `after`: an id. */
  peek(options?: {
    readonly max?: number;
    readonly after?: number;
    readonly state?: PeekedMessage['state'];
  }): Promise<readonly PeekedMessage[]>;
  create(options?: CreateQueueOptions): Promise<QueueInfo>;
  info(): Promise<QueueInfo>;
  edit(options: Omit<QueueOptions, 'kind'>): Promise<QueueInfo>;
  /** With all that it holds. */
  delete(): Promise<void>;
  /** Removes all that it holds; resolves with how many. */
  purge(): Promise<number>;
  redrive(options?: RedriveOptions): Promise<RedriveJob>;
  cancelRedrive(): Promise<RedriveJob>;
  subscribe(consumer: string): Promise<readonly string[]>;
  unsubscribe(consumer: string): Promise<readonly string[]>;
  /**
   * Has it live on another node: its name, or `label=value`, a resource of one. Nothing of it is lost: while it moves, what
   * is asked of it waits. Queues with the same dead letters move together. Resolves when it is there.
   */
  move(node: string): Promise<QueueInfo>;
  /** Takes a move back: it stays where it was, and nothing is lost. `queue-moving` where it has been given already. */
  abandonMove(): Promise<QueueInfo>;
  /**
   * Has it served on the node to which it moved, by its name or id, where it is whole and its old node was lost before it had
   * said that it let go of it. Only where that one is lost for good: if it kept the queue, both would serve it.
   */
  resumeMove(node: string): Promise<QueueInfo>;
  /** From now on, messages of topics that match are stored in it, too, once each; with all patterns that it then has. */
  bind(patterns: string | readonly string[]): Promise<QueueInfo>;
  /** Ends that for these patterns. */
  unbind(patterns: string | readonly string[]): Promise<QueueInfo>;
  /** What it is, again and again. */
  watch(options?: { readonly everyMs?: number; readonly signal?: AbortSignal }): AsyncIterable<QueueInfo>;
}

export interface NackReceipt {
  readonly receipt: string;
  readonly delayMs?: number;
  readonly reason?: string;
}

export interface ExtendReceipt {
  readonly receipt: string;
  readonly visibilityMs: number;
}

export type ReceiptResult = { readonly ok: true; readonly leaseUntil?: number } | { readonly problem: Problem };
