import type { NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import type { Outcome } from '../base/outcome.ts';
import type { Payload, PayloadMaker } from '../base/payload.ts';
import { type Problem, problem } from '../base/problems.ts';
import type { Follower } from './chain-from.ts';
import { packStep } from './chain-step.ts';
import type { Desk } from './desk.ts';
import type { Asker } from './effects.ts';
import type { Chain, Errand } from './errand.ts';
import type { ValueName } from './held-values.ts';
import type { Waiting } from './inputs.ts';
import { inDoubt, type Job, type Running, type StepOrigin, type Ward } from './jobs.ts';
import type { CallMessage, CallsMessage, Passed, ResultMessage } from './messages.ts';
import { readPlan, type Step } from './plan.ts';
import { PlanRun, type Ready } from './plan-run.ts';
import { planCall, stepCall } from './step-call.ts';

/** What came back for a call. */
export interface Answered {
  readonly by: string;
  /** The cluster of that node, where it is another. */
  readonly cluster?: string;
  readonly payload: Payload;
  /** The node that holds the value; the payload is nothing then. */
  readonly heldBy?: NodeId;
}

export function answeredBy(node: NodeId, { by, cluster, payload, held }: ResultMessage): Answered {
  if (cluster !== undefined) return { by, cluster, payload };
  return held === undefined ? { by, payload } : { by, heldBy: node, payload };
}

type PlanMessage = Extract<CallsMessage, { readonly kind: 'plan' }>;

/** What plans need of the calls that carry out their steps. */
export interface PlansParts {
  /** Runs one step and answers it. */
  begin(origin: StepOrigin, call: CallMessage, errand: Errand | undefined, retries: number, now: Instant): void;
  /** Sends a chain on its way. */
  send(origin: StepOrigin, call: CallMessage, errand: Errand, chain: Chain, ward: Ward, now: Instant): void;
  /** Ends a step's job without an answer. */
  withdraw(step: Job, reason: string): void;
  forget(job: Job): void;
  /** Whether a step may be run again though it may have been done. */
  mayRepeat(step: Step): boolean;
  /** Gets a value that another node holds. */
  fetch(name: ValueName, node: NodeId, waiting: Waiting, timeoutMs: number, now: Instant): void;
}

/**
 * The plans of a node: each is a job whose steps are jobs in turn.
 *
 * Invariant: a plan is answered exactly once, when all its steps have ended, and then none of them is under way.
 */
export class Plans {
  readonly #desk: Desk;
  readonly #parts: PlansParts;
  /** Of how many plans a node may hold values. */
  readonly #holders = new Map<NodeId, number>();
  #closing = false;

  constructor(desk: Desk, parts: PlansParts) {
    this.#desk = desk;
    this.#parts = parts;
  }

  /** Whether a node may hold values of plans that are under way. */
  isHeldBy(node: NodeId): boolean {
    return this.#holders.has(node);
  }

  /** A node has done something for a plan that may have left values with it. Where the plan is over, they are dropped. */
  mayHold(key: number, node: NodeId): void {
    const { plan } = this.#desk.jobs.get(key) ?? {};
    if (plan === undefined) {
      this.#desk.say({ node }, { kind: 'drop', plan: key });
    } else if (!plan.holders.has(node) && node !== this.#desk.parts.self) {
      plan.holders.add(node);
      this.#holders.set(node, (this.#holders.get(node) ?? 0) + 1);
    }
  }

  request(from: Asker, message: PlanMessage, now: Instant): void {
    const { name, options } = this.#desk.parts;
    const document = message.payload.value();
    const plan = document.ok ? readPlan(document.value, options) : document;
    if (!plan.ok) {
      this.#desk.refuse(from, message.id, { node: name(), ...plan.problem });
      return;
    }
    const call = planCall(message.id, message.payload);
    const limits = [message.timeoutMs, plan.value.timeoutMs].filter((ms) => ms > 0);
    const timeoutMs = limits.length > 0 ? Math.min(...limits) : 0;
    const job = this.#desk.open({ asker: from, id: message.id }, call, timeoutMs, now);
    const run = new PlanRun(plan.value, options, now);
    job.plan = {
      again: new Map(),
      awaited: undefined,
      holders: new Set(),
      lost: new Set(),
      proceeding: false,
      run,
      steps: new Map(),
    };
    this.#proceed(job, now);
  }

  /** A step's job has ended, or a chain; `trail`: its steps before the one that the answer is of. */
  stepEnded(
    { plan, index }: StepOrigin,
    job: Job,
    answer: Answered | Problem,
    trail: readonly Passed[],
    now: Instant,
  ): void {
    if (plan.plan === undefined) return;
    const { run } = plan.plan;
    const steps = job.ward?.steps ?? [index];
    const at = steps[trail.length];
    const later = steps.slice(trail.length + 1);
    if (at === undefined || ('payload' in answer && later.length > 0)) {
      run.lost(steps, problem('protocol-violated', 'a chain ended with another step than its last'), now);
    } else {
      run.passed(steps, trail, now);
      run.unchain(later);
      if ('payload' in answer) this.#done(run, at, answer, now);
      else this.#failed(plan, run, at, job, answer, now);
    }
    this.#proceed(plan, now);
  }

  /** A chain is lost: it is begun again where all of it may be, or its steps have failed. */
  chainLost({ plan, index }: StepOrigin, { key, ward }: Job, why: Problem, now: Instant): void {
    if (plan.plan === undefined || ward === undefined) return;
    const { run, lost } = plan.plan;
    lost.add(key);
    const mayRepeat = ward.steps.every((at) => {
      const step = run.plan.steps[at];
      return step !== undefined && this.#parts.mayRepeat(step);
    });
    if (mayRepeat && this.#mayStartAgain(plan, index)) {
      run.again(ward.steps);
    } else {
      run.passed(ward.steps, ward.trail, now);
      const open = ward.steps.slice(ward.trail.length);
      run.lost(open, why, now);
    }
    this.#proceed(plan, now);
  }

  /** Ends a plan before its time, and answers it. */
  stop(job: Job, why: Problem, now: Instant): void {
    if (job.plan === undefined) return;
    job.plan.run.stop(why, now);
    this.#finish(job, job.plan.run, now);
  }

  /** The node ends: plans are answered with what is here. */
  close(): void {
    this.#closing = true;
  }

  /** A plan's job is forgotten: nothing is held for it any more. */
  forget(job: Job): void {
    for (const node of job.plan?.holders ?? []) {
      const left = (this.#holders.get(node) ?? 0) - 1;
      if (left > 0) this.#holders.set(node, left);
      else this.#holders.delete(node);
      this.#desk.say({ node }, { kind: 'drop', plan: job.key });
    }
    job.plan?.holders.clear();
  }

  #done(run: PlanRun, index: number, { by, heldBy, payload }: Answered, now: Instant): void {
    if (heldBy !== undefined) {
      run.done(index, by, { heldBy }, now);
      return;
    }
    const value = payload.value();
    const name = run.plan.steps[index]?.name ?? '';
    if (value.ok) run.done(index, by, { bytes: payload.size, value: value.value }, now);
    else run.failed(index, by, { ...value.problem, step: name }, now);
  }

  #failed(plan: Job, run: PlanRun, index: number, job: Job, why: Problem, now: Instant): void {
    const name = run.plan.steps[index]?.name ?? '';
    if (why.code === 'value-lost' && this.#redo(plan, run, index, why.path ?? '')) return;
    const cause = job.ward === undefined ? inDoubt(job, why) : why;
    run.failed(index, why.node, { ...cause, step: name }, now);
  }

  /** Has a value made again that a step needs and nobody has any more. False where that may not be. */
  #redo(plan: Job, run: PlanRun, index: number, producer: string): boolean {
    const made = run.plan.steps.findIndex(({ name }) => name === producer);
    if (made < 0 || !this.#mayStartAgain(plan, index)) return false;
    return run.redo(index, made, (step) => this.#parts.mayRepeat(step));
  }

  #mayStartAgain({ plan }: Job, index: number): boolean {
    const again = plan?.again.get(index) ?? 0;
    plan?.again.set(index, again + 1);
    return again + 1 < this.#desk.parts.options.attemptsMax;
  }

  /** Starts what can be started, and answers when all has ended. */
  #proceed(job: Job, now: Instant): void {
    const { plan } = job;
    if (plan === undefined || plan.proceeding) return;
    plan.proceeding = true;
    while (plan.steps.size < this.#stepsMax()) {
      const next = plan.run.next(now);
      if (next === undefined) break;
      this.#start(job, plan.run, next, now);
    }
    plan.proceeding = false;
    if (plan.run.ended && plan.awaited === undefined) this.#finish(job, plan.run, now);
  }

  #start(job: Job, run: PlanRun, ready: Ready, now: Instant): void {
    const { index, step, args, inputs } = ready;
    const { address, options, payload, self } = this.#desk.parts;
    const origin = { index, plan: job };
    const call = stepCall(step, payload(args));
    const hold = run.mayStay(index);
    const errand = { address: address(), at: self, hold, inputs, keep: run.plan.resumable, plan: job.key };
    const steps = withinBytes(ready.followers, options.chainBytesMax, payload);
    run.unchain(ready.followers.slice(steps.length).map((follower) => follower.index));
    if (steps.length === 0) {
      const needed = hold || inputs.length > 0;
      this.#parts.begin(origin, call, needed ? errand : undefined, step.retries, now);
      return;
    }
    const chain: Chain = {
      doubtful: false,
      hops: 0,
      leftMs: this.#desk.left(job.deadline, now),
      quietMs: 0,
      retriesLeft: step.retries,
      retriesMade: 0,
      steps,
      trail: [],
      tried: [],
      ward: 0,
    };
    const ward = {
      heard: 0,
      trail: [],
      steps: [index, ...ready.followers.slice(0, steps.length).map((follower) => follower.index)],
    };
    this.#parts.send(origin, call, errand, chain, ward, now);
  }

  /** How many steps of a plan may be under way: one where the node is full, so that every plan goes on. */
  #stepsMax(): number {
    const { callsMax, stepsAtOnceMax } = this.#desk.parts.options;
    return this.#desk.jobs.size < callsMax ? stepsAtOnceMax : 1;
  }

  #finish(job: Job, run: PlanRun, now: Instant): void {
    const { plan } = job;
    if (plan === undefined) return;
    for (const step of [...plan.steps.values()]) this.#parts.withdraw(step, 'the plan has ended');
    if (plan.awaited === undefined && !this.#closing) this.#collect(job, plan, now);
    else this.#reply(job, run, now);
  }

  /** Gets what the answer of a resumable plan needs from where it is held, for a short while. */
  #collect(job: Job, plan: Running, now: Instant): void {
    const { run } = plan;
    const { self, options } = this.#desk.parts;
    const all = run.elsewhere;
    plan.awaited = all.length;
    for (const { step, node } of all) {
      const isOpen = () => this.#desk.jobs.get(job.key) === job;
      const hear = (came: Outcome<Payload>, at: Instant) => {
        const value = came.ok ? came.value.value() : came;
        if (value.ok) run.recover(step, value.value);
        plan.awaited = (plan.awaited ?? 0) - 1;
        if (plan.awaited === 0) this.#reply(job, run, at);
      };
      this.#parts.fetch({ at: self, plan: job.key, step }, node, { hear, isOpen }, options.collectMs, now);
    }
    if (all.length === 0) this.#reply(job, run, now);
  }

  #reply(job: Job, run: PlanRun, now: Instant): void {
    const { name, options, payload } = this.#desk.parts;
    let left = options.resumeBytesMax;
    const fits = (value: unknown) => {
      const { size } = payload(value);
      if (size > left) return false;
      left -= size;
      return true;
    };
    this.#parts.forget(job);
    if (!('asker' in job.origin)) return;
    const { asker, id } = job.origin;
    this.#desk.say(asker, { by: name(), id, kind: 'result', payload: payload(run.reply(now, fits)) });
  }
}

/** As many followers as may travel: what the plan's author wrote into their arguments may be large. */
function withinBytes(followers: readonly Follower[], bytesMax: number, payload: PayloadMaker): readonly Payload[] {
  const fitting: Payload[] = [];
  let left = bytesMax;
  for (const { step } of followers) {
    const packed = packStep(step, payload);
    left -= packed.size;
    if (left < 0) break;
    fitting.push(packed);
  }
  return fitting;
}
