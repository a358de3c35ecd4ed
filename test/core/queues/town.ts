/** Two nodes with queues, and the parcels between them: delivered at once, or by hand, or lost. */
import type { Outcome } from '../../../src/engine/core/base/outcome.ts';
import type { Parcel } from '../../../src/engine/core/queues/effects.ts';
import type { Taken } from '../../../src/engine/core/queues/move.ts';
import { Shop } from './shop.ts';

export interface Waiting {
  readonly from: string;
  readonly to: string;
  readonly parcel: Parcel;
  readonly answer: (outcome: Outcome<Taken>) => void;
}

export class Town {
  readonly shops: ReadonlyMap<string, Shop>;
  /** While set, parcels wait to be delivered by hand. */
  holding = false;
  readonly waiting: Waiting[] = [];

  constructor(...names: readonly string[]) {
    this.shops = new Map(names.map((name, i) => [name, new Shop(i + 1)]));
    for (const [from, shop] of this.shops) {
      shop.ship = (to, parcel, answer) => {
        const waiting = { answer, from, parcel, to };
        this.waiting.push(waiting);
        if (!this.holding) this.deliver();
      };
    }
  }

  shop(name: string): Shop {
    const shop = this.shops.get(name);
    if (shop === undefined) throw new Error(`there is no node ${name}`);
    return shop;
  }

  /** The oldest parcel that waits. `lost`: its answer does not come back. */
  deliver(lost = false): Waiting | undefined {
    const next = this.waiting.shift();
    if (next === undefined) return undefined;
    const outcome = this.shop(next.to).take(next.parcel);
    if (outcome !== undefined && !lost) next.answer(outcome);
    return next;
  }

  /** Lets time pass everywhere. */
  pass(ms: number): void {
    const shops = [...this.shops.values()];
    const end = shops.map(({ now }) => now + ms);
    const left = () => Math.max(0, ...shops.map(({ now }, i) => (end[i] ?? 0) - now));
    while (left() > 0) {
      const step = Math.min(left(), ...shops.map(({ now, queues }) => Math.max(1, queues.deadline() - now)));
      for (const shop of shops) shop.pass(step);
    }
  }
}
