import { BIGINT_BYTES_MAX, DEPTH_MAX, NUMBER_ARRAYS, setOwn } from './extensions.ts';
import { inside, Misfit } from './misfit.ts';
import { plainForm } from './plain.ts';
import { BigInteger, Entries, Members, NumberArray, pack } from './values.ts';

/**
 * The bytes of a user's value, the caller's to keep. Throws a `Misfit`.
 *
 * A walk refuses what is no data, with its path: functions, symbols, cycles, instances with methods, invalid dates. It
 * also puts what msgpackr is to write as an extension into a form for that, in a copy of what holds it; data that needs
 * none of this is not copied.
 *
 * Limit: symbol keys and non-enumerable properties are not data; a lone surrogate becomes U+FFFD, as always in UTF-8.
 */
export function valueBytes(value: unknown): Buffer {
  try {
    return pack(plain(value, 0));
  } catch (error) {
    throw asMisfit(error);
  }
}

function plain(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'object':
      return value === null ? null : plainObject(value, depth);
    case 'string':
      return value.isWellFormed() ? value : value.toWellFormed();
    case 'bigint':
      return new BigInteger(bigintBytes(value));
    case 'function':
    case 'symbol':
      throw new Misfit(`a ${typeof value} is not data`);
    default:
      return value;
  }
}

function plainObject(value: object, depth: number): unknown {
  if (depth >= DEPTH_MAX) throw new TooDeep(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return properties(value as Loose, depth);
  if (Array.isArray(value)) return elements(value, value, depth);
  if (value instanceof Uint8Array) return value;
  if (value instanceof Date) return validDate(value);
  if (value instanceof Map) return new Entries(pack(entries(value, depth)));
  if (value instanceof Set) return new Members(pack(elements([...value], value, depth)));
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return numbers(value);
  const form = plainForm(value);
  return form === value ? properties(value as Loose, depth) : plain(form, depth + 1);
}

type Loose = Record<string, unknown>;

function properties(object: Loose, depth: number): Loose {
  let copy: Loose | undefined;
  let key = '';
  try {
    for (key of Object.keys(object)) {
      const held = object[key];
      const value = plain(held, depth + 1);
      if (Object.is(value, held) && key.isWellFormed()) continue;
      copy ??= { ...object };
      const name = key.toWellFormed();
      if (name !== key) delete copy[key];
      setOwn(copy, name, value);
    }
  } catch (error) {
    throw leaving(error, object, key);
  }
  return copy ?? object;
}

/** `whole` is what they are elements of. */
function elements(array: readonly unknown[], whole: object, depth: number): readonly unknown[] {
  let copy: unknown[] | undefined;
  let i = 0;
  try {
    for (; i < array.length; i++) {
      const held = array[i];
      const value = plain(held, depth + 1);
      if (Object.is(value, held)) continue;
      copy ??= Array.from(array);
      copy[i] = value;
    }
  } catch (error) {
    throw leaving(error, whole, i);
  }
  return copy ?? array;
}

/** Keys and values in turn. In a path, the place in the map stands for a key that is neither text nor a number. */
function entries(map: ReadonlyMap<unknown, unknown>, depth: number): unknown[] {
  const flat: unknown[] = [];
  let place: string | number = 0;
  try {
    for (const [key, value] of map) {
      place = typeof key === 'string' || typeof key === 'number' ? key : flat.length / 2;
      flat.push(plain(key, depth + 1), plain(value, depth + 1));
    }
  } catch (error) {
    throw leaving(error, map, place);
  }
  return flat;
}

function numbers(view: ArrayBufferView): NumberArray {
  const type = NUMBER_ARRAYS.findIndex((known) => view instanceof known);
  if (type < 0) throw new Misfit('a DataView is not data; send its bytes');
  const { buffer, byteLength, byteOffset } = view;
  return new NumberArray(Buffer.concat([Uint8Array.of(type), new Uint8Array(buffer, byteOffset, byteLength)]));
}

function validDate(date: Date): Date {
  if (Number.isNaN(date.getTime())) throw new Misfit('an invalid date is not data');
  return date;
}

/** Two's complement, with room for the sign. */
function bigintBytes(value: bigint): Buffer {
  const size = ((value < 0n ? ~value : value).toString(2).length >> 3) + 1;
  if (size > BIGINT_BYTES_MAX) throw new Misfit(`a big integer of ${size} bytes is over the limit`);
  const hex = BigInt.asUintN(size * 8, value).toString(16);
  return Buffer.from(hex.padStart(size * 2, '0'), 'hex');
}

/**
 * Nested too deep. Where one of the containers on the way out is the very object that was met at the bottom, the value
 * contains itself, and the path is cut to the shortest way from it to itself.
 */
class TooDeep extends Misfit {
  readonly #bottom: object;
  /** How many innermost keys lie beyond the last place at which the bottom object was seen. */
  #beyond = 0;

  constructor(bottom: object) {
    super(`nested deeper than ${DEPTH_MAX} levels`);
    this.#bottom = bottom;
  }

  passing(container: object): void {
    if (container !== this.#bottom) return;
    this.message = 'a cycle: the value contains itself';
    this.path.splice(0, this.#beyond);
    this.#beyond = this.path.length;
  }
}

function leaving(error: unknown, container: object, key: string | number): unknown {
  const out = asMisfit(error);
  inside(out, key);
  if (out instanceof TooDeep) out.passing(container);
  return out;
}

/** Getters and `toJSON` are the user's code: what they throw is why the value cannot be sent. */
function asMisfit(error: unknown): Misfit {
  if (error instanceof Misfit) return error;
  return new Misfit(error instanceof Error ? `cannot be read: ${error.message}` : 'cannot be read');
}
