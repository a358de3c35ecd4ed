import type { NodeId } from '../core/base/ids.ts';
import type { Payload } from '../core/base/payload.ts';
import type {
  DeliverMessage,
  ForwardMessage,
  Headers,
  ReturnedMessage,
  StoreMessage,
} from '../core/topics/messages.ts';
import { COST_BYTES } from '../core/topics/messages.ts';

/** One message on its way through this node, to whomever it goes. Its payload is never looked into. */
export class Delivery {
  readonly topic: string;
  readonly by: string;
  readonly seq: number;
  readonly at: number;
  readonly headers: Headers | undefined;
  /** For groups, where its publisher has said one. */
  readonly key: string | undefined;
  /** The node that it came from; absent: it was published here. */
  readonly from: NodeId | undefined;
  #payload: Payload;
  #kept = false;

  constructor(
    topic: string,
    by: string,
    seq: number,
    at: number,
    headers: Headers | undefined,
    payload: Payload,
    { from, key }: { readonly from?: NodeId | undefined; readonly key?: string | undefined } = {},
  ) {
    this.key = key;
    this.from = from;
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
  keep(): this {
    if (!this.#kept) this.#payload = this.#payload.kept();
    this.#kept = true;
    return this;
  }

  /** `handing`: of a member that acknowledges. */
  deliver(id: number, missed: number, handing?: { readonly attempt: number; readonly tag: number }): DeliverMessage {
    const { at, by, seq, topic } = this;
    return {
      at,
      by,
      id,
      kind: 'deliver',
      payload: this.#payload,
      seq,
      topic,
      ...(this.headers === undefined ? {} : { headers: this.headers }),
      ...(missed === 0 ? {} : { missed }),
      ...(handing === undefined ? {} : { tag: handing.tag }),
      ...(handing === undefined || handing.attempt === 1 ? {} : { attempt: handing.attempt }),
    };
  }

  /** As `forward`, for a node that is to store it. */
  store(n: number, plain: boolean, members: ForwardMessage['members']): StoreMessage {
    return { ...this.forward(plain, members), kind: 'store', n };
  }

  forward(plain: boolean, members: ForwardMessage['members']): ForwardMessage {
    const { at, by, seq, topic } = this;
    return {
      at,
      by,
      kind: 'forward',
      members,
      payload: this.#payload,
      plain,
      seq,
      topic,
      ...(this.headers === undefined ? {} : { headers: this.headers }),
      ...(this.key === undefined || members.length === 0 ? {} : { key: this.key }),
    };
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
}
