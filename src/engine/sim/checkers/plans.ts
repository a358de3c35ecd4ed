/**
 * The laws of plans: what a run of a step must have got, and what the reply may say.
 *
 * A step runs only once all that it refers to has run to a good end, and gets exactly those values. The reply accounts
 * for every step once: what is done was run to its end by the node that it names, what is skipped never runs and says
 * because of which failed step, the results are those of the oracle. With `onError: "continue"`, all that does not depend
 * on a failed step is run. What ends of plans is in `plan-ends.ts`.
 */
import { didNotHappen } from '../../core/base/problems.ts';
import type { PlanReply, StepOutcome } from '../../core/calls/messages.ts';
import type { Ask } from '../client.ts';
import { digest } from '../digest.ts';
import { argumentsOf, type RunEffect } from '../functions.ts';
import type { SimProcess } from '../process.ts';
import type { PlanEvent } from '../scenario.ts';
import { deny, ranOn } from './calls.ts';
import { Checker, law } from './checker.ts';
import { expectedArguments, expectedValue, type Fate, type Fates, successes, tell } from './fates.ts';
import { who } from './membership.ts';

export class PlansChecker extends Checker {
  readonly #fates: Fates;
  readonly #quiet: boolean;

  constructor(fates: Fates, quiet: boolean) {
    super();
    this.#fates = fates;
    this.#quiet = quiet;
  }

  override began(process: SimProcess, run: RunEffect): void {
    const fate = this.#fates.of(run);
    if (fate === undefined || fate.ask.event.kind !== 'plan') return;
    const open = fate.needs.filter((need) => successes(need).length === 0);
    const says = () => `${tell(fate)}; on ${who(process)}; not done: ${open.map(tell).join('; ') || 'none'}`;
    law(open.length === 0, 'a step runs only once all that it refers to is done', says);
    const expected = expectedArguments(fate);
    law(expected.kind !== 'lost', 'a step with a reference that leads nowhere does not run', says);
    if (expected.kind !== 'value') return;
    const { args, kwargs = {} } = argumentsOf(run.payload);
    const right = digest(expected.value).hash === digest([args, kwargs]).hash;
    law(right, 'a step gets the values that it refers to', () => {
      return `${says()}: got ${JSON.stringify([args, kwargs])}, not ${JSON.stringify(expected.value)}`;
    });
  }

  override answered(ask: Ask): void {
    const [answer] = ask.answers;
    if (ask.event.kind !== 'plan' || answer?.kind !== 'result') return;
    const value = answer.payload.value();
    if (value.ok) new Judgement(ask, ask.event, this.#fates.ofAsk(ask), value.value as PlanReply, this.#quiet).pass();
  }
}

/** What is said of a step whose node, or whose value, is gone. */
const LOST: ReadonlySet<string> = new Set(['link-lost', 'value-lost']);

/** One reply before the laws. */
class Judgement {
  readonly #ask: Ask;
  readonly #event: PlanEvent;
  readonly #fates: readonly Fate[];
  readonly #reply: PlanReply;
  readonly #outcomes: ReadonlyMap<string, StepOutcome>;
  /** Whether something else than a step may have ended the plan: its time, its client, its node. */
  readonly #mayBeCut: boolean;
  readonly #quiet: boolean;

  constructor(ask: Ask, event: PlanEvent, fates: readonly Fate[], reply: PlanReply, quiet: boolean) {
    this.#ask = ask;
    this.#event = event;
    this.#fates = fates;
    this.#reply = reply;
    this.#outcomes = new Map(reply.steps.map((step) => [step.name, step]));
    this.#quiet = quiet;
    this.#mayBeCut = !quiet || ask.cancelled || event.timeoutMs > 0 || (event.planTimeoutMs ?? 0) > 0;
  }

  pass(): void {
    const { steps, problem } = this.#reply;
    const says = () =>
      `plan ${this.#ask.id} of ${this.#fates.length} steps was answered ${JSON.stringify(this.#reply)}`;
    const once = steps.length === this.#fates.length && this.#fates.every(({ name }) => this.#outcomes.has(name));
    law(once, 'a reply accounts for every step exactly once', says);
    for (const fate of this.#fates) this.#judgeStep(fate);
    const whole = steps.every(({ state }) => state === 'done');
    law(whole === (problem === undefined), 'a reply says what went wrong if, and only if, something did', says);
    this.#judgeResults(says);
    this.#judgeValues(says);
    this.#judgeRest(says);
  }

  #judgeStep(fate: Fate): void {
    const outcome = this.#outcomes.get(fate.name);
    if (outcome === undefined) return;
    const says = () => `step ${JSON.stringify(outcome)}: ${tell(fate)}`;
    law(outcome.fun === fate.terms.fun, 'an outcome is about its step', says);
    switch (outcome.state) {
      case 'done':
        law(ranOn(fate, outcome.node), 'a step that is done was run by the node that it names', says);
        break;
      case 'failed':
        law(outcome.problem !== undefined, 'a step that failed says why', says);
        law(!this.#quiet || !LOST.has(outcome.problem.code), 'without a fault no step is lost', says);
        if (didNotHappen(outcome.problem)) deny(fate, outcome.problem);
        break;
      case 'skipped':
        deny(fate, { code: 'cancelled', message: 'skipped' });
        this.#judgeBecause(fate, outcome, says);
        break;
      case 'cancelled':
        break;
    }
  }

  #judgeBecause(fate: Fate, { because }: StepOutcome, says: () => string): void {
    if (because === undefined) {
      law(this.#mayBeCut, 'a step is skipped because of a step that failed', says);
      return;
    }
    const cause = this.#fates.find(({ name }) => name === because);
    const guilty = cause !== undefined && this.#outcomes.get(because)?.state === 'failed';
    const concerns = guilty && (fate.ancestors.has(cause) || this.#onError(cause) === 'fail');
    law(concerns, 'a step is skipped because of a step that failed', says);
  }

  #judgeResults(says: () => string): void {
    const { return: wanted } = this.#event;
    const needed = new Set(this.#fates.flatMap(({ needs }) => needs));
    const isWanted = (fate: Fate) =>
      wanted === undefined ? !needed.has(fate) : wanted === 'all' || wanted.includes(fate.name);
    const isDone = ({ name }: Fate) => this.#outcomes.get(name)?.state === 'done';
    const due = this.#fates.filter((fate) => isWanted(fate) && isDone(fate));
    const { results } = this.#reply;
    const given = Object.keys(results).length === due.length && due.every(({ name }) => Object.hasOwn(results, name));
    law(given, 'a plan gives the results that were asked for', says);
    for (const fate of due) {
      const expected = expectedValue(fate);
      const right = expected === undefined || digest(expected.value).hash === digest(results[fate.name]).hash;
      law(right, 'a plan gives what its steps give', () => `${tell(fate)}: not ${JSON.stringify(expected)}; ${says()}`);
    }
  }

  /** A resumable plan that failed gives what its steps gave; where nodes may be gone, or time is short, as far as it can. */
  #judgeValues(says: () => string): void {
    const { values, results, problem } = this.#reply;
    const due = this.#event.resumable === true && problem !== undefined;
    law((values !== undefined) === due, 'values are given where a resumable plan failed', says);
    for (const fate of this.#fates) {
      const isDone = this.#outcomes.get(fate.name)?.state === 'done';
      const given = { ...values, ...results }[fate.name];
      const has = Object.hasOwn(values ?? {}, fate.name) || Object.hasOwn(results, fate.name);
      law(!has || isDone, 'only what is done is given', says);
      law(!due || !isDone || has || this.#mayBeCut, 'a resumable plan gives all that is done', says);
      const expected = expectedValue(fate);
      const right = !has || expected === undefined || digest(expected.value).hash === digest(given).hash;
      law(right, 'a resumable plan gives what its steps gave', () => `${tell(fate)}: ${says()}`);
    }
  }

  /** What does not depend on anything that failed was run, unless the plan was ended before its time. */
  #judgeRest(says: () => string): void {
    const inState = (state: StepOutcome['state']) =>
      this.#fates.filter(({ name }) => this.#outcomes.get(name)?.state === state);
    const failed = inState('failed');
    const ended = failed.some((fate) => this.#onError(fate) === 'fail');
    const open = [...inState('cancelled'), ...inState('skipped')];
    const idle = open.filter(({ ancestors }) => !failed.some((fate) => ancestors.has(fate)));
    const fair = ended || this.#mayBeCut || idle.length === 0;
    law(fair, 'what does not depend on a failed step is run', () => `${idle.map(tell).join('; ')} not run: ${says()}`);
  }

  #onError({ terms }: Fate): 'fail' | 'continue' {
    return terms.onError ?? this.#event.onError ?? 'fail';
  }
}
