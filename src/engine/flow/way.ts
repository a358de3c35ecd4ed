import type { Problem } from '../core/base/problems.ts';
import { WINDOW_BYTES } from '../core/topics/messages.ts';
import { isPiece, type Outbox, type Piece, type Verdict } from '../core/topics/outbox.ts';
import type { FlowLink, Pump } from './flow-link.ts';
import type { Parcel } from './parcel.ts';

/**
 * The way of messages from this node to one receiver: straight onto its link while there is room, through its outbox
 * while there is none.
 *
 *     offer ──► room, and nothing waits? ──yes──► link
 *                 │ no                             ▲
 *                 └──► outbox ── room again ───────┘   in the order in which they came
 *
 * A receiver that says what it has taken (`taken`) has room for `WINDOW_BYTES` more than that; so one that is slow by
 * itself, on a link that is quick, has its outbox's policy as well. Under `block` publishers of this node are held, and those of
 * other nodes told to wait (`brakes.ts`).
 *
 * Invariants: nothing overtakes; what is dropped is told with the next message, or as a gap where none comes.
 */
export class Way<Item extends Parcel<Item>> implements Pump {
  readonly link: FlowLink;
  readonly outbox: Outbox<Item>;
  /** Says of what the receiver has had another way that it is not to go; absent: all goes. */
  admits: ((item: Item) => boolean) | undefined;
  /** Messages put onto the link. */
  sent = 0;
  /** Messages that were refused by the link or for lack of room, beside those that the outbox dropped. */
  #refused = 0;
  #missed = 0;
  readonly #send: (item: Item, missed: number) => Problem | undefined;
  readonly #gap: (missed: number) => void;
  readonly #paced: boolean;
  readonly #brake: (from: FlowLink) => boolean;
  readonly #relieved: () => void;
  #unread = 0;
  /** Publishers that wait for it. */
  readonly #held = new Set<FlowLink>();
  #over = false;

  constructor(
    link: FlowLink,
    outbox: Outbox<Item>,
    to: {
      readonly send: (item: Item, missed: number) => Problem | undefined;
      readonly gap: (missed: number) => void;
      readonly paced: boolean;
      /** Has publishers on another node wait, which cannot be held here; false where that is in vain. */
      readonly brake?: (from: FlowLink) => boolean;
      /** Nobody has to wait any more. */
      readonly relieved?: () => void;
    },
  ) {
    this.#brake = to.brake ?? (() => false);
    this.#relieved = to.relieved ?? (() => undefined);
    this.link = link;
    this.outbox = outbox;
    this.#send = to.send;
    this.#gap = to.gap;
    this.#paced = to.paced;
  }

  get isOver(): boolean {
    return this.#over;
  }

  get dropped(): number {
    return this.outbox.dropped + this.#refused;
  }

  /** Messages that were dropped and nobody was told of yet, beside those of which the outbox knows. */
  get untold(): number {
    return this.#missed;
  }

  /**
   * `from`: the link that it came on, to be held where this way says so. Where its publisher should wait and cannot be held,
   * what it sends is dropped: on another node's link there are others too, and of a subscriber that is behind itself nobody
   * would hear what it has taken, so that two could wait for each other.
   */
  offer(item: Item, from: FlowLink): Verdict {
    if (this.#over) return 'disconnect';
    if (this.admits !== undefined && !this.admits(item)) return 'taken';
    if (this.link.behind.has(this)) return this.#wait(item, from);
    if (!this.#hasRoom) {
      this.link.behind.add(this);
      return this.#wait(item, from);
    }
    const count = this.#room(item);
    if (count >= item.messages) {
      this.#put(item, 0);
      return 'taken';
    }
    const piece = item.keep() as Item & Piece;
    this.#put(piece.cut(0, count) as Item, 0);
    this.link.behind.add(this);
    return this.#wait(piece.cut(count, piece.messages) as Item, from);
  }

  taken(bytes: number): void {
    this.#unread = Math.max(0, this.#unread - bytes);
    if (this.link.behind.has(this)) this.pump();
  }

  pump(): void {
    while (this.#hasRoom) {
      const { first } = this.outbox;
      const next = this.outbox.take(first === undefined ? 1 : this.#room(first));
      if (next === undefined) {
        this.link.behind.delete(this);
        if (this.#missed > 0) this.#gap(this.#tell(0));
        break;
      }
      if (next.kind === 'gap') this.#gap(this.#tell(next.missed));
      else this.#put(next.item, next.missed);
    }
    if (this.outbox.relieved()) this.#relieve();
  }

  /** Takes out what waits. */
  rest(): readonly Item[] {
    const rest: Item[] = [];
    for (let next = this.outbox.take(); next !== undefined; next = this.outbox.take()) {
      if (next.kind === 'item') rest.push(next.item);
    }
    return rest;
  }

  /** It is over: nobody waits for it any more. What was waiting is lost; gives how much. */
  end(): number {
    this.#over = true;
    this.link.behind.delete(this);
    this.#relieve();
    return this.outbox.waiting;
  }

  get #hasRoom(): boolean {
    return !this.link.wire.isFull && (!this.#paced || this.#unread < WINDOW_BYTES);
  }

  /** How many messages of an item may go now: the one that fills the window may. */
  #room(item: Item): number {
    if (!this.#paced || item.messages === 1 || !isPiece(item)) return item.messages;
    return item.within(WINDOW_BYTES - 1 - this.#unread) + 1;
  }

  #wait(item: Item, from: FlowLink): Verdict {
    const { outbox } = this;
    const { canWait } = from;
    if (!canWait && outbox.limits.policy === 'block' && !this.#isBeyond(item, from)) {
      if (outbox.blocked) return this.#miss(item.messages);
      const most = item.messages > 1 && isPiece(item) ? outbox.fitting(item) + 1 : 1;
      if (most < item.messages) {
        const piece = item.keep() as Item & Piece;
        this.#wait(piece.cut(0, most) as Item, from);
        return this.#miss(piece.messages - most);
      }
    }
    const kept = item.keep();
    const verdict = outbox.offer(kept, kept.messages, kept.cost);
    if (verdict === 'hold' && canWait) {
      this.#held.add(from);
      from.hold(this);
    }
    return verdict;
  }

  /** Whether it is taken beyond the limits: it was on its way from another node, where its publishers wait from now on. */
  #isBeyond(item: Item, from: FlowLink): boolean {
    const { bytes, limits, waiting } = this.outbox;
    const isOver = waiting + item.messages > limits.messagesMax || bytes + item.cost > limits.bytesMax;
    if (from.peer.role !== 'peer' || !isOver || !this.#brake(from)) return false;
    return waiting < limits.messagesMax + BEYOND_MESSAGES && bytes < limits.bytesMax + BEYOND_BYTES;
  }

  #put(item: Item, missed: number): void {
    const told = this.#tell(missed);
    const refused = this.#send(item, told);
    if (refused !== undefined) {
      this.#refuse(item, told);
      return;
    }
    this.link.busy = true;
    this.sent += item.messages;
    if (this.#paced) this.#unread += item.cost;
  }

  /** The link did not take it: of a piece, perhaps its messages one by one. */
  #refuse(item: Item, missed: number): void {
    if (item.messages === 1 || !isPiece(item)) {
      this.#refused += item.messages;
      this.#gap(missed + item.messages);
      return;
    }
    this.#missed += missed;
    for (let i = 0; i < item.messages; i++) this.#put(item.cut(i, i + 1) as unknown as Item, 0);
  }

  #miss(messages: number): Verdict {
    this.#missed += messages;
    this.#refused += messages;
    return 'dropped';
  }

  #tell(missed: number): number {
    const told = missed + this.#missed;
    this.#missed = 0;
    return told;
  }

  #relieve(): void {
    for (const link of this.#held) link.release(this);
    this.#held.clear();
    this.#relieved();
  }
}

/** Limit: what is taken of that which was on its way from other nodes when their publishers were told to wait. */
const BEYOND_MESSAGES = 65_536;
const BEYOND_BYTES = 16 * 1024 * 1024;
