/**
 * What the author of a function says about it, and what a function may ask about its call.
 *
 * Definitions carry a mark, and contexts pass through one store per thread, that are the same for every copy of this
 * module: a user's file may bring another copy of mpreg than the node that loads it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { CallContext, FunctionDefinition } from './api.ts';
import { problemError } from './problem-error.ts';

type AnyRun = (this: CallContext, ...args: never[]) => unknown;

const MARK = Symbol.for('mpreg.function');
const CONTEXTS = Symbol.for('mpreg.contexts');
const NAME_LENGTH_MAX = 128;
const FIELDS = ['name', 'version', 'functionId', 'resources', 'description', 'idempotent', 'timeoutMs', 'run'];

/** Checks a definition and marks it, so that whoever loads its module offers it. Throws `input-invalid`. */
export function defineFunction<const Run extends AnyRun>(definition: FunctionDefinition<Run>): FunctionDefinition<Run> {
  const wrong = misfit(definition as unknown as Readonly<Record<string, unknown>>);
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

function misfit(definition: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof definition !== 'object' || definition === null) return 'it takes one object with a name and a run';
  const { name, version, functionId, resources, description, idempotent, timeoutMs, run } = definition;
  const unknown = Object.keys(definition).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) return `there is no field ${unknown}; there are ${FIELDS.join(', ')}`;
  if (typeof name !== 'string') return 'name must be text';
  const because = (what: string) => `${name}: ${what}`;
  const wrongName = nameMisfit(name);
  if (wrongName !== undefined) return wrongName;
  if (typeof run !== 'function') return because('run must be a function');
  if (version !== undefined && !isVersion(version)) return because('version must be like 1.2.3');
  if (functionId !== undefined && typeof functionId !== 'string') return because('functionId must be text');
  if (description !== undefined && typeof description !== 'string') return because('description must be text');
  if (idempotent !== undefined && typeof idempotent !== 'boolean') return because('idempotent must be true or false');
  if (timeoutMs !== undefined && !(Number.isSafeInteger(timeoutMs) && Number(timeoutMs) > 0))
    return because('timeoutMs must be a whole number of milliseconds above 0');
  if (resources !== undefined && !(Array.isArray(resources) && resources.every((one) => typeof one === 'string')))
    return because('resources must be a list of names');
  return undefined;
}

/** Semantic Versioning 2.0.0, §2, §9 and §10. */
function isVersion(version: unknown): boolean {
  const identifiers = '[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*';
  return (
    typeof version === 'string' &&
    new RegExp(`^(0|[1-9]\\d*)(\\.(0|[1-9]\\d*)){2}(-${identifiers})?(\\+${identifiers})?$`).test(version)
  );
}
