import { type Instant, NEVER } from '../base/instant.ts';
import { getOrMake } from '../base/maps.ts';
import { done, failed } from '../base/outcome.ts';
import { type Problem, problem } from '../base/problems.ts';
import type { Desk } from './desk.ts';
import type { Closing, Loaded, Opened, Parcel, QueueWrite, StoredQueue } from './effects.ts';
import { type Cursor, ENDED_MAX, isCursor, isSame, START, type Taken } from './move.ts';

/** What arrivals have of their node besides. */
export interface ArrivalsDesk extends Desk {
  /** Why there cannot be one more queue of that name. */
  refuses(name: string): Problem | undefined;
  /** A number that no queue ever had. */
  number(): number;
  /** A queue is here now. */
  arrived(stored: StoredQueue, now: Instant): void;
}

interface Arrival {
  readonly move: string;
  readonly queues: readonly { readonly name: string; readonly number: number }[];
  /** On disk. */
  cursor: Cursor;
  /** Something of it is being stored, or it is committed. */
  busy: boolean;
  touchedAt: Instant;
}

/**
 * Queues on their way to this node (`move.ts` draws it). What has come is on disk under the number that the queue will have
 * here, and nobody is told of it before all of it is there.
 *
 * Invariants:
 * - a page is stored together with how far the move has come: it is never stored twice, and none is left out;
 * - a move that was committed here stays known as such, even when its queues have gone on: a source that asks once more
 *   must not bring them again.
 *
 * Until it is committed the source has everything, so what has come may be dropped at any time: it is, when nothing more
 * comes for long, and when another move brings a queue of the name.
 */
export class Arrivals {
  readonly #desk: ArrivalsDesk;
  readonly #arrivals = new Map<string, Arrival>();
  readonly #ended = new Set<string>();
  /** Queues that are here, and are being read; by name. */
  readonly #opening = new Map<string, number>();

  constructor(desk: ArrivalsDesk) {
    this.#desk = desk;
  }

  opened({ queues, ended }: Opened, now: Instant): void {
    for (const move of ended) this.#ended.add(move);
    const moves = new Map<string, StoredQueue[]>();
    for (const queue of queues) {
      if (queue.move?.role === 'arriving') getOrMake(moves, queue.move.move, () => []).push(queue);
    }
    for (const [move, stored] of moves) {
      stored.sort((a, b) => (a.move?.index ?? 0) - (b.move?.index ?? 0));
      const [first] = stored;
      const cursor = (first?.move?.role === 'arriving' ? first.move.cursor : undefined) ?? START;
      const names = stored.map(({ name, number }) => ({ name, number }));
      this.#arrivals.set(move, { busy: false, cursor, move, queues: names, touchedAt: now });
    }
  }

  /** Whether a queue of that name is on its way here. */
  expects(name: string): boolean {
    if (this.#opening.has(name)) return true;
    for (const { queues } of this.#arrivals.values()) if (queues.some((one) => one.name === name)) return true;
    return false;
  }

  take(request: number, parcel: Parcel, now: Instant): void {
    const arrival = this.#arrivals.get(parcel.move);
    const full = this.#desk.refusal(now);
    if (arrival !== undefined) arrival.touchedAt = now;
    if (this.#ended.has(parcel.move)) this.#answer(request, { state: 'committed' });
    else if (arrival?.busy) this.#refuse(request, problem('overloaded', 'what came before is being stored'));
    else if (full !== undefined && parcel.kind !== 'commit') this.#refuse(request, full);
    else if (arrival === undefined && parcel.kind !== 'offer') this.#answer(request, { state: 'unknown' });
    else if (arrival === undefined) this.#begin(request, parcel as Extract<Parcel, { kind: 'offer' }>, now);
    else if (parcel.kind === 'page' && isSame(parcel.at, arrival.cursor)) this.#page(request, arrival, parcel);
    else if (parcel.kind === 'commit' && arrival.cursor.index === arrival.queues.length) {
      this.#commit(request, arrival, parcel.queues);
    } else this.#answer(request, { cursor: arrival.cursor, state: 'copying' });
  }

  /** False where nobody here waits for it. */
  loaded(load: number, { stored }: Loaded, now: Instant): boolean {
    const [name] = [...this.#opening].find(([, one]) => one === load) ?? [];
    if (name === undefined) return false;
    this.#opening.delete(name);
    if (stored !== undefined) this.#desk.arrived(stored, now);
    return true;
  }

  deadline(): Instant {
    let first = NEVER;
    for (const { busy, touchedAt } of this.#arrivals.values()) {
      if (!busy) first = Math.min(first, touchedAt + FORGOTTEN_MS);
    }
    return first;
  }

  advance(now: Instant): void {
    for (const arrival of [...this.#arrivals.values()]) {
      if (!arrival.busy && now >= arrival.touchedAt + FORGOTTEN_MS) this.#drop(arrival);
    }
  }

  #begin(request: number, { move, queues }: Extract<Parcel, { kind: 'offer' }>, now: Instant): void {
    for (const { name } of queues) {
      for (const other of this.#arrivals.values()) {
        const isIdle = !other.busy && now >= other.touchedAt + IDLE_MS;
        if (isIdle && other.queues.some((one) => one.name === name)) this.#drop(other);
      }
      const why = this.expects(name)
        ? problem('overloaded', `a queue ${name} is on its way here already`)
        : this.#desk.refuses(name);
      if (why !== undefined) return this.#refuse(request, why);
    }
    const named = queues.map(({ name }) => ({ name, number: this.#desk.number() }));
    const arrival: Arrival = { busy: true, cursor: START, move, queues: named, touchedAt: now };
    this.#arrivals.set(move, arrival);
    for (const [index, queue] of queues.entries()) {
      const { number } = named[index] as (typeof named)[number];
      const { name, options, createdAt, changedAt } = queue;
      this.#desk.write(number, { changedAt, createdAt, kind: 'queue', name, options, queue: number });
      this.#desk.write(number, { kind: 'move', move: { index, move, role: 'arriving' }, queue: number });
    }
    this.#settled(request, arrival, START, () => this.#arrivals.delete(move));
  }

  #page(request: number, arrival: Arrival, { at, next, writes }: Extract<Parcel, { kind: 'page' }>): void {
    const { move, queues } = arrival;
    const queue = queues[at.index]?.number;
    const [first] = queues;
    if (queue === undefined || first === undefined || !isCursor(next, queues.length)) {
      return this.#refuse(request, problem('input-invalid', 'such a page is none of this move'));
    }
    arrival.busy = true;
    for (const write of writes) this.#desk.write(queue, { ...write, queue } as QueueWrite);
    const stored = { cursor: next, index: 0, move, role: 'arriving' } as const;
    this.#desk.write(first.number, { kind: 'move', move: stored, queue: first.number });
    this.#settled(request, arrival, next, () => {});
  }

  #settled(request: number, arrival: Arrival, cursor: Cursor, refused: () => void): void {
    this.#desk.settled((why) => {
      arrival.busy = false;
      if (why === undefined) {
        arrival.cursor = cursor;
        this.#answer(request, { cursor, state: 'copying' });
      } else {
        refused();
        this.#refuse(request, why);
      }
    });
  }

  #commit(request: number, arrival: Arrival, closing: readonly Closing[]): void {
    const { move, queues } = arrival;
    if (closing.length !== queues.length) {
      return this.#refuse(request, problem('input-invalid', 'so many queues are none of this move'));
    }
    arrival.busy = true;
    for (const [i, { number: queue }] of queues.entries()) {
      const { consumers, counts, job } = closing[i] as Closing;
      for (const name of consumers) this.#desk.write(queue, { kind: 'consumer', name, queue, subscribed: true });
      if (job !== undefined) this.#desk.write(queue, { job, kind: 'job', queue });
      this.#desk.write(queue, { counts, kind: 'counts', queue });
      this.#desk.write(queue, { kind: 'move', move: null, queue });
      if (i === 0) this.#desk.write(queue, { kind: 'ended', move, queue });
    }
    this.#desk.settled((why) => {
      arrival.busy = false;
      if (why !== undefined) return this.#refuse(request, why);
      this.#end(arrival);
      this.#answer(request, { state: 'committed' });
    });
  }

  #end({ move, queues }: Arrival): void {
    this.#arrivals.delete(move);
    this.#ended.add(move);
    const [oldest] = this.#ended;
    if (oldest !== undefined && this.#ended.size > ENDED_MAX) this.#ended.delete(oldest);
    for (const { name, number } of queues) this.#opening.set(name, this.#desk.load(number, { what: 'open' }));
  }

  #drop(arrival: Arrival): void {
    const { move, queues } = arrival;
    arrival.busy = true;
    for (const { number: queue } of queues) this.#desk.write(queue, { kind: 'drop', queue });
    this.#desk.settled((why, now) => {
      arrival.busy = false;
      arrival.touchedAt = now;
      if (why === undefined) this.#arrivals.delete(move);
    });
  }

  #answer(request: number, taken: Taken): void {
    this.#desk.reply(request, done({ kind: 'taken', taken }));
  }

  #refuse(request: number, why: Problem): void {
    this.#desk.reply(request, failed(why));
  }
}

/** Nothing more has come for so long: what has come is dropped. */
const FORGOTTEN_MS = 600_000;
/** Nothing more has come for so long: another move may bring a queue of the name. */
const IDLE_MS = 10_000;
