import type { NodeId, TaskId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import type { Machine } from '../base/machine.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import type { Payload } from '../base/payload.ts';
import { didNotHappen, type Problem, problem } from '../base/problems.ts';
import { whyRefused } from './admission.ts';
import type { CallsParts } from './calls-parts.ts';
import { Chains } from './chains.ts';
import { Desk } from './desk.ts';
import { Dispatch } from './dispatch.ts';
import type { Asker, CallsEffect } from './effects.ts';
import { Ends } from './ends.ts';
import { type Errand, readErrand } from './errand.ts';
import type { Explanation } from './explain.ts';
import { HeldValues } from './held-values.ts';
import { Inputs, valueAsked } from './inputs.ts';
import { forUsers, inDoubt, isChained, isForNode, type Job, mayPass, type Origin } from './jobs.ts';
import { Losses } from './losses.ts';
import type { AnswerMessage, CallMessage, CallsMessage, ErrorMessage, ResultMessage } from './messages.ts';
import { isPartOfWork } from './nested.ts';
import { isOwn, type Wish } from './placement.ts';
import { type Answered, answeredBy, Plans } from './plans.ts';
import { Retries } from './retries.ts';
import { VALUE } from './step-call.ts';
import { moreOf } from './task-effects.ts';
import { Wards } from './wards.ts';

/**
 * Calls: from the asker to a node that has the function, and the answer back.
 *
 *     client ── call ──► this node ──┬─ run ──────────────► a function here
 *                                    └─ call, routed ─────► another node, which runs it or refuses it
 *
 * Every call is a *job* of this node until it is answered: given to a task here, or sent to one node. A plan is a job
 * of its own kind whose steps are jobs with the plan as their asker. Steps that travel together: see `errand.ts`.
 *
 * Invariants:
 * - a job is answered exactly once, and is then forgotten; whatever still comes for it is ignored;
 * - a job is tried on another node only where it certainly did not happen, or is idempotent;
 * - what may have happened on one node is not said to have not happened because of what another node says.
 *
 * It refuses to pass on what another node has routed here, chains aside: no call travels in circles.
 */
export class Calls implements Machine<CallsEffect> {
  readonly #desk: Desk;
  readonly #dispatch: Dispatch;
  readonly #plans: Plans;
  readonly #retries: Retries;
  readonly #held: HeldValues;
  readonly #inputs: Inputs;
  readonly #chains: Chains;
  readonly #wards: Wards;
  readonly #ends: Ends;
  /** What to say where another node is gone, or out of reach. */
  readonly losses: Losses;
  #leaving = false;

  constructor(parts: CallsParts) {
    const desk = new Desk(parts);
    const place = (job: Job, last: Problem | undefined, now: Instant) => this.#dispatch.place(job, last, now);
    const fail = (job: Job, why: Problem, now: Instant) => this.#fail(job, why, now);
    this.#desk = desk;
    this.#retries = new Retries(parts.options, parts.prng);
    this.#held = new HeldValues(parts);
    this.#wards = new Wards(desk);
    this.#ends = new Ends(desk, this.#held, {
      forget: (job) => {
        this.#wards.forget(job);
        this.#chains.forget(job);
        this.#plans.forget(job);
        if (job.plan !== undefined) this.#held.drop(parts.self, job.key);
      },
      gaveUp: (job, node, now) => this.#dispatch.costs.gaveUp(job, node, now),
      settle: (job, why, now) => this.#settle(job, why, now),
      stopPlan: (job, why, now) => this.#plans.stop(job, why, now),
    });
    this.#inputs = new Inputs(desk, this.#held, {
      begin: (origin, call, now) => this.#begin(origin, call, 0, undefined, now),
      fail,
      isOpen: (job) => this.#ends.isOpen(job),
      place: (job, now) => place(job, undefined, now),
    });
    this.#chains = new Chains(desk, this.#held, {
      arrived: (ward, hops) => this.#wards.arrived(ward, hops),
      ended: (message, now) => this.answer(parts.self, message, now),
      mayHold: (plan, node) => this.#plans.mayHold(plan, node),
      left: (ward, to, hops, now) => this.#wards.left(ward, to, hops, now),
      place,
    });
    this.#dispatch = new Dispatch(desk, {
      fail,
      handOn: (job, to, now) => this.#chains.handOn(job, to, now),
      isComplete: (job, now) => this.#inputs.isComplete(job, now),
      wait: (job, now) => this.#retries.wait(job, now),
    });
    this.losses = new Losses(desk, this.#dispatch, this.#wards, {
      fail,
      isOpen: (job) => this.#ends.isOpen(job),
    });
    this.#plans = new Plans(desk, {
      begin: (origin, call, errand, retries, now) => this.#begin(origin, call, retries, errand, now),
      fetch: (name, node, waiting, timeoutMs, now) => this.#inputs.fetch(name, node, waiting, timeoutMs, now),
      forget: (job) => this.#ends.forget(job),
      mayRepeat: (step) => step.idempotent || this.#dispatch.isIdempotent(step.fun),
      send: (origin, call, errand, chain, steps, now) => {
        const { key } = this.#wards.open(origin, call, steps, now);
        place(this.#chains.take(call, errand, { ...chain, ward: key }, true, now), undefined, now);
      },
      withdraw: (step, reason) => this.#ends.withdraw(step, reason),
    });
  }

  drain(): CallsEffect[] {
    return this.#desk.effects.drain();
  }

  deadline(): Instant {
    const jobs = earlier(this.#desk.jobs.deadline(), this.#retries.deadline());
    return earlier(jobs, earlier(this.#chains.deadline(), this.#wards.deadline()));
  }

  /** Whether this node works for that one, or that one for this. */
  isBusyWith(node: NodeId): boolean {
    const { jobs } = this.#desk;
    const works = jobs.sentCount(node) > 0 || jobs.countOf({ node }) > 0;
    return works || this.#held.isFor(node) || this.#plans.isHeldBy(node);
  }

  /** Users' calls that wait for an answer, and their functions that run here, not what a node does for itself; values. */
  get counts(): { readonly running: number; readonly waiting: number; readonly held: number } {
    const { jobs } = this.#desk;
    const own = jobs.all().filter(({ call }) => isOwn(call.fun));
    return { held: this.#held.count, running: this.#dispatch.usersRunning, waiting: jobs.size - own.length };
  }

  /** Who could take a call now, and why not the others. */
  explain(wish: Wish, tried: readonly NodeId[], now: Instant): Explanation {
    return this.#dispatch.explain(wish, tried, now);
  }

  /** Nothing runs here, nobody waits for an answer, and no plan needs a value that is here. */
  get isIdle(): boolean {
    return this.#dispatch.running + this.#desk.jobs.size + this.#held.count === 0;
  }

  start(epoch: number): void {
    this.#desk.start(epoch);
  }

  /** Takes no new work on this node; what asks for other nodes' functions is still passed on. */
  accept(accepting: boolean): void {
    this.#dispatch.accepting = accepting;
  }

  /** A call or a plan. */
  request(from: Asker, message: Extract<CallsMessage, { readonly kind: 'call' | 'plan' }>, now: Instant): void {
    if (message.kind === 'call' && message.errand !== undefined && 'node' in from) {
      this.#errand(from, message, now);
    } else if (message.kind === 'call' && message.fun === VALUE && 'node' in from) {
      const value = valueAsked(message, this.#held);
      const about = { by: this.#desk.parts.name(), id: message.id, kind: 'result' } as const;
      if (value.ok) this.#desk.say(from, { ...about, payload: value.value });
      else this.#desk.refuse(from, message.id, value.problem);
    } else {
      const refusal = this.#whyRefused(from, message);
      if (refusal !== undefined) this.#desk.refuse(from, message.id, refusal);
      else if (message.kind === 'plan') this.#plans.request(from, message, now);
      else this.#begin({ asker: from, id: message.id }, message, 0, undefined, now);
    }
  }

  /** An answer from the node that a job was sent to; of a chain, from whoever has it. */
  answer(from: NodeId, message: AnswerMessage, now: Instant): void {
    const job = this.#desk.jobs.get(message.id);
    if (message.kind !== 'item' && message.plan !== undefined) this.#plans.mayHold(message.plan, from);
    if (job === undefined || (job.sentTo !== from && job.ward === undefined)) return;
    this.#dispatch.costs.note(job, from, message.kind === 'error' ? message.problem : undefined, now);
    if (message.kind === 'item') {
      job.repeatable = false; // else the items that have been passed on would come again
      if ('asker' in job.origin && !isChained(job)) this.#desk.say(job.origin.asker, { ...message, id: job.origin.id });
    } else if (job.ward !== undefined) {
      this.#wardEnded(job, from, message, now);
    } else if (message.kind === 'result') {
      this.#settle(job, answeredBy(from, message), now);
    } else if (mayPass(job, message.problem)) {
      this.#dispatch.place(job, message.problem, now);
    } else {
      this.#fail(job, message.problem, now);
    }
  }

  /** `at`: whose chain it is, where it is not the asker's. */
  cancel(from: Asker, id: number, reason: string, now: Instant, at?: NodeId): void {
    if (at === this.#desk.parts.self) return; // an old word: what this node no longer wants it has stopped itself
    const asker = at === undefined ? from : { node: at };
    const job = this.#desk.jobs.of(asker, id);
    if (job === undefined) {
      if ('node' in asker) this.#chains.cancelOn(asker.node, id, reason);
    } else if (isChained(job)) {
      this.#ends.withdrawChain(job, reason);
    } else {
      this.#ends.stop(job, problem('cancelled', `cancelled: ${reason}`), now);
    }
  }

  /** A node says that it has a chain of this one's, or has passed it on. */
  holding(from: NodeId, message: Extract<CallsMessage, { readonly kind: 'holding' }>, now: Instant): void {
    this.#plans.mayHold(message.plan, from);
    this.#wards.holding(from, message, now);
  }

  /** A hub says whether a call that it has may be repeated. Not where items of it have come: they would come again. */
  placed(from: NodeId, { id, idempotent }: Extract<CallsMessage, { readonly kind: 'placed' }>): void {
    const job = this.#desk.jobs.get(id);
    if (job?.sentTo !== from || job.far !== 'hub' || job.givenAt === NEVER) return;
    job.repeatable = job.call.idempotent || idempotent;
  }

  /** A plan of another node has ended. */
  drop(from: NodeId, plan: number): void {
    this.#held.drop(from, plan);
  }

  /** A client's link or another node is gone: nobody waits for its jobs any more, nor is told of their end. */
  askerLeft(asker: Asker, reason: string): void {
    if ('node' in asker) this.#held.dropAll(asker.node);
    for (const job of this.#desk.jobs.allOf(asker)) {
      if (isChained(job))
        this.#chains.report(job); // its link may break, and the plan's node be well
      else this.#ends.withdraw(job, reason);
    }
  }

  /** Takes nothing new, and ends what clients have this node do for itself, such as watching its events: for ever. */
  leave(now: Instant): void {
    this.#leaving = true;
    this.#ends.stopAll((job) => isOwn(job.call.fun), 'it is leaving', now);
  }

  /** The time for what was begun is up: ends every job, though it may have happened. */
  giveUp(now: Instant): void {
    this.#plans.close();
    this.#ends.stopAll(() => true, 'it could not wait any longer', now);
  }

  /** A message to another node certainly did not leave. */
  undelivered(to: NodeId, message: CallsMessage, reason: string, now: Instant): void {
    const errand = message.kind === 'call' ? readErrand(message) : undefined;
    if (message.kind === 'call' && errand?.ok && errand.value.chain !== undefined) {
      if (this.#wards.isOver(errand.value.at, errand.value.chain.ward)) return;
      const job = this.#chains.comeBack(message, errand.value, errand.value.chain, to, now);
      this.losses.notSent(job, reason, now);
    } else if (message.kind === 'call') {
      const job = this.#desk.jobs.get(message.id);
      if (job?.sentTo === to) this.losses.notSent(job, reason, now);
    } else if (message.kind === 'result' || message.kind === 'error' || message.kind === 'holding') {
      this.#held.dropAll(to);
      for (const job of this.#desk.jobs.allOf({ node: to })) if (isChained(job)) this.#ends.withdraw(job, reason);
    }
  }

  /** A task of this node ended. */
  ran(task: TaskId, outcome: Outcome<Payload>, now: Instant): void {
    const job = this.#dispatch.ended(task);
    if (job === undefined) return;
    const { self, name } = this.#desk.parts;
    const node = name();
    this.#dispatch.costs.note(job, self, outcome.ok ? undefined : outcome.problem, now);
    if (outcome.ok) {
      this.#settle(job, { by: node, payload: outcome.value }, now);
      return;
    }
    const why = { fun: job.call.fun, node, ...outcome.problem };
    if (mayPass(job, why)) this.#dispatch.place(job, why, now);
    else this.#fail(job, why, now);
  }

  /** A task of this node produced one item of its stream. */
  item(task: TaskId, payload: Payload, now: Instant): void {
    const job = this.#dispatch.jobOf(task);
    if (job === undefined || !('asker' in job.origin) || isChained(job)) return;
    this.#dispatch.costs.note(job, this.#desk.parts.self, undefined, now);
    this.#desk.say(job.origin.asker, { id: job.origin.id, kind: 'item', payload });
  }

  more(from: Asker, id: number, items: number): void {
    for (const effect of moreOf(this.#desk.jobs.of(from, id), items)) this.#desk.effects.push(effect);
  }

  advance(now: Instant): void {
    const { jobs } = this.#desk;
    for (let job = jobs.due(now); job !== undefined; job = jobs.due(now)) this.#ends.expire(job, now);
    for (let job = this.#retries.due(now); job !== undefined; job = this.#retries.due(now)) this.#retry(job, now);
    for (let job = this.#wards.lost(now); job !== undefined; job = this.#wards.lost(now)) this.#lose(job, now);
    this.#chains.advance(now);
  }

  #whyRefused(from: Asker, message: Extract<CallsMessage, { readonly kind: 'call' | 'plan' }>): Problem | undefined {
    const { name, options } = this.#desk.parts;
    const node = name();
    return this.#leaving && !isPartOfWork(message)
      ? problem('node-stopping', `${node} is leaving`, { node })
      : whyRefused(this.#desk.jobs, from, message, node, options);
  }

  /** A step that another node sent, with more to do than to run it. */
  #errand(from: Asker, call: CallMessage, now: Instant): void {
    const errand = readErrand(call);
    if (errand === undefined) return;
    if (!errand.ok) {
      this.#desk.refuse(from, call.id, errand.problem);
      return;
    }
    const { chain } = errand.value;
    if (chain === undefined) {
      const refusal = this.#whyRefused(from, call);
      if (refusal !== undefined) this.#desk.refuse(from, call.id, refusal);
      else this.#begin({ asker: from, id: call.id }, call, 0, errand.value, now);
    } else if (!this.#wards.isOver(errand.value.at, chain.ward)) {
      const isKnown = 'node' in from && from.node === errand.value.at;
      this.#dispatch.place(this.#chains.take(call, errand.value, chain, isKnown, now), undefined, now);
    }
  }

  #begin(origin: Origin, call: CallMessage, retries: number, errand: Errand | undefined, now: Instant): void {
    const job = this.#desk.open(origin, call, call.timeoutMs, now);
    job.retriesLeft = retries;
    if (errand !== undefined) job.duty = { errand, isKnown: true, planEnds: job.deadline, reported: false, since: now };
    if ('plan' in origin) this.#desk.jobs.limit(job, origin.plan.deadline);
    this.#dispatch.place(job, undefined, now);
  }

  #wardEnded(job: Job, from: NodeId, message: ResultMessage | ErrorMessage, now: Instant): void {
    this.#ends.forget(job);
    if (!('plan' in job.origin)) return;
    const answer = message.kind === 'result' ? answeredBy(from, message) : message.problem;
    this.#plans.stepEnded(job.origin, job, answer, message.trail ?? [], now);
  }

  /** Nobody knows where a chain is. */
  #lose(job: Job, now: Instant): void {
    const why = this.#wards.whyLost(job);
    this.#ends.withdraw(job, why.message);
    if ('plan' in job.origin) this.#plans.chainLost(job.origin, job, why, now);
  }

  /** A job failed where it was: it is tried again after a while, or answered. */
  #fail(job: Job, why: Problem, now: Instant): void {
    this.#desk.jobs.take(job);
    job.doubtful ||= !didNotHappen(why);
    if (!this.#retries.take(job, why, now)) this.#settle(job, why, now);
  }

  /** Tries a job again, on another node than the last one where there is one. */
  #retry(job: Job, now: Instant): void {
    if (!this.#ends.isOpen(job)) return;
    this.#dispatch.forgetTried(job);
    this.#dispatch.place(job, undefined, now);
  }

  /** Answers a job, once and for all. */
  #settle(job: Job, end: Answered | Problem, now: Instant): void {
    this.#ends.forget(job);
    const { origin, duty } = job;
    const answer = 'payload' in end || isForNode(job) ? end : forUsers(end);
    if (duty?.errand.chain !== undefined) {
      this.#chains.ended(job, duty.errand, duty.errand.chain, answer, now);
    } else if ('plan' in origin) {
      this.#plans.stepEnded(origin, job, answer, [], now);
    } else if ('fetch' in origin) {
      const came = 'payload' in answer ? done(answer.payload) : failed(answer);
      this.#inputs.arrived(origin.fetch, came, now);
    } else if ('payload' in answer) {
      this.#reply(job, origin.asker, origin.id, answer);
    } else {
      this.#desk.refuse(origin.asker, origin.id, inDoubt(job, answer), this.#held.planOf(duty?.errand));
    }
  }

  /** Tells an asker the value that it waits for, or that it is held here. */
  #reply(job: Job, asker: Asker, id: number, { by, cluster, payload }: Answered): void {
    const { duty, call } = job;
    const outcome = duty === undefined ? undefined : this.#held.hold(duty.errand, call.step ?? '', payload);
    const plan = this.#held.planOf(duty?.errand);
    const where = cluster === undefined ? { by } : { by, cluster };
    const about = { ...where, id, kind: 'result', ...(plan === undefined ? {} : { plan }) } as const;
    if (outcome === undefined) this.#desk.say(asker, { ...about, payload });
    else if (!outcome.ok) this.#desk.refuse(asker, id, outcome.problem, plan);
    else this.#desk.say(asker, { ...about, held: true, payload: outcome.value });
  }
}
