/**
 * Writes plans whose types are known: which functions there are, what they take, and what the results will be.
 *
 *     const p = plan<typeof functions>()
 *       .step('rows', 'ingest', [url])
 *       .step('clean', 'clean_data', (p) => [p.ref('rows'), { strict: true }]);
 *     const reply = await client.run(p);
 *     if (reply.problem === undefined) reply.results.clean; // typed; "rows" was used by another step, so it is no result
 *
 * The functions are a map from names to what `defineFunction` returned, or to plain functions: a module's `typeof`. A
 * builder grows: each step returns the same one under a type that knows one step more. References are written in the
 * explicit form, so that no text is ever taken for one. It checks what types cannot say when it is run, on the node.
 */
import type { PlanDocument, TypedPlan } from './api.ts';
import { problemError } from './problem-error.ts';
import type { StandardSchema } from './standard-schema.ts';

/** Functions of which nothing is known. */
type AnyFunctions = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

type None = Record<never, never>;

/** Begins a plan. */
export function plan<Functions extends object = AnyFunctions>(options: PlanOptions = {}): PlanBuilder<Functions> {
  return new PlanBuilder<Functions>(options);
}

export interface PlanOptions {
  /** `continue`: steps that do not need the one that failed go on. Default `fail`. */
  readonly onError?: 'fail' | 'continue';
  /** Milliseconds; 0: no limit. */
  readonly timeoutMs?: number;
}

export interface StepOptions extends PlanOptions {
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly locs?: readonly string[];
  readonly version?: string;
  readonly functionId?: string;
  /** The id of a cluster, or a region, that it shall run in. */
  readonly cluster?: string;
  readonly region?: string;
  readonly idempotent?: boolean;
}

/** The value of a step, or what is at a path in it, once it is there. */
export class Ref<out Value, out Name extends string> {
  readonly name: Name;
  readonly path: readonly (string | number)[];
  /** Only for the types: which value it will be. */
  declare readonly value: Value;

  constructor(name: Name, path: readonly (string | number)[]) {
    this.name = name;
    this.path = path;
  }
}

/** `Steps`: their values by name. `Used`: those that others refer to. `Chosen`: those that were asked for as results. */
export class PlanBuilder<
  Functions extends object,
  Steps extends object = None,
  Used extends PropertyKey = never,
  Chosen extends PropertyKey = never,
> implements TypedPlan<ResultsOf<Steps, Used, Chosen>>
{
  declare readonly results?: ResultsOf<Steps, Used, Chosen>;
  readonly #options: PlanOptions;
  readonly #steps = new Map<string, Readonly<Record<string, unknown>>>();
  #return: readonly string[] | 'all' | undefined;

  constructor(options: PlanOptions = {}) {
    this.#options = options;
  }

  /** One step more. Its arguments are values, or references to earlier steps at any depth. Throws `plan-invalid`. */
  step<
    const Name extends string,
    const Fun extends keyof Functions & string,
    const Args extends Given<ArgumentsOf<Functions[Fun]>>,
    const Options extends StepOptions = None,
  >(
    name: Name,
    fun: Fun,
    args: Args | ((plan: PlanBuilder<Functions, Steps, Used, Chosen>) => Args),
    options?: Options,
  ): PlanBuilder<
    Functions,
    Steps & { readonly [Step in Name]: ValueOf<Functions[Fun]> },
    Used | NamesIn<Args> | NamesIn<Options>,
    Chosen
  > {
    if (this.#steps.has(name)) throw problemError('plan-invalid', `two steps are named "${name}"`);
    const { kwargs, ...more } = options ?? ({} as StepOptions);
    const given: unknown = typeof args === 'function' ? args(this) : (args ?? []);
    if (!Array.isArray(given)) throw problemError('plan-invalid', `the arguments of the step "${name}" must be a list`);
    const named = kwargs === undefined ? {} : { kwargs: fields(kwargs) };
    this.#steps.set(name, { args: given.map(explicit), fun, name, ...named, ...more });
    return this as never;
  }

  /** The value of an earlier step; with a path, what is at that place in it. */
  ref<const Name extends keyof Steps & string, const Path extends readonly (string | number)[]>(
    name: Name,
    ...path: Path
  ): Ref<At<Steps[Name], Path>, Name> {
    return new Ref(name, path);
  }

  /** The results are the values of these steps, and not of all that no other step refers to. */
  returns<const Name extends keyof Steps & string>(
    ...names: readonly Name[]
  ): PlanBuilder<Functions, Steps, Used, Name> {
    this.#return = names;
    return this as never;
  }

  /** The results are the values of all steps. */
  returnsAll(): PlanBuilder<Functions, Steps, Used, keyof Steps> {
    this.#return = 'all';
    return this as never;
  }

  /** The document that goes to the node, and that `JSON.stringify` writes for `mpreg call -`. */
  toJSON(): PlanDocument {
    const chosen = this.#return === undefined ? {} : { return: this.#return };
    return { refs: 'explicit', ...this.#options, ...chosen, steps: [...this.#steps.values()] };
  }
}

/** What may stand in place of a value: itself, a reference to one like it, or a list or object with such in it. */
type Given<Value> = Value extends readonly unknown[]
  ? Value | { readonly [Index in keyof Value]: Given<Value[Index]> } | Ref<Value, string>
  : Value extends object
    ? Value | { readonly [Key in keyof Value]: Given<Value[Key]> } | Ref<Value, string>
    : Value | Ref<Value, string>;

type ArgumentsOf<Fn> = Fn extends { readonly args: infer Schema extends StandardSchema }
  ? Listed<NonNullable<Schema['~standard']['types']>['input']>
  : Fn extends { readonly run: (...args: infer Args) => unknown }
    ? Args
    : Fn extends (...args: infer Args) => unknown
      ? Args
      : never;

/** A schema describes the list of arguments, or the one object of named ones. */
type Listed<Input> = Input extends readonly unknown[] ? Input : [named: Input];

type ValueOf<Fn> = Fn extends { readonly run: (...args: never[]) => infer Returned }
  ? Settled<Returned>
  : Fn extends (...args: never[]) => infer Returned
    ? Settled<Returned>
    : unknown;

type Settled<Returned> = Returned extends AsyncIterable<unknown> ? unknown : Awaited<Returned>;

/** The names of all references in a value. */
type NamesIn<Value> =
  Value extends Ref<unknown, infer Name>
    ? Name
    : Value extends readonly (infer Item)[]
      ? NamesIn<Item>
      : Value extends object
        ? { [Key in keyof Value]: NamesIn<Value[Key]> }[keyof Value]
        : never;

/** What is at a path in a value; unknown where the types do not say. */
type At<Value, Path extends readonly unknown[]> = Path extends readonly [infer Key, ...infer Rest]
  ? Key extends keyof Value
    ? At<Value[Key], Rest>
    : unknown
  : Value;

type ResultsOf<Steps extends object, Used extends PropertyKey, Chosen extends PropertyKey> = [Chosen] extends [never]
  ? { readonly [Name in Exclude<keyof Steps, Used>]: Steps[Name] }
  : { readonly [Name in Chosen & keyof Steps]: Steps[Name] };

/** The value with its references written out, and with all that only looks like one marked as literal. */
function explicit(value: unknown): unknown {
  if (value instanceof Ref)
    return value.path.length === 0 ? { $ref: value.name } : { $ref: value.name, path: value.path };
  if (Array.isArray(value)) return value.map(explicit);
  if (!isPlain(value)) return value;
  if (!Object.hasOwn(value, '$ref') && !Object.hasOwn(value, '$lit')) return fields(value);
  if (holdsRef(value)) {
    throw problemError('plan-invalid', 'an object with a field "$ref" or "$lit" is taken as it is: no reference in it');
  }
  return { $lit: value };
}

function fields(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, explicit(held)]));
}

function holdsRef(value: unknown): boolean {
  if (value instanceof Ref) return true;
  return Array.isArray(value) ? value.some(holdsRef) : isPlain(value) && Object.values(value).some(holdsRef);
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
