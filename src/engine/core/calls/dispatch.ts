import { IdTable } from '../base/id-table.ts';
import type { NodeId, TaskId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import { failed, type Outcome } from '../base/outcome.ts';
import { didNotHappen, type Problem, problem } from '../base/problems.ts';
import { type FarPlace, mayLeave, NO_ABROAD, sentAbroad, whyNotAbroad } from './abroad.ts';
import { Costs } from './costs.ts';
import type { Desk } from './desk.ts';
import { packErrand } from './errand.ts';
import { type Explanation, explain } from './explain.ts';
import { addTried, isChained, type Job } from './jobs.ts';
import type { CallMessage } from './messages.ts';
import { isPartOfWork, restingAt } from './nested.ts';
import { choose, isOwn, type Place, type Wish, whyNowhere } from './placement.ts';
import { Shortlist } from './shortlist.ts';
import { runOf } from './task-effects.ts';

/** What is done with a job that is not simply run or sent. */
export interface DispatchParts {
  /** No node can take it. */
  fail(job: Job, why: Problem, now: Instant): void;
  /** Lets it wait until it is placed again. False where it may not wait any longer. */
  wait(job: Job, now: Instant): boolean;
  /** Whether its arguments are complete; where not, it is placed again when they are. */
  isComplete(job: Job, now: Instant): boolean;
  /** Gives a chain to another node, for good. */
  handOn(job: Job, place: Place, now: Instant): void;
}

/** Finds a node for a job, and has it run there. */
export class Dispatch {
  readonly #desk: Desk;
  readonly #parts: DispatchParts;
  readonly #shortlist: Shortlist;
  /** The job of each task that the world has not reported as ended, answered or not. */
  readonly #running = new IdTable<number>();
  /** Those of them that the node does for itself. */
  readonly #own = new Set<TaskId>();
  /** What the nodes have cost so far. */
  readonly costs: Costs;
  accepting = true;

  constructor(desk: Desk, parts: DispatchParts) {
    this.#desk = desk;
    this.costs = new Costs(this.#busy, desk.parts.options.latencyHalfMs);
    this.#parts = parts;
    this.#shortlist = new Shortlist(desk.parts.places, desk.parts.self);
  }

  get running(): number {
    return this.#running.size;
  }

  /** Without what the node does for itself. */
  get usersRunning(): number {
    return this.#running.size - this.#own.size;
  }

  /** The job that a task belongs to, if it still wants an answer. */
  jobOf(task: TaskId): Job | undefined {
    return this.#desk.jobs.get(this.#running.get(task) ?? -1);
  }

  /** The same, of a task that has ended. */
  ended(task: TaskId): Job | undefined {
    const job = this.jobOf(task);
    this.#running.delete(task);
    this.#own.delete(task);
    return job;
  }

  /** Gives a job to a node, for the first time or, after `last`, to another. */
  place(job: Job, last: Problem | undefined, now: Instant): void {
    const { self, name, options, places, prng, abroad = NO_ABROAD } = this.#desk.parts;
    this.#desk.jobs.take(job);
    job.doubtful ||= last !== undefined && !didNotHappen(last);
    const { call } = job;
    const own = isOwn(call.fun);
    const isHome = call.routed || abroad.isHome(call);
    const found = isHome ? this.#shortlist.find(call, job.tried, call.routed) : NOWHERE;
    const fitting = found.ok && job.tried.length < options.attemptsMax ? found.value : [];
    const begun = isPartOfWork(call);
    const resting = begun && !this.accepting ? restingAt(places, call, self, job.tried) : undefined;
    const order = (a: NodeId, b: NodeId) => this.costs.order(call.fun, a, b, now);
    const place = choose(fitting, self, order, prng) ?? resting;
    const isHere = place?.id === self;
    if (place !== undefined && !(isHere && !this.accepting && !own && !begun)) {
      if (isHere) this.#run(job, place, now);
      else this.#forward(job, place, now);
    } else if (mayLeave(call) && !(isHome && call.cluster !== undefined)) {
      this.#placeAbroad(job, found, last, now);
    } else if (call.routed && isChained(job)) {
      job.call = { ...call, routed: false };
      this.place(job, last, now);
    } else {
      const why = last ?? whyNowhere(call, found, name());
      this.#parts.fail(job, call.scope === 'cluster' && abroad.isNew(now) ? { ...why, soon: true } : why, now);
    }
  }

  /** Gives a job that finds no place in this cluster to a hub. */
  #placeAbroad(job: Job, home: Outcome<readonly Place[]>, last: Problem | undefined, now: Instant): void {
    const { abroad = NO_ABROAD, name, options } = this.#desk.parts;
    const { call, tried } = job;
    const far = abroad.places(call, tried, now);
    const [first] = far?.ok && tried.length < options.attemptsMax ? far.value : [];
    if (first === undefined) {
      const soon = last === undefined ? far?.ok === false && far.problem.soon === true : last.soon === true;
      const why = last ?? whyNowhere(call, whyNotAbroad(call, home, far), name());
      if (!soon || !this.#parts.wait(job, now)) this.#parts.fail(job, soon ? { ...why, soon } : why, now);
    } else if (job.duty === undefined || this.#parts.isComplete(job, now)) this.#leave(job, first, now);
  }

  /** Whether a call that is in another cluster could go to another hub. */
  hasOther({ call, tried }: Job, now: Instant): boolean {
    const { abroad = NO_ABROAD, options } = this.#desk.parts;
    const far = mayLeave(call) && tried.length < options.attemptsMax ? abroad.places(call, tried, now) : undefined;
    return far?.ok === true && far.value.length > 0;
  }

  /** Who could take a call now, and why not the others. */
  explain(wish: Wish, tried: readonly NodeId[], now: Instant): Explanation {
    const { name, places, self } = this.#desk.parts;
    return explain({ costs: this.costs, name: name(), places, self }, wish, tried, now);
  }

  /** Whether all who offer a function say that it may be repeated. */
  isIdempotent(fun: string): boolean {
    const places = [...(this.#desk.parts.places.offers(fun)?.values() ?? [])].flat();
    return places.length > 0 && places.every(({ fn }) => fn.idempotent === true);
  }

  /** Makes the last node that failed the last to be asked. */
  forgetTried(job: Job): void {
    const last = job.tried.slice(-1);
    job.tried = this.#shortlist.find(job.call, last, false).ok ? last : [];
  }

  #run(job: Job, place: Place, now: Instant): void {
    if (job.duty !== undefined && !this.#parts.isComplete(job, now)) return;
    const task = this.#desk.newId();
    addTried(job, this.#desk.parts.self);
    job.givenAt = now;
    job.task = task;
    this.#running.set(task, job.key);
    if (isOwn(job.call.fun)) this.#own.add(task);
    this.#limit(job, place, now);
    this.#desk.effects.push(runOf(job, task));
  }

  #forward(job: Job, place: Place, now: Instant): void {
    this.#limit(job, place, now);
    if (isChained(job)) {
      this.#parts.handOn(job, place, now);
      return;
    }
    addTried(job, place.id);
    job.givenAt = now;
    this.#desk.jobs.send(job, place.id);
    const timeoutMs = this.#desk.left(job.deadline, now);
    const errand = job.duty === undefined ? {} : packErrand(job.duty.errand, this.#desk.parts.payload);
    const message: CallMessage = { ...job.call, id: job.key, routed: true, timeoutMs, ...errand };
    this.#desk.effects.push({ address: place.address, kind: 'forward', message, to: place.id });
  }

  /** Why without its errand: nodes of other clusters know nothing of this one's plans. What follows is done from here. */
  #leave(job: Job, place: FarPlace, now: Instant): void {
    this.#limit(job, place, now);
    addTried(job, place.id);
    job.givenAt = now;
    job.far = place.far;
    this.#desk.jobs.send(job, place.id);
    const timeoutMs = this.#desk.left(job.deadline, now);
    const message = { ...sentAbroad(job.call, place.far), id: job.key, timeoutMs };
    this.#desk.effects.push({ address: place.address, kind: 'forward', message, to: place.id });
  }

  #limit(job: Job, { fn }: Place, now: Instant): void {
    if (fn.timeoutMs !== undefined) this.#desk.jobs.limit(job, now + fn.timeoutMs);
    const before = job.repeatable;
    job.repeatable = job.call.idempotent || fn.idempotent === true;
    if (job.repeatable !== before) this.#tellPlaced(job);
  }

  /** A node that gave this hub a call does not know what functions of other clusters declare. */
  #tellPlaced({ call, duty, origin, repeatable }: Job): void {
    if (call.routed || call.scope !== undefined || duty !== undefined) return;
    if (!('asker' in origin) || !('node' in origin.asker)) return;
    this.#desk.say(origin.asker, { id: origin.id, idempotent: repeatable, kind: 'placed' });
  }

  readonly #busy = (id: NodeId): number =>
    id === this.#desk.parts.self ? this.usersRunning : this.#desk.jobs.sentCount(id);
}

/** In this cluster, for what is to run in another one. */
const NOWHERE = failed(problem('nobody-there', 'it is to run in another cluster'));
