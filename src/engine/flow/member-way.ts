import type { NodeId } from '../core/base/ids.ts';
import type { MemberTerms } from '../core/topics/groups.ts';
import { type SettleMessage, WINDOW_BYTES } from '../core/topics/messages.ts';
import type { OutboxLimits } from '../core/topics/outbox.ts';
import type { Delivery } from './delivery.ts';
import type { FlowLink, Pump } from './flow-link.ts';

/**
 * The way of messages to one member of a group that acknowledges.
 *
 *     offer ──► waiting ── room in its window, and on its link ──► out, by a tag ── settle ──► done, or refused
 *
 * Nothing is dropped for lack of room: what finds none is not taken, and its owner chooses anew. When the member leaves, or
 * lets something lie for longer than its `settleMs`, that goes back to the owner, too.
 *
 * Invariants: in the order in which they came; at most `window` messages are out, and `WINDOW_BYTES` and one more message.
 * It refuses to know who owes what: it gives back what it was given.
 */
export class MemberWay implements Pump {
  readonly link: FlowLink;
  /** Messages put onto the link. */
  sent = 0;
  /** That the link did not take: they are larger than a frame. */
  dropped = 0;
  readonly #id: number;
  readonly #window: number;
  readonly #limits: OutboxLimits;
  readonly #settled: (entrusted: readonly Entrusted[], how: Settled) => void;
  #waiting: Entrusted[] = [];
  #waitingBytes = 0;
  readonly #out = new Map<number, { readonly entrusted: Entrusted; readonly age: number }>();
  #outBytes = 0;
  #lastTag = 0;
  #age = 0;
  #over = false;

  /** `id`: the client's number. `settled` hears what became of what was offered. */
  constructor(
    link: FlowLink,
    id: number,
    { limits, terms }: { readonly limits: OutboxLimits; readonly terms: MemberTerms },
    settled: (entrusted: readonly Entrusted[], how: Settled) => void,
  ) {
    this.link = link;
    this.#id = id;
    this.#window = terms.window ?? 1;
    this.#limits = limits;
    this.#settled = settled;
  }

  get isOver(): boolean {
    return this.#over;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Messages that the member has not acknowledged. */
  get out(): number {
    return this.#out.size;
  }

  /** Whether something here is another node's. */
  get owners(): readonly NodeId[] {
    const all = [...this.#waiting, ...[...this.#out.values()].map(({ entrusted }) => entrusted)];
    return all.flatMap(({ owner }) => owner ?? []);
  }

  /** False where there is no room. */
  offer(entrusted: Entrusted): boolean {
    const { bytesMax, messagesMax } = this.#limits;
    const { cost } = entrusted.delivery;
    if (this.#over) return false;
    const { length } = this.#waiting;
    // Why never refused when it is alone: one that is larger than the limit would be owed, and offered, for ever.
    if (length >= messagesMax || (length > 0 && this.#waitingBytes + cost > bytesMax)) return false;
    entrusted.delivery.keep();
    this.#waiting.push(entrusted);
    this.#waitingBytes += cost;
    this.pump();
    return true;
  }

  pump(): void {
    while (this.#waiting.length > 0 && this.#hasRoom) this.#put();
    if (this.#waiting.length > 0 && this.link.wire.isFull) this.link.behind.add(this);
    else this.link.behind.delete(this);
  }

  settle({ done, refused }: SettleMessage): void {
    this.#take(done, 'done');
    this.#take(refused, 'refused');
    this.pump();
  }

  /** A quarter of `settleMs` has passed. */
  grow(): void {
    this.#age++;
    const late = [...this.#out].filter(([, { age }]) => this.#age - age > AGES).map(([tag]) => tag);
    this.#take(late, 'refused');
    this.pump();
  }

  /** A node is out of reach: what it owes of this, it owes to others now. */
  orphan(owner: NodeId): void {
    for (const { entrusted } of this.#out.values()) if (entrusted.owner === owner) entrusted.debt = 0;
    for (const entrusted of this.#waiting) if (entrusted.owner === owner) entrusted.debt = 0;
  }

  end(): void {
    this.#over = true;
    this.link.behind.delete(this);
    this.#take([...this.#out.keys()], 'left');
    this.#settled(this.#waiting, 'unseen');
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  get #hasRoom(): boolean {
    return !this.link.wire.isFull && this.#out.size < this.#window && this.#outBytes < WINDOW_BYTES;
  }

  #put(): void {
    const entrusted = this.#waiting.shift() as Entrusted;
    const { attempt, delivery } = entrusted;
    this.#waitingBytes -= delivery.cost;
    const tag = ++this.#lastTag;
    const refused = this.link.wire.send(delivery.deliver(this.#id, 0, { attempt, tag }));
    if (refused?.code === 'link-lost') {
      this.#settled([entrusted], 'unseen');
    } else if (refused !== undefined) {
      // Why done: no member of the group would get it.
      this.dropped++;
      this.link.wire.send({ id: this.#id, kind: 'gap', missed: 1 });
      this.#settled([entrusted], 'done');
    } else {
      this.link.busy = true;
      this.sent++;
      this.link.unsettled++;
      this.#out.set(tag, { age: this.#age, entrusted });
      this.#outBytes += delivery.cost;
    }
  }

  #take(tags: readonly number[], how: Settled): void {
    const taken: Entrusted[] = [];
    for (const tag of tags) {
      const entrusted = this.#out.get(tag)?.entrusted;
      if (entrusted === undefined) continue;
      this.#out.delete(tag);
      this.#outBytes -= entrusted.delivery.cost;
      this.link.unsettled--;
      taken.push(entrusted);
    }
    if (taken.length > 0) this.#settled(taken, how);
  }
}

/** A message that somebody owes to the member. */
export interface Entrusted {
  readonly delivery: Delivery;
  /** The node that owes it; absent: this one. */
  readonly owner: NodeId | undefined;
  /** Its owner's number; 0: nobody wants to know any more. */
  debt: number;
  readonly attempt: number;
}

export type Settled = 'done' | 'refused' | 'left' | 'unseen';

/** What is older than so many quarters has had its time. */
export const AGES = 4;
