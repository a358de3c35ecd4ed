/** Topics as a user of the library sees them. */
import type { SlowPolicy } from './core/topics/outbox.ts';
import type { ProblemError } from './problem-error.ts';

export interface PublishOptions {
  /** At most 64, for whoever filters or traces messages without reading their payload. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * In a consumer group, messages of one key go to one member, in order, as long as the group has the same members.
   * `header:NAME`: the value of that header.
   */
  readonly key?: string;
  /**
   * True: it is kept as the newest of its topic, on every node, and whoever subscribes later gets it first. `clear`: nobody gets
   * this, and what was kept so is forgotten. Gone when all nodes have stopped, but for those that have a data directory. Default
   * false.
   */
  readonly retain?: boolean | 'clear';
  /**
   * Whether to wait until the node has routed it. Default true. False: it resolves as soon as it is on its way, and there
   * is room for more; what the node refuses is not told.
   */
  readonly confirm?: boolean;
  /** When to publish it, by the wall clock, in milliseconds since 1970 or as a date; what is past is due at once. */
  readonly at?: number | Date;
  /** How long from now to publish it, in milliseconds, whatever becomes of the wall clock meanwhile. */
  readonly inMs?: number;
  /** It may arrive twice: publish it again where nobody knows whether it arrived. Default false. */
  readonly idempotent?: boolean;
  /** Milliseconds; 0: no limit. Default 0. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What became of a message. */
export interface Published {
  readonly id: string;
  /** Subscriptions of the node that took it, and other nodes, that it was passed to; absent where nobody was asked. */
  readonly local?: number;
  readonly nodes?: number;
  /** The number under which it is kept, and durable; absent where nobody keeps it, or nobody was asked. */
  readonly kept?: number;
  /** Groups of which no member has room yet: they get it as soon as one has. */
  readonly waiting?: number;
  /** Queues bound to its kept topic that are away, full or slow: they store it as soon as they can. Others have stored it. */
  readonly behind?: number;
  /** It is published later: when, in milliseconds since 1970, by which node, and whether that keeps it when it is restarted. */
  readonly later?: { readonly at: number; readonly node: string; readonly durable: boolean };
}

export interface TopicMessage {
  /** Nobody else's: its publisher and the publisher's count. */
  readonly id: string;
  readonly topic: string;
  readonly payload: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** The same for all messages of one client; they come in the order in which they were published. */
  readonly publisher: string;
  /** When its node took it, in milliseconds since 1970. */
  readonly time: number;
  /** Messages that were dropped just before it, because this subscriber was slow; of kept ones, that had gone before it came to them. */
  readonly missed: number;
  /** The connection was lost before it, and made again: nobody knows how many messages were missed. */
  readonly interrupted: boolean;
  /** The number under which it is kept, for a reader of what is kept: they grow, with gaps where messages are not for it. */
  readonly sequence?: number;
  /** It was published before: the newest retained message of its topic. */
  readonly retained: boolean;
  /** 1; in a group whose members acknowledge more where others may have had it, and have not acknowledged it. */
  readonly attempt: number;
  /** Whether `attempt` is more than 1. */
  readonly redelivered: boolean;
  /** Where it is in what is kept, for `after`. */
  readonly position?: string;
  /**
   * It has been dealt with: no other member of the group gets it; a durable name goes on after the last of those that are all
   * acknowledged. Nothing to do where `ack` is `auto`, and for messages that nobody waits to hear of.
   */
  ack(): void;
  /**
   * In a group, it is refused: another member gets it, or this one again, after a pause that grows from attempt to attempt.
   * Elsewhere it does nothing.
   */
  nack(): void;
  /** Whether its publisher waits for a reply, and `reply` was not called. */
  readonly wantsReply: boolean;
  /** Answers its publisher, and nobody else. Resolves when that is on its way; `usage-invalid` where nobody waits for it. */
  reply(value: unknown): Promise<void>;
  /** Answers with a problem, which whoever asked is rejected with. */
  refuse(why: ProblemError): Promise<void>;
}

export interface RequestOptions extends Pick<PublishOptions, 'headers' | 'key' | 'idempotent' | 'signal'> {
  /** For the reply, in milliseconds; 0: no limit. Default 10 000. */
  readonly timeoutMs?: number;
}

export interface RequestManyOptions extends RequestOptions {
  /** Ends after so many replies. Default: with its time. */
  readonly replies?: number;
}

/** Publishes faster than one by one, and never faster than its node takes it. */
export interface Publisher {
  /**
   * Resolves as soon as there is room for the next one, long before the node has taken this. Rejects with the first
   * failure of any message before; then nothing more is published.
   */
  publish(topic: string, payload: unknown, options?: PublisherExtras): Promise<void>;
  /** Resolves when the node has taken all; rejects with the first failure. */
  flush(): Promise<void>;
  /** Flushes, and takes no more. */
  close(): Promise<void>;
  /** A stream to pipe payloads into, all for one topic; closing it closes the publisher. */
  writable(topic: string): WritableStream<unknown>;
  readonly counts: PublisherCounts;
  /** Resolves when it was closed and the node has taken all; rejects with the first failure, when that shows. */
  readonly closed: Promise<void>;
}

/** What is said of one message of many. */
export type PublisherExtras = Pick<PublishOptions, 'at' | 'headers' | 'inMs' | 'key'>;

export interface PublisherCounts {
  /** Taken by the node. */
  readonly published: number;
  /** Under way. */
  readonly open: number;
  /** Refused, or lost; also those under way when the first was. */
  readonly failed: number;
}

export interface PublisherOptions extends Pick<PublishOptions, 'idempotent' | 'timeoutMs' | 'signal'> {
  /**
   * Whether each message is confirmed by its node. Default true. False: several times faster; what the node refuses is not
   * told, `openMax` and `bytesMax` do not count, and `flush` resolves when the node has routed all that reached it.
   */
  readonly confirm?: boolean;
  /** Messages under way. Default 1 000. More: a distant node is kept busy. Fewer: less is in doubt when a link breaks. */
  readonly openMax?: number;
  /** Their payloads' bytes. Default 8 MiB. More: large messages go faster. Fewer: less memory here and on the node. */
  readonly bytesMax?: number;
  /** Hears what became of each message that is confirmed. */
  readonly onPublished?: (published: Published) => void;
}

export interface SubscribeOptions {
  /** Each message goes to one member of the group. */
  readonly group?: string;
  /**
   * When messages of a group, and those that are read under a durable name, are acknowledged. `auto` (the default): when the
   * next one is asked for, or what `onMessage` returned is settled; so whoever leaves its loop early has not acknowledged the
   * last. `manual`: with `message.ack()`; at most 100 000 of a durable name may be open. `none`, in a group: a message counts as
   * done when it is on its way to its member, which is faster, and it is lost where the member dies. Otherwise what a
   * member has not acknowledged when it leaves, or it or its node dies, goes to another.
   */
  readonly ack?: 'auto' | 'manual' | 'none';
  /**
   * Messages that a member may have that it has not acknowledged. Default 64. More: nobody waits for acknowledgements.
   * Fewer: shared more evenly, and fewer come again.
   */
  readonly window?: number;
  /** What a member has not acknowledged for so long, in milliseconds, goes to another. Default: never, while it is there. */
  readonly ackTimeoutMs?: number;
  /**
   * Where the group finds the key of a message: `header:NAME`. Messages of one key stay with one member, in order. A message
   * without that header has the key that its publisher said, if any. All members say the same.
   */
  readonly key?: `header:${string}`;
  /**
   * Reads what is kept, and goes on with what comes, in order, with no gap and nothing twice, also when the connection is
   * lost and made again. All patterns must be held by one keep. From a number on, which is 1 or more; `first`: from the oldest that is kept;
   * `new`: only what comes from now on.
   */
  readonly from?: number | 'first' | 'new';
  /** As `from`, with what comes after a message, by its `position`: for whoever remembers by itself how far it is. */
  readonly after?: string;
  /** As `from`, with the newest so many; 0: with none of them, as `new`. */
  readonly last?: number;
  /** As `from`, with what was kept since then, or in the last so many milliseconds. */
  readonly since?: Date | number;
  /**
   * As `from`, under a name that the keeper remembers: whoever comes with it goes on after the last message that it
   * acknowledged. A new name begins as `from`, `last` or `since` say, else with what comes from now on. The newest of
   * several readers of one name has it; the others end with `exists-already`.
   */
  readonly durable?: string;
  /** With `from`, `after`, `last` or `since`: reads what that cluster of the federation keeps. */
  readonly keptIn?: string;
  /** Whether to wait until all nodes know of it, not only the one that the client is connected to. Default false. */
  readonly everywhere?: boolean;
  /**
   * What becomes of messages where more wait than may. Default `drop-oldest`. `block` holds the publishers of what matches, on
   * this node and on others; not those that are slow subscribers themselves: what they send is dropped.
   */
  readonly policy?: SlowPolicy;
  /** Messages that may wait on the node. Default 10 000. More: longer bursts are carried. Fewer: less memory there. */
  readonly messagesMax?: number;
  /** Their bytes, with 256 more for each. Default 8 MiB. */
  readonly bytesMax?: number;
  /**
   * Takes the messages, one after the other: where it returns a promise, the next comes when that is settled. What it
   * returns (but undefined) or throws is the reply to a message that wants one; what it throws otherwise ends the subscription.
   */
  readonly onMessage?: (message: TopicMessage) => unknown;
  /** For becoming effective, in milliseconds. Default 10 000. */
  readonly timeoutMs?: number;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/**
 * Messages as they come. When the connection is lost it is made again on the next one, and the first message after that
 * says `interrupted`. What nobody takes waits here, up to 4 MiB, then on the node, by the subscription's policy.
 */
export interface Subscription extends AsyncIterable<TopicMessage> {
  readonly patterns: readonly string[];
  /** Messages dropped so far. */
  readonly missed: number;
  /** How often the connection was lost. */
  readonly interruptions: number;
  close(): Promise<void>;
  /** Resolves when it was closed; rejects with a `ProblemError` where it ended otherwise: by `onMessage`, by its policy. */
  readonly closed: Promise<void>;
}

/** A message that a node publishes later. */
export interface ScheduledView {
  readonly id: string;
  readonly topic: string;
  /** When, in milliseconds since 1970. */
  readonly at: number;
  /** What it takes of the node's memory. */
  readonly bytes: number;
  /** How often it was due and could not be published. */
  readonly failures: number;
}

/** A subscription, as its node shows it. */
export interface SubscriptionView {
  readonly id: number;
  readonly patterns: readonly string[];
  readonly group?: string;
  /** What its client calls itself. */
  readonly client: string;
  readonly policy: SlowPolicy;
  readonly delivered: number;
  readonly waiting: number;
  readonly dropped: number;
  /** The header in which its group finds keys. */
  readonly key?: string;
  /** A client hears there the replies to what it has asked. */
  readonly inbox?: true;
  /** Of a member of a group that acknowledges: messages that it has and has not acknowledged. */
  readonly unacknowledged?: number;
}

/** One pattern by which a topic reaches somebody: who listens, or keeps it, or reads what is kept. */
export interface TopicMatch {
  /** `name`: a durable name that nobody reads under now; its reader gets the message when it comes back. */
  readonly kind: 'subscription' | 'member' | 'keep' | 'reader' | 'name';
  /** Of a durable name, that of its keep: what its reader wants of that is known when it comes back. */
  readonly pattern: string;
  /** Of a member's group, or the durable name. */
  readonly name?: string;
  /** Of whoever listens or reads. */
  readonly client?: string;
  /** Of whoever listens. */
  readonly subscription?: number;
}

/** What one node answered about topics; `problem` where it did not. */
export interface OfNode<Found> {
  readonly node: string;
  readonly found: readonly Found[];
  readonly problem?: string;
}

/** How much of a set of topics is kept. The oldest go first where one of the limits is reached. */
export interface KeepOptions {
  /** Milliseconds. Default: no age is too old. */
  readonly ageMs?: number;
  /** Messages. Default 100 000. */
  readonly countMax?: number;
  /** Their payloads, with 256 bytes more for each. Default 1 GiB. */
  readonly bytesMax?: number;
  /** In memory: faster, and gone with its node. Default: on disk, where the node has a data directory. */
  readonly memory?: boolean;
}

/** What a node keeps of one pattern's topics. */
export interface KeepView {
  readonly id: string;
  readonly pattern: string;
  readonly durability: 'disk' | 'memory';
  readonly ageMaxMs?: number;
  readonly countMax: number;
  readonly bytesMax: number;
  /** Numbers of the oldest and the newest message that it holds; `last` is one less than `first` where it holds none. */
  readonly first: number;
  readonly last: number;
  readonly count: number;
  readonly bytes: number;
  /** Durable names, and the number of the last message that each has acknowledged. */
  readonly names: readonly { readonly name: string; readonly position: number }[];
  /** Who reads now. */
  readonly readers: readonly {
    /** Its name, or that of the node that it is connected to. */
    readonly client: string;
    readonly patterns: readonly string[];
    readonly durable?: string;
    /** Messages. */
    readonly sent: number;
  }[];
}

/** A keep, and its node. */
export interface Kept extends KeepView {
  readonly node: string;
}
