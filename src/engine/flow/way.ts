import type { Problem } from '../core/base/problems.ts';
import { WINDOW_BYTES } from '../core/topics/messages.ts';
import type { Outbox, Verdict } from '../core/topics/outbox.ts';
import type { Delivery } from './delivery.ts';
import type { FlowLink, Pump } from './flow-link.ts';

/**
 * The way of messages from this node to one receiver: straight onto its link while there is room, through its outbox
 * while there is none.
 *
 *     offer ──► room, and nothing waits? ──yes──► link
 *                 │ no                             ▲
 *                 └──► outbox ── room again ───────┘   in the order in which they came
 *
 * A receiver that says what it has taken (`taken`) has room for `WINDOW_BYTES` more than that; so one that is slow by
 * itself, on a link that is quick, has its outbox's policy as well.
 *
 * Invariants: nothing overtakes; what is dropped is told with the next message, or as a gap where none comes.
 */
export class Way<Item extends { readonly cost: number } = Delivery> implements Pump {
  readonly link: FlowLink;
  readonly outbox: Outbox<Item>;
  /** Messages put onto the link. */
  sent = 0;
  /** Messages that were refused by the link or for lack of room, beside those that the outbox dropped. */
  #refused = 0;
  #missed = 0;
  readonly #send: (item: Item, missed: number) => Problem | undefined;
  readonly #gap: (missed: number) => void;
  readonly #paced: boolean;
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
    },
  ) {
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

  /**
   * `keep` makes an item that can wait. `from`: the link that it came on, to be held where this way says so. Where its
   * publisher should wait and cannot be held, what it sends is dropped: on another node's link there are others too, and
   * of a subscriber that is behind itself nobody would hear what it has taken, so that two could wait for each other.
   */
  offer(item: Item, keep: () => Item, from: FlowLink): Verdict {
    if (this.#over) return 'disconnect';
    if (!this.link.behind.has(this)) {
      if (this.#hasRoom) {
        this.#put(item, 0);
        return 'taken';
      }
      this.link.behind.add(this);
    }
    const { canWait } = from;
    if (!canWait && this.outbox.blocked) {
      this.#miss();
      return 'dropped';
    }
    const verdict = this.outbox.offer(keep(), 1, item.cost);
    if (verdict === 'hold' && canWait) {
      this.#held.add(from);
      from.hold(this);
    }
    return verdict;
  }

  taken(bytes: number): void {
    this.#unread = Math.max(0, this.#unread - bytes);
    if (this.link.behind.has(this)) this.pump();
  }

  pump(): void {
    while (this.#hasRoom) {
      const next = this.outbox.take();
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

  #put(item: Item, missed: number): void {
    const told = this.#tell(missed);
    const refused = this.#send(item, told);
    if (refused !== undefined) {
      this.#refused++;
      this.#gap(told + 1);
      return;
    }
    this.link.busy = true;
    this.sent++;
    if (this.#paced) this.#unread += item.cost;
  }

  #miss(): void {
    this.#missed++;
    this.#refused++;
  }

  #tell(missed: number): number {
    const told = missed + this.#missed;
    this.#missed = 0;
    return told;
  }

  #relieve(): void {
    for (const link of this.#held) link.release(this);
    this.#held.clear();
  }
}
