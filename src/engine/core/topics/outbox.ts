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
 * told in its place. An item is one message or several in one piece; of a piece that can be cut (`Piece`) only as much is
 * dropped as would be of its messages one by one.
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
    if (messages > 1 && isPiece(item)) return this.#offerPiece(item);
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
        while (!this.#fits(messages, bytes)) this.#dropOldest(messages, bytes);
        return this.#push(item, messages, bytes, 'dropped');
    }
  }

  /** The item that waits longest. */
  get first(): Item | undefined {
    return this.#waiting[this.#head]?.item;
  }

  /** The item that waits longest, with the number of messages dropped just before it; of a piece at most so many messages. */
  take(messagesMax = Number.POSITIVE_INFINITY): Taken<Item> | undefined {
    const first = this.#shift(messagesMax);
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

  /** How many of the first messages of a piece fit, as if they came one by one. */
  fitting(piece: Piece): number {
    const { messagesMax, bytesMax } = this.limits;
    return Math.min(messagesMax - this.#messages, piece.within(bytesMax - this.#bytes), piece.messages);
  }

  /** What does not fit as a whole. */
  #offerPiece(piece: Item & Piece): Verdict {
    const { messages, cost } = piece;
    const { messagesMax, bytesMax, policy } = this.limits;
    if (policy === 'block') {
      this.#blocked = true;
      return this.#push(piece, messages, cost, 'hold');
    }
    if (policy === 'drop-oldest' && messages <= messagesMax && cost <= bytesMax) {
      while (!this.#fits(messages, cost)) this.#dropOldest(messages, cost);
      return this.#push(piece, messages, cost, 'dropped');
    }
    let verdict: Verdict = 'taken';
    const whole = policy === 'drop-oldest' ? 0 : Math.max(0, this.fitting(piece));
    if (whole > 0) verdict = this.#pushCut(piece, 0, whole);
    for (let i = whole; i < messages; i++) {
      if (this.#over) return this.#drop(messages - i, 'disconnect');
      if (policy === 'drop-newest' && this.#messages >= messagesMax) return this.#drop(messages - i, 'dropped');
      const one = piece.cut(i, i + 1) as Item & Piece;
      verdict = this.offer(one, 1, one.cost);
    }
    return verdict;
  }

  #pushCut(piece: Piece, from: number, to: number): Verdict {
    const part = piece.cut(from, to) as Item & Piece;
    return this.#push(part, part.messages, part.cost, 'taken');
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

  /** Makes room for so much, at the cost of the item that waits longest: of a piece, no more than it takes. */
  #dropOldest(messages: number, bytes: number): void {
    const first = this.#waiting[this.#head];
    assert(first !== undefined, 'an outbox that is full holds something');
    let count = first.messages;
    if (isPiece(first.item)) {
      const over = this.#messages + messages - this.limits.messagesMax;
      const bytesOver = this.#bytes + bytes - this.limits.bytesMax;
      count = Math.min(count, Math.max(over, bytesOver > 0 ? first.item.within(bytesOver - 1) + 1 : 0));
    }
    const dropped = this.#shift(count);
    assert(dropped !== undefined, 'an outbox that is full holds something');
    this.#dropped += dropped.messages;
    const gap = dropped.missed + dropped.messages;
    const next = this.#waiting[this.#head];
    if (next === undefined) this.#missed += gap;
    else next.missed += gap;
  }

  #shift(messagesMax: number): Waiting<Item> | undefined {
    const first = this.#waiting[this.#head];
    if (first === undefined) return undefined;
    if (messagesMax < first.messages && isPiece(first.item)) return this.#cut(first, first.item, messagesMax);
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

  /** Takes the first messages off the piece that waits longest. */
  #cut(first: Waiting<Item>, piece: Item & Piece, messages: number): Waiting<Item> {
    const item = piece.cut(0, messages) as Item & Piece;
    const rest = piece.cut(messages, first.messages) as Item & Piece;
    const { missed } = first;
    this.#messages -= messages;
    this.#bytes -= item.cost;
    this.#waiting[this.#head] = { bytes: rest.cost, item: rest, messages: rest.messages, missed: 0 };
    return { bytes: item.cost, item, messages, missed };
  }
}

/** An item of several messages that can be cut between them. What it costs is the sum of what they cost. */
export interface Piece {
  readonly messages: number;
  /** In bytes. */
  readonly cost: number;
  /** How many of the first messages cost no more than so much together. */
  within(bytes: number): number;
  /** The messages from one place to before another; the piece stays as it is. */
  cut(from: number, to: number): unknown;
}

export function isPiece<Item>(item: Item): item is Item & Piece {
  return typeof item === 'object' && item !== null && 'cut' in item;
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
