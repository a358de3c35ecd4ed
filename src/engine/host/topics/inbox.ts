import {
  COST_BYTES,
  type DeliverMessage,
  type DeliverRunMessage,
  type Headers,
  type KeptMessage,
} from '../../core/topics/messages.ts';
import { runOf, Values } from '../../wire/run.ts';
import type { Listening } from './link-topics.ts';
import { type About, type Publish, ReceivedMessage } from './received-message.ts';

export interface InboxOwner {
  readonly publish: Publish;
  /** So much was taken of what came by that link. */
  readonly taken: (by: Listening | undefined, bytes: number) => void;
  /** A message came that is no value. */
  readonly broken: () => void;
  /** Tells that a message is done, or refused; undefined where nobody waits to hear of it. */
  readonly settler: (message: DeliverMessage | KeptMessage, by: Listening | undefined) => About['settle'];
  /** Whether another member of its group has it meanwhile. */
  readonly isAnothers: (message: DeliverMessage | KeptMessage, by: Listening | undefined) => boolean;
}

type Arrived = DeliverMessage | DeliverRunMessage | KeptMessage;

/** What came at once, and what is told with the first of it. */
interface Lot {
  /** The link that it came by. */
  readonly by: Listening | undefined;
  /** Undefined where something is missing here and nothing has come. */
  readonly message: Arrived | undefined;
  /** Of a run. */
  readonly values: Values | undefined;
  /** Dropped before it. */
  readonly missed: number;
  readonly interrupted: boolean;
  /** Of one that is kept: where it is. */
  readonly position: string | undefined;
}

/**
 * What has come for a subscription and nobody has taken: as it came, in runs or one by one. A message is made of it, and its
 * payload decoded, only when it is its turn.
 *
 * Invariant: in the order in which it came; what was missed, or that a link was lost, is told with the next message.
 */
export class Inbox {
  /** Messages that nobody has taken. */
  messages = 0;
  readonly #owner: InboxOwner;
  /** From `#head` on; nothing before it. */
  #lots: (Lot | undefined)[] = [];
  #head = 0;
  /** The first of them was begun, and its next message has this count. */
  #begun = false;
  #seq = 0;
  /** To be told with the next message. */
  #gap = 0;
  #interrupted = false;

  constructor(owner: InboxOwner) {
    this.#owner = owner;
  }

  /** Takes what came. False where it is more than a node sends to somebody who has taken nothing. */
  push(message: Arrived, by: Listening | undefined, interrupted: boolean, position?: string): boolean {
    const run = message.kind === 'deliver-run' ? runOf(message.payload) : undefined;
    this.messages += run?.messages ?? 1;
    const values = run === undefined ? undefined : new Values(run);
    this.#lots.push({ by, interrupted, message, missed: message.missed ?? 0, position, values });
    return this.messages <= MESSAGES_MAX;
  }

  /** Messages were dropped behind all that came so far. */
  gap(missed: number): void {
    this.#lots.push({ ...NOTHING, missed });
  }

  /** The next message; undefined: there is none. */
  next(): ReceivedMessage | undefined {
    for (;;) {
      const lot = this.#lots[this.#head];
      if (lot === undefined) return undefined;
      if (!this.#begun) this.#begin(lot);
      const { message, values } = lot;
      if (message === undefined || (values !== undefined && !values.next())) {
        this.#drop();
        continue;
      }
      this.messages--;
      if (values !== undefined) {
        const received = this.#oneOf(lot, message, values);
        if (received !== undefined) return received;
      } else {
        this.#drop();
        if (message.kind === 'deliver-run' || this.#owner.isAnothers(message, lot.by)) continue;
        const received = this.#only(lot, message);
        if (received !== undefined) return received;
      }
      this.#gap++;
      this.#owner.broken();
    }
  }

  #begin({ interrupted, message, missed }: Lot): void {
    this.#begun = true;
    this.#seq = message?.seq ?? 0;
    this.#gap += missed;
    this.#interrupted ||= interrupted;
  }

  #drop(): void {
    this.#begun = false;
    this.#lots[this.#head++] = undefined;
    if (this.#head < COMPACT_AT || this.#head * 2 < this.#lots.length) return;
    this.#lots = this.#lots.slice(this.#head);
    this.#head = 0;
  }

  #only({ by, position }: Lot, message: DeliverMessage | KeptMessage): ReceivedMessage | undefined {
    const { headers = NO_HEADERS, payload, seq } = message;
    this.#owner.taken(by, payload.size + COST_BYTES);
    const value = payload.value();
    const settle = this.#owner.settler(message, by);
    if (!value.ok) {
      settle?.(true);
      return undefined;
    }
    const more =
      message.kind === 'kept'
        ? { position, sequence: message.sequence, settle }
        : { attempt: message.attempt, retained: message.retained, settle };
    return new ReceivedMessage(message, seq, value.value, { ...this.#told(headers), ...more });
  }

  #oneOf({ by }: Lot, message: Arrived, values: Values): ReceivedMessage | undefined {
    this.#owner.taken(by, values.size + COST_BYTES);
    const seq = this.#seq++;
    try {
      const value = values.value();
      return new ReceivedMessage(message, seq, value, this.#told(NO_HEADERS));
    } catch {
      return undefined;
    }
  }

  #told(headers: Headers): About {
    const told = { headers, interrupted: this.#interrupted, missed: this.#gap, publish: this.#owner.publish };
    this.#gap = 0;
    this.#interrupted = false;
    return told;
  }
}

const NOTHING = {
  by: undefined,
  interrupted: false,
  message: undefined,
  position: undefined,
  values: undefined,
} as const;
const NO_HEADERS: Headers = Object.freeze({});

/** Why: moving what waits costs as much as what waits. */
const COMPACT_AT = 64;

/** Limit: a paced subscriber is never sent as many. */
const MESSAGES_MAX = 100_000;
