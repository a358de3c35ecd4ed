import type { NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import type { Outcome } from '../base/outcome.ts';
import { didNotHappen, type Problem } from '../base/problems.ts';
import { type ChainLimits, chainFrom, type Follower } from './chain-from.ts';
import type { Input } from './errand.ts';
import type { Arguments, Passed, PlanReply, StepOutcome } from './messages.ts';
import type { Plan, Step } from './plan.ts';
import { bind, substitute } from './references.ts';
import { argumentsOf } from './step-arguments.ts';

/** A value that came of a step: here, or held by the node that made it. */
export type StepValue = { readonly value: unknown; readonly bytes: number } | { readonly heldBy: NodeId };

/** A step to be run now, and those that can follow it without coming back here. */
export interface Ready {
  readonly index: number;
  readonly step: Step;
  /** Complete; or a template that refers to `inputs`. */
  readonly args: Arguments;
  readonly inputs: readonly Input[];
  readonly followers: readonly Follower[];
}

/**
 * One plan while it runs: which steps wait, which are ready, and what came of the others.
 *
 * A step is ready as soon as the values that it needs are there; there are no levels. It knows nothing about nodes: it
 * hands out steps with their arguments, and is told what came of them.
 *
 * Invariants:
 * - a step is handed out at most once, unless a value was lost that it needs or gave, and only when all that it needs is
 *   done or handed out before it in the same chain, never where its value was given;
 * - once a step that may not fail has failed, none is handed out any more.
 */
export class PlanRun {
  readonly plan: Plan;
  readonly #limits: ChainLimits;
  readonly #startedAt: Instant;
  readonly #results: ReadonlySet<number>;
  readonly #values = new Map<string, unknown>();
  /** Bytes of the values that came from calls. */
  readonly #sizes = new Map<string, number>();
  /** Where values are that are not here, and are needed. */
  readonly #held = new Map<string, NodeId>();
  /** Where values are that are not here, and were passed on from there. */
  readonly #kept = new Map<string, NodeId>();
  readonly #outcomes: (StepOutcome | undefined)[];
  /** The steps that are handed out, and since when. */
  readonly #startedSteps = new Map<number, Instant>();
  /** Steps that were handed out before, and are handed out again: they may have run. */
  readonly #again = new Set<number>();
  /** For each step, how many of its needs are not done. */
  readonly #waits: number[];
  readonly #ready: number[] = [];
  #open: number;
  #problem: Problem | undefined;

  constructor(plan: Plan, limits: ChainLimits, now: Instant) {
    this.plan = plan;
    this.#limits = limits;
    this.#startedAt = now;
    this.#results = new Set(plan.results);
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

  /** Whether a step's value may stay where it is made: others need it, and it is no result. */
  mayStay(index: number): boolean {
    return !this.#results.has(index) && (this.plan.steps[index]?.neededBy.length ?? 0) > 0;
  }

  /** The next step that can be started, with its arguments; those whose references lead nowhere fail here. */
  next(now: Instant): Ready | undefined {
    for (let index = this.#ready.pop(); index !== undefined; index = this.#ready.pop()) {
      const step = this.plan.steps[index];
      if (step === undefined || this.#outcomes[index] !== undefined || this.#startedSteps.has(index)) continue;
      if ((this.#waits[index] ?? 0) > 0) continue; // a value that it needs was lost: it is ready once that is made again
      const inputs = this.#inputsOf(step);
      const args = this.#argumentsOf(step, `steps[${index}]`, inputs.length > 0);
      if (args.ok) {
        this.#startedSteps.set(index, now);
        const followers = chainFrom(index, this.plan, this.#limits, this.#progress);
        for (const follower of followers) this.#startedSteps.set(follower.index, now);
        return { args: args.value, followers, index, inputs, step };
      }
      this.failed(index, undefined, { ...args.problem, step: step.name }, now);
    }
    return undefined;
  }

  /** Takes back steps that were handed out behind another: they will be handed out by themselves. */
  unchain(steps: readonly number[]): void {
    for (const index of steps) this.#startedSteps.delete(index);
  }

  done(index: number, node: string, came: StepValue, now: Instant): void {
    const step = this.plan.steps[index];
    if (step === undefined || this.#outcomes[index] !== undefined) return;
    if ('heldBy' in came) {
      this.#held.set(step.name, came.heldBy);
    } else {
      this.#values.set(step.name, came.value);
      this.#sizes.set(step.name, came.bytes);
    }
    this.#finish(index, step, { ...this.#times(index, now), node });
  }

  /**
   * The steps of a chain that are done: their values went to the steps behind them. When each started is told from what
   * those before it took; the way between their nodes is not known.
   */
  passed(steps: readonly number[], trail: readonly Passed[], now: Instant): void {
    let at = this.#startedSteps.get(steps[0] ?? -1) ?? now;
    for (const [i, { node, ms, at: kept }] of trail.entries()) {
      const index = steps[i] ?? -1;
      const step = this.plan.steps[index];
      if (step === undefined || this.#outcomes[index] !== undefined) continue;
      if (kept !== undefined) this.#kept.set(step.name, kept);
      this.#finish(index, step, { node, startedMs: at - this.#startedAt, tookMs: ms });
      at = Math.min(now, at + ms);
    }
    const last = steps[trail.length] ?? -1;
    if (this.#startedSteps.has(last)) this.#startedSteps.set(last, at);
  }

  /** A chain was lost: any of these steps may have run. */
  lost(steps: readonly number[], why: Problem, now: Instant): void {
    const open = steps.filter((index) => this.#outcomes[index] === undefined);
    const named = (index: number) => ({ ...why, step: this.plan.steps[index]?.name ?? '' });
    for (const index of open) this.#fail(index, undefined, named(index), now);
    for (const index of open) this.#afterFailure(index, named(index), now);
  }

  failed(index: number, node: string | undefined, why: Problem, now: Instant): void {
    if (this.plan.steps[index] === undefined || this.#outcomes[index] !== undefined) return;
    this.#fail(index, node, why, now);
    this.#afterFailure(index, why, now);
  }

  /** Values that a failed plan can be resumed with, and that other nodes have. */
  get elsewhere(): readonly Input[] {
    if (this.#problem === undefined || !this.plan.resumable) return NO_INPUTS;
    return [...this.#held, ...this.#kept].map(([step, node]) => ({ node, step }));
  }

  /** One of those has come. */
  recover(step: string, value: unknown): void {
    this.#values.set(step, value);
  }

  /** Steps that were handed out are to be handed out again. */
  again(steps: readonly number[]): void {
    for (const index of steps) {
      this.#startedSteps.delete(index);
      this.#again.add(index);
    }
    this.#ready.push(...steps.slice(0, 1));
  }

  /**
   * Step `index` could not be run, for the value of step `made` is gone: both are run again, and before them those whose
   * values `made` needs and which went by in a chain. False where they are not: not all of them may be run again.
   */
  redo(index: number, made: number, mayRepeat: (step: Step) => boolean): boolean {
    const step = this.plan.steps[made];
    if (step === undefined || this.#outcomes[index] !== undefined || !step.neededBy.includes(index)) return false;
    const gone = this.#values.has(step.name) ? [] : this.#goneWith(made);
    if (!gone.every((at) => mayRepeat(this.plan.steps[at] ?? step))) return false;
    this.#startedSteps.delete(index);
    for (const at of gone) this.#reopen(at);
    this.#ready.push(...gone, index);
    return true;
  }

  /** A step whose value is gone, and those before it whose values are nowhere; none where it is being made again. */
  #goneWith(made: number): readonly number[] {
    const gone = this.#outcomes[made] === undefined ? [] : [made];
    for (const at of gone) {
      for (const need of this.plan.steps[at]?.needs ?? []) {
        const name = this.plan.steps[need]?.name ?? '';
        const isSomewhere = this.#values.has(name) || this.#held.has(name) || this.#kept.has(name);
        if (!isSomewhere && this.#outcomes[need] !== undefined && !gone.includes(need)) gone.push(need);
      }
    }
    return gone;
  }

  /** A step that was done is not any more. */
  #reopen(index: number): void {
    const step = this.plan.steps[index];
    if (step === undefined) return;
    this.#held.delete(step.name);
    this.#kept.delete(step.name);
    this.#outcomes[index] = undefined;
    this.#again.add(index);
    this.#open++;
    for (const waiting of step.neededBy) this.#waits[waiting] = (this.#waits[waiting] ?? 0) + 1;
  }

  /** Ends what has not ended, from outside: that is what became of the plan, whatever failed in it before. */
  stop(why: Problem, now: Instant): void {
    if (!this.ended) this.#problem = why;
    this.#endRest(why, now);
  }

  /** Nothing is started any more. */
  #endRest(why: Problem, now: Instant): void {
    for (const [index, step] of this.plan.steps.entries()) {
      if (this.#outcomes[index] !== undefined) continue;
      const state = this.#startedSteps.has(index) || this.#again.has(index) ? 'cancelled' : 'skipped';
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

  readonly #progress = {
    isFree: (index: number) => this.#waits[index] === 1 && this.#outcomes[index] === undefined,
    mayStay: (index: number) => this.mayStay(index),
    sizes: this.#sizes,
    values: this.#values,
  };

  /** A step whose value was there beforehand. */
  #reuse(index: number, value: unknown): void {
    const step = this.plan.steps[index];
    if (step === undefined) return;
    this.#values.set(step.name, value);
    this.#end(index, { fun: step.fun, name: step.name, reused: true, state: 'done' });
    for (const waiting of step.neededBy) this.#waits[waiting] = (this.#waits[waiting] ?? 0) - 1;
  }

  #inputsOf({ needs }: Step): readonly Input[] {
    if (this.#held.size + this.#kept.size === 0) return NO_INPUTS;
    return needs.flatMap((index) => {
      const step = this.plan.steps[index]?.name ?? '';
      const node = this.#held.get(step) ?? this.#kept.get(step);
      return node === undefined ? [] : [{ node, step }];
    });
  }

  #argumentsOf(step: Step, where: string, partly: boolean): Outcome<Arguments> {
    const { names, refs } = this.plan;
    const put = partly ? bind : substitute;
    return argumentsOf(step, where, (value, at) => put(value, at, this.#values, names, refs));
  }

  #fail(index: number, node: string | undefined, why: Problem, now: Instant): void {
    const { fun = '', name = '' } = this.plan.steps[index] ?? {};
    const by = node === undefined ? {} : { node };
    const problem = this.#again.has(index) && didNotHappen(why) ? { ...why, outcome: 'unknown' as const } : why;
    this.#end(index, { ...this.#times(index, now), ...by, fun, name, problem, state: 'failed' });
    this.#problem ??= problem;
  }

  #afterFailure(index: number, why: Problem, now: Instant): void {
    const step = this.plan.steps[index];
    if (step?.onError === 'fail') this.#endRest(why, now);
    else if (step !== undefined) this.#skip(step);
  }

  /** Everything that needs a failed step's value, directly or not, will not run. */
  #skip(cause: Step): void {
    const open = [...cause.neededBy];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      const step = this.plan.steps[index];
      if (step === undefined || this.#outcomes[index] !== undefined) continue;
      const state = this.#again.has(index) ? 'cancelled' : 'skipped';
      this.#end(index, { because: cause.name, fun: step.fun, name: step.name, state });
      for (const next of step.neededBy) open.push(next);
    }
  }

  #finish(index: number, step: Step, how: Pick<StepOutcome, 'node' | 'startedMs' | 'tookMs'>): void {
    this.#end(index, { ...how, fun: step.fun, name: step.name, state: 'done' });
    for (const waiting of step.neededBy) {
      const left = (this.#waits[waiting] ?? 0) - 1;
      this.#waits[waiting] = left;
      if (left === 0) this.#ready.push(waiting);
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

const NO_INPUTS: readonly Input[] = [];
