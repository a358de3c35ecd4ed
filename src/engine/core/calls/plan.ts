import type { Problem } from '../base/problems.ts';
import { didYouMean, Flaws, oneProblem } from './flaws.ts';
import type { CallsOptions } from './options.ts';
import { type LinkedStep, link } from './plan-links.ts';
import { isCount, isOnError, nameOf, readStep, type StepTerms } from './plan-step.ts';
import { isPlainObject, type RefsMode } from './references.ts';

/** One step, as it was checked. */
export type Step = LinkedStep;

/** A plan that can be run: names are unique, references lead to steps, and there is an order. */
export interface Plan {
  readonly steps: readonly Step[];
  readonly names: ReadonlySet<string>;
  readonly refs: RefsMode;
  /** Indexes of the steps whose values are the results. */
  readonly results: readonly number[];
  /** Milliseconds; 0: no limit. */
  readonly timeoutMs: number;
  /** Values of steps that are not to be run: an earlier run gave them. By the step's index. */
  readonly done: ReadonlyMap<number, unknown>;
  /**
   * Whether a reply that failed must hold what another run can go on from.
   * Trade-off: the values of all steps go to whoever asked, though only results were asked for.
   */
  readonly resumable: boolean;
}

/** A plan, or all that is wrong with it: as one problem, and each. */
export type ReadPlan = { readonly ok: true; readonly value: Plan } | UnreadPlan;

export interface UnreadPlan {
  readonly ok: false;
  readonly problem: Problem;
  /** The first of them; `count` is how many there are. */
  readonly problems: readonly Problem[];
  readonly count: number;
}

const PLAN_FIELDS = ['steps', 'return', 'refs', 'onError', 'timeoutMs', 'done', 'resumable'];

/** Reads a plan document: a list of steps, or an object of `PLAN_FIELDS`. Runs nothing. */
export function readPlan(document: unknown, options: CallsOptions): ReadPlan {
  const flaws = new Flaws();
  const plan = read(document, options, flaws);
  if (plan !== undefined && flaws.count === 0) return { ok: true, value: plan };
  return unread(flaws.all, flaws.count);
}

export function unread(problems: readonly Problem[], count: number): UnreadPlan {
  return { count, ok: false, problem: oneProblem(problems, count), problems };
}

/** The plan as far as it can be read; what is wrong is in `flaws`. */
function read(document: unknown, options: CallsOptions, flaws: Flaws): Plan | undefined {
  const head = Array.isArray(document) ? { steps: document } : document;
  if (!isPlainObject(head)) {
    flaws.add('', `a plan is a list of steps or an object with "steps", not ${nameOf(head)}`);
    return undefined;
  }
  for (const key of Object.keys(head)) {
    if (PLAN_FIELDS.includes(key)) continue;
    const meant = didYouMean(key, PLAN_FIELDS);
    flaws.add(key, `a plan has no field "${key}"; it has ${PLAN_FIELDS.join(', ')}${meant}`);
  }
  const { steps, refs = 'strings', onError = 'fail', timeoutMs = 0, resumable = false } = head;
  if (refs !== 'strings' && refs !== 'explicit') flaws.add('refs', '"refs" must be "strings" or "explicit"');
  if (!isOnError(onError)) flaws.add('onError', '"onError" must be "fail" or "continue"');
  if (!isCount(timeoutMs)) flaws.add('timeoutMs', '"timeoutMs" must be a whole number of milliseconds');
  if (typeof resumable !== 'boolean') flaws.add('resumable', '"resumable" must be true or false');
  if (!Array.isArray(steps)) {
    flaws.add('steps', `"steps" must be a list, not ${nameOf(steps)}`);
    return undefined;
  }
  if (steps.length === 0) flaws.add('steps', 'the plan has no steps');
  if (steps.length > options.stepsMax) {
    flaws.add('steps', `${steps.length} steps are more than the limit of ${options.stepsMax} (stepsMax)`);
    return undefined;
  }
  const mode = refs === 'explicit' ? refs : 'strings';
  const terms = steps.map((raw: unknown, i) =>
    readStep(raw, `steps[${i}]`, isOnError(onError) ? onError : 'fail', options, flaws),
  );
  const index = indexOf(terms, flaws);
  const linked = link(terms, index, mode, flaws);
  return {
    done: readDone(head['done'], index, flaws),
    names: new Set(index.keys()),
    refs: mode,
    results: readReturn(head['return'], linked, index, flaws),
    resumable: resumable === true,
    steps: linked,
    timeoutMs: isCount(timeoutMs) ? timeoutMs : 0,
  };
}

function indexOf(terms: readonly StepTerms[], flaws: Flaws): ReadonlyMap<string, number> {
  const index = new Map<string, number>();
  for (const [i, { name }] of terms.entries()) {
    const first = index.get(name);
    if (first !== undefined) {
      flaws.add(`steps[${i}].name`, `two steps are named "${name}": steps[${first}] and steps[${i}]`, name);
    } else if (name !== '') index.set(name, i);
  }
  return index;
}

function readReturn(
  wanted: unknown,
  steps: readonly Step[],
  index: ReadonlyMap<string, number>,
  flaws: Flaws,
): readonly number[] {
  if (wanted === undefined) return [...steps.keys()].filter((i) => steps[i]?.neededBy.length === 0);
  if (wanted === 'all') return [...steps.keys()];
  if (!Array.isArray(wanted)) {
    flaws.add('return', '"return" must be "all" or a list of step names');
    return [];
  }
  const results: number[] = [];
  for (const [i, name] of (wanted as unknown[]).entries()) {
    const at = typeof name === 'string' ? index.get(name) : undefined;
    if (at !== undefined) results.push(at);
    else flaws.add(`return[${i}]`, `return[${i}] is ${JSON.stringify(name)}, ${unknownStep(name, index, flaws)}`);
  }
  return results;
}

function readDone(given: unknown, index: ReadonlyMap<string, number>, flaws: Flaws): ReadonlyMap<number, unknown> {
  const values = new Map<number, unknown>();
  if (given === undefined) return values;
  if (!isPlainObject(given)) {
    flaws.add('done', `"done" must be an object of values by step, not ${nameOf(given)}`);
    return values;
  }
  for (const [name, value] of Object.entries(given)) {
    const at = index.get(name);
    if (at !== undefined) values.set(at, value);
    else flaws.add(`done.${name}`, `"done" has a value for "${name}", ${unknownStep(name, index, flaws)}`);
  }
  return values;
}

function unknownStep(name: unknown, index: ReadonlyMap<string, number>, flaws: Flaws): string {
  const meant = typeof name === 'string' && !flaws.isFull ? didYouMean(name, [...index.keys()]) : '';
  return `and no step has that name${meant}`;
}
