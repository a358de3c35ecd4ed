import type { DeadInfo, QueueGuarantee, QueueMessage, ReceivedMessage } from '../../queues-api.ts';
import type { Receipts } from './receipts.ts';

/** Hears what becomes of a message. */
export interface Holder {
  /** Its receiver has said what becomes of it, or knows that it has lost it. */
  settled(message: HeldMessage): void;
}

/** A message that belongs to this process, as long as its lease runs. */
export class HeldMessage implements QueueMessage {
  readonly queue: string;
  readonly id: number;
  readonly receipt: string;
  readonly token: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly priority: number;
  readonly sentAt: number;
  readonly receives: number;
  declare readonly firstReceivedAt?: number;
  readonly guarantee: QueueGuarantee;
  readonly leaseUntil: number;
  declare readonly group?: string;
  declare readonly dedupeId?: string;
  declare readonly dead?: DeadInfo;
  readonly #receipts: Receipts;
  readonly #holder: Holder | undefined;
  #controller: AbortController | undefined;
  #settled: boolean;
  #lost = false;

  constructor(queue: string, from: ReceivedMessage, receipts: Receipts, holder?: Holder) {
    this.queue = queue;
    this.id = from.id;
    this.receipt = from.receipt;
    this.token = from.token;
    this.body = from.body;
    this.headers = from.headers;
    this.priority = from.priority;
    this.sentAt = from.sentAt;
    this.receives = from.receives;
    if (from.firstReceivedAt !== undefined) this.firstReceivedAt = from.firstReceivedAt;
    this.guarantee = from.guarantee;
    this.leaseUntil = from.leaseUntil;
    if (from.group !== undefined) this.group = from.group;
    if (from.dedupeId !== undefined) this.dedupeId = from.dedupeId;
    if (from.dead !== undefined) this.dead = from.dead;
    this.#receipts = receipts;
    this.#holder = holder;
    this.#settled = from.guarantee === 'fire-and-forget'; // it was done with when it was received
  }

  /** Whether its receiver has said what becomes of it. */
  get isSettled(): boolean {
    return this.#settled;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#lost && !this.#controller.signal.aborted) this.#controller.abort(LOST);
    return this.#controller.signal;
  }

  ack(): Promise<void> {
    this.#settle();
    return this.#receipts.ack(this.receipt);
  }

  /** As `ack`, for who wants to hear of trouble only. */
  done(failed: (error: unknown) => void): void {
    this.#settle();
    this.#receipts.tellAck(this.receipt, failed);
  }

  nack({ delayMs, reason }: { readonly delayMs?: number; readonly reason?: string } = {}): Promise<void> {
    this.#settle();
    const how = { ...(delayMs === undefined ? {} : { delayMs }), ...(reason === undefined ? {} : { reason }) };
    return this.#receipts.nack({ receipt: this.receipt, ...how });
  }

  extend(visibilityMs: number): Promise<number> {
    return this.#receipts.extend({ receipt: this.receipt, visibilityMs });
  }

  release(): Promise<void> {
    this.#settle();
    return this.#receipts.release(this.receipt);
  }

  /** It belongs to somebody else now. */
  lose(): void {
    this.#lost = true;
    this.#controller?.abort(LOST);
    this.#settle();
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#holder?.settled(this);
  }
}

const LOST = new DOMException('the lease of the message is lost', 'AbortError');
