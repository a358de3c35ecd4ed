import { Alarms } from '../base/alarms.ts';
import type { NodeId } from '../base/ids.ts';
import { type Instant, NEVER } from '../base/instant.ts';
import { done, type Outcome } from '../base/outcome.ts';
import type { Payload } from '../base/payload.ts';
import { type Problem, problem } from '../base/problems.ts';
import { type ChainStep, readStep } from './chain-step.ts';
import type { Desk } from './desk.ts';
import { type Chain, type Errand, packErrand } from './errand.ts';
import { HandedOn } from './handed-on.ts';
import type { HeldValues } from './held-values.ts';
import { type Duty, inDoubt, type Job } from './jobs.ts';
import type { CallMessage, CallsMessage, ErrorMessage, ResultMessage } from './messages.ts';
import type { Place } from './placement.ts';
import type { Answered } from './plans.ts';
import { substitute } from './references.ts';
import { argumentsOf } from './step-arguments.ts';
import { stepCall } from './step-call.ts';

export interface ChainsParts {
  place(job: Job, last: Problem | undefined, now: Instant): void;
  /** This node is the plan's own, and a chain of it has come, or gone. */
  arrived(ward: number, hops: number): void;
  left(ward: number, to: NodeId, hops: number, now: Instant): void;
  /** This node is the plan's own, and that node will fetch values for it. */
  mayHold(plan: number, node: NodeId): void;
  /** This node is the plan's own, and its chain has come to its end. */
  ended(message: ResultMessage | ErrorMessage, now: Instant): void;
}

/**
 * Chains that are at this node: it runs the step at hand, tries it elsewhere where it must, and passes on what is left.
 *
 *     arrives ──► step runs ──┬─ done, more to do ──► the next step is placed: here, or handed on and forgotten
 *                             ├─ done, the last ────► the plan's node is told the value
 *                             └─ failed for good ───► the plan's node is told why
 *
 * A chain that stays longer than `reportMs` is told of to the plan's node, which then watches this one. A chain that is
 * gone sooner costs no word: the next one to keep it for long will speak, and so will whoever has it when all together
 * have had it for `quietMs`.
 *
 * Invariant: a chain is a job of one node at a time; handing it on ends the job.
 */
export class Chains {
  readonly #desk: Desk;
  readonly #held: HeldValues;
  readonly #parts: ChainsParts;
  readonly #reports = new Alarms<Job>();
  readonly #handedOn = new HandedOn();

  constructor(desk: Desk, held: HeldValues, parts: ChainsParts) {
    this.#desk = desk;
    this.#held = held;
    this.#parts = parts;
  }

  deadline(): Instant {
    return this.#reports.deadline();
  }

  /** Takes over a chain, and the duty for its step at hand. `isKnown`: the plan's node sent it here itself. */
  take(call: CallMessage, errand: Errand, chain: Chain, isKnown: boolean, now: Instant): Job {
    const job = this.#desk.open({ asker: { node: errand.at }, id: chain.ward }, call, call.timeoutMs, now);
    const planEnds = chain.leftMs === 0 ? NEVER : now + chain.leftMs;
    job.duty = { errand: { ...errand, chain }, isKnown, planEnds, reported: false, since: now };
    this.#desk.jobs.limit(job, planEnds);
    job.tried = chain.tried;
    job.doubtful = chain.doubtful;
    job.retriesLeft = chain.retriesLeft;
    job.retriesMade = chain.retriesMade;
    if (errand.at === this.#desk.parts.self) this.#parts.arrived(chain.ward, chain.hops);
    else this.#reports.set(job, now + this.#silentMs(chain));
    return job;
  }

  /** Gives a chain to another node: it is no longer this one's. */
  handOn(job: Job, place: Place, now: Instant): void {
    const { duty, call } = job;
    const chain = duty?.errand.chain;
    if (duty === undefined || chain === undefined) return;
    const { tried, doubtful, retriesLeft, retriesMade } = job;
    const leftMs = this.#desk.left(duty.planEnds, now);
    const quietMs = this.#quietMs(duty, chain, now);
    const hops = chain.hops + 1;
    const handed = { ...chain, doubtful, hops, leftMs, quietMs, retriesLeft, retriesMade, tried };
    const errand = { ...duty.errand, chain: handed };
    const message: CallMessage = {
      ...call,
      ...packErrand(errand, this.#desk.parts.payload),
      id: chain.ward, // so that a cancellation cannot overtake it
      routed: true,
      timeoutMs: this.#desk.left(job.deadline, now),
    };
    this.forget(job);
    this.#desk.jobs.forget(job);
    if (!duty.isKnown) this.#held.drop(errand.at, errand.plan, true);
    this.#desk.effects.push({ address: place.address, kind: 'forward', message, to: place.id });
    if (errand.at === this.#desk.parts.self) {
      if (errand.inputs.length > 0) this.#parts.mayHold(errand.plan, place.id);
      this.#parts.left(chain.ward, place.id, hops, now);
      return;
    }
    this.#handedOn.add(errand.at, chain.ward, place.id, now);
    if (duty.reported) this.#say(errand, handed, place.id);
  }

  /** A chain that was handed on never left: it is this node's again. */
  comeBack(call: CallMessage, errand: Errand, chain: Chain, from: NodeId, now: Instant): Job {
    const isOwn = errand.at === this.#desk.parts.self;
    return this.take({ ...call, routed: false }, errand, { ...chain, tried: [...chain.tried, from] }, isOwn, now);
  }

  /** The step at hand has ended, and its job is forgotten. */
  ended(job: Job, errand: Errand, chain: Chain, answer: Answered | Problem, now: Instant): void {
    if (!('payload' in answer)) {
      const { step } = job.call;
      const why = { ...inDoubt(job, answer), ...(step === undefined ? {} : { step }) };
      this.#end(errand, { id: chain.ward, kind: 'error', problem: why, trail: chain.trail }, now);
      return;
    }
    const [first] = chain.steps;
    const next = first === undefined ? undefined : readStep(first);
    if (next === undefined) this.#deliver(job, errand, chain, answer, now);
    else this.#goOn(job, errand, chain, next, answer, now);
  }

  /** Whoever has a chain that this node handed on is told to stop. False where it never had it. */
  cancelOn(at: NodeId, ward: number, reason: string): boolean {
    const to = this.#handedOn.get(at, ward);
    if (to === undefined || to === at) return false; // home again: that node knows best
    this.#desk.say({ node: to }, { at, id: ward, kind: 'cancel', reason });
    return true;
  }

  /** Tells the plan's node that a chain is here. */
  report({ duty }: Job): void {
    const chain = duty?.errand.chain;
    if (duty === undefined || chain === undefined) return;
    duty.reported = true;
    this.#say(duty.errand, chain);
  }

  advance(now: Instant): void {
    for (let job = this.#reports.due(now); job !== undefined; job = this.#reports.due(now)) this.report(job);
    this.#handedOn.sweep(now);
  }

  forget(job: Job): void {
    this.#reports.clear(job);
  }

  #goOn(
    job: Job,
    errand: Errand,
    chain: Chain,
    step: Outcome<ChainStep>,
    { by, payload }: Answered,
    now: Instant,
  ): void {
    const { duty } = job;
    const kept = this.#keep(errand, job.call.step ?? '', payload);
    const passed = { ms: Math.max(0, now - (duty?.since ?? now)), node: by, ...kept };
    const planEnds = duty?.planEnds ?? NEVER;
    const trail = [...chain.trail, passed];
    if (!step.ok) {
      this.#end(errand, { id: chain.ward, kind: 'error', problem: step.problem, trail }, now);
      return;
    }
    const next = step.value;
    const rest: Chain = {
      ...chain,
      doubtful: false,
      leftMs: this.#desk.left(planEnds, now),
      quietMs: duty === undefined ? 0 : this.#quietMs(duty, chain, now),
      retriesLeft: next.retries,
      retriesMade: 0,
      steps: chain.steps.slice(1),
      trail,
      tried: [],
    };
    const onward: Errand = { ...errand, chain: rest, hold: next.hold, inputs: [] };
    const args = this.#argumentsFor(next, job.call.step ?? '', payload);
    if (!args.ok) {
      const why = { ...args.problem, node: by, step: next.name };
      this.#end(errand, { id: chain.ward, kind: 'error', problem: why, trail: rest.trail }, now);
      return;
    }
    const following = this.take(stepCall(next, args.value), onward, rest, duty?.isKnown ?? false, now);
    if (following.duty !== undefined && (duty?.reported || kept !== undefined)) following.duty.reported = true;
    this.#parts.place(following, undefined, now);
    // A plan's node must know who holds something for it: it is told of the hand-over, or else of the chain here.
    if (kept !== undefined && this.#desk.jobs.get(following.key) === following) this.#say(onward, rest);
  }

  /** Keeps a value that goes on from here, for a plan that may be resumed. What does not fit is made again. */
  #keep({ at, plan, keep }: Errand, step: string, payload: Payload): { readonly at: NodeId } | undefined {
    if (!keep) return undefined;
    const { self } = this.#desk.parts;
    return this.#held.put({ at, plan, step }, payload, false) === undefined ? { at: self } : undefined;
  }

  /** How long a chain may be here before the plan's node is told. */
  #silentMs({ quietMs }: Chain): number {
    const { options } = this.#desk.parts;
    return Math.max(0, Math.min(options.reportMs, options.quietMs - quietMs));
  }

  /** For how long nodes have had a chain that the plan's node has not heard of. */
  #quietMs({ errand, reported, since }: Duty, { quietMs }: Chain, now: Instant): number {
    return reported || errand.at === this.#desk.parts.self ? 0 : quietMs + Math.max(0, now - since);
  }

  #argumentsFor(next: ChainStep, before: string, payload: Payload): Outcome<Payload> {
    const value = payload.value();
    if (!value.ok) return value;
    const values = new Map([[before, value.value]]);
    const names = new Set([before]);
    const args = argumentsOf(next, next.where, (item, at) => substitute(item, at, values, names, 'explicit'));
    if (!args.ok) return args;
    const put = this.#desk.parts.payload(args.value);
    const { argumentsBytesMax } = this.#desk.parts.options;
    if (put.size <= argumentsBytesMax) return done(put);
    const text = `the arguments of ${next.name} take ${put.size} bytes, more than ${argumentsBytesMax} (argumentsBytesMax)`;
    return { ok: false, problem: problem('limit-exceeded', text) };
  }

  /** Tells the plan's node the value of the last step, or that it is held here. */
  #deliver(job: Job, errand: Errand, { ward, trail }: Chain, { by, payload }: Answered, now: Instant): void {
    const about = { id: ward, trail };
    const outcome = this.#held.hold(errand, job.call.step ?? '', payload);
    if (outcome === undefined) this.#end(errand, { ...about, by, kind: 'result', payload }, now);
    else if (!outcome.ok) this.#end(errand, { ...about, kind: 'error', problem: outcome.problem }, now);
    else this.#end(errand, { ...about, by, held: true, kind: 'result', payload: outcome.value }, now);
  }

  #end(errand: Errand, message: ResultMessage | ErrorMessage, now: Instant): void {
    const { at, address } = errand;
    const plan = this.#held.planOf(errand);
    if (at === this.#desk.parts.self) this.#parts.ended(message, now);
    else this.#desk.tell(at, address, plan === undefined ? message : { ...message, plan });
  }

  #say({ at, address, plan }: Errand, { ward, hops, trail }: Chain, to?: NodeId): void {
    if (at === this.#desk.parts.self) return;
    const message: CallsMessage = { hops, id: ward, kind: 'holding', plan, trail, ...(to === undefined ? {} : { to }) };
    this.#desk.tell(at, address, message);
  }
}
