/**
 * What the SQS endpoint needs of queues, and no more: so that its protocols can be judged without a mesh. Times are
 * milliseconds since the Unix epoch, periods whole milliseconds.
 *
 * Every method but `describe`, `list` and `create` rejects with `QueueMissing` where there is no such queue.
 */

export interface QueuesFace {
  /** Undefined where there is no such queue. */
  describe(name: string): Promise<QueueView | undefined>;
  /** All queues, in the order of their names. */
  list(): Promise<readonly QueueView[]>;
  /** False where there is a queue of that name already: it is left as it is. */
  create(name: string, settings: QueueSettings): Promise<boolean>;
  edit(name: string, settings: QueueSettings): Promise<void>;
  delete(name: string): Promise<void>;
  /** Removes whatever is waiting, delayed or leased. */
  purge(name: string): Promise<void>;
  /** An outcome for each message, in order; what is `sent` is durable. */
  send(name: string, messages: readonly NewMessage[]): Promise<readonly Sent[]>;
  /** Waits up to `waitMs` for a first message, or until `signal` aborts. */
  receive(name: string, wish: ReceiveWish, signal: AbortSignal): Promise<readonly Received[]>;
  acknowledge(name: string, receipts: readonly string[]): Promise<readonly ReceiptOutcome[]>;
  /** `leaseMs` from now on; 0: visible at once. */
  extend(name: string, leases: readonly NewLease[]): Promise<readonly ReceiptOutcome[]>;
  /** As if they had never been received. */
  release(name: string, receipts: readonly string[]): Promise<void>;
  /** Begins to move messages away, each to where it came from or all to one queue; one at a time for each queue. */
  redrive(name: string, wish: RedriveWish): Promise<RedriveView>;
  /** Ends what runs; the last one as it is where nothing runs. */
  cancelRedrive(name: string): Promise<RedriveView | undefined>;
}

export class QueueMissing extends Error {
  override readonly name = 'QueueMissing';
  readonly queue: string;

  constructor(queue: string) {
    super(`there is no queue ${queue}`);
    this.queue = queue;
  }
}

export interface QueueSettings {
  readonly fifo: boolean;
  readonly delayMs: number;
  readonly leaseMs: number;
  /** A message that is older is gone. */
  readonly retentionMs: number;
  readonly messageBytesMax: number;
  /** Fifo: a message without a deduplication id is known by its body. */
  readonly contentDedupe: boolean;
  /** Fifo: whether duplicates are told in the whole queue or in each group alone; whoever sends sees to it. */
  readonly dedupeScope: 'queue' | 'group';
  readonly deadLetter?: DeadLetter | undefined;
  readonly tags: ReadonlyMap<string, string>;
  /** Kept for whoever wrote them; they mean nothing to the queue. */
  readonly notes: ReadonlyMap<string, string>;
}

export interface DeadLetter {
  readonly queue: string;
  /** After so many receipts without an acknowledgement a message goes there. */
  readonly maxReceives: number;
}

export interface QueueView {
  readonly name: string;
  readonly settings: QueueSettings;
  readonly createdAt: number;
  readonly modifiedAt: number;
  readonly ready: number;
  readonly delayed: number;
  readonly leased: number;
  /** The last one that was begun. */
  readonly redrive?: RedriveView | undefined;
}

export interface RedriveWish {
  /** Undefined: where each came from. */
  readonly to?: string | undefined;
  /** Messages. Undefined: as fast as it goes. */
  readonly perSecond?: number | undefined;
}

export interface RedriveView extends RedriveWish {
  readonly id: string;
  readonly state: 'running' | 'done' | 'cancelled' | 'failed';
  readonly moved: number;
  /** When it began. */
  readonly total: number;
  readonly startedAt: number;
  /** Why it failed. */
  readonly why?: string | undefined;
}

export interface NewMessage {
  readonly body: string;
  readonly headers: ReadonlyMap<string, string>;
  /** Undefined: the queue's own. */
  readonly delayMs?: number | undefined;
  /** In a queue that is not fifo it is only remembered. */
  readonly group?: string | undefined;
  readonly dedupe?: Dedupe | undefined;
}

export interface Dedupe {
  /** As whoever sent it has it; it comes back with the message. */
  readonly id: string;
  /** What it is told by in its queue: the id, with its group where duplicates are told in each group alone. */
  readonly key: string;
}

export type Sent =
  /** A duplicate is answered with what its first one was. */
  | { readonly kind: 'sent'; readonly id: string; readonly sequence?: number | undefined }
  /** Whose fault it is: there is no room, the message is not valid, or the queue cannot take it now. */
  | { readonly kind: 'refused'; readonly fault: 'room' | 'message' | 'queue'; readonly why: string };

export interface ReceiveWish {
  readonly max: number;
  readonly waitMs: number;
  readonly leaseMs: number;
}

export interface Received {
  readonly id: string;
  /** Says which lease of which message; not more than a text to whoever holds it. */
  readonly receipt: string;
  readonly body: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly sentAt: number;
  readonly firstReceivedAt: number;
  /** This one included. */
  readonly receives: number;
  readonly sequence?: number | undefined;
  readonly group?: string | undefined;
  readonly dedupeId?: string | undefined;
  /** The queue whose dead letter it is. */
  readonly origin?: string | undefined;
}

export interface NewLease {
  readonly receipt: string;
  readonly leaseMs: number;
}

/**
 * `done`. `invalid`: it is no receipt of this queue. `gone`: the message is no longer there.
 *
 * Of a fifo queue only: `expired`: the lease has ended, and nobody has had the message since. `lost`: another lease came after it.
 * Of others a receipt still acknowledges what nobody has now (`lost` while somebody does), and prolongs what somebody has.
 */
export type ReceiptOutcome = 'done' | 'invalid' | 'expired' | 'lost' | 'gone';
