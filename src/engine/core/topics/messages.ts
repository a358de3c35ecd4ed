import type { NodeId } from '../base/ids.ts';
import type { Payload } from '../base/payload.ts';
import type { Problem } from '../base/problems.ts';
import type { SlowPolicy } from './outbox.ts';

/** What one node's exchange says to another's. Messages of users never pass through here: the host moves their bytes. */
export type TopicsMessage =
  /**
   * What the sender's node listens to at `version`: the changes since `from`, or all of it where `from` is 0.
   * Removals come first.
   */
  | {
      readonly kind: 'interest';
      readonly from: number;
      readonly version: number;
      readonly removed: readonly Interest[];
      readonly added: readonly Interest[];
    }
  /** The version of the receiver's interest that the sender holds: an acknowledgement, and a request for what is newer. */
  | { readonly kind: 'interest-have'; readonly version: number };

export type InterestMessage = Extract<TopicsMessage, { readonly kind: 'interest' }>;

/** One pattern that a node listens to: for itself, or for one member of a consumer group. */
export interface Interest {
  readonly pattern: string;
  readonly member?: MemberInterest;
  /** Of a hub, for other clusters: of what matches the pattern, only what this affirms. */
  readonly filter?: TopicFilter;
}

/** A Bloom filter of topics and beginnings of topics, as the federation has it; here nobody looks into it. */
export interface TopicFilter {
  readonly hashes: number;
  readonly bits: string;
}

export interface MemberInterest {
  readonly group: string;
  readonly id: number;
  /** The header in which it finds keys. */
  readonly key?: string;
  /** It acknowledges, and has at most so many messages that it has not acknowledged. */
  readonly window?: number;
}

/** The same for equal interests only. No pattern or group holds a line's end. */
export function interestKey({ pattern, member, filter }: Interest): string {
  if (filter !== undefined) return `${pattern}\n\n${filter.hashes} ${filter.bits}`;
  return member === undefined ? pattern : `${pattern}\n${member.group}\n${member.id}`;
}

/** What a client that subscribes and its node say to each other. */
export type SubscriberMessage =
  /** Answered by `subscribed`, or by an `error` with the same number; one that comes later ends the subscription. */
  | {
      readonly kind: 'subscribe';
      /** Chosen by the client, as for a call. */
      readonly id: number;
      readonly patterns: readonly string[];
      readonly group?: string;
      /** Answer only when all nodes know of it. */
      readonly everywhere?: true;
      /** The client says what it has taken, and more than `WINDOW_BYTES` are never on their way. */
      readonly paced?: true;
      readonly policy?: SlowPolicy;
      readonly messagesMax?: number;
      readonly bytesMax?: number;
      /** Of a member of a group: the header in which it finds keys. */
      readonly key?: string;
      /** It acknowledges (`settle`), and has at most so many messages that it has not acknowledged. */
      readonly window?: number;
      /** What it has not acknowledged for so long goes to another. */
      readonly settleMs?: number;
    }
  | { readonly kind: 'subscribed'; readonly id: number }
  | { readonly kind: 'unsubscribe'; readonly id: number };

export type SubscribeMessage = Extract<SubscriberMessage, { readonly kind: 'subscribe' }>;

/** Messages of users, and what is said about them. The core never sees one that arrives: the host routes them. */
export type FlowMessage =
  | PublishMessage
  | PublishRunMessage
  | PublishedMessage
  | ForwardMessage
  | ForwardRunMessage
  | AbroadMessage
  | DeliverMessage
  | DeliverRunMessage
  | GapMessage
  | TakenMessage
  | SettleMessage
  | DischargeMessage
  | ReturnedMessage
  | BrakeMessage
  | RetainedMessage
  | KeepMessage;

/** About topics that are kept: between a publisher's node and the keeper, and between a reader and the keeper. */
export type KeepMessage =
  | StoreMessage
  | StoredMessage
  | ReadMessage
  | ReadingMessage
  | KeptMessage
  | AcknowledgeMessage
  | UnreadMessage;

/** What is said of a message wherever it travels. */
interface Published {
  readonly topic: string;
  /** Who published it: the same for all that one publisher says, and nobody else's. */
  readonly by: string;
  /** Its publisher's count. With `by`, what a message is known by. */
  readonly seq: number;
  readonly headers?: Headers;
  readonly payload: Payload;
}

export type Headers = Readonly<Record<string, string>>;

export interface PublishMessage extends Omit<Published, 'by' | 'seq'> {
  readonly kind: 'publish';
  /** Answered by `published` or `error`; 0: not at all. */
  readonly id: number;
  /** Absent: the node makes them. */
  readonly by?: string;
  readonly seq?: number;
  /** In a consumer group, messages with one key go to one member. */
  readonly key?: string;
  /** `keep`: for those who subscribe later. `clear`: nobody gets it, and what was kept so is forgotten. */
  readonly retain?: 'keep' | 'clear';
}

/** The node has routed it, to so many subscriptions of its own and so many other nodes. */
export interface PublishedMessage {
  readonly kind: 'published';
  readonly id: number;
  readonly local: number;
  readonly nodes: number;
  /** The number under which it is kept; absent where nobody keeps it. */
  readonly kept?: number;
  /** Groups of which no member has room yet. */
  readonly waiting?: number;
  /** Queues bound to a kept topic that have not stored it yet. */
  readonly behind?: number;
}

/** To another node: for all subscriptions there, where `plain`, and for members of groups. */
export interface ForwardMessage extends Published {
  readonly kind: 'forward';
  /** When it was published, in milliseconds since 1970, by the clock of the publisher's node. */
  readonly at: number;
  readonly plain: boolean;
  readonly members: readonly ChosenMember[];
  /** For members of groups, where their publisher has said one. */
  readonly key?: string;
  /** It is the newest of its topic, for those who subscribe later. */
  readonly retained?: RetainedVersion;
  /** It has come from another cluster, and goes to none. */
  readonly abroad?: true;
}

/** Between hubs: for the clusters of the hubs in `to`, each of which publishes it to its own nodes, and no further. */
export interface AbroadMessage extends Published {
  readonly kind: 'abroad';
  /** Where it was published. */
  readonly cluster: string;
  readonly at: number;
  readonly key?: string;
  readonly to: readonly NodeId[];
  /** Hubs that had it: none of them gets it again. */
  readonly passed: readonly NodeId[];
}

/** Of a retained message: when and at which node it was put, and whether that was to clear its topic. */
export interface RetainedVersion {
  readonly time: number;
  readonly node: string;
  readonly cleared?: true;
}

/** Who gets it of a group. Of a member that acknowledges, `debt` is what `discharge` names, and `attempt` is 1 where it is absent. */
export interface ChosenMember {
  readonly group: string;
  readonly id: number;
  readonly debt?: number;
  readonly attempt?: number;
}

/** To a client: one message for one of its subscriptions. */
export interface DeliverMessage extends Published {
  readonly kind: 'deliver';
  readonly id: number;
  readonly at: number;
  /** So many were dropped just before it, because the subscriber was slow. */
  readonly missed?: number;
  /** What `settle` names, where it is to be acknowledged. */
  readonly tag?: number;
  /** 2 or more: others may have had it. */
  readonly attempt?: number;
  /** It was published before: the newest retained message of its topic. */
  readonly retained?: true;
}

/**
 * Several messages of one topic and one publisher, which follow each other in its count, in one piece: without headers,
 * keys and confirmation. `payload` is the list of their values, each as bytes of its own, at least one.
 */
interface Run {
  readonly topic: string;
  readonly by: string;
  /** Of the first. */
  readonly seq: number;
  readonly payload: Payload;
}

export interface PublishRunMessage extends Run {
  readonly kind: 'publish-run';
}

/** For all subscriptions there that are in no group. */
export interface ForwardRunMessage extends Run {
  readonly kind: 'forward-run';
  readonly at: number;
}

export interface DeliverRunMessage extends Run {
  readonly kind: 'deliver-run';
  readonly id: number;
  readonly at: number;
  /** Before the first. */
  readonly missed?: number;
}

/** So many were dropped, and nothing has come after them. */
export interface GapMessage {
  readonly kind: 'gap';
  readonly id: number;
  readonly missed: number;
}

/** To a node that keeps the topic: a `forward` that is to be stored as well. */
export interface StoreMessage extends Published {
  readonly kind: 'store';
  /** The sender's number for it, by which it is answered. */
  readonly n: number;
  readonly at: number;
  readonly plain: boolean;
  readonly members: readonly ChosenMember[];
  readonly key?: string;
  readonly retained?: RetainedVersion;
  readonly abroad?: true;
}

/** What was stored as `n` and those after it, `count` in all, is durable as `sequence` and those after that; or it is not, and why. */
export interface StoredMessage {
  readonly kind: 'stored';
  readonly n: number;
  readonly count: number;
  readonly sequence: number;
  readonly problem?: Problem;
  /** Queues bound to the topic that have not stored them yet. */
  readonly behind?: number;
}

/**
 * Reads what is kept, and goes on with what comes: from a client to its node, and from there to the keeper. Of `from`,
 * `last` and `ageMs` one at most; without, it begins with what comes from now on.
 */
export interface ReadMessage {
  readonly kind: 'read';
  readonly id: number;
  readonly patterns: readonly string[];
  readonly from?: number;
  readonly last?: number;
  /** With what has come in the last so many milliseconds. */
  readonly ageMs?: number;
  /** After what was acknowledged under that name; one that is new begins as the fields above say. */
  readonly durable?: string;
  /** Of a reader that was cut off: what it read, and the number after the last that it got. Comes before all of these. */
  readonly resume?: { readonly keep: string; readonly next: number };
  /** As of a subscription. */
  readonly paced?: true;
  /** What the client calls itself, where its node passes this on. */
  readonly client?: string;
}

/** The reader reads what is kept as `keep`, from `next` on. With a problem: it does not, or no longer does. */
export interface ReadingMessage {
  readonly kind: 'reading';
  readonly id: number;
  readonly keep: string;
  readonly next: number;
  readonly problem?: Problem;
}

/** To a reader: one message as it is kept. */
export interface KeptMessage extends Published {
  readonly kind: 'kept';
  readonly id: number;
  readonly sequence: number;
  readonly at: number;
  /** So many numbers before it had gone before the reader came to them. */
  readonly missed?: number;
}

/** A reader with a durable name has dealt with everything up to and with `sequence`. */
export interface AcknowledgeMessage {
  readonly kind: 'acknowledge';
  readonly id: number;
  readonly sequence: number;
}

/** The reader reads no more. */
export interface UnreadMessage {
  readonly kind: 'unread';
  readonly id: number;
}

/** A paced subscriber has taken messages that cost so much: `COST_BYTES` each, and their payloads. */
export interface TakenMessage {
  readonly kind: 'taken';
  readonly id: number;
  readonly bytes: number;
}

/** A member of a group is done with messages, or refuses them: they go to others. */
export interface SettleMessage {
  readonly kind: 'settle';
  readonly id: number;
  readonly done: readonly number[];
  readonly refused: readonly number[];
}

/** To the node that owes messages: what became of them here. Empty, from either: some are not settled, so the link is needed. */
export interface DischargeMessage {
  readonly kind: 'discharge';
  readonly done: readonly number[];
  /** By a member, or it let them lie too long. */
  readonly refused: readonly number[];
  /** Their member has left with them. */
  readonly left: readonly number[];
  /** No member has had them. */
  readonly unseen: readonly number[];
}

/** To the node that chose: no member of the group is left here to have this, and none has had it. */
export interface ReturnedMessage extends Published {
  readonly kind: 'returned';
  readonly at: number;
  readonly group: string;
  readonly key?: string;
}

/** Publishers of what matches are to wait for a subscription of the sender's node; without patterns, no more. */
export interface BrakeMessage {
  readonly kind: 'brake';
  readonly id: number;
  readonly patterns: readonly string[];
}

/**
 * What the sender retains, ever closer: `digest` of all; where that differs, `buckets` as numbers; of one that differs the
 * `entries`, to which the other side sends what they lack, and says its own as an `answer`.
 */
export interface RetainedMessage {
  readonly kind: 'retained';
  readonly digest?: number;
  readonly buckets?: readonly number[];
  readonly bucket?: number;
  readonly entries?: readonly RetainedTopic[];
  readonly answer?: true;
}

export interface RetainedTopic {
  readonly topic: string;
  readonly time: number;
  readonly node: string;
}

/** Trade-off: more hides longer pauses of a subscriber; less holds less memory in it. */
export const WINDOW_BYTES = 4 * 1024 * 1024;
export const COST_BYTES = 256;

export type AnyTopicsMessage = TopicsMessage | SubscriberMessage | FlowMessage;
