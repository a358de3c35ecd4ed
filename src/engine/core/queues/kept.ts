import { earlier, type Instant, NEVER } from '../base/instant.ts';
import type { Outcome } from '../base/outcome.ts';
import type { Desk } from './desk.ts';
import type { Parcel } from './effects.ts';
import { hasMoved, type Place, type Taken } from './move.ts';
import type { Queue } from './queue.ts';

/** What queues that were kept have of their node. */
export interface KeptDesk extends Pick<Desk, 'settled' | 'write'> {
  queue(name: string): Queue | undefined;
  /** False where there is one of that name, or something of it is on its way here. */
  rename(queue: Queue, name: string): boolean;
  /** Whoever asks for it here is told that it is there. */
  left(name: string, to: Place, now: Instant): void;
  ship(to: Place, parcel: Parcel): number;
}

interface Stay {
  readonly move: string;
  readonly to: Place;
  queues: readonly Queue[];
  ship: number | undefined;
  askAt: Instant;
}

/**
 * Queues that stay though the other node of their move may have them whole: somebody has taken the move back (`abandon`). There
 * somebody may say that it is served without this node (`resume`). So that one is told until it has answered:
 *
 *     kept ── abandoned? ──► it has nothing of them (any more) ──► theirs alone
 *                       └──► it serves them ──► set aside: here they get other names
 *
 * Why the other node's are the queues: that it serves them is for good, and who said so knew that this node was lost.
 *
 * Invariant: nothing of them is dropped. What is set aside is a queue like any other, to be received, moved, redriven or deleted; but
 * topics do not go into it any more.
 *
 * Limit: a queue that has moved on to a third node before the second one has answered is not set aside there.
 */
export class Kept {
  readonly #desk: KeptDesk;
  readonly #stays = new Map<string, Stay>();

  constructor(desk: KeptDesk) {
    this.#desk = desk;
  }

  add(move: string, to: Place, queues: readonly Queue[], now: Instant): void {
    const stay: Stay = { askAt: now, move, queues, ship: undefined, to };
    this.#stays.set(move, stay);
    this.#ask(stay, now);
  }

  deadline(): Instant {
    let first = NEVER;
    for (const { askAt } of this.#stays.values()) first = earlier(first, askAt);
    return first;
  }

  advance(now: Instant): void {
    for (const stay of this.#stays.values()) {
      if (now < stay.askAt) continue;
      stay.queues = stay.queues.filter((one) => this.#desk.queue(one.name) === one);
      if (stay.queues.length === 0) this.#stays.delete(stay.move);
      else this.#ask(stay, now);
    }
  }

  /** False where that was no answer to this. */
  shipped(ship: number, outcome: Outcome<Taken>, now: Instant): boolean {
    const stay = [...this.#stays.values()].find((one) => one.ship === ship);
    if (stay === undefined) return false;
    stay.ship = undefined;
    const isTheirs = outcome.ok && outcome.value.state === 'committed';
    if (isTheirs && stay.queues.every(isQuiet)) this.#setAside(stay, now);
    if (outcome.ok && !isTheirs && stay.queues.every(({ moving }) => moving === undefined)) this.#settle(stay);
    return true;
  }

  #ask(stay: Stay, now: Instant): void {
    stay.askAt = now + ASK_MS;
    stay.ship = this.#desk.ship(stay.to, { kind: 'abandoned', move: stay.move });
  }

  #settle({ move, queues }: Stay, undo: () => void = () => undefined): void {
    for (const { number: queue } of queues) this.#desk.write(queue, { kind: 'move', move: null, queue }, true);
    this.#desk.settled((why) => (why === undefined ? void this.#stays.delete(move) : undo()));
  }

  #setAside(stay: Stay, now: Instant): void {
    const before = stay.queues.map(({ name, options }) => ({ name, options }));
    const names = new Map(stay.queues.map((queue) => [queue.name, this.#renamed(queue)]));
    for (const [i, queue] of stay.queues.entries()) {
      const { name, options } = before[i] as (typeof before)[number];
      const { bindings: _, ...notes } = options.notes;
      const letters = options.deadLetter;
      const deadLetter = letters === null ? null : (names.get(letters) ?? `${queue.name}.dead`);
      const tags = { ...options.tags, aside: `${name} is served by ${stay.to.name}` };
      queue.options = { ...options, deadLetter, notes, tags };
      queue.dismiss(hasMoved(name, stay.to));
      queue.store();
      this.#desk.left(name, stay.to, now);
    }
    this.#settle(stay, () => {
      for (const [i, queue] of stay.queues.entries()) {
        const { name, options } = before[i] as (typeof before)[number];
        queue.options = options;
        this.#desk.rename(queue, name);
      }
    });
  }

  #renamed(queue: Queue): string {
    const stem = `${queue.name.slice(0, NAME_MAX)}.aside`;
    for (let i = 1; ; i++) if (this.#desk.rename(queue, i === 1 ? stem : `${stem}${i}`)) return queue.name;
  }
}

function isQuiet({ isGone, moving, stock }: Queue): boolean {
  return !isGone && moving === undefined && !stock.isReopening;
}

/** How often the other node is told. */
const ASK_MS = 1_000;
/** Of 128, so that there is room for what follows. */
const NAME_MAX = 110;
