import type { NodeId } from '../core/base/ids.ts';
import type { Payload } from '../core/base/payload.ts';
import type {
  DeliverMessage,
  DeliverRunMessage,
  ForwardMessage,
  ForwardRunMessage,
  Headers,
  RetainedVersion,
  ReturnedMessage,
  StoreMessage,
} from '../core/topics/messages.ts';
import { COST_BYTES } from '../core/topics/messages.ts';
import type { Piece } from '../core/topics/outbox.ts';
import type { Run } from '../wire/run.ts';
import type { Parcel } from './parcel.ts';

export interface DeliveryMore {
  readonly from?: NodeId | undefined;
  readonly key?: string | undefined;
  readonly version?: RetainedVersion | undefined;
  readonly isRetained?: boolean;
  readonly abroad?: boolean | undefined;
}

/** A message that is being made. Why no copies of what may be absent: this runs for every message. */
type Open<Message> = { -readonly [Key in keyof Message]: Message[Key] };

/** One message on its way through this node, to whomever it goes. Its payload is never looked into. */
export class Delivery implements Parcel<Delivery> {
  readonly messages: number = 1;
  readonly topic: string;
  readonly by: string;
  readonly seq: number;
  readonly at: number;
  readonly headers: Headers | undefined;
  /** For groups, where its publisher has said one. */
  readonly key: string | undefined;
  /** The node that it came from; absent: it was published here. */
  readonly from: NodeId | undefined;
  /** It is the newest of its topic, for those who subscribe later. */
  readonly version: RetainedVersion | undefined;
  /** It was published before its subscriber came. */
  readonly isRetained: boolean;
  /** It has come from another cluster. */
  readonly abroad: boolean;
  #payload: Payload;
  #kept = false;

  constructor(
    topic: string,
    by: string,
    seq: number,
    at: number,
    headers: Headers | undefined,
    payload: Payload,
    { abroad = false, from, key, isRetained = false, version }: DeliveryMore = NOTHING_MORE,
  ) {
    this.abroad = abroad;
    this.key = key;
    this.from = from;
    this.isRetained = isRetained;
    this.version = version;
    this.topic = topic;
    this.by = by;
    this.seq = seq;
    this.at = at;
    this.headers = headers;
    this.#payload = payload;
  }

  get payload(): Payload {
    return this.#payload;
  }

  /** What it costs while it waits. */
  get cost(): number {
    return this.#payload.size + COST_BYTES;
  }

  /** Makes it wait. Why a copy: its payload is a part of all that arrived with it, which would be kept alive. */
  keep(): Delivery {
    if (!this.#kept) this.#payload = this.#payload.kept();
    this.#kept = true;
    return this;
  }

  /** `handing`: of a member that acknowledges. */
  deliver(
    id: number,
    missed: number,
    handing?: { readonly attempt: number; readonly tag: number },
  ): DeliverMessage | DeliverRunMessage {
    const { at, by, seq, topic } = this;
    const message: Open<DeliverMessage> = { at, by, id, kind: 'deliver', payload: this.#payload, seq, topic };
    if (this.headers !== undefined) message.headers = this.headers;
    if (missed !== 0) message.missed = missed;
    if (handing !== undefined) message.tag = handing.tag;
    if (handing !== undefined && handing.attempt > 1) message.attempt = handing.attempt;
    if (this.isRetained) message.retained = true;
    return message;
  }

  /** As `forward`, for a node that is to store it. */
  store(n: number, plain: boolean, members: ForwardMessage['members']): StoreMessage {
    return { ...(this.forward(plain, members) as ForwardMessage), kind: 'store', n };
  }

  forward(plain: boolean, members: ForwardMessage['members']): ForwardMessage | ForwardRunMessage {
    const { at, by, seq, topic } = this;
    const message: Open<ForwardMessage> = {
      at,
      by,
      kind: 'forward',
      members,
      payload: this.#payload,
      plain,
      seq,
      topic,
    };
    if (this.headers !== undefined) message.headers = this.headers;
    if (this.key !== undefined && members.length > 0) message.key = this.key;
    if (this.version !== undefined) message.retained = this.version;
    if (this.abroad) message.abroad = true;
    return message;
  }

  /** The same, as the newest of its topic. */
  asVersion(version: RetainedVersion): Delivery {
    return this.#as({ abroad: this.abroad, from: this.from, key: this.key, version });
  }

  /** The same, for one who has come later. */
  asRetained(): Delivery {
    return this.#as({ isRetained: true });
  }

  #as(more: DeliveryMore): Delivery {
    const { at, by, headers, seq, topic } = this;
    const other = new Delivery(topic, by, seq, at, headers, this.#payload, more);
    other.#kept = this.#kept;
    return other;
  }

  returned(group: string): ReturnedMessage {
    const { at, by, seq, topic } = this;
    return {
      at,
      by,
      group,
      kind: 'returned',
      payload: this.#payload,
      seq,
      topic,
      ...(this.headers === undefined ? {} : { headers: this.headers }),
      ...(this.key === undefined ? {} : { key: this.key }),
    };
  }

  /** Each of its messages by itself. */
  *each(): Iterable<Delivery> {
    yield this;
  }
}

/** Several messages in one piece, which are copied as one range of bytes. Only for a link that takes runs. */
export class RunDelivery extends Delivery implements Piece {
  override readonly messages: number;
  readonly #run: Run;
  /** Once somebody had to wait: the same bytes in memory of their own. */
  #waiting: RunDelivery | undefined;

  constructor(topic: string, by: string, seq: number, at: number, run: Run) {
    super(topic, by, seq, at, undefined, run);
    this.messages = run.messages;
    this.#run = run;
  }

  override get cost(): number {
    return this.#run.cost;
  }

  override keep(): Delivery {
    if (this.#waiting === undefined) {
      this.#waiting = new RunDelivery(this.topic, this.by, this.seq, this.at, this.#run.kept());
      this.#waiting.#waiting = this.#waiting;
    }
    return this.#waiting;
  }

  within(bytes: number): number {
    return this.#run.within(bytes);
  }

  /** Of one that is kept, the parts are. */
  cut(from: number, to: number): RunDelivery {
    const part = new RunDelivery(this.topic, this.by, this.seq + from, this.at, this.#run.cut(from, to));
    if (this.#waiting === this) part.#waiting = part;
    return part;
  }

  override deliver(id: number, missed: number): DeliverRunMessage {
    const { at, by, seq, topic } = this;
    const message = { at, by, id, kind: 'deliver-run', payload: this.#run, seq, topic } as const;
    return missed === 0 ? message : { ...message, missed };
  }

  override forward(): ForwardRunMessage {
    const { at, by, seq, topic } = this;
    return { at, by, kind: 'forward-run', payload: this.#run, seq, topic };
  }

  override *each(): Iterable<Delivery> {
    let { seq } = this;
    for (const payload of this.#run.payloads()) {
      yield new Delivery(this.topic, this.by, seq++, this.at, undefined, payload);
    }
  }
}

const NOTHING_MORE: DeliveryMore = {};
