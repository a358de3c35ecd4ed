import { earlier, type Instant } from '../base/instant.ts';
import { getOrMake } from '../base/maps.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import { type Problem, problem } from '../base/problems.ts';
import { Arrivals, type ArrivalsDesk } from './arrivals.ts';
import { Departure, type DepartureParts } from './departure.ts';
import type { Loaded, Opened, Parcel } from './effects.ts';
import { Kept } from './kept.ts';
import { hasMoved, isHeld, isMoving, type Place, type Taken, TOGETHER_MAX } from './move.ts';
import type { Queue } from './queue.ts';

/** What moves have of their node besides. */
export interface MovesDesk extends ArrivalsDesk {
  queue(name: string): Queue | undefined;
  all(): Iterable<Queue>;
  /** The queue is elsewhere; nothing of it is here. */
  left(queue: Queue): void;
  /** False where there is one of that name. */
  rename(queue: Queue, name: string): boolean;
}

/**
 * The queues of a node that leave it, or come to it.
 *
 * Queues that share dead letters move together, so that a queue and its dead letters are always on one node.
 */
export class Moves {
  readonly #desk: MovesDesk;
  readonly #arrivals: Arrivals;
  readonly #kept: Kept;
  readonly #departures = new Map<string, Departure>();
  /** Where queues are that were here. */
  readonly #left = new Map<string, { readonly to: Place; readonly until: Instant }>();

  constructor(desk: MovesDesk) {
    this.#desk = desk;
    this.#arrivals = new Arrivals(desk);
    this.#kept = new Kept({
      ...desk,
      left: (name, to, now) => this.#hasLeft(name, to, now),
      rename: (queue, name) => !this.#arrivals.expects(name) && desk.rename(queue, name),
    });
  }

  /** Names of queues that are told to be here: for a while those that have left, and those whose old node is lost. */
  told(now: Instant): readonly string[] {
    return [...this.#left.keys(), ...this.#arrivals.orphans(now)];
  }

  /** Goes on with what is stored. */
  opened(opened: Opened, now: Instant): void {
    this.#arrivals.opened(opened, now);
    this.#keepOn(opened, now);
    const moves = new Map<string, Queue[]>();
    for (const queue of this.#desk.all()) if (queue.moving) getOrMake(moves, queue.moving.move, () => []).push(queue);
    for (const [move, queues] of moves) {
      queues.sort((a, b) => (a.moving?.index ?? 0) - (b.moving?.index ?? 0));
      const moving = queues[0]?.moving;
      if (moving !== undefined) this.#depart(move, moving, queues).resume(moving.phase, now);
    }
  }

  #keepOn({ queues }: Opened, now: Instant): void {
    const stays = new Map<string, { readonly to: Place; readonly queues: Queue[] }>();
    for (const { name, move } of queues) {
      const queue = this.#desk.queue(name);
      if (move?.role !== 'kept' || queue === undefined) continue;
      getOrMake(stays, move.move, () => ({ queues: [], to: move.to })).queues.push(queue);
    }
    for (const [move, stay] of stays) this.#kept.add(move, stay.to, stay.queues, now);
  }

  /** Why nothing can be done with a queue of that name now, where that is because of a move. */
  why(name: string): Problem | undefined {
    const queue = this.#desk.queue(name);
    if (queue !== undefined) return queue.moving && isMoving(name, queue.moving.to);
    const from = this.#arrivals.holds(name);
    if (from !== undefined) return isHeld(name, from);
    if (this.#arrivals.expects(name)) return isMoving(name);
    const left = this.#left.get(name);
    return left === undefined ? undefined : hasMoved(name, left.to);
  }

  move(request: number, queue: Queue, { from, to }: { readonly from: Place; readonly to: Place }, now: Instant): void {
    const { moving } = queue;
    const under = moving === undefined ? undefined : this.#departures.get(moving.move);
    if (under !== undefined) {
      if (under.to.id === to.id) under.join(request);
      else this.#desk.reply(request, failed(isMoving(queue.name, under.to)));
      return;
    }
    const together = this.#tied(queue);
    const why = together.map(({ isNew, isGone, stock }) => isNew || isGone || stock.isReopening);
    if (together.length > TOGETHER_MAX) {
      const text = `${together.length} queues share their dead letters with ${queue.name}, and ${TOGETHER_MAX} can move at once`;
      this.#desk.reply(request, failed(problem('limit-exceeded', text)));
    } else if (why.includes(true)) {
      const text = `something is being done with ${queue.name}, or with a queue that shares its dead letters`;
      this.#desk.reply(request, failed(problem('overloaded', text)));
    } else {
      const { prng } = this.#desk;
      const departure = this.#depart(`${queue.name}.${from.id}.${prng.next()}.${prng.next()}`, { from, to }, together);
      departure.join(request);
      departure.begin(now);
    }
  }

  /** Why a queue does not stay, where it does not; what does not move stays anyway. */
  abandon(queue: Queue): Problem | undefined {
    const { moving } = queue;
    const departure = moving === undefined ? undefined : this.#departures.get(moving.move);
    if (departure === undefined || departure.abandon()) return undefined;
    return problem('queue-moving', `${queue.name} has been given to ${departure.to.name} already`);
  }

  /** Of a queue that is on its way here. */
  resume(request: number, name: string, now: Instant): void {
    if (this.#arrivals.resume(request, name, now)) return;
    const text = `this node does not have all of a queue ${name} that was on its way here`;
    this.#desk.reply(request, failed(problem('queue-unknown', text)));
  }

  take(request: number, parcel: Parcel, now: Instant): void {
    if (parcel.kind !== 'asked') this.#arrivals.take(request, parcel, now);
    else this.#desk.reply(request, done({ kind: 'taken', taken: this.#asked(parcel) }));
  }

  shipped(ship: number, outcome: Outcome<Taken>, now: Instant): void {
    for (const departure of this.#departures.values()) if (departure.shipped(ship, outcome, now)) return;
    if (this.#kept.shipped(ship, outcome, now)) return;
    this.#arrivals.shipped(ship, outcome, now);
  }

  /** Why by when it was made: a queue of the name that is another one says nothing of what became of this one. */
  #asked({ move, queues }: Extract<Parcel, { kind: 'asked' }>): Taken {
    if (this.#arrivals.hasEnded(move)) return { state: 'committed' };
    if (this.#departures.has(move)) return { state: 'leaving' };
    const isHere = queues.every(({ createdAt, name }) => this.#desk.queue(name)?.view.createdAt === createdAt);
    return { state: isHere ? 'kept' : 'unknown' };
  }

  /** False where nobody here waits for it. */
  loaded(load: number, loaded: Loaded, now: Instant): boolean {
    for (const departure of this.#departures.values()) if (departure.loaded(load, loaded, now)) return true;
    if (!this.#arrivals.loaded(load, loaded, now)) return false;
    if (loaded.stored !== undefined) this.#left.delete(loaded.stored.name);
    return true;
  }

  deadline(): Instant {
    let first = earlier(this.#arrivals.deadline(), this.#kept.deadline());
    for (const departure of this.#departures.values()) first = earlier(first, departure.deadline());
    for (const { until } of this.#left.values()) return earlier(first, until); // the first that left
    return first;
  }

  advance(now: Instant): void {
    for (const departure of [...this.#departures.values()]) departure.advance(now);
    this.#arrivals.advance(now);
    this.#kept.advance(now);
    for (const [name, { until }] of this.#left) if (until <= now) this.#left.delete(name);
  }

  #depart(
    move: string,
    { from, to }: { readonly from: Place; readonly to: Place },
    queues: readonly Queue[],
  ): Departure {
    const over: DepartureParts['over'] = (ended, moved, now) => this.#over(ended, moved, now);
    const desk = {
      ...this.#desk,
      given: (one: string) => this.#arrivals.ended(one),
      kept: (one: Departure, at: Instant) => this.#kept.add(one.move, one.to, one.queues, at),
    };
    const departure = new Departure({ desk, from, move, over, queues, to });
    this.#departures.set(move, departure);
    return departure;
  }

  #over({ move, queues, to }: Departure, moved: boolean, now: Instant): void {
    this.#departures.delete(move);
    if (!moved) return;
    for (const queue of queues) {
      this.#desk.left(queue);
      this.#hasLeft(queue.name, to, now);
    }
  }

  #hasLeft(name: string, to: Place, now: Instant): void {
    this.#left.delete(name);
    this.#left.set(name, { to, until: now + LEFT_MS });
  }

  /** The queue, its dead letters, whatever else has those, and so on. */
  #tied(queue: Queue): readonly Queue[] {
    const tied = new Set([queue]);
    const feeds = new Map<string, Queue[]>();
    for (const one of this.#desk.all()) {
      if (one.options.deadLetter !== null) getOrMake(feeds, one.options.deadLetter, () => []).push(one);
    }
    for (const one of tied) {
      const { deadLetter } = one.options;
      const letters = deadLetter === null ? undefined : this.#desk.queue(deadLetter);
      if (letters !== undefined) tied.add(letters);
      for (const source of feeds.get(one.name) ?? []) tied.add(source);
    }
    return [...tied];
  }
}

/** Longer: also who hears late finds the queue where it was. Shorter: the name stays with this node less long. */
const LEFT_MS = 10_000;
