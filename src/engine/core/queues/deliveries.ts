import { Alarms } from '../base/alarms.ts';
import { type Instant, NEVER } from '../base/instant.ts';
import type { NewMessage, StoredDelivery } from './effects.ts';
import { type Entry, entryOf } from './entry.ts';

/** A message for several consumers: what each still owes is an entry of its own. */
export interface Delivery {
  readonly message: NewMessage;
  needed: number;
  readonly open: Map<number, Entry>;
}

/**
 * Messages that several consumers must acknowledge: all who were subscribed when it was sent, or so many of them.
 *
 * What a consumer owes is leased, extended, given back and buried like any other message, but to this consumer only. So
 * nobody can acknowledge in another's name, nor twice. With the last acknowledgement that is needed the message is done,
 * and what others still owe of it is forgiven.
 *
 * Limit: `deliveriesMax` of them, all in memory; beyond, such sends are refused.
 */
export class Deliveries {
  readonly #byMessage = new Map<number, Delivery>();
  readonly #parked = new Alarms<Entry>();
  #open = 0;

  get open(): number {
    return this.#open;
  }

  of(seq: number): Delivery | undefined {
    return this.#byMessage.get(seq);
  }

  all(): Iterable<Delivery> {
    return this.#byMessage.values();
  }

  add({ message, needed, copies }: StoredDelivery): readonly Entry[] {
    const entries = copies.map(({ seq, consumer, state }) =>
      entryOf({ ...message, bytes: 0, seq, ...(state !== undefined && { state }) }, { consumer, of: message.seq }),
    );
    this.#byMessage.set(message.seq, { message, needed, open: new Map(entries.map((entry) => [entry.seq, entry])) });
    this.#open += entries.length;
    return entries;
  }

  /** A consumer owes this no longer. */
  settled(entry: Entry): void {
    const of = entry.delivery?.of ?? -1;
    const delivery = this.#byMessage.get(of);
    if (delivery?.open.delete(entry.seq)) this.#open--;
    if (delivery?.open.size === 0) this.#byMessage.delete(of);
    this.#parked.clear(entry);
  }

  /** Copies are parked in memory: all of them are there anyway. */
  park(entry: Entry): void {
    this.#parked.set(entry, entry.due);
  }

  get parked(): number {
    let count = 0;
    for (const { open } of this.#byMessage.values()) {
      for (const entry of open.values()) if (this.#parked.of(entry) !== NEVER) count++;
    }
    return count;
  }

  due(now: Instant): Entry | undefined {
    return this.#parked.due(now);
  }

  deadline(): Instant {
    return this.#parked.deadline();
  }
}
