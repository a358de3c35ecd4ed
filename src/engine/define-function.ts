/**
 * What the author of a function says about it, and what a function may ask about its call.
 *
 * Definitions carry a mark, and contexts pass through one store per thread, that are the same for every copy of this
 * module: a user's file may bring another copy of mpreg than the node that loads it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { CallContext, FunctionDefinition } from './api.ts';
import { FEED_FIELDS, feedMisfit } from './host/functions/queue-feed.ts';
import { TRIGGER_FIELDS, triggerMisfit } from './host/functions/trigger.ts';
import { problemError } from './problem-error.ts';
import type { SchemaOutput, StandardSchema } from './standard-schema.ts';

type AnyRun = (this: CallContext, ...args: never[]) => unknown;

const MARK = Symbol.for('mpreg.function');
const CONTEXTS = Symbol.for('mpreg.contexts');
const NAME_LENGTH_MAX = 128;
const FIELDS = [
  'name',
  'version',
  'functionId',
  'resources',
  'description',
  'idempotent',
  'timeoutMs',
  'concurrency',
  'queue',
  ...TRIGGER_FIELDS,
  ...FEED_FIELDS,
  'args',
  'result',
  'run',
];

/** The arguments of a function, from the schema of their list or of the one object. */
type ArgumentsOf<Args extends StandardSchema> =
  SchemaOutput<Args> extends readonly unknown[] ? SchemaOutput<Args> : [named: SchemaOutput<Args>];

/** A definition whose `run` takes what its schema makes of the arguments. */
type CheckedDefinition<Args extends StandardSchema, Returned> = Omit<FunctionDefinition, 'args' | 'run'> & {
  readonly args: Args;
  readonly run: (this: CallContext, ...args: ArgumentsOf<Args>) => Returned;
};

/** Checks a definition and marks it, so that whoever loads its module offers it. Throws `input-invalid`. */
export function defineFunction<const Args extends StandardSchema, Returned>(
  definition: CheckedDefinition<Args, Returned>,
): CheckedDefinition<Args, Returned>;
export function defineFunction<const Run extends AnyRun>(definition: FunctionDefinition<Run>): FunctionDefinition<Run>;
export function defineFunction<const Run extends AnyRun>(definition: FunctionDefinition<Run>): FunctionDefinition<Run> {
  const wrong = definitionMisfit(definition as unknown as Readonly<Record<string, unknown>>);
  if (wrong !== undefined) throw problemError('input-invalid', `defineFunction: ${wrong}`);
  return Object.freeze(Object.defineProperty({ ...definition }, MARK, { value: true }));
}

/** Whether `value` came from `defineFunction`, of whatever copy of this module. */
export function isDefinition(value: unknown): value is FunctionDefinition {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, MARK);
}

/** The call that runs now, for functions without a `this` of their own (arrow functions, helpers). Throws outside of one. */
export function context(): CallContext {
  const current = contexts().getStore();
  if (current === undefined) throw problemError('usage-invalid', 'context() works only while mpreg runs a function');
  return current;
}

/** Runs `body` with `current` as its `context()`, also in everything that it starts. */
export function within<Value>(current: CallContext, body: () => Value): Value {
  return contexts().run(current, body);
}

/** Why a name cannot be a function's, or undefined. */
export function nameMisfit(name: string): string | undefined {
  if (name === '' || name.length > NAME_LENGTH_MAX) return `a name has 1 to ${NAME_LENGTH_MAX} characters`;
  return /[\s\p{Cc}]/u.test(name) ? `the name ${JSON.stringify(name)} has spaces in it` : undefined;
}

function contexts(): AsyncLocalStorage<CallContext> {
  const shared = globalThis as { [CONTEXTS]?: AsyncLocalStorage<CallContext> };
  shared[CONTEXTS] ??= new AsyncLocalStorage<CallContext>();
  return shared[CONTEXTS];
}

/** Why a definition is none, or undefined. */
export function definitionMisfit(definition: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof definition !== 'object' || definition === null) return 'it takes one object with a name and a run';
  const { name } = definition;
  const unknown = Object.keys(definition).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) return `there is no field ${unknown}; there are ${FIELDS.join(', ')}`;
  if (typeof name !== 'string') return 'name must be text';
  const wrongName = nameMisfit(name);
  if (wrongName !== undefined) return wrongName;
  for (const [field, fits, what] of RULES) {
    const held = definition[field];
    if ((held !== undefined || field === 'run') && !fits(held)) return `${name}: ${field} must be ${what}`;
  }
  const misfit = triggerMisfit(definition) ?? feedMisfit(definition);
  return misfit === undefined ? undefined : `${name}: ${misfit}`;
}

type Rule = readonly [field: string, fits: (held: unknown) => boolean, what: string];

const isText = (held: unknown) => typeof held === 'string';
const isCount = (least: number) => (held: unknown) => Number.isSafeInteger(held) && Number(held) >= least;
const isSchema = (held: unknown) =>
  (typeof held === 'object' || typeof held === 'function') && held !== null && '~standard' in held;

const RULES: readonly Rule[] = [
  ['run', (held) => typeof held === 'function', 'a function'],
  ['version', isVersion, 'like 1.2.3'],
  ['functionId', isText, 'text'],
  ['description', isText, 'text'],
  ['idempotent', (held) => typeof held === 'boolean', 'true or false'],
  ['timeoutMs', isCount(1), 'a whole number of milliseconds above 0'],
  ['resources', (held) => Array.isArray(held) && held.every(isText), 'a list of names'],
  ['concurrency', isCount(1), 'a whole number above 0'],
  ['queue', (held) => isText(held) || isCount(0)(held), 'a whole number, 0 or more, or the name of a queue'],
  ['args', isSchema, 'a Standard Schema, such as those of zod'],
  ['result', isSchema, 'a Standard Schema, such as those of zod'],
];

/** Semantic Versioning 2.0.0, §2, §9 and §10. */
function isVersion(version: unknown): boolean {
  const identifiers = '[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*';
  return (
    typeof version === 'string' &&
    new RegExp(`^(0|[1-9]\\d*)(\\.(0|[1-9]\\d*)){2}(-${identifiers})?(\\+${identifiers})?$`).test(version)
  );
}
