import type { Instant } from '../base/instant.ts';
import type { Payload, PayloadMaker } from '../base/payload.ts';
import type { Problem } from '../base/problems.ts';
import { inDoubt, type Job, type Jobs, type Origin, type StepOrigin } from './jobs.ts';
import type { CallMessage, PlanReply } from './messages.ts';
import type { CallsOptions } from './options.ts';
import type { Plan } from './plan.ts';
import { PlanRun } from './plan-run.ts';
import { stepCall } from './step-call.ts';

/** What came back for a call. */
export interface Answered {
  readonly by: string;
  readonly payload: Payload;
}

/** What plans need of the calls that carry out their steps. */
export interface PlansParts {
  readonly jobs: Jobs;
  readonly options: CallsOptions;
  readonly payload: PayloadMaker;
  begin(origin: Origin, call: CallMessage, retries: number, now: Instant): void;
  /** Ends a step's job without an answer. */
  withdraw(step: Job, reason: string): void;
  /** Answers a plan's job. */
  reply(job: Job, reply: PlanReply): void;
}

/**
 * The plans of a node: each is a job whose steps are jobs in turn.
 *
 * Invariant: a plan is answered exactly once, when all its steps have ended, and then none of them is under way.
 */
export class Plans {
  readonly #parts: PlansParts;

  constructor(parts: PlansParts) {
    this.#parts = parts;
  }

  open(job: Job, plan: Plan, now: Instant): void {
    job.plan = { proceeding: false, run: new PlanRun(plan, now), steps: new Map() };
    this.#proceed(job, now);
  }

  /** A step's job has ended. */
  stepEnded({ plan, index }: StepOrigin, job: Job, answer: Answered | Problem, now: Instant): void {
    const run = plan.plan?.run;
    const step = job.call.step ?? '';
    if ('payload' in answer) {
      const value = answer.payload.value();
      if (value.ok) run?.done(index, answer.by, value.value, now);
      else run?.failed(index, answer.by, { ...value.problem, step }, now);
    } else {
      run?.failed(index, answer.node, { ...inDoubt(job, answer), step }, now);
    }
    this.#proceed(plan, now);
  }

  /** Ends a plan before its time, and answers it. */
  stop(job: Job, run: PlanRun, why: Problem, now: Instant): void {
    run.stop(why, now);
    this.#finish(job, run, now);
  }

  /** Starts what can be started, and answers when all has ended. */
  #proceed(job: Job, now: Instant): void {
    const { plan } = job;
    if (plan === undefined || plan.proceeding) return;
    plan.proceeding = true;
    while (plan.steps.size < this.#stepsMax()) {
      const next = plan.run.next(now);
      if (next === undefined) break;
      const { step, index, args } = next;
      this.#parts.begin({ index, plan: job }, stepCall(step, this.#parts.payload(args)), step.retries, now);
    }
    plan.proceeding = false;
    if (plan.run.ended) this.#finish(job, plan.run, now);
  }

  /** How many steps of a plan may be under way: one where the node is full, so that every plan goes on. */
  #stepsMax(): number {
    const { jobs, options } = this.#parts;
    return jobs.size < options.callsMax ? options.stepsAtOnceMax : 1;
  }

  #finish(job: Job, run: PlanRun, now: Instant): void {
    for (const step of [...(job.plan?.steps.values() ?? [])]) this.#parts.withdraw(step, 'the plan has ended');
    let left = this.#parts.options.resumeBytesMax;
    const fits = (value: unknown) => {
      const { size } = this.#parts.payload(value);
      if (size > left) return false;
      left -= size;
      return true;
    };
    this.#parts.reply(job, run.reply(now, fits));
  }
}
