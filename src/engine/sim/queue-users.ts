/**
 * Whoever uses the queue of one simulated node: they send, receive, work, give back, come too late, go away. Once faults
 * stop they send no more, and finish what is there.
 *
 * They sit on the queue's own machine: how calls find their way is judged elsewhere.
 */
import type { Outcome } from '../core/base/outcome.ts';
import { Prng } from '../core/base/prng.ts';
import type { Lease, QueueCommand, QueueReply } from '../core/queues/messages.ts';
import type { SimProcess } from './process.ts';
import type { QueueTerms } from './scenario.ts';
import type { Timeline } from './timeline.ts';
import { WideQueue } from './wide-queue.ts';

/** Who looks on at a queue; a queue is known by the place where it is. */
export interface QueueWatcher {
  queueAsked(place: number, command: QueueCommand): void;
  queueAnswered(place: number, life: string, command: QueueCommand, outcome: Outcome<QueueReply>): void;
}

export const QUEUE = 'jobs';

export interface QueueUsersParts {
  readonly place: number;
  readonly terms: QueueTerms;
  readonly timeline: Timeline;
  readonly watcher: QueueWatcher;
  /** Whoever lives there now. */
  readonly process: () => SimProcess | undefined;
}

export class QueueUsers {
  readonly #parts: QueueUsersParts;
  readonly #prng: Prng;
  /** What they have in hand, and what they once had. */
  #held: Lease[] = [];
  readonly #old: Lease[] = [];
  #exists = false;
  #sent = 0;
  #receiving = 0;
  #calm = false;
  readonly #wide: WideQueue | undefined;
  /** What the queue said of itself last, since faults stopped; undefined before. */
  left: number | undefined;

  constructor(parts: QueueUsersParts) {
    this.#parts = parts;
    const { options, seed, wide } = parts.terms;
    this.#prng = new Prng(seed);
    if (wide !== undefined) this.#wide = new WideQueue(wide, QUEUE, options.kind === 'fifo');
    this.#tick();
  }

  get terms(): QueueTerms {
    return this.#parts.terms;
  }

  get place(): number {
    return this.#parts.place;
  }

  /** Faults have stopped. */
  calm(): void {
    this.#calm = true;
    this.left = undefined;
  }

  /** Somebody else has asked for something: it may not be empty any more. */
  stir(): void {
    const rested = this.#calm && this.left === 0;
    this.left = undefined;
    // Why not at once: what its node is just telling others, with earlier tokens, comes first.
    if (rested) this.#parts.timeline.after(0, () => this.#tick());
  }

  #tick(): void {
    const { timeline, terms } = this.#parts;
    if (this.#calm && this.left === 0) return;
    timeline.after(this.#prng.between(1, this.#calm ? 200 : terms.everyMs), () => this.#tick());
    const process = this.#parts.process();
    if (!process?.alive) return;
    if (!this.#exists) this.#create(process);
    else if (this.#calm) this.#finish(process);
    else this.#act(process);
  }

  #create(process: SimProcess): void {
    const { options } = this.#parts.terms;
    this.#ask(process, { kind: 'create', options, queue: QUEUE }, (outcome) => {
      this.#exists = outcome.ok;
    });
  }

  #act(process: SimProcess): void {
    const seldom = this.#wide?.command();
    if (seldom !== undefined) this.#ask(process, seldom, () => {});
    const dice = this.#prng.below(100);
    if (dice < 35) this.#send(process);
    else if (dice < 60) this.#receive(process, this.#prng.between(1, 5), this.#prng.pick([0, 0, 300, 2_000]) ?? 0);
    else this.#handle(process, dice);
  }

  #send(process: SimProcess): void {
    const { kind } = this.#parts.terms.options;
    const orders = Array.from({ length: this.#prng.between(1, 4) }, () => ({
      bytes: 10,
      content: `m${++this.#sent}`,
      ...(kind === 'fifo' && { group: this.#prng.pick(['a', 'b', 'c']) ?? 'a' }),
      ...(kind === 'priority' && { priority: this.#prng.below(4) }),
      ...(this.#prng.chance(0.2) && { delayMs: this.#prng.between(1, 2_000) }),
      ...(this.#prng.chance(0.1) && { dedupeId: `d${this.#prng.below(20)}` }),
    }));
    const wide = this.#wide === undefined ? orders : orders.map((order) => this.#wide?.order(order) ?? order);
    this.#ask(process, { kind: 'send', orders: wide, queue: QUEUE }, () => {});
  }

  #receive(process: SimProcess, max: number, waitMs: number, groupMax = 1, who = this.#wide?.consumer() ?? {}): void {
    if (this.#receiving >= RECEIVING_MAX) return;
    this.#receiving++;
    const receive = { groupMax, kind: 'receive', max, queue: QUEUE, waitMs, ...who } as const;
    const request = this.#ask(process, receive, (outcome) => {
      this.#receiving--;
      if (!outcome.ok || outcome.value.kind !== 'received') return;
      const { leases } = outcome.value;
      this.#held.push(...leases);
      if (this.#calm) this.#acknowledge(process, this.#held.splice(0));
    });
    if (this.#prng.chance(0.1)) {
      this.#parts.timeline.after(this.#prng.below(500), () => {
        if (process.cancelQueue(request)) this.#receiving--;
      });
    }
  }

  #handle(process: SimProcess, dice: number): void {
    const [lease] = this.#held.splice(this.#prng.below(Math.max(1, this.#held.length)), 1);
    const late = this.#prng.pick(this.#old);
    if (dice > 95 && late !== undefined) this.#acknowledge(process, [late]);
    if (lease === undefined) return;
    this.#old.push(lease);
    if (this.#old.length > OLD_MAX) this.#old.shift();
    const { receipt } = lease;
    const nothing = () => {};
    if (dice < 85) {
      this.#acknowledge(process, [lease]);
    } else if (dice < 89) {
      const delay = this.#prng.chance(0.5) ? { delayMs: this.#prng.below(1_000) } : {};
      this.#ask(process, { kind: 'nack', queue: QUEUE, receipts: [{ receipt, ...delay }] }, nothing);
    } else if (dice < 92) {
      this.#ask(process, { kind: 'release', queue: QUEUE, receipts: [receipt] }, nothing);
    } else if (dice < 95) {
      const visibilityMs = this.#prng.below(3_000);
      this.#ask(process, { kind: 'extend', queue: QUEUE, receipts: [{ receipt, visibilityMs }] }, nothing);
      this.#held.push(lease);
    }
  }

  #acknowledge(process: SimProcess, leases: readonly Lease[]): void {
    if (leases.length === 0) return;
    this.#ask(process, { kind: 'ack', queue: QUEUE, receipts: leases.map(({ receipt }) => receipt) }, () => {});
  }

  #finish(process: SimProcess): void {
    this.#acknowledge(process, this.#held.splice(0));
    this.#receive(process, 50, 0, GROUP_MAX, {});
    if (this.#wide !== undefined)
      for (const consumer of WideQueue.consumers) this.#receive(process, 50, 0, GROUP_MAX, { consumer });
    this.#ask(process, { kind: 'info', queue: QUEUE }, (outcome) => {
      if (!outcome.ok || outcome.value.kind !== 'queue') return;
      const { ready, delayed, leased } = outcome.value.view.counts;
      this.left = ready + delayed + leased;
    });
  }

  #ask(process: SimProcess, command: QueueCommand, then: (outcome: Outcome<QueueReply>) => void): number {
    const { place, watcher } = this.#parts;
    watcher.queueAsked(place, command);
    return process.askQueue(command, (outcome) => {
      if (outcome === undefined) {
        if (command.kind === 'receive') this.#receiving--;
        return;
      }
      const isGone = !outcome.ok && outcome.problem.code === 'queue-unknown';
      if (isGone && 'queue' in command && command.queue === QUEUE) this.#exists = false;
      watcher.queueAnswered(place, `${process.life}.${process.queuesLife}`, command, outcome);
      then(outcome);
    });
  }
}

const RECEIVING_MAX = 4;
const OLD_MAX = 20;
/** Of one group at once, to finish. Why: one for each two syncs of a slow disk, a large group would not be done in time. */
const GROUP_MAX = 10;
