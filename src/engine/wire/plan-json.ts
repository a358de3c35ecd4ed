/**
 * Plans as JSON has them, on every way: files, HTTP, frames of `mpreg.v1.json`.
 *
 * A step's arguments have the same form as a call's (`json-value.ts`), but for one tag: what `{"$lit": …}` holds is taken
 * as it stands, references and tags alike, so it is left to the plan. The values in `done` are values and nothing else:
 * they have the form of a call's, `$lit` included.
 */
import { DEPTH_MAX, setOwn } from './extensions.ts';
import { isObject, tagOf, valueFromJson, valueToJson } from './json-value.ts';
import { inside, Misfit } from './misfit.ts';

/** The plan document that parsed JSON means, and what in it has no meaning; that is null there. Changes its argument. */
export function planFromJson(json: unknown): { readonly document: unknown; readonly misfits: readonly Misfit[] } {
  const misfits: Misfit[] = [];
  return { document: fromJson(json, [], misfits), misfits };
}

/** What `JSON.stringify` may be given for a plan document. Throws a `Misfit` where JSON cannot say what is in it. */
export function planToJson(document: unknown, depth = 0): unknown {
  if (Array.isArray(document)) return document.map((item, i) => under(i, () => planToJson(item, depth + 1)));
  if (!isPlain(document)) return valueToJson(document);
  const keys = Object.keys(document);
  const tag = tagOf(keys);
  if (tag === '$lit' && isJson(document[tag])) return document;
  if (tag !== undefined) throw new Misfit(`JSON has no form for an object with nothing but "${tag}" in a plan`);
  const json: Record<string, unknown> = {};
  for (const key of keys) {
    const values = depth === 0 && key === 'done' && isPlain(document[key]);
    const write = () => (values ? eachOf(document[key], valueToJson) : planToJson(document[key], depth + 1));
    setOwn(json, key, under(key, write));
  }
  return json;
}

/** `path`: the keys that lead here, from the outside in. */
function fromJson(json: unknown, path: (string | number)[], misfits: Misfit[]): unknown {
  if (typeof json !== 'object' || json === null) return json;
  const tag = isObject(json) ? tagOf(Object.keys(json)) : undefined;
  if (tag === '$lit') return json;
  if (tag !== undefined) return valueAt(json, path, misfits);
  if (path.length >= DEPTH_MAX) return unfit(new Misfit(`nested deeper than ${DEPTH_MAX} levels`), path, misfits);
  const held = json as Record<string, unknown>;
  for (const key of Object.keys(held)) {
    path.push(Array.isArray(json) ? Number(key) : key);
    const values = path.length === 1 && key === 'done' && isObject(held[key]);
    const read = (inner: unknown, name: string) => valueAt(inner, [...path, name], misfits);
    const value = values ? eachOf(held[key], read) : fromJson(held[key], path, misfits);
    if (value !== held[key]) setOwn(held, key, value);
    path.pop();
  }
  return json;
}

function valueAt(json: unknown, path: readonly (string | number)[], misfits: Misfit[]): unknown {
  try {
    return valueFromJson(json, path.length);
  } catch (error) {
    return unfit(error, path, misfits);
  }
}

function unfit(error: unknown, path: readonly (string | number)[], misfits: Misfit[]): null {
  if (!(error instanceof Misfit)) throw error;
  error.path.push(...path.toReversed());
  misfits.push(error);
  return null;
}

function eachOf(values: unknown, map: (value: unknown, name: string) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values as object).map(([name, value]) => [name, map(value, name)]));
}

function under(key: string | number, write: () => unknown): unknown {
  try {
    return write();
  } catch (error) {
    throw inside(error, key);
  }
}

/** Whether a value is all that JSON says of it: what would be a tag stands for itself here. */
function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (Array.isArray(value)) return value.every(isJson);
  return isPlain(value) && Object.values(value).every(isJson);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (!isObject(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
