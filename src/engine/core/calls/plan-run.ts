import type { Instant } from '../base/instant.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import { type Problem, problem } from '../base/problems.ts';
import type { Arguments, PlanReply, StepOutcome } from './messages.ts';
import type { Plan, Step } from './plan.ts';
import { describe, isPlainObject, substitute } from './references.ts';

/**
 * One plan while it runs: which steps wait, which are ready, and what came of the others.
 *
 * A step is ready as soon as the values that it needs are there; there are no levels. It knows nothing about nodes: it
 * hands out steps with their arguments, and is told what came of them.
 *
 * Invariants:
 * - a step is handed out at most once, and only when all that it needs is done, never where its value was given;
 * - once a step that may not fail has failed, none is handed out any more.
 */
export class PlanRun {
  readonly plan: Plan;
  readonly #startedAt: Instant;
  readonly #values = new Map<string, unknown>();
  readonly #outcomes: (StepOutcome | undefined)[];
  readonly #startedSteps = new Map<number, Instant>();
  /** For each step, how many of its needs are not done. */
  readonly #waits: number[];
  readonly #ready: number[] = [];
  #open: number;
  #problem: Problem | undefined;

  constructor(plan: Plan, now: Instant) {
    this.plan = plan;
    this.#startedAt = now;
    this.#outcomes = plan.steps.map(() => undefined);
    this.#waits = plan.steps.map(({ needs }) => needs.length);
    this.#open = plan.steps.length;
    for (const [index, value] of plan.done) this.#reuse(index, value);
    for (let i = plan.steps.length - 1; i >= 0; i--) {
      if (this.#waits[i] === 0 && this.#outcomes[i] === undefined) this.#ready.push(i);
    }
  }

  /** Whether every step has come to its end. */
  get ended(): boolean {
    return this.#open === 0;
  }

  /** The next step that can be started, with its arguments; those whose references lead nowhere fail here. */
  next(now: Instant): { readonly index: number; readonly step: Step; readonly args: Arguments } | undefined {
    for (let index = this.#ready.pop(); index !== undefined; index = this.#ready.pop()) {
      const step = this.plan.steps[index];
      if (step === undefined || this.#outcomes[index] !== undefined) continue;
      const args = this.#argumentsOf(step, `steps[${index}]`);
      if (args.ok) {
        this.#startedSteps.set(index, now);
        return { args: args.value, index, step };
      }
      this.failed(index, undefined, { ...args.problem, step: step.name }, now);
    }
    return undefined;
  }

  done(index: number, node: string, value: unknown, now: Instant): void {
    const step = this.plan.steps[index];
    if (step === undefined || this.#outcomes[index] !== undefined) return;
    this.#values.set(step.name, value);
    this.#end(index, { ...this.#times(index, now), fun: step.fun, name: step.name, node, state: 'done' });
    for (const waiting of step.neededBy) {
      const left = (this.#waits[waiting] ?? 0) - 1;
      this.#waits[waiting] = left;
      if (left === 0) this.#ready.push(waiting);
    }
  }

  failed(index: number, node: string | undefined, why: Problem, now: Instant): void {
    const step = this.plan.steps[index];
    if (step === undefined || this.#outcomes[index] !== undefined) return;
    const by = node === undefined ? {} : { node };
    const times = this.#times(index, now);
    this.#end(index, { ...times, ...by, fun: step.fun, name: step.name, problem: why, state: 'failed' });
    this.#problem ??= why;
    if (step.onError === 'fail') this.stop(why, now);
    else this.#skip(step);
  }

  /** Ends what has not ended: nothing is started any more. */
  stop(why: Problem, now: Instant): void {
    this.#problem ??= why;
    for (const [index, step] of this.plan.steps.entries()) {
      if (this.#outcomes[index] !== undefined) continue;
      const state = this.#startedSteps.has(index) ? 'cancelled' : 'skipped';
      const because = why.step === undefined ? {} : { because: why.step };
      this.#end(index, { ...this.#times(index, now), ...because, fun: step.fun, name: step.name, state });
    }
  }

  /**
   * The answer. Of a resumable plan that failed it holds, beside the results, the values that another run can go on
   * from: those that `fits` says yes to, which was asked about the results first.
   */
  reply(now: Instant, fits: (value: unknown) => boolean = () => true): PlanReply {
    const results = new Map<string, unknown>();
    for (const index of this.plan.results) {
      const step = this.plan.steps[index];
      if (step !== undefined && this.#values.has(step.name)) results.set(step.name, this.#values.get(step.name));
    }
    const reply = {
      results: Object.fromEntries(results),
      steps: this.#outcomes.filter((outcome) => outcome !== undefined),
      tookMs: now - this.#startedAt,
    };
    if (this.#problem === undefined) return reply;
    if (!this.plan.resumable) return { ...reply, problem: this.#problem };
    for (const value of results.values()) fits(value);
    const values = [...this.#values].filter(([name, value]) => !results.has(name) && fits(value));
    return { ...reply, problem: this.#problem, values: Object.fromEntries(values) };
  }

  /** A step whose value was there beforehand. */
  #reuse(index: number, value: unknown): void {
    const step = this.plan.steps[index];
    if (step === undefined) return;
    this.#values.set(step.name, value);
    this.#end(index, { fun: step.fun, name: step.name, reused: true, state: 'done' });
    for (const waiting of step.neededBy) this.#waits[waiting] = (this.#waits[waiting] ?? 0) - 1;
  }

  #argumentsOf(step: Step, where: string): Outcome<Arguments> {
    const { names, refs } = this.plan;
    const args = substitute(step.args, `${where}.args`, this.#values, names, refs);
    if (!args.ok) return args;
    const list = args.value as readonly unknown[];
    if (step.kwargs === undefined) return done({ args: list });
    const kwargs = substitute(step.kwargs, `${where}.kwargs`, this.#values, names, refs);
    if (!kwargs.ok) return kwargs;
    if (isPlainObject(kwargs.value)) return done({ args: list, kwargs: kwargs.value });
    const says = `${where}.kwargs must be an object, and the reference there leads to ${describe(kwargs.value)}`;
    return failed(problem('reference-missing', says, { path: `${where}.kwargs` }));
  }

  /** Everything that needs a failed step's value, directly or not, will not run. */
  #skip(cause: Step): void {
    const open = [...cause.neededBy];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      const step = this.plan.steps[index];
      if (step === undefined || this.#outcomes[index] !== undefined) continue;
      this.#end(index, { because: cause.name, fun: step.fun, name: step.name, state: 'skipped' });
      for (const next of step.neededBy) open.push(next);
    }
  }

  #times(index: number, now: Instant): Pick<StepOutcome, 'startedMs' | 'tookMs'> {
    const started = this.#startedSteps.get(index);
    return started === undefined ? {} : { startedMs: started - this.#startedAt, tookMs: now - started };
  }

  #end(index: number, outcome: StepOutcome): void {
    this.#outcomes[index] = outcome;
    this.#startedSteps.delete(index);
    this.#open--;
  }
}
