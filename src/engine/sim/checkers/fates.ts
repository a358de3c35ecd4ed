/**
 * All that an onlooker who sees every machine knows about every call and every step: who began it, how each run ended,
 * what it must have given. The checkers judge by it; it judges nothing itself.
 */
import type { Outcome } from '../../core/base/outcome.ts';
import type { Payload } from '../../core/base/payload.ts';
import type { Problem } from '../../core/base/problems.ts';
import type { Ask } from '../client.ts';
import { digest } from '../digest.ts';
import { argumentsOf, type RunEffect } from '../functions.ts';
import type { SimProcess } from '../process.ts';
import { type StepTerms, stepNames } from '../scenario.ts';
import { Checker } from './checker.ts';
import { type Names, needsOf, outputOf, type Resolved, resolve } from './oracle.ts';

/** One run of a function, on one node. */
export interface Run {
  readonly process: SimProcess;
  readonly task: number;
  readonly version: string;
  /** Set once it ended. */
  outcome: Outcome<unknown> | undefined;
}

/** One call, or one step of a plan. */
export interface Fate {
  readonly token: string;
  readonly ask: Ask;
  readonly name: string;
  readonly terms: StepTerms;
  readonly names: Names;
  readonly runs: Run[];
  /** The steps whose values it refers to, and all that these need in turn. */
  readonly needs: readonly Fate[];
  readonly ancestors: ReadonlySet<Fate>;
  /** Somebody was told that it was not done. */
  denied: Problem | undefined;
  /** What it must give, once that is known. */
  expected: { readonly value: unknown } | undefined;
}

export class Fates extends Checker {
  readonly #byToken = new Map<string, Fate>();
  readonly #byAsk = new Map<Ask, readonly Fate[]>();

  /** The call or step that a run is about. */
  of(run: Pick<RunEffect, 'payload'>): Fate | undefined {
    return this.#byToken.get(argumentsOf(run.payload).token);
  }

  ofAsk(ask: Ask): readonly Fate[] {
    return this.#byAsk.get(ask) ?? [];
  }

  override asked(ask: Ask): void {
    const { event } = ask;
    const plan = event.kind === 'plan' ? event : undefined;
    const all = plan === undefined ? [''] : stepNames(plan);
    const names = { all: new Set(plan === undefined ? [] : all), texts: plan?.refs !== 'explicit' };
    const steps: readonly StepTerms[] = event.kind === 'plan' ? event.steps : [event];
    const bare = new Map<string, Bare>();
    for (const [i, terms] of steps.entries()) bare.set(all[i] ?? '', { index: i, terms });
    const made = new Map<string, Fate>();
    for (const name of bare.keys()) this.#make(name, ask, names, bare, made);
    const fates = all.flatMap((name) => made.get(name) ?? []);
    this.#byAsk.set(ask, fates);
    for (const fate of fates) this.#byToken.set(fate.token, fate);
  }

  override began(process: SimProcess, run: RunEffect, version: string): void {
    this.of(run)?.runs.push({ outcome: undefined, process, task: run.task, version });
  }

  override ran(process: SimProcess, run: RunEffect, outcome: Outcome<Payload>): void {
    const known = this.of(run)?.runs.findLast((one) => one.process === process && one.task === run.task);
    if (known !== undefined) known.outcome = outcome.ok ? outcome.value.value() : outcome;
  }

  #make(name: string, ask: Ask, names: Names, bare: Map<string, Bare>, made: Map<string, Fate>): Fate | undefined {
    const own = bare.get(name);
    const before = made.get(name);
    if (before !== undefined || own === undefined) return before;
    bare.delete(name); // a cycle, which is refused, ends here
    const { terms, index } = own;
    const referred = ask.event.kind === 'plan' ? needsOf([terms.args, terms.kwargs ?? {}], names) : [];
    const needs = [...referred].flatMap((need) => this.#make(need, ask, names, bare, made) ?? []);
    const ancestors = new Set(needs.flatMap((need) => [need, ...need.ancestors]));
    const token = ask.tokens[index] ?? '';
    const fate: Fate = {
      ancestors,
      ask,
      denied: undefined,
      expected: undefined,
      name,
      names,
      needs,
      runs: [],
      terms,
      token,
    };
    made.set(name, fate);
    return fate;
  }
}

interface Bare {
  readonly index: number;
  readonly terms: StepTerms;
}

/** The arguments that a run must get: `[args, kwargs]`. */
export function expectedArguments({ terms, names, needs, ask }: Fate): Resolved {
  const all = [terms.args, terms.kwargs ?? {}];
  if (ask.event.kind === 'call') return { kind: 'value', value: all };
  return resolve(all, names, (step) => {
    const need = needs.find(({ name }) => name === step);
    return need === undefined ? undefined : expectedValue(need);
  });
}

/** What a call or step must give; undefined where only its runs can tell, and these do not agree. */
export function expectedValue(fate: Fate): { readonly value: unknown } | undefined {
  if (fate.expected !== undefined) return fate.expected;
  if ([fate, ...fate.ancestors].some(({ terms }) => terms.fun === 'which')) {
    const given = successes(fate);
    const same = new Set(given.map((value) => digest(value).hash)).size === 1;
    return same ? { value: given[0] } : undefined;
  }
  const resolved = expectedArguments(fate);
  if (resolved.kind !== 'value') return undefined;
  const [args, kwargs] = resolved.value as [unknown[], Record<string, unknown>];
  fate.expected = { value: outputOf(fate.terms.fun, args, kwargs) };
  return fate.expected;
}

/** The values of the runs that ended well. */
export function successes({ runs }: Fate): readonly unknown[] {
  return runs.flatMap(({ outcome }) => (outcome?.ok ? [outcome.value] : []));
}

/** For messages: `c3s1 (echo), run on n2, n4`. */
export function tell({ token, terms, runs }: Fate): string {
  const on = runs.map(({ process, outcome }) => {
    const how = outcome === undefined ? 'no end' : outcome.ok ? 'done' : outcome.problem.code;
    return `${process.birth.name}.${process.life} (${how})`;
  });
  return `${token} (${terms.fun}), run on ${on.length === 0 ? 'none' : on.join(', ')}`;
}
