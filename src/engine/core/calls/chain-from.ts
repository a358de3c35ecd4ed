import type { Outcome } from '../base/outcome.ts';
import type { ChainStep } from './chain-step.ts';
import type { Arguments } from './messages.ts';
import type { Plan, Step } from './plan.ts';
import { bind } from './references.ts';
import { argumentsOf } from './step-arguments.ts';

/** How much may travel with a chain. */
export interface ChainLimits {
  readonly chainStepsMax: number;
  readonly chainBytesMax: number;
}

/** A step that can follow another without coming back to the plan's node between them. */
export interface Follower {
  readonly index: number;
  readonly step: ChainStep;
}

/** What a chain needs to know of its plan's progress. */
export interface Progress {
  /** Whether all that a step needs is done but for one step, and it has not ended itself. */
  isFree(index: number): boolean;
  /** Whether a step's value is no result, and needed. */
  mayStay(index: number): boolean;
  readonly values: ReadonlyMap<string, unknown>;
  readonly sizes: ReadonlyMap<string, number>;
}

/**
 * The steps that can follow `head` on their own way: each is the only one that needs the value of the step before it,
 * which is no result, and everything else that it needs is here and small enough to be sent along.
 *
 * Continuation passing: what is still to be done travels with the value, so that N steps on different nodes take N + 1
 * messages, not 2N. The nearest relative in the field is Cap'n Proto's three-party hand-off.
 */
export function chainFrom(head: number, plan: Plan, limits: ChainLimits, progress: Progress): readonly Follower[] {
  const followers: Follower[] = [];
  let bytes = 0;
  for (let at = head; followers.length + 1 < limits.chainStepsMax; ) {
    const neededBy = plan.steps[at]?.neededBy ?? [];
    const index = neededBy[0];
    if (index === undefined || neededBy.length > 1 || !progress.mayStay(at) || !progress.isFree(index)) break;
    const step = plan.steps[index];
    if (step === undefined) break;
    const others = step.needs.filter((need) => need !== at).map((need) => plan.steps[need]?.name ?? '');
    bytes += others.reduce((sum, name) => sum + (progress.sizes.get(name) ?? Number.POSITIVE_INFINITY), 0);
    if (bytes > limits.chainBytesMax || others.some((name) => !progress.values.has(name))) break;
    const where = `steps[${index}]`;
    const template = templateOf(step, where, plan, progress.values);
    if (!template.ok) break;
    followers.push({ index, step: chainStep(step, where, template.value, progress.mayStay(index)) });
    at = index;
  }
  return followers;
}

function templateOf(
  step: Step,
  where: string,
  { names, refs }: Plan,
  values: ReadonlyMap<string, unknown>,
): Outcome<Arguments> {
  const { args, kwargs } = step;
  const put = (value: unknown, at: string) => bind(value, at, values, names, refs);
  return argumentsOf(kwargs === undefined ? { args } : { args, kwargs }, where, put);
}

function chainStep(step: Step, where: string, { args, kwargs }: Arguments, hold: boolean): ChainStep {
  const { name, fun, locs, version, functionId, cluster, region, timeoutMs, retries, idempotent } = step;
  return {
    args,
    fun,
    hold,
    idempotent,
    locs,
    name,
    retries,
    timeoutMs,
    where,
    ...(kwargs === undefined ? {} : { kwargs }),
    ...(version === undefined ? {} : { version }),
    ...(functionId === undefined ? {} : { functionId }),
    ...(cluster === undefined ? {} : { cluster }),
    ...(region === undefined ? {} : { region }),
  };
}
