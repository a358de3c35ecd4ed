/** Plans as JSON has them, read and checked without a node. */
import type { PlanDocument } from './api.ts';
import { type Problem, problem } from './core/base/problems.ts';
import { DEFAULT_CALLS } from './core/calls/options.ts';
import { type ReadPlan, readPlan, unread } from './core/calls/plan.ts';
import { ProblemError } from './problem-error.ts';
import type { Misfit } from './wire/misfit.ts';
import { planFromJson as fromJson } from './wire/plan-json.ts';

/** What `Client.run` takes for a plan that was JSON. Changes its argument; throws `plan-invalid`. */
export function planFromJson(json: unknown): PlanDocument {
  const { document, misfits } = fromJson(json);
  if (misfits.length === 0) return document as PlanDocument;
  const plan = checked(document, misfits);
  throw new ProblemError(plan.ok ? problem('plan-invalid', 'the plan is not valid') : plan.problem);
}

/** What a node would say of a plan: its steps with who needs whom, or all that is wrong. Runs nothing. Changes its argument. */
export function checkPlan(json: unknown): ReadPlan {
  const { document, misfits } = fromJson(json);
  return checked(document, misfits);
}

function checked(document: unknown, misfits: readonly Misfit[]): ReadPlan {
  const plan = readPlan(document, DEFAULT_CALLS);
  if (misfits.length === 0) return plan;
  const problems = misfits.slice(0, MISFITS_MAX).map((misfit) => problemOf(misfit, document));
  return unread([...problems, ...(plan.ok ? [] : plan.problems)], misfits.length + (plan.ok ? 0 : plan.count));
}

/** Of values that mean nothing, so many are told. */
const MISFITS_MAX = 100;

function problemOf(misfit: Misfit, document: unknown): Problem {
  const path = misfit.pathFrom(Array.isArray(document) ? 'steps' : '').replace(/^\./, '');
  const [index, list] = Array.isArray(document)
    ? [misfit.path.at(-1), document]
    : [misfit.path.at(-2), stepsOf(document)];
  const name: unknown = (list[Number(index)] as { readonly name?: unknown } | null | undefined)?.name;
  const step = typeof name === 'string' ? { step: name } : {};
  return problem('plan-invalid', `${path}: ${misfit.message}`, { path, ...step });
}

function stepsOf(document: unknown): readonly unknown[] {
  const steps = (document as { readonly steps?: unknown } | null)?.steps;
  return Array.isArray(steps) ? steps : [];
}
