/**
 * What else the users of a simulated queue do, where a run is about that: messages for several consumers by name, that may
 * be lost, that have a time to live; a queue that is purged, that becomes too small, whose dead letters are sent back.
 *
 * It decides by a generator of its own: what users do besides is drawn as it was.
 */
import { Prng } from '../core/base/prng.ts';
import type { Order, QueueCommand } from '../core/queues/messages.ts';

export class WideQueue {
  static readonly consumers: readonly string[] = ['ann', 'bob', 'cid'];
  readonly #prng: Prng;
  readonly #queue: string;
  readonly #isFifo: boolean;

  constructor(seed: number, queue: string, isFifo: boolean) {
    this.#prng = new Prng(seed);
    this.#queue = queue;
    this.#isFifo = isFifo;
  }

  /** An order with what is unusual about it. */
  order(usual: Order): Order {
    const prng = this.#prng;
    const order = prng.chance(0.2) ? { ...usual, ttlMs: prng.between(1, 5_000) } : usual;
    if (prng.chance(0.1)) return { ...order, guarantee: 'fire-and-forget' };
    if (this.#isFifo || prng.chance(0.6)) return order;
    return prng.chance(0.5)
      ? { ...order, guarantee: 'broadcast' }
      : { ...order, guarantee: 'quorum', quorum: prng.between(1, 3) };
  }

  /** Who receives. */
  consumer(): { readonly consumer?: string } {
    const consumer = this.#prng.chance(0.3) ? undefined : this.#prng.pick(WideQueue.consumers);
    return consumer === undefined ? {} : { consumer };
  }

  /** Something that is not asked often. */
  command(): QueueCommand | undefined {
    const prng = this.#prng;
    if (!prng.chance(0.15)) return undefined;
    const queue = this.#queue;
    const dead = `${queue}.dead`;
    const dice = prng.below(100);
    if (dice < 35) return { consumer: prng.pick(WideQueue.consumers) ?? 'ann', kind: 'subscribe', queue };
    if (dice < 42) return { consumer: prng.pick(WideQueue.consumers) ?? 'ann', kind: 'unsubscribe', queue };
    if (dice < 50) return { kind: 'purge', queue };
    if (dice < 60) return { kind: 'edit', options: { messagesMax: prng.pick([null, 5, 50]) ?? null }, queue };
    if (dice < 65) return { kind: 'redrive-cancel', queue: dead };
    if (dice < 75) return { kind: 'info', queue: dead };
    if (dice < 80) return { kind: 'purge', queue: dead };
    const rate = prng.pick([undefined, 5, 50]);
    return {
      kind: 'redrive',
      queue: dead,
      to: 'origin',
      ...(prng.chance(0.3) && { max: prng.between(1, 5) }),
      ...(rate !== undefined && { rate }),
    };
  }
}
