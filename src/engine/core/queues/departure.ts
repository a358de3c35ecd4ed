import { type Instant, NEVER } from '../base/instant.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import { type Problem, problem } from '../base/problems.ts';
import type { Desk } from './desk.ts';
import type { Loaded, Parcel } from './effects.ts';
import { type Cursor, following, isCursor, isSame, type Place, type Taken } from './move.ts';
import type { Queue } from './queue.ts';

/** What a departure has of its node. */
export interface DepartureDesk extends Pick<Desk, 'load' | 'reply' | 'settled' | 'write'> {
  /** The number comes back with the answer. */
  ship(to: Place, parcel: Parcel): number;
  /** A move is stored as one that this node has let go of. */
  given(move: string): void;
  /** Its queues stay, though the other node may have them whole. */
  kept(departure: Departure, now: Instant): void;
}

export interface DepartureParts {
  readonly move: string;
  readonly to: Place;
  /** This node. */
  readonly from: Place;
  readonly queues: readonly Queue[];
  readonly desk: DepartureDesk;
  /** It is over. `moved`: the queues are elsewhere, and nothing of them is here. */
  readonly over: (departure: Departure, moved: boolean, now: Instant) => void;
}

/**
 * Queues on their way to another node, seen from the one that they leave (`move.ts` draws it).
 *
 * It asks the other node how far the move has come, reads what follows, and tells it; one page is under way at a time, so a
 * move takes the memory of one page. It keeps nothing in memory that matters: whatever happens, it goes on by asking.
 *
 * Invariants:
 * - nothing is read before the freeze is durable: what is read is what will be there;
 * - `commit` is told only when it is durable that it will be; before that, and only before that, it may give up;
 * - the queues are dropped here only when the other node has said that it has them whole;
 * - the other node is told that they are its own only when they are dropped here. So until then somebody may say that they
 *   stay (`abandon`), whatever the other node has.
 */
export class Departure {
  readonly move: string;
  readonly to: Place;
  readonly queues: readonly Queue[];
  readonly #from: Place;
  readonly #desk: DepartureDesk;
  readonly #ended: DepartureParts['over'];
  readonly #askers: number[] = [];
  #phase: Phase = 'freezing';
  /** What the other node has; undefined while that is not known. */
  #cursor: Cursor | undefined;
  #ship: number | undefined;
  #load: number | undefined;
  /** When it tries again, should nothing be heard. */
  #againAt: Instant = NEVER;
  #pauseMs = PAUSE_MS;
  #progressAt: Instant = 0;
  /** The other node may have them whole. */
  #mayBeWhole = false;
  /** Why it gives up. */
  #why: Problem | undefined;

  constructor({ desk, from, move, over, queues, to }: DepartureParts) {
    this.#desk = desk;
    this.#from = from;
    this.#ended = over;
    this.move = move;
    this.to = to;
    this.queues = queues;
  }

  get names(): readonly string[] {
    return this.queues.map(({ name }) => name);
  }

  /** Answered when it is over. */
  join(request: number): void {
    this.#askers.push(request);
  }

  begin(now: Instant): void {
    this.#progressAt = now;
    this.#store('copying');
    this.#desk.settled((why, at) => {
      if (this.#phase !== 'freezing') return;
      if (why !== undefined) return this.#over(why, at);
      this.#phase = 'copying';
      this.#proceed(at);
    });
  }

  /** The node has started again in the middle of it. */
  resume(phase: 'copying' | 'committing', now: Instant): void {
    this.#phase = phase;
    this.#progressAt = now;
    this.#againAt = now;
  }

  /** Its queues stay. False where it is too late: nothing of them is here any more, or is about to be. */
  abandon(): boolean {
    if (this.#phase === 'giving-up') return true;
    if (this.#phase === 'dropping' || this.#phase === 'giving') return false;
    this.#mayBeWhole = this.#phase === 'committing';
    this.#phase = 'giving-up';
    this.#why = problem('cancelled', `the move to ${this.to.name} was taken back`);
    this.#ship = undefined;
    this.#load = undefined;
    this.#againAt = NEVER;
    this.#giveUp();
    return true;
  }

  deadline(): Instant {
    return this.#againAt;
  }

  advance(now: Instant): void {
    if (this.#againAt > now) return;
    this.#againAt = NEVER;
    this.#ship = undefined;
    this.#load = undefined;
    if (this.#phase === 'giving-up') this.#giveUp();
    else if (this.#phase === 'dropping') this.#drop();
    else this.#proceed(now);
  }

  /** False where that was no answer to this. */
  loaded(load: number, { page }: Loaded, now: Instant): boolean {
    if (load !== this.#load) return false;
    this.#load = undefined;
    const at = this.#cursor;
    if (at === undefined || page === undefined) this.#again(now);
    else this.#tell({ at, kind: 'page', move: this.move, next: following(at, page.after), writes: page.writes }, now);
    return true;
  }

  /** False where that was no answer to this. */
  shipped(ship: number, outcome: Outcome<Taken>, now: Instant): boolean {
    if (ship !== this.#ship) return false;
    this.#ship = undefined;
    this.#againAt = NEVER;
    const { length } = this.queues;
    if (this.#phase === 'giving') {
      if (outcome.ok || now - this.#progressAt > GIVING_MS) this.#over(undefined, now);
      else this.#again(now);
    } else if (!outcome.ok) {
      this.#failed(outcome.problem, now);
    } else if (outcome.value.state === 'committed' && this.#phase === 'committing') {
      this.#drop();
    } else if (outcome.value.state === 'copying' && isCursor(outcome.value.cursor, length)) {
      const { cursor } = outcome.value;
      if (this.#cursor === undefined || !isSame(cursor, this.#cursor)) this.#progressAt = now;
      this.#cursor = cursor;
      this.#pauseMs = PAUSE_MS;
      this.#proceed(now);
    } else {
      this.#cursor = undefined; // it has forgotten the move: from the beginning
      this.#again(now);
    }
    return true;
  }

  #proceed(now: Instant): void {
    const { move } = this;
    if (this.#phase === 'giving') return this.#tell({ kind: 'given', move }, now);
    const at = this.#cursor;
    const queue = at === undefined ? undefined : this.queues[at.index];
    if (at === undefined) {
      const queues = this.queues.map(({ name, options, createdAt, changedAt }) => ({
        changedAt,
        createdAt,
        name,
        options,
      }));
      this.#tell({ kind: 'offer', move, queues }, now);
    } else if (queue !== undefined) {
      const { after, stage } = at;
      const limit = stage === 'deliveries' ? Math.max(1, Math.floor(COPIES / (queue.intake.consumers.size + 1))) : ROWS;
      this.#load = this.#desk.load(queue.number, { after, bytes: PAGE_BYTES, limit, stage, what: 'page' });
      this.#againAt = now + STALLED_MS;
    } else if (this.#phase === 'committing') {
      this.#tell({ from: this.#from, kind: 'commit', move, queues: this.queues.map(closingOf) }, now);
    } else {
      this.#decide();
    }
  }

  /** From here on there is no way back. */
  #decide(): void {
    this.#store('committing');
    this.#desk.settled((why, at) => {
      if (this.#phase !== 'copying') return;
      if (why !== undefined) return this.#again(at);
      this.#phase = 'committing';
      this.#proceed(at);
    });
  }

  #tell(parcel: Parcel, now: Instant): void {
    this.#ship = this.#desk.ship(this.to, parcel);
    this.#againAt = now + STALLED_MS;
  }

  #failed(why: Problem, now: Instant): void {
    const isStuck = FINAL.has(why.code) || now - this.#progressAt > ABANDON_MS;
    if (this.#phase !== 'copying' || !isStuck) {
      this.#again(now);
      return;
    }
    this.#phase = 'giving-up';
    this.#why = why;
    this.#giveUp();
  }

  #again(now: Instant): void {
    this.#againAt = now + this.#pauseMs;
    this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MS_MAX);
  }

  #store(phase: 'copying' | 'committing'): void {
    const { move, to } = this;
    for (const [index, queue] of this.queues.entries()) {
      queue.leave({ from: this.#from, index, move, phase, role: 'leaving', to });
    }
  }

  #giveUp(): void {
    const { move, to } = this;
    for (const [index, { number: queue }] of this.queues.entries()) {
      const kept = this.#mayBeWhole ? ({ index, move, role: 'kept', to } as const) : null;
      this.#desk.write(queue, { kind: 'move', move: kept, queue });
    }
    this.#desk.settled((why, at) => {
      if (why !== undefined) return this.#again(at);
      for (const queue of this.queues) queue.stock.reopen();
      if (this.#mayBeWhole) this.#desk.kept(this, at);
      else this.#desk.ship(to, { kind: 'abandoned', move }); // where it is not heard, the other one asks
      this.#over(this.#why, at);
    });
  }

  #drop(): void {
    this.#phase = 'dropping';
    for (const queue of this.queues) {
      queue.isGone = true;
      this.#desk.write(queue.number, { kind: 'drop', queue: queue.number });
    }
    const [first] = this.queues;
    if (first !== undefined) this.#desk.write(first.number, { kind: 'ended', move: this.move, queue: first.number });
    this.#desk.settled((why, at) => {
      if (why !== undefined) {
        for (const queue of this.queues) queue.isGone = false;
        return this.#again(at);
      }
      this.#phase = 'giving';
      this.#progressAt = at;
      this.#pauseMs = PAUSE_MS;
      this.#desk.given(this.move);
      this.#proceed(at);
    });
  }

  #over(why: Problem | undefined, now: Instant): void {
    this.#againAt = NEVER;
    this.#ended(this, why === undefined, now);
    const outcome = why === undefined ? done({ kind: 'moved', queues: this.names, to: this.to } as const) : failed(why);
    for (const request of this.#askers.splice(0)) this.#desk.reply(request, outcome);
  }
}

function closingOf({ stock, intake, job }: Queue) {
  return { consumers: [...intake.consumers], counts: { ...stock.counts }, ...(job !== undefined && { job }) };
}

type Phase = 'freezing' | 'copying' | 'committing' | 'dropping' | 'giving' | 'giving-up';

/** What the other node says once and for all. */
const FINAL: ReadonlySet<string> = new Set(['exists-already', 'function-unknown', 'input-invalid', 'limit-exceeded']);
/** Trade-off: larger pages are fewer syncs of the other disk; smaller ones are less memory, on both sides. */
const PAGE_BYTES = 2 ** 20;
const ROWS = 1_000;
/** Of messages for several: what is owed of those of one page, about. */
const COPIES = 1_000;
const PAUSE_MS = 50;
const PAUSE_MS_MAX = 1_000;
/** No answer at all for so long: it is asked again. */
const STALLED_MS = 60_000;
/** So long it is told that the queues are its own; from then on, it asks. */
const GIVING_MS = 10_000;
/** Longer: the other node has more time to start again. Shorter: the queues are back sooner where it does not. */
const ABANDON_MS = 60_000;
