import { Effects } from '../base/effects.ts';
import { IdTable } from '../base/id-table.ts';
import type { NodeId, TaskId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import type { Machine } from '../base/machine.ts';
import type { Outcome } from '../base/outcome.ts';
import type { Payload, PayloadMaker } from '../base/payload.ts';
import type { Prng } from '../base/prng.ts';
import { didNotHappen, type Problem, problem } from '../base/problems.ts';
import { whyRefused } from './admission.ts';
import type { CallsParts } from './calls-parts.ts';
import { Costs } from './costs.ts';
import type { Asker, CallsEffect } from './effects.ts';
import { type Explanation, explain } from './explain.ts';
import { inDoubt, type Job, Jobs, mayPass, mayRepeat, type Origin, outOfTime } from './jobs.ts';
import type { CallMessage, CallsMessage, PlanReply } from './messages.ts';
import { isPartOfWork, restingAt } from './nested.ts';
import type { CallsOptions } from './options.ts';
import { choose, isOwn, type Place, type Places, type Wish, whyNowhere } from './placement.ts';
import { readPlan } from './plan.ts';
import { type Answered, Plans } from './plans.ts';
import { Retries } from './retries.ts';
import { Shortlist } from './shortlist.ts';
import { planCall } from './step-call.ts';
import { moreOf, runOf } from './task-effects.ts';

/**
 * Calls: from the asker to a node that has the function, and the answer back.
 *
 *     client ── call ──► this node ──┬─ run ──────────────► a function here
 *                                    └─ call, routed ─────► another node, which runs it or refuses it
 *
 * Every call is a *job* of this node until it is answered: given to a task here, or sent to one node. A plan is a job
 * of its own kind whose steps are jobs with the plan as their asker.
 *
 * Invariants:
 * - a job is answered exactly once, and is then forgotten; whatever still comes for it is ignored;
 * - a job is tried on another node only where it certainly did not happen, or is idempotent;
 * - what may have happened on one node is not said to have not happened because of what another node says;
 * - `#running` holds every task that the world has not reported as ended, answered or not.
 *
 * It refuses to pass on what another node has routed here: no call travels in circles.
 */
export class Calls implements Machine<CallsEffect> {
  readonly #self: NodeId;
  readonly #name: () => string;
  readonly #places: Places;
  readonly #shortlist: Shortlist;
  readonly #costs: Costs;
  readonly #options: CallsOptions;
  readonly #payload: PayloadMaker;
  readonly #prng: Prng;
  readonly #effects = new Effects<CallsEffect>();
  readonly #jobs = new Jobs();
  readonly #plans: Plans;
  readonly #retries: Retries;
  /** The job of each task. */
  readonly #running = new IdTable<number>();
  /** Those of them that the node does for itself. */
  readonly #own = new Set<TaskId>();
  #nextId = 1;
  #accepting = true;
  #leaving = false;

  constructor(parts: CallsParts) {
    this.#self = parts.self;
    this.#name = parts.name;
    this.#places = parts.places;
    this.#shortlist = new Shortlist(parts.places, parts.self);
    this.#options = parts.options;
    this.#payload = parts.payload;
    this.#prng = parts.prng;
    this.#costs = new Costs(this.#busy, parts.options.latencyHalfMs);
    this.#retries = new Retries(parts.options, parts.prng);
    this.#plans = new Plans({
      begin: (origin, call, retries, now) => this.#begin(origin, call, retries, now),
      jobs: this.#jobs,
      options: parts.options,
      payload: parts.payload,
      reply: (job, reply) => this.#answerPlan(job, reply),
      withdraw: (step, reason) => this.#withdraw(step, reason),
    });
  }

  drain(): CallsEffect[] {
    return this.#effects.drain();
  }

  deadline(): Instant {
    return earlier(this.#jobs.deadline(), this.#retries.deadline());
  }

  /** Whether this node works for that one, or that one for this. */
  isBusyWith(node: NodeId): boolean {
    return this.#jobs.sentCount(node) > 0 || this.#jobs.countOf({ node }) > 0;
  }

  /** Users' calls that wait for an answer, and their functions that run here: not what a node does for itself. */
  get counts(): { readonly running: number; readonly waiting: number } {
    const own = this.#jobs.all().filter(({ call }) => isOwn(call.fun));
    return { running: this.#running.size - this.#own.size, waiting: this.#jobs.size - own.length };
  }

  /** Who could take a call now, and why not the others. */
  explain(wish: Wish, tried: readonly NodeId[], now: Instant): Explanation {
    const parts = { costs: this.#costs, name: this.#name(), places: this.#places, self: this.#self };
    return explain(parts, wish, tried, now);
  }

  /** Nothing runs here, and nobody waits for an answer. */
  get isIdle(): boolean {
    return this.#running.size + this.#jobs.size === 0;
  }

  /**
   * Another life of this node begins: its calls are numbered far from those of the last one, whose answers may still
   * come. Why this factor: multiples of the golden ratio keep away from each other (Knuth, vol. 3, §6.4).
   */
  start(epoch: number): void {
    this.#nextId = (Math.imul(epoch, 0x9e3779b1) >>> 2) + 1;
  }

  /** Takes no new work on this node; what asks for other nodes' functions is still passed on. */
  accept(accepting: boolean): void {
    this.#accepting = accepting;
  }

  /** A call or a plan. */
  request(from: Asker, message: Extract<CallsMessage, { readonly kind: 'call' | 'plan' }>, now: Instant): void {
    const refusal =
      this.#leaving && !isPartOfWork(message)
        ? problem('node-stopping', `${this.#name()} is leaving`, { node: this.#name() })
        : whyRefused(this.#jobs, from, message, this.#name(), this.#options);
    if (refusal !== undefined) this.#tell(from, message.id, refusal);
    else if (message.kind === 'plan') this.#plan(from, message, now);
    else this.#begin({ asker: from, id: message.id }, message, 0, now);
  }

  /** An answer from the node that a job was sent to. */
  answer(
    from: NodeId,
    message: Extract<CallsMessage, { readonly kind: 'result' | 'error' | 'item' }>,
    now: Instant,
  ): void {
    const job = this.#jobs.get(message.id);
    if (job === undefined || job.sentTo !== from) return;
    this.#costs.note(job, from, message.kind === 'error' ? message.problem : undefined, now);
    if (message.kind === 'item') {
      job.repeatable = false; // else the items that have been passed on would come again
      if ('asker' in job.origin) this.#say(job.origin.asker, { ...message, id: job.origin.id });
    } else if (message.kind === 'result') {
      this.#settle(job, { by: message.by, payload: message.payload }, now);
    } else if (mayPass(job, message.problem)) {
      this.#place(job, message.problem, now);
    } else {
      this.#fail(job, message.problem, now);
    }
  }

  cancel(from: Asker, id: number, reason: string, now: Instant): void {
    const job = this.#jobs.of(from, id);
    if (job !== undefined) this.#stop(job, problem('cancelled', `cancelled: ${reason}`), now);
  }

  /** A client's link or another node is gone: nobody waits for its jobs any more, nor is told of their end. */
  askerLeft(asker: Asker, reason: string): void {
    for (const job of this.#jobs.allOf(asker)) {
      for (const step of job.plan?.steps.values() ?? []) this.#withdraw(step, reason);
      this.#withdraw(job, reason);
    }
  }

  /** Takes nothing new, and ends what clients have this node do for itself, such as watching its events: for ever. */
  leave(now: Instant): void {
    this.#leaving = true;
    this.#endAll((job) => isOwn(job.call.fun), 'it is leaving', now);
  }

  /** The time for what was begun is up: ends every job, though it may have happened. */
  giveUp(now: Instant): void {
    this.#endAll(() => true, 'it could not wait any longer', now);
  }

  /** The link to a node broke: what was sent there may or may not have happened. */
  broken(node: NodeId, name: string, reason: string, now: Instant): void {
    for (const job of this.#jobs.sentTo(node)) {
      if (!this.#isOpen(job)) continue;
      const { fun } = job.call;
      const why = problem('link-lost', `the link to ${name} broke while it ran ${fun}: ${reason}`, { fun, node: name });
      this.#costs.note(job, node, why, now);
      if (mayRepeat(job, why)) this.#place(job, why, now);
      else this.#fail(job, why, now);
    }
  }

  /** That node closed an idle link: had it received anything that it has not answered, it would not have been idle. */
  parted(node: NodeId, reason: string, now: Instant): void {
    for (const job of this.#jobs.sentTo(node)) this.undelivered(node, job.key, reason, now);
  }

  /** The message that would have given a job to this node certainly did not leave. */
  undelivered(node: NodeId, id: number, reason: string, now: Instant): void {
    const job = this.#jobs.get(id);
    if (job === undefined || job.sentTo !== node) return;
    const { fun } = job.call;
    const why = problem('nobody-there', `${fun} could not be sent to its node: ${reason}`, { fun });
    this.#costs.note(job, node, why, now);
    this.#place(job, why, now);
  }

  /** A task of this node ended. */
  ran(task: TaskId, outcome: Outcome<Payload>, now: Instant): void {
    const id = this.#running.get(task);
    this.#running.delete(task);
    this.#own.delete(task);
    const job = id === undefined ? undefined : this.#jobs.get(id);
    if (job === undefined) return;
    this.#costs.note(job, this.#self, outcome.ok ? undefined : outcome.problem, now);
    if (outcome.ok) {
      this.#settle(job, { by: this.#name(), payload: outcome.value }, now);
      return;
    }
    const why = { fun: job.call.fun, node: this.#name(), ...outcome.problem };
    if (mayPass(job, why)) this.#place(job, why, now);
    else this.#fail(job, why, now);
  }

  /** A task of this node produced one item of its stream. */
  item(task: TaskId, payload: Payload, now: Instant): void {
    const job = this.#jobs.get(this.#running.get(task) ?? -1);
    if (job === undefined || !('asker' in job.origin)) return;
    this.#costs.note(job, this.#self, undefined, now);
    this.#say(job.origin.asker, { id: job.origin.id, kind: 'item', payload });
  }

  more(from: Asker, id: number, items: number): void {
    for (const effect of moreOf(this.#jobs.of(from, id), items)) this.#effects.push(effect);
  }

  advance(now: Instant): void {
    for (let job = this.#jobs.due(now); job !== undefined; job = this.#jobs.due(now)) {
      this.#stop(job, outOfTime(job, this.#name()), now);
    }
    for (let job = this.#retries.due(now); job !== undefined; job = this.#retries.due(now)) this.#retry(job, now);
  }

  #plan(from: Asker, message: Extract<CallsMessage, { readonly kind: 'plan' }>, now: Instant): void {
    const document = message.payload.value();
    const plan = document.ok ? readPlan(document.value, this.#options) : document;
    if (!plan.ok) {
      this.#tell(from, message.id, { node: this.#name(), ...plan.problem });
      return;
    }
    const call = planCall(message.id, message.payload);
    const limits = [message.timeoutMs, plan.value.timeoutMs].filter((ms) => ms > 0);
    const job = this.#open({ asker: from, id: message.id }, call, limits.length > 0 ? Math.min(...limits) : 0, now);
    this.#plans.open(job, plan.value, now);
  }

  #answerPlan(job: Job, reply: PlanReply): void {
    if (!('asker' in job.origin)) return;
    const { asker, id } = job.origin;
    this.#jobs.forget(job);
    this.#say(asker, { by: this.#name(), id, kind: 'result', payload: this.#payload(reply) });
  }

  #begin(origin: Origin, call: CallMessage, retries: number, now: Instant): void {
    const job = this.#open(origin, call, call.timeoutMs, now);
    job.retriesLeft = retries;
    if ('plan' in origin) this.#jobs.limit(job, origin.plan.deadline);
    this.#place(job, undefined, now);
  }

  #open(origin: Origin, call: CallMessage, timeoutMs: number, now: Instant): Job {
    const job = this.#jobs.open(this.#nextId++, origin, call);
    if (timeoutMs > 0) this.#jobs.limit(job, now + timeoutMs);
    return job;
  }

  /** Gives a job to a node, for the first time or, after `last`, to another. */
  #place(job: Job, last: Problem | undefined, now: Instant): void {
    this.#jobs.take(job);
    job.doubtful ||= last !== undefined && !didNotHappen(last);
    const { call } = job;
    const own = isOwn(call.fun);
    const found = this.#shortlist.find(call, job.tried, call.routed);
    const places = found.ok && job.tried.length < this.#options.attemptsMax ? found.value : [];
    const begun = isPartOfWork(call);
    const resting = begun && !this.#accepting ? restingAt(this.#places, call, this.#self, job.tried) : undefined;
    const order = (a: NodeId, b: NodeId) => this.#costs.order(call.fun, a, b, now);
    const place = choose(places, this.#self, order, this.#prng) ?? resting;
    if (place === undefined || (place.id === this.#self && !this.#accepting && !own && !begun)) {
      this.#fail(job, last ?? whyNowhere(call, found, this.#name()), now);
    } else if (place.id === this.#self) {
      this.#run(job, place, now);
    } else {
      this.#forward(job, place, now);
    }
  }

  #run(job: Job, place: Place, now: Instant): void {
    job.tried.push(this.#self);
    job.givenAt = now;
    job.task = this.#nextId++;
    this.#running.set(job.task, job.key);
    if (isOwn(job.call.fun)) this.#own.add(job.task);
    if (place.fn.timeoutMs !== undefined) this.#jobs.limit(job, now + place.fn.timeoutMs);
    job.repeatable = job.call.idempotent || place.fn.idempotent === true;
    this.#effects.push(runOf(job, job.task));
  }

  #forward(job: Job, place: Place, now: Instant): void {
    job.tried.push(place.id);
    job.givenAt = now;
    this.#jobs.send(job, place.id);
    if (place.fn.timeoutMs !== undefined) this.#jobs.limit(job, now + place.fn.timeoutMs);
    job.repeatable = job.call.idempotent || place.fn.idempotent === true;
    const timeoutMs = job.deadline === NEVER ? 0 : Math.max(1, job.deadline - now);
    const message: CallMessage = { ...job.call, id: job.key, routed: true, timeoutMs };
    this.#effects.push({ address: place.address, kind: 'forward', message, to: place.id });
  }

  readonly #busy = (id: NodeId): number =>
    id === this.#self ? this.#running.size - this.#own.size : this.#jobs.sentCount(id);

  /** Ends a job before its answer: whoever works on it is told. */
  #stop(job: Job, why: Problem, now: Instant): void {
    if (job.plan !== undefined) {
      this.#plans.stop(job, job.plan.run, why, now);
      return;
    }
    this.#costs.gaveUp(job, job.sentTo ?? this.#self, now);
    this.#abandon(job, why.message);
    this.#settle(job, why, now);
  }

  #endAll(which: (job: Job) => boolean, reason: string, now: Instant): void {
    const node = this.#name();
    for (const job of this.#jobs.all()) {
      const { fun } = job.call;
      const text = `${node} has ended ${job.plan === undefined ? fun : 'the plan'}: ${reason}`;
      const why = problem('node-stopping', text, { fun, node, outcome: 'unknown' });
      if (which(job) && this.#isOpen(job)) this.#stop(job, why, now);
    }
  }

  /** Whether it still waits for its answer: the end of one step may have taken back the others of its plan. */
  #isOpen(job: Job): boolean {
    return this.#jobs.get(job.key) === job;
  }

  /** Ends a step's job without an answer: its plan no longer wants one. */
  #withdraw(job: Job, reason: string): void {
    this.#abandon(job, reason);
    this.#jobs.forget(job);
  }

  #abandon(job: Job, reason: string): void {
    if (job.task !== undefined) this.#effects.push({ kind: 'abort', reason, task: job.task });
    if (job.sentTo !== undefined) {
      this.#say({ node: job.sentTo }, { id: job.key, kind: 'cancel', reason });
    }
  }

  /** A job failed where it was: it is tried again after a while, or answered. */
  #fail(job: Job, why: Problem, now: Instant): void {
    this.#jobs.take(job);
    job.doubtful ||= !didNotHappen(why);
    if (!this.#retries.take(job, why, now)) this.#settle(job, why, now);
  }

  /** Tries a job again, on another node than the last one where there is one. */
  #retry(job: Job, now: Instant): void {
    if (!this.#isOpen(job)) return;
    const last = job.tried.splice(0).slice(-1);
    if (this.#shortlist.find(job.call, last, false).ok) job.tried.push(...last);
    this.#place(job, undefined, now);
  }

  /** Answers a job, once and for all. */
  #settle(job: Job, answer: Answered | Problem, now: Instant): void {
    this.#jobs.forget(job);
    const { origin } = job;
    if ('plan' in origin) {
      this.#plans.stepEnded(origin, job, answer, now);
    } else if ('payload' in answer) {
      this.#say(origin.asker, { ...answer, id: origin.id, kind: 'result' });
    } else {
      this.#tell(origin.asker, origin.id, inDoubt(job, answer));
    }
  }

  #tell(to: Asker, id: number, why: Problem): void {
    this.#say(to, { id, kind: 'error', problem: why });
  }

  #say(to: Asker, message: CallsMessage): void {
    this.#effects.push({ kind: 'answer', message, to });
  }
}
