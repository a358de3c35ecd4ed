import { done, failed, type Outcome } from '../base/outcome.ts';
import { type Problem, problem } from '../base/problems.ts';
import type { CallsOptions } from './options.ts';
import { eachReference, isPlainObject, NAME_MAX, type Reference, type RefsMode } from './references.ts';

/** One step, as it was checked. */
export interface Step {
  readonly name: string;
  readonly fun: string;
  readonly args: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly locs: readonly string[];
  readonly version?: string;
  readonly functionId?: string;
  /** Milliseconds; 0: no limit of its own. */
  readonly timeoutMs: number;
  /** How often it is tried again, where that is allowed. */
  readonly retries: number;
  readonly idempotent: boolean;
  readonly onError: OnError;
  /** Steps whose values it needs, by index. */
  readonly needs: readonly number[];
  /** Steps that need its value, by index. */
  readonly neededBy: readonly number[];
}

export type OnError = 'fail' | 'continue';

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

const PLAN_FIELDS = ['steps', 'return', 'refs', 'onError', 'timeoutMs', 'done', 'resumable'];
const STEP_FIELDS = [
  'name',
  'fun',
  'args',
  'kwargs',
  'locs',
  'version',
  'functionId',
  'timeoutMs',
  'retries',
  'idempotent',
  'onError',
];

/** Limit: tries of one step. With the back-off's longest wait, a hundred take a quarter of an hour. */
const RETRIES_MAX = 100;

/** Of a long cycle, so many steps are printed at both ends. */
const CYCLE_ENDS_MAX = 8;

/** Reads a plan document: a list of steps, or an object of `PLAN_FIELDS`. Runs nothing. */
export function readPlan(document: unknown, options: CallsOptions): Outcome<Plan> {
  const head = Array.isArray(document) ? { steps: document } : document;
  if (!isPlainObject(head))
    return wrong('', `a plan is a list of steps or an object with "steps", not ${nameOf(head)}`);
  const unknown = Object.keys(head).find((key) => !PLAN_FIELDS.includes(key));
  if (unknown !== undefined)
    return wrong(unknown, `a plan has no field "${unknown}"; it has ${PLAN_FIELDS.join(', ')}`);
  const { steps, refs = 'strings', onError = 'fail', timeoutMs = 0, resumable = false } = head;
  if (!Array.isArray(steps)) return wrong('steps', `"steps" must be a list, not ${nameOf(steps)}`);
  if (steps.length === 0) return wrong('steps', 'the plan has no steps');
  if (steps.length > options.stepsMax) {
    return wrong('steps', `${steps.length} steps are more than the limit of ${options.stepsMax} (stepsMax)`);
  }
  if (refs !== 'strings' && refs !== 'explicit') return wrong('refs', '"refs" must be "strings" or "explicit"');
  if (onError !== 'fail' && onError !== 'continue') return wrong('onError', '"onError" must be "fail" or "continue"');
  if (!isCount(timeoutMs)) return wrong('timeoutMs', '"timeoutMs" must be a whole number of milliseconds');
  if (typeof resumable !== 'boolean') return wrong('resumable', '"resumable" must be true or false');

  const read: Omit<Step, 'needs' | 'neededBy'>[] = [];
  const index = new Map<string, number>();
  for (const [i, raw] of (steps as unknown[]).entries()) {
    const step = readStep(raw, `steps[${i}]`, onError, options);
    if (!step.ok) return step;
    const first = index.get(step.value.name);
    if (first !== undefined) {
      return wrong(`steps[${i}].name`, `two steps are named "${step.value.name}": steps[${first}] and steps[${i}]`);
    }
    index.set(step.value.name, i);
    read.push(step.value);
  }
  const linked = link(read, index, refs);
  if (!linked.ok) return linked;
  const results = readReturn(head['return'], linked.value, index);
  if (!results.ok) return results;
  const given = readDone(head['done'], index);
  if (!given.ok) return given;
  const names = new Set(index.keys());
  return done({ done: given.value, names, refs, results: results.value, resumable, steps: linked.value, timeoutMs });
}

function readStep(
  raw: unknown,
  at: string,
  planOnError: OnError,
  options: CallsOptions,
): Outcome<Omit<Step, 'needs' | 'neededBy'>> {
  if (!isPlainObject(raw)) return wrong(at, `${at} must be an object with "name" and "fun", not ${nameOf(raw)}`);
  const unknown = Object.keys(raw).find((key) => !STEP_FIELDS.includes(key));
  if (unknown !== undefined) {
    return wrong(`${at}.${unknown}`, `${at} has an unknown field "${unknown}"; a step has ${STEP_FIELDS.join(', ')}`);
  }
  const { name, fun, args = [], kwargs, locs = [], version, functionId, timeoutMs = 0 } = raw;
  const { retries = 0, idempotent = false, onError = planOnError } = raw;
  if (!isText(name)) return wrong(`${at}.name`, `${at}.name must be a text that is not empty`);
  if (name.length > NAME_MAX) return wrong(`${at}.name`, `${at}.name is longer than ${NAME_MAX} characters`);
  if (!isText(fun)) return wrong(`${at}.fun`, `${at}.fun must be the name of a function`);
  if (!Array.isArray(args)) return wrong(`${at}.args`, `${at}.args must be a list, not ${nameOf(args)}`);
  if (kwargs !== undefined && !isPlainObject(kwargs)) return wrong(`${at}.kwargs`, `${at}.kwargs must be an object`);
  if (!Array.isArray(locs) || !locs.every(isText)) return wrong(`${at}.locs`, `${at}.locs must be a list of texts`);
  if (version !== undefined && !isText(version)) return wrong(`${at}.version`, `${at}.version must be a text`);
  if (functionId !== undefined && !isText(functionId))
    return wrong(`${at}.functionId`, `${at}.functionId must be a text`);
  if (!isCount(timeoutMs)) return wrong(`${at}.timeoutMs`, `${at}.timeoutMs must be a whole number of milliseconds`);
  if (!isCount(retries) || retries > RETRIES_MAX) {
    return wrong(`${at}.retries`, `${at}.retries must be a whole number from 0 to ${RETRIES_MAX}`);
  }
  if (typeof idempotent !== 'boolean') return wrong(`${at}.idempotent`, `${at}.idempotent must be true or false`);
  if (onError !== 'fail' && onError !== 'continue') {
    return wrong(`${at}.onError`, `${at}.onError must be "fail" or "continue"`);
  }
  if (deeperThan([args, kwargs], options.depthMax)) {
    return wrong(at, `the arguments of ${at} are nested deeper than the limit of ${options.depthMax} (depthMax)`);
  }
  return done({
    name,
    fun,
    args,
    ...(kwargs === undefined ? {} : { kwargs }),
    locs: locs as string[],
    ...(version === undefined ? {} : { version }),
    ...(functionId === undefined ? {} : { functionId }),
    timeoutMs,
    retries,
    idempotent,
    onError,
  });
}

/** Makes the edges, and refuses what has no order. */
function link(
  steps: readonly Omit<Step, 'needs' | 'neededBy'>[],
  index: ReadonlyMap<string, number>,
  refs: RefsMode,
): Outcome<readonly Step[]> {
  const names = new Set(index.keys());
  const needs = steps.map(() => new Set<number>());
  const neededBy = steps.map(() => new Set<number>());
  let refused: Problem | undefined;
  for (const [i, { args, kwargs }] of steps.entries()) {
    const visit = ({ step, flaw }: Reference, where: string) => {
      const needed = index.get(step);
      if (flaw !== undefined || needed === undefined) {
        const says =
          flaw === undefined ? `${where} refers to "${step}", and no step has that name` : `${where}: ${flaw}`;
        refused ??= problem('plan-invalid', says, { path: where });
        return;
      }
      needs[i]?.add(needed);
      neededBy[needed]?.add(i);
    };
    eachReference(args, `steps[${i}].args`, names, refs, visit);
    if (kwargs !== undefined) eachReference(kwargs, `steps[${i}].kwargs`, names, refs, visit);
  }
  if (refused !== undefined) return failed(refused);
  const linked = steps.map((step, i) => ({
    ...step,
    needs: [...(needs[i] ?? [])],
    neededBy: [...(neededBy[i] ?? [])],
  }));
  const cycle = findCycle(linked);
  if (cycle === undefined) return done(linked);
  return wrong(`steps[${cycle[0]}]`, `the steps wait for each other in a circle: ${pathOf(cycle, linked)}`);
}

/** `a → b → a`; of a long path its beginning and its end. */
function pathOf(cycle: readonly number[], steps: readonly Step[]): string {
  const names = (indexes: readonly number[]) => indexes.map((i) => steps[i]?.name ?? '');
  const left = cycle.length - 2 * CYCLE_ENDS_MAX;
  const shown =
    left <= 1
      ? names(cycle)
      : [...names(cycle.slice(0, CYCLE_ENDS_MAX)), `… ${left} more …`, ...names(cycle.slice(-CYCLE_ENDS_MAX))];
  return shown.join(' → ');
}

/** A path of steps that leads back to its first, or undefined. Kahn (1962): what cannot be taken off is in or behind one. */
function findCycle(steps: readonly Step[]): readonly number[] | undefined {
  const waits = steps.map(({ needs }) => needs.length);
  const free = [...steps.keys()].filter((i) => waits[i] === 0);
  for (let taken = free.pop(); taken !== undefined; taken = free.pop()) {
    for (const i of steps[taken]?.neededBy ?? []) {
      const left = (waits[i] ?? 0) - 1;
      waits[i] = left;
      if (left === 0) free.push(i);
    }
  }
  const stuck = (i: number) => (waits[i] ?? 0) > 0;
  const start = [...steps.keys()].find(stuck);
  if (start === undefined) return undefined;
  const seen = new Set<number>();
  let at = start;
  while (!seen.has(at)) {
    seen.add(at);
    at = steps[at]?.needs.find(stuck) ?? at;
  }
  const walked = [...seen];
  return [...walked.slice(walked.indexOf(at)), at].reverse();
}

function readReturn(
  wanted: unknown,
  steps: readonly Step[],
  index: ReadonlyMap<string, number>,
): Outcome<readonly number[]> {
  if (wanted === undefined) return done([...steps.keys()].filter((i) => steps[i]?.neededBy.length === 0));
  if (wanted === 'all') return done([...steps.keys()]);
  if (!Array.isArray(wanted)) return wrong('return', '"return" must be "all" or a list of step names');
  const results: number[] = [];
  for (const [i, name] of (wanted as unknown[]).entries()) {
    const at = typeof name === 'string' ? index.get(name) : undefined;
    if (at === undefined)
      return wrong(`return[${i}]`, `return[${i}] is ${JSON.stringify(name)}, and no step has that name`);
    results.push(at);
  }
  return done(results);
}

function readDone(given: unknown, index: ReadonlyMap<string, number>): Outcome<ReadonlyMap<number, unknown>> {
  const values = new Map<number, unknown>();
  if (given === undefined) return done(values);
  if (!isPlainObject(given)) return wrong('done', `"done" must be an object of values by step, not ${nameOf(given)}`);
  for (const [name, value] of Object.entries(given)) {
    const at = index.get(name);
    if (at === undefined) return wrong(`done.${name}`, `"done" has a value for "${name}", and no step has that name`);
    values.set(at, value);
  }
  return done(values);
}

function wrong(path: string, says: string): { readonly ok: false; readonly problem: Problem } {
  return failed(problem('plan-invalid', says, path === '' ? {} : { path }));
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function deeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  const inner: Iterable<unknown> = Array.isArray(value) ? value : isPlainObject(value) ? Object.values(value) : [];
  for (const item of inner) if (deeperThan(item, depth - 1)) return true;
  return false;
}
