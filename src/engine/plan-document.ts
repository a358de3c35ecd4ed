/** Plans as JSON has them, read and checked without a node. */
import type { PlanDocument } from './api.ts';
import type { Outcome } from './core/base/outcome.ts';
import { DEFAULT_CALLS } from './core/calls/options.ts';
import { type Plan, readPlan } from './core/calls/plan.ts';
import { ProblemError } from './problem-error.ts';
import { planFromJson as fromJson } from './wire/plan-json.ts';

/** What `Client.run` takes for a plan that was JSON. Changes its argument; throws `plan-invalid`. */
export function planFromJson(json: unknown): PlanDocument {
  const read = fromJson(json);
  if (!read.ok) throw new ProblemError(read.problem);
  return read.value as PlanDocument;
}

/** What a node would say of a plan: its steps with who needs whom, or `plan-invalid` with the place. Runs nothing. */
export function checkPlan(json: unknown): Outcome<Plan> {
  const read = fromJson(json);
  return read.ok ? readPlan(read.value, DEFAULT_CALLS) : read;
}
