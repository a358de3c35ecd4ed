/**
 * The laws of calls.
 *
 * Safety: one outcome for one call; a result comes from a node that ran it, and is the right one; what is said not to
 * have happened never runs; what is not declared idempotent runs at most once; without any fault no call is lost.
 * Liveness: every call ends, unless its client or its entry node went away; no task is left behind.
 */
import type { Problem } from '../../core/base/problems.ts';
import { didNotHappen } from '../../core/base/problems.ts';
import type { PlanReply } from '../../core/calls/messages.ts';
import type { NodeEffect } from '../../core/node/effects.ts';
import type { NodeInput } from '../../core/node/inputs.ts';
import type { Ask } from '../client.ts';
import { digest } from '../digest.ts';
import { argumentsOf } from '../functions.ts';
import type { SimProcess } from '../process.ts';
import type { CallTerms } from '../scenario.ts';
import type { World } from '../world.ts';
import { Checker, law } from './checker.ts';
import { who } from './membership.ts';

/** All that is known about one call or one step of a plan. */
interface Fate {
  readonly token: string;
  readonly terms: CallTerms;
  /** The nodes that began to run it, by name. */
  readonly runs: string[];
  /** Somebody was told that it was not done. */
  denied: Problem | undefined;
}

export class CallsChecker extends Checker {
  readonly #world: () => World;
  /** Whether nothing goes wrong in this scenario that could lose a message. */
  readonly #quiet: boolean;
  readonly #fates = new Map<string, Fate>();

  constructor(world: () => World, quiet: boolean) {
    super();
    this.#world = world;
    this.#quiet = quiet;
  }

  override asked(ask: Ask): void {
    const terms = ask.event.kind === 'call' ? [ask.event] : ask.event.steps;
    for (const [i, token] of ask.tokens.entries()) {
      const own = terms[i];
      if (own !== undefined) this.#fates.set(token, { denied: undefined, runs: [], terms: own, token });
    }
  }

  override stepped(process: SimProcess, _input: NodeInput, effects: readonly NodeEffect[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'run') continue;
      const fate = this.#fates.get(argumentsOf(effect.payload).token);
      if (fate === undefined || !this.#offers(process, effect.fun)) continue;
      fate.runs.push(process.birth.name);
      const says = () => `${fate.token} (${fate.terms.fun}) ran on ${fate.runs.join(', ')}; now ${who(process)}`;
      law(fate.denied === undefined, 'what was said not to have happened never runs', says);
      law(fate.terms.idempotent || fate.runs.length === 1, 'what is not idempotent runs at most once', says);
      law(effect.fun === fate.terms.fun, 'a call runs the function that it names', says);
    }
  }

  override answered(ask: Ask): void {
    const says = () => `call ${ask.id} got ${ask.answers.map((answer) => JSON.stringify(answer)).join(' and ')}`;
    law(ask.answers.length === 1, 'a call has one outcome', says);
    const [answer] = ask.answers;
    if (answer === undefined) return;
    if (answer.kind === 'error') {
      law(!this.#quiet || answer.problem.code !== 'link-lost', 'without a fault no call is lost', says);
      if (didNotHappen(answer.problem)) for (const token of ask.tokens) this.#deny(token, answer.problem);
      return;
    }
    const value = answer.payload.value();
    law(value.ok, 'a result can be read', says);
    if (ask.event.kind === 'plan') this.#judgePlan(ask, value.value as PlanReply);
    else this.#judgeResult(ask, answer.by, value.value, says);
  }

  override unsettled(): string | undefined {
    const world = this.#world();
    for (const ask of world.asks) {
      const open = ask.answers.length === 0 && !ask.lost;
      if (open)
        return `call ${ask.id} (${ask.event.kind} through ${world.place(ask.event.node).plan.name}) has no answer`;
    }
    for (const process of world.living) {
      const { running, waiting } = process.snapshot().calls;
      if (running + waiting > 0) return `${who(process)} has ${running} running and ${waiting} waiting calls left`;
    }
    return undefined;
  }

  #judgeResult(ask: Ask, by: string, value: unknown, says: () => string): void {
    const fate = this.#fates.get(ask.tokens[0] ?? '');
    if (fate === undefined) return;
    law(fate.runs.includes(by), 'a result comes from a node that ran the call', says);
    const expected = expectedOf(fate.terms);
    law(digest(expected).hash === digest(value).hash, 'a call gets its own result', says);
  }

  #judgePlan(ask: Ask, reply: PlanReply): void {
    for (const [i, token] of ask.tokens.entries()) {
      const step = reply.steps.find(({ name }) => name === `s${i}`);
      const fate = this.#fates.get(token);
      const says = () => `step ${token}: ${JSON.stringify(step)}, runs: ${fate?.runs.join(', ')}`;
      law(step !== undefined && fate !== undefined, 'a plan accounts for all its steps', says);
      if (step.state === 'done') law(fate.runs.length > 0, 'a step that is done was run', says);
      const given = reply.results[step.name];
      const right = given === undefined || digest(given).hash === digest(this.#expectedStep(ask, i)).hash;
      law(right, 'a plan gives what its steps give', says);
      const refused = step.state === 'failed' && step.problem !== undefined && didNotHappen(step.problem);
      if (refused || step.state === 'skipped')
        this.#deny(token, step.problem ?? { code: 'cancelled', message: 'skipped' });
    }
  }

  /** What a step must give where everything that it refers to has given what it must. */
  #expectedStep(ask: Ask, index: number): unknown {
    const terms = this.#fates.get(ask.tokens[index] ?? '')?.terms;
    if (terms === undefined) return undefined;
    const args = terms.args.map((arg) => {
      const reference = typeof arg === 'string' ? /^s(\d+)$/.exec(arg) : null;
      return reference === null ? arg : this.#expectedStep(ask, Number(reference[1]));
    });
    return expectedOf({ ...terms, args });
  }

  #deny(token: string, problem: Problem): void {
    const fate = this.#fates.get(token);
    if (fate === undefined) return;
    fate.denied = problem;
    law(fate.runs.length === 0, 'what is said not to have happened did not run', () => {
      return `${token} (${fate.terms.fun}) ran on ${fate.runs.join(', ')}, but was answered ${JSON.stringify(problem)}`;
    });
  }

  #offers(process: SimProcess, fun: string): boolean {
    return this.#world()
      .place(process.place)
      .functions.some(({ name }) => name === fun);
  }
}

/** What `functions.ts` would return, computed in the plainest way. */
function expectedOf({ fun, args }: CallTerms): unknown {
  if (fun === 'add') return (args as number[]).reduce((sum, term) => sum + term, 0);
  return fun === 'sleep' ? args[1] : args[0];
}
