import { type Instant, NEVER } from '../base/instant.ts';
import { getOrMake } from '../base/maps.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import { type Problem, problem } from '../base/problems.ts';
import type { Desk } from './desk.ts';
import type { Loaded, Opened, Parcel, QueueWrite, StoredCounts, StoredQueue } from './effects.ts';
import { type Cursor, ENDED_MAX, isCursor, isSame, type Place, START, type Taken } from './move.ts';

/** What arrivals have of their node besides. */
export interface ArrivalsDesk extends Desk {
  /** Why there cannot be one more queue of that name. */
  refuses(name: string): Problem | undefined;
  /** A number that no queue ever had. */
  number(): number;
  /** A queue is here now. */
  arrived(stored: StoredQueue, now: Instant): void;
  ship(to: Place, parcel: Parcel): number;
}

interface Arrival {
  readonly move: string;
  readonly queues: readonly { readonly name: string; readonly number: number; readonly createdAt: Instant }[];
  /** Of the queues, once all of it is here. */
  counts: readonly StoredCounts[];
  /** On disk. */
  cursor: Cursor;
  /** All of it is here, on disk, and this node knows whether it is given; undefined before. */
  from: Place | undefined;
  /** The question whether it is, and when it is asked (again). */
  ship: number | undefined;
  askAt: Instant;
  /** When the source was last heard of; it still had it then. */
  leavingAt: Instant;
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
 * - what is here whole is served when the source has said that it has nothing of it any more, or somebody that it never
 *   will (`resume`); and dropped when the source has said that it keeps it;
 * - a move that ended here stays known as such, even when its queues have gone on: a source that asks once more must not
 *   bring them again.
 *
 * Until it is here whole the source has everything, so what has come may be dropped at any time: it is, when nothing more
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
      const { cursor = START, from } = first?.move?.role === 'arriving' ? first.move : {};
      const names = stored.map(({ createdAt, name, number }) => ({ createdAt, name, number }));
      const seen = {
        askAt: now,
        busy: false,
        counts: stored.map(({ counts }) => counts),
        cursor,
        from,
        leavingAt: now,
        move,
        queues: names,
        ship: undefined,
        touchedAt: now,
      };
      this.#arrivals.set(move, seen);
    }
  }

  /** Whether a queue of that name is on its way here. */
  expects(name: string): boolean {
    if (this.#opening.has(name)) return true;
    for (const { queues } of this.#arrivals.values()) if (queues.some((one) => one.name === name)) return true;
    return false;
  }

  /** Where a queue of that name comes from which is here whole. */
  holds(name: string): Place | undefined {
    return this.#named(name)?.from;
  }

  /** Queues that are here whole, and of whose old node nothing has been heard for a while. Why told: nobody else answers for them. */
  orphans(now: Instant): readonly string[] {
    const orphaned = [...this.#arrivals.values()].filter(
      ({ from, leavingAt }) => from !== undefined && now >= leavingAt + RECENT_MS,
    );
    return orphaned.flatMap(({ queues }) => queues.map(({ name }) => name));
  }

  /** Whether a move is known to have ended, here as there. */
  hasEnded(move: string): boolean {
    return this.#ended.has(move);
  }

  /** A move is known to have ended: its queues are here, or nothing of them is. */
  ended(move: string): void {
    this.#ended.add(move);
    const [oldest] = this.#ended;
    if (oldest !== undefined && this.#ended.size > ENDED_MAX) this.#ended.delete(oldest);
  }

  /** Somebody says that its old node is lost. False where it is not here whole. */
  resume(request: number, name: string, now: Instant): boolean {
    const arrival = this.#named(name);
    if (arrival?.from === undefined) return false;
    if (now < arrival.leavingAt + RECENT_MS) {
      const text = `${name} is not given yet by ${arrival.from.name}, which is not lost: it was heard of a moment ago`;
      this.#refuse(request, problem('queue-moving', text));
      return true;
    }
    if (arrival.busy) this.#refuse(request, problem('overloaded', `something of ${name} is being stored`));
    else this.#resume(request, arrival);
    return true;
  }

  /** Why other tokens: its old node may have been told to keep it, and have given the next ones. */
  #resume(request: number, arrival: Arrival): void {
    for (const [i, { number: queue }] of arrival.queues.entries()) {
      const counts = arrival.counts[i];
      if (counts === undefined) continue;
      this.#desk.write(queue, { counts: { ...counts, tokens: counts.tokens + LEAP }, kind: 'counts', queue });
    }
    this.#give(arrival, (why) => {
      if (why === undefined) this.#answer(request, { state: 'committed' });
      else this.#refuse(request, why);
    });
  }

  take(request: number, parcel: Exclude<Parcel, { kind: 'asked' }>, now: Instant): void {
    const arrival = this.#arrivals.get(parcel.move);
    const full = this.#desk.refusal(now);
    if (arrival !== undefined) arrival.touchedAt = now;
    if (this.#ended.has(parcel.move)) this.#answer(request, { state: 'committed' });
    else if (arrival?.busy) this.#refuse(request, problem('overloaded', 'what came before is being stored'));
    else if (parcel.kind === 'abandoned') this.#abandoned(request, arrival);
    else if (arrival?.from !== undefined) this.#whole(request, arrival, parcel.kind === 'given');
    else if (full !== undefined && parcel.kind !== 'commit') this.#refuse(request, full);
    else if (arrival === undefined && parcel.kind !== 'offer') this.#answer(request, { state: 'unknown' });
    else if (arrival === undefined) this.#begin(request, parcel as Extract<Parcel, { kind: 'offer' }>, now);
    else if (parcel.kind === 'page' && isSame(parcel.at, arrival.cursor)) this.#page(request, arrival, parcel);
    else if (parcel.kind === 'commit' && arrival.cursor.index === arrival.queues.length) {
      this.#commit(request, arrival, parcel);
    } else this.#answer(request, { cursor: arrival.cursor, state: 'copying' });
  }

  /** What the source says of what is here whole. */
  shipped(ship: number, outcome: Outcome<Taken>, now: Instant): void {
    const arrival = [...this.#arrivals.values()].find((one) => one.ship === ship);
    if (arrival === undefined) return;
    arrival.ship = undefined;
    if (arrival.busy || !outcome.ok) return;
    if (outcome.value.state === 'committed') this.#give(arrival, () => undefined);
    else if (outcome.value.state === 'kept') this.#drop(arrival);
    else if (outcome.value.state === 'leaving') arrival.leavingAt = now;
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
    for (const { askAt, busy, from, touchedAt } of this.#arrivals.values()) {
      if (!busy) first = Math.min(first, from === undefined ? touchedAt + FORGOTTEN_MS : askAt);
    }
    return first;
  }

  advance(now: Instant): void {
    for (const arrival of [...this.#arrivals.values()]) {
      if (arrival.busy) continue;
      if (arrival.from !== undefined) this.#ask(arrival, arrival.from, now);
      else if (now >= arrival.touchedAt + FORGOTTEN_MS) this.#drop(arrival);
    }
  }

  #begin(request: number, { move, queues }: Extract<Parcel, { kind: 'offer' }>, now: Instant): void {
    for (const { name } of queues) {
      for (const other of this.#arrivals.values()) {
        const isIdle = !other.busy && other.from === undefined && now >= other.touchedAt + IDLE_MS;
        if (isIdle && other.queues.some((one) => one.name === name)) this.#drop(other);
      }
      const why = this.expects(name)
        ? problem('overloaded', `a queue ${name} is on its way here already`)
        : this.#desk.refuses(name);
      if (why !== undefined) return this.#refuse(request, why);
    }
    const named = queues.map(({ createdAt, name }) => ({ createdAt, name, number: this.#desk.number() }));
    const whole = { askAt: NEVER, from: undefined, leavingAt: NEVER, ship: undefined };
    const arrival: Arrival = { ...whole, busy: true, counts: [], cursor: START, move, queues: named, touchedAt: now };
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

  #commit(request: number, arrival: Arrival, parcel: Extract<Parcel, { kind: 'commit' }>): void {
    const { cursor, move, queues } = arrival;
    const { from, queues: closing } = parcel;
    if (closing.length !== queues.length) {
      return this.#refuse(request, problem('input-invalid', 'so many queues are none of this move'));
    }
    arrival.busy = true;
    for (const [i, { number: queue }] of queues.entries()) {
      const { consumers, counts, job } = closing[i] as (typeof closing)[number];
      for (const name of consumers) this.#desk.write(queue, { kind: 'consumer', name, queue, subscribed: true });
      if (job !== undefined) this.#desk.write(queue, { job, kind: 'job', queue });
      this.#desk.write(queue, { counts, kind: 'counts', queue });
      const whole = { cursor, from, index: 0, move, role: 'arriving' } as const;
      if (i === 0) this.#desk.write(queue, { kind: 'move', move: whole, queue });
    }
    this.#desk.settled((why, now) => {
      arrival.busy = false;
      if (why !== undefined) return this.#refuse(request, why);
      arrival.counts = closing.map(({ counts }) => counts);
      arrival.from = from;
      arrival.askAt = now + ASK_MS;
      arrival.leavingAt = now;
      this.#answer(request, { state: 'committed' });
    });
  }

  /** All of it is here; `given`: and nothing of it is where it was. */
  #whole(request: number, arrival: Arrival, given: boolean): void {
    if (!given) return this.#answer(request, { state: 'committed' });
    this.#give(arrival, (why) => {
      if (why === undefined) this.#answer(request, { state: 'committed' });
      else this.#refuse(request, why);
    });
  }

  #abandoned(request: number, arrival: Arrival | undefined): void {
    if (arrival === undefined) return this.#answer(request, { state: 'unknown' });
    this.#drop(arrival, (why) =>
      why === undefined ? this.#answer(request, { state: 'unknown' }) : this.#refuse(request, why),
    );
  }

  #ask(arrival: Arrival, from: Place, now: Instant): void {
    if (now < arrival.askAt) return;
    const { move, queues } = arrival;
    arrival.askAt = now + ASK_MS;
    arrival.ship = this.#desk.ship(from, {
      kind: 'asked',
      move,
      queues: queues.map(({ createdAt, name }) => ({ createdAt, name })),
    });
  }

  /** From here on it is this node's. */
  #give(arrival: Arrival, then: (why: Problem | undefined) => void): void {
    const { move, queues } = arrival;
    arrival.busy = true;
    for (const [i, { number: queue }] of queues.entries()) {
      this.#desk.write(queue, { kind: 'move', move: null, queue });
      if (i === 0) this.#desk.write(queue, { kind: 'ended', move, queue });
    }
    this.#desk.settled((why) => {
      arrival.busy = false;
      if (why === undefined) this.#end(arrival);
      then(why);
    });
  }

  #named(name: string): Arrival | undefined {
    return [...this.#arrivals.values()].find(({ queues }) => queues.some((one) => one.name === name));
  }

  #end({ move, queues }: Arrival): void {
    this.#arrivals.delete(move);
    this.ended(move);
    for (const { name, number } of queues) this.#opening.set(name, this.#desk.load(number, { what: 'open' }));
  }

  #drop(arrival: Arrival, then: (why: Problem | undefined) => void = () => undefined): void {
    const { move, queues } = arrival;
    arrival.busy = true;
    for (const { number: queue } of queues) this.#desk.write(queue, { kind: 'drop', queue });
    this.#desk.settled((why, now) => {
      arrival.busy = false;
      arrival.touchedAt = now;
      if (why === undefined) this.#arrivals.delete(move);
      then(why);
    });
  }

  #answer(request: number, taken: Taken): void {
    this.#desk.reply(request, done({ kind: 'taken', taken }));
  }

  #refuse(request: number, why: Problem): void {
    this.#desk.reply(request, failed(why));
  }
}

/** Tokens that the old node may have given meanwhile: those of hours at full load. 2⁵³ are there. */
const LEAP = 2 ** 34;
/** How often the source is asked whether what is here whole is given. */
const ASK_MS = 1_000;
/** Who said something so long ago is not taken for lost. */
const RECENT_MS = 10_000;
/** Nothing more has come for so long: what has come is dropped. */
const FORGOTTEN_MS = 600_000;
/** Nothing more has come for so long: another move may bring a queue of the name. */
const IDLE_MS = 10_000;
