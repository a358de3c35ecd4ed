import type { Instant } from '../base/instant.ts';
import type { Outcome } from '../base/outcome.ts';
import type { Problem } from '../base/problems.ts';
import type { DeadInfo, QueueCommand, QueueReply, Receipt, RedriveJob } from './messages.ts';
import type { Cursor, Place, Stage, StoredMove, Taken } from './move.ts';
import type { Guarantee, QueueOptions } from './options.ts';
import type { RetryPolicy } from './retry.ts';

/** What a message is apart from its content. */
export interface NewMessage {
  readonly seq: number;
  /** 255 − priority; 0 where there are no priorities. Ready messages are received in the order of (rank, seq). */
  readonly rank: number;
  readonly bytes: number;
  readonly sentAt: Instant;
  readonly group?: string;
  /** Its own, where it has one; the queue's time to live counts besides. */
  readonly expiresAt?: Instant;
  readonly about?: About;
  readonly dead?: DeadInfo;
}

/** What is unusual about a message. */
export interface About {
  readonly guarantee?: Guarantee;
  readonly retry?: Partial<RetryPolicy>;
  readonly maxReceives?: number | null;
  /** The queue that a dead letter comes from. */
  readonly origin?: string;
  /** Its rank where there were priorities; it has none here. */
  readonly rank?: number;
}

/** What became of a message since it was sent; where there is nothing to say, nothing is stored. */
export interface MessageState {
  /** Not to be received before; absent: at any time. */
  readonly due?: Instant;
  /** Of the lease, where there is one. */
  readonly token?: number;
  readonly leaseUntil?: Instant;
  readonly consumer?: string;
  readonly receives: number;
  readonly firstAt?: Instant;
  readonly history: readonly Receipt[];
}

export interface StoredMessage extends NewMessage {
  readonly state?: MessageState;
}

/** What must outlive the node: always written together with what changed it. */
export interface StoredCounts {
  readonly sent: number;
  readonly done: number;
  readonly dead: number;
  readonly expired: number;
  readonly purged: number;
  readonly lost: number;
  /** In the queue now: ready, delayed, leased. */
  readonly messages: number;
  readonly bytes: number;
  /** The first id that was never given to a message. */
  readonly next: number;
  /** No token beyond this one was ever given to anybody. */
  readonly tokens: number;
  /** Of the newest message. Why: where the calendar is set back, order by age and order by id must not differ. */
  readonly newestAt: Instant;
}

/** Of a queue that never had a message. */
export function noCounts(): StoredCounts {
  const none = { bytes: 0, dead: 0, done: 0, expired: 0, lost: 0, messages: 0, newestAt: 0 };
  return { ...none, next: 1, purged: 0, sent: 0, tokens: 0 };
}

/** A message that several consumers must acknowledge. */
export interface StoredDelivery {
  readonly message: NewMessage;
  /** Acknowledgements that are still needed. */
  readonly needed: number;
  readonly copies: readonly Copy[];
}

/** What one consumer still owes of it. It has an id of its own. */
export interface Copy {
  readonly seq: number;
  readonly consumer: string;
  readonly state?: MessageState;
}

/** What storage says of a queue when its machine begins: all of it bounded, however many messages there are. */
export interface StoredQueue {
  readonly number: number;
  readonly name: string;
  readonly options: QueueOptions;
  readonly createdAt: Instant;
  readonly changedAt: Instant;
  readonly counts: StoredCounts;
  /** Those with a token. */
  readonly leased: readonly StoredMessage[];
  /** How many have a `due` and no token. */
  readonly delayed: number;
  /** The earliest of them. */
  readonly nextDue?: Instant;
  readonly consumers: readonly string[];
  readonly deliveries: readonly StoredDelivery[];
  readonly dedupe: readonly { readonly key: string; readonly seq: number; readonly until: Instant }[];
  readonly job?: RedriveJob;
  /** While it moves. One that is still arriving is not there for anybody. */
  readonly move?: StoredMove;
}

/** One change of what is stored. A queue is named by its number. */
export type QueueWrite =
  | {
      readonly kind: 'queue';
      readonly queue: number;
      readonly name: string;
      readonly options: QueueOptions;
      readonly createdAt: Instant;
      readonly changedAt: Instant;
    }
  | { readonly kind: 'drop'; readonly queue: number }
  | { readonly kind: 'insert'; readonly queue: number; readonly message: NewMessage; readonly content: unknown }
  /** The content of `contentSeq` becomes another queue's message; the message itself is removed by a write of its own. */
  | {
      readonly kind: 'copy';
      readonly queue: number;
      readonly contentSeq: number;
      readonly to: number;
      readonly message: NewMessage;
    }
  | { readonly kind: 'state'; readonly queue: number; readonly seq: number; readonly state: MessageState }
  /** The message, and its state where it ever had one; in its group, the next one becomes the head. */
  | {
      readonly kind: 'remove';
      readonly queue: number;
      readonly seq: number;
      readonly group?: string;
      readonly hasState?: true;
    }
  | {
      readonly kind: 'deliveries';
      readonly queue: number;
      readonly of: number;
      readonly needed: number;
      readonly copies: readonly { readonly seq: number; readonly consumer: string }[];
    }
  /** A copy is no longer owed; `needed` is what the message needs from now on. */
  | {
      readonly kind: 'delivered';
      readonly queue: number;
      readonly of: number;
      readonly seq: number;
      readonly needed: number;
    }
  | {
      readonly kind: 'dedupe';
      readonly queue: number;
      readonly key: string;
      readonly seq: number;
      readonly until: Instant;
    }
  /** Ids that are remembered until `through` at most. */
  | { readonly kind: 'forget'; readonly queue: number; readonly through: Instant }
  | { readonly kind: 'consumer'; readonly queue: number; readonly name: string; readonly subscribed: boolean }
  /** All messages, their states and deliveries. */
  | { readonly kind: 'purge'; readonly queue: number }
  | { readonly kind: 'job'; readonly queue: number; readonly job: RedriveJob }
  | { readonly kind: 'counts'; readonly queue: number; readonly counts: StoredCounts }
  /** Null: it no longer moves. */
  | { readonly kind: 'move'; readonly queue: number; readonly move: StoredMove | null }
  /** A move to this node has ended; remembered apart from its queues, whatever becomes of them. */
  | { readonly kind: 'ended'; readonly queue: number; readonly move: string };

/** One part of what a queue stores, in the form in which it is written. */
export interface Page {
  /** Of the queue that was asked for; elsewhere it has another number. */
  readonly writes: readonly QueueWrite[];
  /** Where the next page begins; absent where there is none of this stage. */
  readonly after?: number | string;
}

/** What the source says, and in the end the target. A parcel may come twice, late, or never. */
export type Parcel =
  | { readonly kind: 'offer'; readonly move: string; readonly queues: readonly Offered[] }
  | {
      readonly kind: 'page';
      readonly move: string;
      readonly at: Cursor;
      readonly next: Cursor;
      readonly writes: readonly QueueWrite[];
    }
  | { readonly kind: 'commit'; readonly move: string; readonly from: Place; readonly queues: readonly Closing[] }
  /** Nothing of it is here any more. */
  | { readonly kind: 'given'; readonly move: string }
  /** It stays here. */
  | { readonly kind: 'abandoned'; readonly move: string }
  /** What the target asks: whether it was given. */
  | {
      readonly kind: 'asked';
      readonly move: string;
      readonly queues: readonly { readonly name: string; readonly createdAt: Instant }[];
    };

/** What a queue is like. */
export interface Offered {
  readonly name: string;
  readonly options: QueueOptions;
  readonly createdAt: Instant;
  readonly changedAt: Instant;
}

/** What is told of a queue when all of its messages are there. */
export interface Closing {
  readonly counts: StoredCounts;
  readonly consumers: readonly string[];
  readonly job?: RedriveJob;
}

/** What a queue wants to know of its storage. Lists have at most `limit` messages. */
export type LoadAsk =
  /** Those without `due` and token after that place, in the order of (rank, seq); of a fifo queue only heads of groups. */
  | {
      readonly what: 'ready';
      readonly after: { readonly rank: number; readonly seq: number };
      readonly limit: number;
    }
  /** Those with a `due` after that place and not after `to`, in the order of (due, seq); of a fifo queue only heads. */
  | {
      readonly what: 'due';
      readonly after: { readonly due: Instant; readonly seq: number };
      readonly to: Instant;
      readonly limit: number;
    }
  /** The first `limit` of each of these groups, whatever their state. */
  | { readonly what: 'groups'; readonly groups: readonly string[]; readonly limit: number }
  /** Those without token whose own time is up at `at`, or that were sent at `sentBy` or before. */
  | { readonly what: 'expired'; readonly at: Instant; readonly sentBy: Instant; readonly limit: number }
  | { readonly what: 'open' }
  /**
   * What is stored of it, after that id or key, to be written elsewhere: messages of about so many bytes with their states;
   * `limit` messages for several with what is owed of them; `limit` ids that are remembered.
   */
  | {
      readonly what: 'page';
      readonly stage: Stage;
      readonly after: number | string;
      readonly limit: number;
      readonly bytes: number;
    };

export interface Loaded {
  readonly messages: readonly StoredMessage[];
  /** `due`: the earliest `due` beyond those given, of any message without token. `expired`: the earliest own `expiresAt`. */
  readonly next?: Instant;
  /** `expired`: when the oldest message that is left was sent. */
  readonly oldestAt?: Instant;
  /** `open` only; absent where there is no such queue. */
  readonly stored?: StoredQueue;
  /** `page` only. */
  readonly page?: Page;
}

export type QueuesEffect =
  /** To be stored together or not at all; answered with `persisted` or `refused`. One at a time. */
  | { readonly kind: 'persist'; readonly fence: number; readonly writes: readonly QueueWrite[] }
  /** Answered with `loaded`, in the order in which loads and persists were asked for. */
  | { readonly kind: 'load'; readonly load: number; readonly queue: number; readonly ask: LoadAsk }
  | { readonly kind: 'reply'; readonly request: number; readonly outcome: Outcome<QueueReply> }
  /** To be told to another node; answered with `shipped`. */
  | { readonly kind: 'ship'; readonly ship: number; readonly to: string; readonly parcel: Parcel }
  /** The queues of this node are now these. */
  | { readonly kind: 'hosting'; readonly queues: readonly string[] };

/** Everything that can happen to a node's queues. */
export type QueuesInput =
  /**
   * Storage holds these; `next` is the first number that no queue ever had, `ended` the moves that ended here, `wallMs` what
   * the calendar says now.
   */
  | (Opened & { readonly kind: 'opened'; readonly wallMs: number })
  | { readonly kind: 'ask'; readonly request: number; readonly command: QueueCommand }
  | { readonly kind: 'cancel'; readonly request: number }
  /** Another node says something of queues that move here; answered with a reply. */
  | { readonly kind: 'take'; readonly request: number; readonly parcel: Parcel }
  | { readonly kind: 'persisted'; readonly fence: number }
  | { readonly kind: 'refused'; readonly fence: number; readonly problem: Problem }
  /** Storage takes nothing that adds to it, and why; without a problem, it does again. */
  | { readonly kind: 'room'; readonly problem?: Problem }
  | { readonly kind: 'loaded'; readonly load: number; readonly loaded: Loaded }
  /** What the other node says, or why that is not known. */
  | { readonly kind: 'shipped'; readonly ship: number; readonly outcome: Outcome<Taken> };

/** What storage holds when it is opened. */
export interface Opened {
  readonly queues: readonly StoredQueue[];
  readonly next: number;
  readonly ended: readonly string[];
}
