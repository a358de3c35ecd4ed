import { assert } from '../base/assert.ts';

/**
 * What waits for one subscriber, and what becomes of it when the subscriber is slower than its messages.
 *
 *     take ◄── [ item · item · item ] ◄── offer
 *              at most messagesMax and bytesMax
 *
 *     drop-oldest   the longest waiting make room: the subscriber sees what is newest
 *     drop-newest   what comes is dropped: the subscriber sees what came first
 *     disconnect    it is over: the subscriber is told, and may come again
 *     block         what comes is taken all the same, and its publisher must be held until half of the room is free
 *
 * Dropped messages leave a gap in the sequence, and the item after the gap says how large it was: so the subscriber is
 * told in its place. An item is one message or several in one piece; it is kept or dropped as a whole.
 *
 * Invariants:
 * - but for `block`, never more than messagesMax messages or bytesMax bytes wait; a larger single item is dropped;
 * - offered = taken + dropped + waiting, in messages; every dropped message is told exactly once.
 *
 * Limit: `block` goes over the bound by what the publishers had sent before they were held, one batch each.
 * It never looks into an item, and keeps no clock.
 */
export class Outbox<Item> {
  readonly limits: OutboxLimits;
  /** From `#head` on; nothing before it. */
  #waiting: (Waiting<Item> | undefined)[] = [];
  #head = 0;
  #messages = 0;
  #bytes = 0;
  #dropped = 0;
  /** Dropped after the last item that waits. */
  #missed = 0;
  #blocked = false;
  #over = false;

  constructor(limits: OutboxLimits) {
    this.limits = limits;
  }

  /** Messages. */
  get waiting(): number {
    return this.#messages;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Messages since construction. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Whether publishers must be held. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** `messages` at least 1. Once it said `disconnect`, it takes nothing more and says so each time. */
  offer(item: Item, messages: number, bytes: number): Verdict {
    if (this.#over) return this.#drop(messages, 'disconnect');
    const { messagesMax, bytesMax, policy } = this.limits;
    if (this.#fits(messages, bytes)) return this.#push(item, messages, bytes, 'taken');
    switch (policy) {
      case 'block':
        this.#blocked = true;
        return this.#push(item, messages, bytes, 'hold');
      case 'disconnect':
        this.#over = true;
        return this.#drop(messages, 'disconnect');
      case 'drop-newest':
        return this.#drop(messages, 'dropped');
      case 'drop-oldest':
        if (messages > messagesMax || bytes > bytesMax) return this.#drop(messages, 'dropped');
        while (!this.#fits(messages, bytes)) this.#dropOldest();
        return this.#push(item, messages, bytes, 'dropped');
    }
  }

  /** The item that waits longest, with the number of messages dropped just before it. */
  take(): Taken<Item> | undefined {
    const first = this.#shift();
    if (first === undefined) {
      if (this.#missed === 0) return undefined;
      const missed = this.#missed;
      this.#missed = 0;
      return { kind: 'gap', missed };
    }
    return { item: first.item, kind: 'item', messages: first.messages, missed: first.missed };
  }

  /** Whether publishers that were held may go on, since half of the room is free. Says so once. */
  relieved(): boolean {
    const { messagesMax, bytesMax } = this.limits;
    if (!this.#blocked || this.#messages > messagesMax / 2 || this.#bytes > bytesMax / 2) return false;
    this.#blocked = false;
    return true;
  }

  #fits(messages: number, bytes: number): boolean {
    return this.#messages + messages <= this.limits.messagesMax && this.#bytes + bytes <= this.limits.bytesMax;
  }

  #push(item: Item, messages: number, bytes: number, verdict: Verdict): Verdict {
    this.#waiting.push({ bytes, item, messages, missed: this.#missed });
    this.#missed = 0;
    this.#messages += messages;
    this.#bytes += bytes;
    return verdict;
  }

  #drop(messages: number, verdict: Verdict): Verdict {
    this.#missed += messages;
    this.#dropped += messages;
    return verdict;
  }

  #dropOldest(): void {
    const first = this.#shift();
    assert(first !== undefined, 'an outbox that is full holds something');
    this.#dropped += first.messages;
    const gap = first.missed + first.messages;
    const next = this.#waiting[this.#head];
    if (next === undefined) this.#missed += gap;
    else next.missed += gap;
  }

  #shift(): Waiting<Item> | undefined {
    const first = this.#waiting[this.#head];
    if (first === undefined) return undefined;
    this.#waiting[this.#head++] = undefined;
    this.#messages -= first.messages;
    this.#bytes -= first.bytes;
    if (this.#head === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#head = 0;
    } else if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }
}

export interface OutboxLimits {
  readonly messagesMax: number;
  readonly bytesMax: number;
  readonly policy: SlowPolicy;
}

export type SlowPolicy = 'drop-oldest' | 'drop-newest' | 'disconnect' | 'block';

/** `taken`: it waits. `hold`: it waits, and publishers must. `dropped`: it or older ones are lost. `disconnect`: so is the rest. */
export type Verdict = 'taken' | 'hold' | 'dropped' | 'disconnect';

export type Taken<Item> =
  /** `missed`: messages dropped just before it. */
  | { readonly kind: 'item'; readonly item: Item; readonly messages: number; readonly missed: number }
  /** Messages were dropped and none came after them yet. */
  | { readonly kind: 'gap'; readonly missed: number };

interface Waiting<Item> {
  readonly item: Item;
  readonly messages: number;
  readonly bytes: number;
  missed: number;
}

/** Why: moving what waits costs as much as what waits; done when half is gone, it costs one step per item taken. */
const COMPACT_AT = 64;
