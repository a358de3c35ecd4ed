import { done, failed, type Outcome } from '../base/outcome.ts';
import { problem } from '../base/problems.ts';

/**
 * References from a step's arguments to other steps' values.
 *
 * A string that equals a step's name is that step's value, of whatever type; `name.field.0` walks into it, where the
 * longest step name wins; `{ "$ref": "name", "path": ["field", 0] }` says the same without any doubt, and
 * `{ "$lit": … }` is taken as it stands. Only whole strings count, and only values, never keys. A value that was put in
 * is not looked into again.
 *
 * Limit: arguments nested deeper than `depthMax` were refused before they come here; so were step names longer than
 * `NAME_MAX`, which bounds the search for one at the head of a text full of dots.
 */
export interface Reference {
  readonly step: string;
  readonly path: readonly (string | number)[];
  /** What is wrong with the explicit form, where something is. */
  readonly flaw?: string;
}

/** The longest name that a step may have, in characters. */
export const NAME_MAX = 200;

export type RefsMode = 'strings' | 'explicit';

/** The reference that a value is, if it is one. `steps` are all step names. */
export function referenceOf(value: unknown, steps: ReadonlySet<string>, mode: RefsMode): Reference | undefined {
  if (typeof value === 'string') return mode === 'strings' ? inText(value, steps) : undefined;
  if (!isPlainObject(value) || !Object.hasOwn(value, '$ref')) return undefined;
  const { $ref: step, path = [], ...more } = value;
  const [extra] = Object.keys(more);
  if (typeof step !== 'string') return { flaw: '"$ref" must be the name of a step', path: [], step: '' };
  if (!Array.isArray(path) || !path.every(isPart)) {
    return { flaw: '"path" must be a list of field names and indexes', path: [], step };
  }
  if (extra !== undefined) return { flaw: `a reference has "$ref" and "path", but no "${extra}"`, path: [], step };
  return { path, step };
}

function isPart(part: unknown): part is string | number {
  return typeof part === 'string' || (Number.isSafeInteger(part) && (part as number) >= 0);
}

function inText(text: string, steps: ReadonlySet<string>): Reference | undefined {
  if (steps.has(text)) return { path: [], step: text };
  for (let dot = text.lastIndexOf('.', NAME_MAX); dot > 0; dot = text.lastIndexOf('.', dot - 1)) {
    const step = text.slice(0, dot);
    if (steps.has(step)) return { path: text.slice(dot + 1).split('.'), step };
  }
  return undefined;
}

/** Calls `visit` for every reference in a value, with where it stands: `args[0].items[2]`. */
export function eachReference(
  value: unknown,
  where: string,
  steps: ReadonlySet<string>,
  mode: RefsMode,
  visit: (reference: Reference, where: string) => void,
): void {
  const reference = referenceOf(value, steps, mode);
  if (reference !== undefined) {
    visit(reference, where);
  } else if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) eachReference(item, `${where}[${i}]`, steps, mode, visit);
  } else if (isPlainObject(value) && !isLiteral(value)) {
    for (const [key, item] of Object.entries(value)) eachReference(item, `${where}.${key}`, steps, mode, visit);
  }
}

/** The value with all references put in, or `reference-missing` with the place. The value itself is not changed. */
export function substitute(
  value: unknown,
  where: string,
  values: ReadonlyMap<string, unknown>,
  steps: ReadonlySet<string>,
  mode: RefsMode,
): Outcome<unknown> {
  return rebuild(value, where, steps, mode, {
    literal: ({ $lit }) => $lit,
    put: (reference, at) => walk(values.get(reference.step), reference, at),
  });
}

/**
 * The value with those references put in whose values are there, and the others in explicit form: what another node can
 * finish with `substitute` in the mode `explicit`.
 */
export function bind(
  value: unknown,
  where: string,
  values: ReadonlyMap<string, unknown>,
  steps: ReadonlySet<string>,
  mode: RefsMode,
): Outcome<unknown> {
  return rebuild(value, where, steps, mode, {
    literal: (literal) => literal,
    put: (reference, at) => {
      if (!values.has(reference.step)) return done(explicit(reference));
      const found = walk(values.get(reference.step), reference, at);
      return found.ok ? done({ $lit: found.value }) : found;
    },
  });
}

/** What becomes of the parts of a value that mean something. */
interface Parts {
  put(reference: Reference, where: string): Outcome<unknown>;
  literal(value: Readonly<Record<string, unknown>>): unknown;
}

function rebuild(
  value: unknown,
  where: string,
  steps: ReadonlySet<string>,
  mode: RefsMode,
  parts: Parts,
): Outcome<unknown> {
  const reference = referenceOf(value, steps, mode);
  if (reference !== undefined) return parts.put(reference, where);
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const [i, item] of value.entries()) {
      const built = rebuild(item, `${where}[${i}]`, steps, mode, parts);
      if (!built.ok) return built;
      items.push(built.value);
    }
    return done(items);
  }
  if (!isPlainObject(value)) return done(value);
  if (isLiteral(value)) return done(parts.literal(value));
  const entries: [string, unknown][] = [];
  for (const [key, item] of Object.entries(value)) {
    const built = rebuild(item, `${where}.${key}`, steps, mode, parts);
    if (!built.ok) return built;
    entries.push([key, built.value]);
  }
  return done(Object.fromEntries(entries));
}

function explicit({ step, path }: Reference): unknown {
  return path.length === 0 ? { $ref: step } : { $ref: step, path };
}

function walk(from: unknown, reference: Reference, where: string): Outcome<unknown> {
  let value = from;
  for (const [i, part] of reference.path.entries()) {
    const found = fieldOf(value, part);
    if (found === undefined) {
      const so = [reference.step, ...reference.path.slice(0, i)].join('.');
      const text = `${where} refers to ${[reference.step, ...reference.path].join('.')}, but ${so} is ${describe(value)} and has no "${part}"`;
      return failed(problem('reference-missing', text, { path: where }));
    }
    value = found.value;
  }
  return done(value);
}

function fieldOf(value: unknown, part: string | number): { readonly value: unknown } | undefined {
  if (Array.isArray(value)) {
    const index = typeof part === 'number' ? part : /^(0|[1-9]\d{0,9})$/.test(part) ? Number(part) : -1;
    return Number.isInteger(index) && index >= 0 && index < value.length ? { value: value[index] } : undefined;
  }
  if (value instanceof Map) return value.has(part) ? { value: value.get(part) } : undefined;
  if (isPlainObject(value) && Object.hasOwn(value, part)) return { value: value[part] };
  return undefined;
}

/** What a value is, for messages: `a list of 3`, `an object with id, name`. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return `an object with ${Object.keys(value).slice(0, 8).join(', ') || 'no fields'}`;
  return `a ${typeof value}`;
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isLiteral(value: Record<string, unknown>): boolean {
  return Object.hasOwn(value, '$lit') && Object.keys(value).length === 1;
}
