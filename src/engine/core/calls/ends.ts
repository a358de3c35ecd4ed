import type { NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import { type Problem, problem } from '../base/problems.ts';
import type { Desk } from './desk.ts';
import type { HeldValues } from './held-values.ts';
import { isChained, type Job, outOfTime } from './jobs.ts';

export interface EndsParts {
  settle(job: Job, why: Problem, now: Instant): void;
  stopPlan(job: Job, why: Problem, now: Instant): void;
  /** It took the node longer than anybody would wait. */
  gaveUp(job: Job, node: NodeId, now: Instant): void;
  /** What else is remembered of a job. */
  forget(job: Job): void;
}

/** How jobs end without the answer that they waited for: whoever works on them is told to stop. */
export class Ends {
  readonly #desk: Desk;
  readonly #held: HeldValues;
  readonly #parts: EndsParts;

  constructor(desk: Desk, held: HeldValues, parts: EndsParts) {
    this.#desk = desk;
    this.#held = held;
    this.#parts = parts;
  }

  /** Whether a job still waits for its answer: the end of one step may have taken back the others of its plan. */
  isOpen(job: Job): boolean {
    return this.#desk.jobs.get(job.key) === job;
  }

  /** The time is up. */
  expire(job: Job, now: Instant): void {
    this.stop(job, outOfTime(job, this.#desk.parts.name()), now);
  }

  /** Answers a job with a problem. */
  stop(job: Job, why: Problem, now: Instant): void {
    if (job.plan !== undefined) {
      this.#parts.stopPlan(job, why, now);
      return;
    }
    this.#parts.gaveUp(job, job.sentTo ?? this.#desk.parts.self, now);
    this.#abandon(job, why.message);
    this.#parts.settle(job, why, now);
  }

  stopAll(which: (job: Job) => boolean, reason: string, now: Instant): void {
    const node = this.#desk.parts.name();
    for (const job of this.#desk.jobs.all()) {
      const { fun } = job.call;
      const text = `${node} has ended ${job.plan === undefined ? fun : 'the plan'}: ${reason}`;
      const why = problem('node-stopping', text, { fun, node, outcome: 'unknown' });
      if (which(job) && this.isOpen(job)) this.stop(job, why, now);
    }
  }

  /** Ends a job without an answer: nobody wants one. */
  withdraw(job: Job, reason: string): void {
    for (const step of job.plan?.steps.values() ?? []) this.withdraw(step, reason);
    this.#abandon(job, reason);
    this.forget(job);
  }

  /** The plan's node wants a chain no longer, nor what was fetched for it. */
  withdrawChain(job: Job, reason: string): void {
    const { at, plan } = job.duty?.errand ?? {};
    if (at !== undefined && plan !== undefined) this.#held.drop(at, plan, true);
    this.withdraw(job, reason);
  }

  forget(job: Job): void {
    if (job.ward !== undefined || job.plan !== undefined || isChained(job)) this.#parts.forget(job);
    this.#desk.jobs.forget(job);
  }

  #abandon(job: Job, reason: string): void {
    const { self } = this.#desk.parts;
    if (job.task !== undefined) this.#desk.effects.push({ kind: 'abort', reason, task: job.task });
    const here = job.ward === undefined ? undefined : this.#desk.jobs.of({ node: self }, job.key);
    if (here !== undefined) this.withdraw(here, reason);
    else if (job.sentTo !== undefined) this.#desk.say({ node: job.sentTo }, { id: job.key, kind: 'cancel', reason });
  }
}
