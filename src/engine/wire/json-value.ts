import { DEPTH_MAX, NUMBER_ARRAYS, setOwn } from './extensions.ts';
import { inside, Misfit } from './misfit.ts';

/**
 * Values ⇄ what JSON can say.
 *
 * What JSON has no form for becomes an object with one key, a tag:
 *
 *   {"$bytes":"base64"}   {"$date":"ISO 8601"}   {"$bigint":"digits"}   {"$number":"NaN"|"Infinity"|"-Infinity"}
 *   {"$undefined":true}   {"$map":[[key,value],…]}   {"$set":[…]}   {"$numbers":["Float32Array","base64"]}
 *
 * An object of the user's own that looks like one, `{"$date": 1}`, is wrapped: {"$lit":{"$date":1}}. Only these tags are
 * special: any other key, with a `$` or without, means itself.
 */
const TAGS: Readonly<Record<string, (inner: unknown, depth: number) => unknown>> = {
  $bigint: (inner) => {
    if (typeof inner !== 'string' || !/^-?\d{1,4096}$/.test(inner)) throw new Misfit('$bigint wants decimal digits');
    return BigInt(inner);
  },
  $bytes: (inner) => fromBase64(inner, '$bytes'),
  $date: (inner) => {
    const date = new Date(typeof inner === 'string' ? inner : Number.NaN);
    if (Number.isNaN(date.getTime())) throw new Misfit('$date wants a date in ISO 8601');
    return date;
  },
  $lit: (inner, depth) => {
    if (!isObject(inner)) throw new Misfit('$lit wants an object');
    return eachProperty(inner, depth + 1);
  },
  $map: (inner, depth) => {
    const entries = eachElement(inner, '$map', depth);
    if (!entries.every((entry) => Array.isArray(entry) && entry.length === 2)) throw new Misfit('$map wants pairs');
    return new Map(entries as [unknown, unknown][]);
  },
  $number: (inner) => {
    const number = typeof inner === 'string' ? NUMBERS.get(inner) : undefined;
    if (number === undefined) throw new Misfit('$number wants NaN, Infinity or -Infinity');
    return number;
  },
  $numbers: (inner) => {
    const [name, text] = Array.isArray(inner) ? (inner as unknown[]) : [];
    const type = NUMBER_ARRAYS.find((known) => known.name === name);
    const bytes = fromBase64(text, '$numbers');
    if (type === undefined || bytes.length % type.BYTES_PER_ELEMENT !== 0) {
      throw new Misfit('$numbers wants the name of a typed array and its bytes');
    }
    return new type(bytes.buffer as ArrayBuffer);
  },
  $set: (inner, depth) => new Set(eachElement(inner, '$set', depth)),
  $undefined: () => undefined,
};

const NUMBERS = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

/** The tag of an object that is one, or looks like one. */
export function tagOf(keys: readonly string[]): string | undefined {
  const key = keys[0];
  return keys.length === 1 && key !== undefined && key.startsWith('$') && Object.hasOwn(TAGS, key) ? key : undefined;
}

/** The value that parsed JSON means. Changes its argument, which must be fresh from `JSON.parse`. Throws a `Misfit`. */
export function valueFromJson(json: unknown, depth = 0): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (depth >= DEPTH_MAX) throw new Misfit(`nested deeper than ${DEPTH_MAX} levels`);
  if (Array.isArray(json)) return eachElement(json, '', depth);
  const object = json as Record<string, unknown>;
  const tag = tagOf(Object.keys(object));
  return tag === undefined ? eachProperty(object, depth) : TAGS[tag]?.(object[tag], depth);
}

function eachElement(json: unknown, tag: string, depth: number): unknown[] {
  if (!Array.isArray(json)) throw new Misfit(`${tag} wants a list`);
  if (depth >= DEPTH_MAX) throw new Misfit(`nested deeper than ${DEPTH_MAX} levels`);
  for (let i = 0; i < json.length; i++) {
    try {
      json[i] = valueFromJson(json[i], depth + 1);
    } catch (error) {
      throw inside(error, i);
    }
  }
  return json;
}

function eachProperty(object: Record<string, unknown>, depth: number): Record<string, unknown> {
  for (const key of Object.keys(object)) {
    try {
      const before = object[key];
      const after = valueFromJson(before, depth + 1);
      if (after !== before) setOwn(object, key, after);
    } catch (error) {
      throw inside(error, key);
    }
  }
  return object;
}

/** What `JSON.stringify` may be given for a value that came off the wire or could go onto it. */
export function valueToJson(value: unknown): unknown {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? value : { $number: String(value) };
    case 'undefined':
      return { $undefined: true };
    case 'bigint':
      return { $bigint: String(value) };
    case 'object':
      return value === null ? null : objectToJson(value);
    default:
      return value;
  }
}

function objectToJson(value: object): unknown {
  if (Array.isArray(value)) return Array.from(value, valueToJson);
  if (value instanceof Uint8Array) return { $bytes: toBase64(value) };
  if (value instanceof Date) return { $date: value.toISOString() };
  if (value instanceof Map) return { $map: Array.from(value, ([key, held]) => [valueToJson(key), valueToJson(held)]) };
  if (value instanceof Set) return { $set: Array.from(value, valueToJson) };
  const type = NUMBER_ARRAYS.find((known) => value instanceof known);
  if (type !== undefined) return { $numbers: [type.name, toBase64(value as InstanceType<typeof type>)] };
  const object: Record<string, unknown> = {};
  for (const [key, held] of Object.entries(value)) setOwn(object, key, valueToJson(held));
  return tagOf(Object.keys(object)) === undefined ? object : { $lit: object };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toBase64(view: ArrayBufferView): string {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64');
}

/** Bytes of their own, not a window of a pool: typed arrays need them aligned. */
function fromBase64(text: unknown, tag: string): Uint8Array {
  if (typeof text !== 'string') throw new Misfit(`${tag} wants base64`);
  return new Uint8Array(Buffer.from(text, 'base64'));
}
