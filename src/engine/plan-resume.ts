/**
 * Going on with a plan that failed: what its earlier run gave becomes the `done` of the next one.
 *
 * A step is taken over where its value is there, where it still says the same (function, arguments, where it may run),
 * and where all that it needs is taken over or was left out of the reply alone: what is behind a changed step runs again.
 *
 *     earlier   a ✓ ─► b ✓ ─► c ✗        b was changed since:   a ✓ ─► b ↻ ─► c ↻
 *               d ✓ ────────► e ·                               d ✓ ────────► e ↻
 *
 * It refuses replies that did not fail, and those of other plans.
 */
import type { PlanDocument, RunOptions } from './api.ts';
import type { Plan, Step } from './core/calls/plan.ts';
import { checkPlan } from './plan-document.ts';
import { ProblemError, problemError } from './problem-error.ts';
import { isObject, valueToJson } from './wire/json-value.ts';

/** The document with what its run options ask for. Throws `input-invalid` where a reply holds nothing to go on from. */
export function withResume(document: PlanDocument, { resumable, resume }: RunOptions): PlanDocument {
  if (resume === undefined && resumable === undefined) return document;
  if (!Array.isArray(document) && !isObject(document)) return document;
  const head: Readonly<Record<string, unknown>> = Array.isArray(document)
    ? { steps: document }
    : (document as object as never);
  if (resume === undefined) return { ...head, resumable };
  if (resume.problem === undefined) throw problemError('input-invalid', 'the plan of that reply has not failed');
  if (resume.values === undefined) {
    throw problemError('input-invalid', 'that reply holds no values: its plan was run without "resumable"');
  }
  return { ...head, done: { ...doneOf(head), ...resume.values, ...resume.results }, resumable: resumable ?? true };
}

/** What runs, and what does not any more. */
export interface Resumption {
  /** The plan as JSON, with its `done`. */
  readonly plan: unknown;
  readonly reused: readonly string[];
  /** The steps that run, each with the reason. */
  readonly runs: readonly { readonly name: string; readonly why: string }[];
}

/**
 * How to go on from a reply as `mpreg plan run --json` and HTTP give it: with `given`, the plan as it is now, or with
 * the plan that the reply holds. Both are parsed JSON and stay as they are. Throws `input-invalid`, `plan-invalid`.
 */
export function resumption(reply: unknown, given?: unknown): Resumption {
  const { earlier: held, states, values } = readReply(reply);
  const json = given ?? held;
  if (json === undefined) {
    throw problemError('input-invalid', 'the reply does not hold its plan: name the plan, too', {
      hint: 'Replies of plan run --json hold it.\nmpreg plan run PLAN --resume REPLY',
    });
  }
  const plan = planOf(json);
  if (given !== undefined && states.size > 0 && !plan.steps.some(({ name }) => states.has(name))) {
    const names = [...states.keys()].slice(0, 8).join(', ');
    throw problemError('input-invalid', `the reply is of another plan: no step here is named like one of ${names}`);
  }
  const before = given === undefined || held === undefined ? undefined : planOf(held);
  const changed = before === undefined ? changedByName(plan, states) : changedSteps(plan, before);
  const reused: string[] = [];
  const runs: { readonly name: string; readonly why: string }[] = [];
  const own = doneOf(json);
  for (const [index, { name }] of plan.steps.entries()) {
    if (Object.hasOwn(own, name) && given !== undefined) continue;
    const why = changed.get(index) ?? states.get(name)?.state ?? 'not reached';
    if (!Object.hasOwn(values, name)) runs.push({ name, why: why === 'done' ? 'its value was left out' : why });
    else if (changed.has(index)) runs.push({ name, why });
    else reused.push(name);
  }
  const taken = Object.fromEntries(reused.map((name) => [name, values[name]]));
  const head = Array.isArray(json) ? { steps: json } : (json as object);
  return { plan: { ...head, done: given === undefined ? { ...own, ...taken } : { ...taken, ...own } }, reused, runs };
}

interface ReadReply {
  readonly earlier: unknown;
  readonly states: ReadonlyMap<string, { readonly state: string; readonly fun: unknown }>;
  readonly values: Readonly<Record<string, unknown>>;
}

function readReply(reply: unknown): ReadReply {
  if (!isObject(reply) || !Array.isArray(reply['steps']) || !isObject(reply['results'])) {
    const what = isObject(reply) && isObject(reply['error']) ? 'an error before the plan was begun' : 'something else';
    throw problemError('input-invalid', `it holds no reply of a plan, but ${what}`, {
      hint: 'A reply that can be resumed is what a failed plan prints under --json.\nmpreg plan run PLAN --json > reply.json',
    });
  }
  if (reply['error'] === undefined) throw problemError('input-invalid', 'the plan of that reply has not failed');
  const outcomes = (reply['steps'] as unknown[]).filter(isObject);
  const states = outcomes.map(({ fun, name, state }) => [String(name), { fun, state: String(state) }] as const);
  const values = { ...(isObject(reply['values']) ? reply['values'] : {}), ...reply['results'] };
  return { earlier: reply['plan'], states: new Map(states), values };
}

function planOf(json: unknown): Plan {
  const plan = checkPlan(structuredClone(json));
  if (!plan.ok) throw new ProblemError(plan.problem);
  return plan.value;
}

function doneOf(document: unknown): Readonly<Record<string, unknown>> {
  const done = isObject(document) ? document['done'] : undefined;
  return isObject(done) ? done : {};
}

/** Where the earlier plan is not there: a step counts as the same where its name and its function are. */
function changedByName({ steps }: Plan, states: ReadReply['states']): ReadonlyMap<number, string> {
  const differs = ({ fun, name }: Step) => {
    const then = states.get(name);
    return then === undefined ? 'new' : then.fun === fun ? undefined : 'changed';
  };
  return withThoseBehind(steps, differs);
}

function changedSteps(plan: Plan, before: Plan): ReadonlyMap<number, string> {
  const then = new Map(before.steps.map((step) => [step.name, identityOf(step, before)]));
  return withThoseBehind(plan.steps, (step) => {
    const was = then.get(step.name);
    return was === undefined ? 'new' : was === identityOf(step, plan) ? undefined : 'changed';
  });
}

/** What a step's value depends on, but for the values that it needs. Not how long it may take or what its failure means. */
function identityOf(
  { args, cluster, fun, functionId, kwargs, locs, needs, region, version }: Step,
  { refs, steps }: Plan,
): string {
  const needed = needs.map((index) => steps[index]?.name).sort();
  const what = [fun, args, kwargs, locs.toSorted(), version, functionId, cluster, region, needed, refs];
  return JSON.stringify(valueToJson(what), sorted);
}

/** Objects with their keys in order: JSON does not mean any. */
function sorted(_: string, value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function withThoseBehind(
  steps: readonly Step[],
  differs: (step: Step) => string | undefined,
): ReadonlyMap<number, string> {
  const changed = new Map<number, string>();
  const open: number[] = [];
  for (const [index, step] of steps.entries()) {
    const why = differs(step);
    if (why === undefined) continue;
    changed.set(index, why);
    open.push(index);
  }
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    for (const behind of steps[index]?.neededBy ?? []) {
      if (changed.has(behind)) continue;
      changed.set(behind, `needs ${steps[index]?.name}`);
      open.push(behind);
    }
  }
  return changed;
}
