/**
 * Checks arguments and results with the schemas of their function, whichever validator they come from.
 *
 * A schema of `args` describes either the list of all arguments (`z.tuple`, `z.array`) or one object of named ones
 * (`z.object`), which a caller gives as kwargs or as the only argument. A problem names the place as the caller wrote it:
 * `args[1].price`, `kwargs.price`.
 */
import { done, failed, type Outcome } from '../../core/base/outcome.ts';
import { type ProblemCode, problem } from '../../core/base/problems.ts';
import type { JsonSchema, SchemaIssue, SchemaResult, StandardSchema } from '../../standard-schema.ts';
import { Misfit } from '../../wire/misfit.ts';

/** What a call brought. */
export interface Given {
  readonly args: readonly unknown[];
  readonly kwargs: unknown;
}

/** As the function gets them: kwargs, if any, last. */
export function listOf({ args, kwargs }: Given): readonly unknown[] {
  return kwargs === undefined || kwargs === null ? args : [...args, kwargs];
}

/** The list that the function gets. `input-invalid` where the schema refuses. Rejects with what the validator threw. */
export async function checkedArguments(
  fun: string,
  schema: StandardSchema,
  given: Given,
): Promise<Outcome<readonly unknown[]>> {
  const list = listOf(given);
  const named = list.length !== given.args.length;
  if (takesList(schema)) {
    const result = await schema['~standard'].validate(list);
    if (result.issues === undefined) return done(Array.isArray(result.value) ? result.value : [result.value]);
    return refused('input-invalid', `${fun} does not take this`, result.issues, (keys) =>
      named && keys[0] === given.args.length ? pathOf('kwargs', keys.slice(1)) : pathOf('args', keys),
    );
  }
  if (list.length > 1) {
    const path = given.args.length > 1 ? 'args[1]' : 'kwargs';
    return failed(problem('input-invalid', `${fun} takes one object of named arguments, not ${path} too`, { path }));
  }
  const result = await schema['~standard'].validate(list.length === 0 ? {} : list[0]);
  if (result.issues === undefined) return done([result.value]);
  const root = given.args.length === 1 ? 'args[0]' : 'kwargs';
  return refused('input-invalid', `${fun} does not take this`, result.issues, (keys) => pathOf(root, keys));
}

/** The value as the schema makes it. `result-invalid` where it refuses. Rejects with what the validator threw. */
export async function checkedValue(
  fun: string,
  schema: StandardSchema,
  value: unknown,
  root: 'result' | 'item',
): Promise<Outcome<unknown>> {
  const result: SchemaResult<unknown> = await schema['~standard'].validate(value);
  if (result.issues === undefined) return done(result.value);
  return refused('result-invalid', `${fun} returned what it must not`, result.issues, (keys) => pathOf(root, keys));
}

/** A schema as data, where its validator can say it; `side`: what it takes, or what it makes of that. */
export function jsonSchemaOf(schema: StandardSchema | undefined, side: 'input' | 'output'): JsonSchema | undefined {
  try {
    const { $schema: _, ...json } = schema?.['~standard'].jsonSchema?.[side]({ target: 'draft-2020-12' }) ?? {};
    return Object.keys(json).length === 0 ? undefined : (JSON.parse(JSON.stringify(json)) as JsonSchema);
  } catch {
    return undefined; // such as a date, which JSON has no form for
  }
}

const LISTS = new WeakMap<StandardSchema, boolean>();

/**
 * Whether a schema describes the list of arguments. Its JSON Schema says so; where it has none, it is shown an empty
 * object: a schema of lists refuses it as a whole, one of objects takes it or misses something in it.
 */
function takesList(schema: StandardSchema): boolean {
  const known = LISTS.get(schema);
  if (known !== undefined) return known;
  const json = jsonSchemaOf(schema, 'input');
  const takes = json === undefined ? refusesObjects(schema) : describesList(json);
  LISTS.set(schema, takes);
  return takes;
}

function describesList(json: JsonSchema): boolean {
  if (json['type'] === 'array' || 'prefixItems' in json) return true;
  const variants = json['anyOf'] ?? json['oneOf'] ?? json['allOf'];
  return Array.isArray(variants) && variants.some((variant) => describesList(variant as JsonSchema));
}

function refusesObjects(schema: StandardSchema): boolean {
  const result = schema['~standard'].validate({});
  if (result instanceof Promise) {
    result.catch(() => undefined);
    return true;
  }
  return result.issues?.every(({ path = [] }) => path.length === 0) ?? false;
}

function refused(
  code: ProblemCode,
  what: string,
  issues: readonly SchemaIssue[],
  place: (keys: readonly PropertyKey[]) => string,
): Outcome<never> {
  const places = issues.map(({ path = [], message }) => ({
    message,
    path: place(path.map((part) => (typeof part === 'object' ? part.key : part))),
  }));
  const [{ path = '', message = 'it is not valid' } = {}, ...others] = places;
  const more = others.length === 0 ? '' : `; also ${others.map((other) => other.path).join(', ')}`;
  return failed(problem(code, `${what}: ${path}: ${message}${more}`.slice(0, MESSAGE_LENGTH_MAX), { path }));
}

const MESSAGE_LENGTH_MAX = 1_024;

function pathOf(root: string, keys: readonly PropertyKey[]): string {
  const misfit = new Misfit('');
  misfit.path.push(...keys.map((key) => (typeof key === 'symbol' ? String(key) : key)).toReversed());
  return misfit.pathFrom(root);
}
