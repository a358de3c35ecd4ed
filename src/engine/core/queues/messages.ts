/** What queues are asked and what they answer. Plain data: a list of commands with their instants can be run again. */
import type { Instant } from '../base/instant.ts';
import type { Problem } from '../base/problems.ts';
import type { Place, Taken } from './move.ts';
import type { Guarantee, QueueOptions } from './options.ts';
import type { RetryPolicy } from './retry.ts';

/** A message to be kept. `content` is the world's: the core passes it on to storage and never looks into it. */
export interface Order {
  readonly content: unknown;
  readonly bytes: number;
  readonly group?: string;
  readonly dedupeId?: string;
  /** 0 to 255; the highest is received first. */
  readonly priority?: number;
  /** In place of the queue's. */
  readonly delayMs?: number;
  /** Not before then; in place of `delayMs`. */
  readonly at?: Instant;
  readonly ttlMs?: number;
  readonly guarantee?: Guarantee;
  /** With `quorum`: how many of the subscribed consumers must acknowledge. */
  readonly quorum?: number;
  readonly retry?: Partial<RetryPolicy>;
  readonly maxReceives?: number | null;
}

export type Sent = { readonly id: number; readonly duplicate?: true } | { readonly problem: Problem };
export type Handled = { readonly ok: true; readonly leaseUntil?: Instant } | { readonly problem: Problem };

export interface NackOrder {
  readonly receipt: string;
  /** 0: at once. Absent: as the retry policy says. */
  readonly delayMs?: number;
  readonly reason?: string;
}

export interface ExtendOrder {
  readonly receipt: string;
  /** From now on; 0: it may be received again at once. */
  readonly visibilityMs: number;
}

export type QueueCommand =
  | { readonly kind: 'create'; readonly queue: string; readonly options: Readonly<Record<string, unknown>> }
  | { readonly kind: 'edit'; readonly queue: string; readonly options: Readonly<Record<string, unknown>> }
  | { readonly kind: 'delete'; readonly queue: string }
  | { readonly kind: 'list' }
  | { readonly kind: 'info'; readonly queue: string }
  | { readonly kind: 'sources'; readonly queue: string }
  | { readonly kind: 'send'; readonly queue: string; readonly orders: readonly Order[] }
  | {
      readonly kind: 'receive';
      readonly queue: string;
      readonly max: number;
      readonly waitMs: number;
      readonly visibilityMs?: number;
      readonly consumer?: string;
      /** Consecutive members of one group of a fifo queue; default 1. */
      readonly groupMax?: number;
    }
  | { readonly kind: 'ack'; readonly queue: string; readonly receipts: readonly string[]; readonly consumer?: string }
  | {
      readonly kind: 'nack';
      readonly queue: string;
      readonly receipts: readonly NackOrder[];
      readonly consumer?: string;
    }
  | { readonly kind: 'extend'; readonly queue: string; readonly receipts: readonly ExtendOrder[] }
  | { readonly kind: 'release'; readonly queue: string; readonly receipts: readonly string[] }
  | { readonly kind: 'peek'; readonly queue: string }
  | { readonly kind: 'purge'; readonly queue: string }
  | {
      readonly kind: 'redrive';
      readonly queue: string;
      /** `origin`: where each came from. */
      readonly to: string;
      readonly max?: number;
      /** Messages a second. */
      readonly rate?: number;
      readonly dryRun?: boolean;
    }
  | { readonly kind: 'redrive-cancel'; readonly queue: string }
  | { readonly kind: 'subscribe' | 'unsubscribe'; readonly queue: string; readonly consumer: string }
  /** `from`: this node. Answered when it has moved, or stays. */
  | { readonly kind: 'move'; readonly queue: string; readonly to: Place; readonly from: Place }
  /** Its move is over; answered when it is served here again. */
  | { readonly kind: 'abandon'; readonly queue: string }
  /** It is served here, though its old node has not said that it has let go of it. */
  | { readonly kind: 'resume'; readonly queue: string };

/** What a consumer may do with a message, and until when; the world adds the content. */
export interface Lease {
  readonly id: number;
  /** Where its content is: of a broadcast, the message that was sent. */
  readonly contentId: number;
  /** Proves the lease; good for nothing once the message has another. */
  readonly receipt: string;
  /** Grows with every lease that this queue gives, over restarts too. */
  readonly token: number;
  readonly group?: string;
  readonly priority: number;
  readonly sentAt: Instant;
  readonly receives: number;
  readonly firstReceivedAt: Instant;
  readonly leaseUntil: Instant;
  readonly guarantee: Guarantee;
}

/** One receive of a message that did not lead to its end. */
export interface Receipt {
  readonly at: Instant;
  readonly endedAt: Instant;
  readonly how: 'nacked' | 'timed-out';
  readonly consumer?: string;
  readonly reason?: string;
}

/** What is known of a dead letter. */
export interface DeadInfo {
  /** The queue that gave it up, and its id there. */
  readonly queue: string;
  readonly id: number;
  readonly reason: string;
  readonly at: Instant;
  readonly sentAt: Instant;
  readonly receives: number;
  /** The last ones. */
  readonly history: readonly Receipt[];
}

export interface RedriveJob {
  readonly id: number;
  readonly to: string;
  readonly max: number | null;
  readonly rate: number | null;
  readonly dryRun: boolean;
  /** Messages that were there at the start. */
  readonly total: number;
  readonly moved: number;
  /** Left where they are, because their queue is not here or has no room. */
  readonly failed: number;
  /** The code of why the first of these was left. */
  readonly failure?: string;
  readonly startedAt: Instant;
  readonly endedAt: Instant | null;
  readonly state: 'running' | 'done' | 'cancelled';
}

export interface QueueCounts {
  readonly sent: number;
  readonly ready: number;
  readonly delayed: number;
  readonly leased: number;
  /** Became dead letters, were acknowledged, expired, were purged. */
  readonly dead: number;
  readonly done: number;
  readonly expired: number;
  readonly purged: number;
  /** Fire-and-forget messages that the disk refused; they are not among the sent ones. */
  readonly lost: number;
  /** Sends refused in this life of the node. */
  readonly refused: number;
  /** Of what it holds. */
  readonly bytes: number;
}

export interface QueueView {
  readonly name: string;
  readonly number: number;
  readonly options: QueueOptions;
  readonly createdAt: Instant;
  readonly changedAt: Instant;
  readonly counts: QueueCounts;
  readonly consumers: readonly string[];
  /** Receives that wait. */
  readonly waiting: number;
  readonly redrive: RedriveJob | null;
  /** Where it is moving. */
  readonly moving: Place | null;
}

export type QueueReply =
  | { readonly kind: 'queue'; readonly view: QueueView }
  | { readonly kind: 'queues'; readonly views: readonly QueueView[] }
  | { readonly kind: 'names'; readonly names: readonly string[] }
  | { readonly kind: 'sent'; readonly results: readonly Sent[] }
  | {
      readonly kind: 'received';
      readonly queue: number;
      readonly createdAt: Instant;
      readonly leases: readonly Lease[];
    }
  | { readonly kind: 'handled'; readonly results: readonly Handled[] }
  | { readonly kind: 'peek'; readonly queue: number; readonly held: ReadonlySet<number> }
  | { readonly kind: 'purged'; readonly purged: number }
  | { readonly kind: 'redrive'; readonly job: RedriveJob }
  | { readonly kind: 'consumers'; readonly consumers: readonly string[] }
  /** The queues that have moved: what dead letters tie together stays together. */
  | { readonly kind: 'moved'; readonly to: Place; readonly queues: readonly string[] }
  | { readonly kind: 'taken'; readonly taken: Taken }
  | { readonly kind: 'done' };
