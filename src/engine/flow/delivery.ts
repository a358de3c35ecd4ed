import type { Payload } from '../core/base/payload.ts';
import type { DeliverMessage, ForwardMessage, Headers, StoreMessage } from '../core/topics/messages.ts';
import { COST_BYTES } from '../core/topics/messages.ts';

/** One message on its way through this node, to whomever it goes. Its payload is never looked into. */
export class Delivery {
  readonly topic: string;
  readonly by: string;
  readonly seq: number;
  readonly at: number;
  readonly headers: Headers | undefined;
  #payload: Payload;
  #kept = false;

  constructor(topic: string, by: string, seq: number, at: number, headers: Headers | undefined, payload: Payload) {
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

  deliver(id: number, missed: number): DeliverMessage {
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
    };
  }
}
