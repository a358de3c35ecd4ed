import { DEPTH_MAX, EXTENSION, NUMBER_ARRAYS, type NumberArray } from './extensions.ts';
import { inside, Misfit } from './misfit.ts';
import { plainForm } from './plain.ts';
import { Writer } from './writer.ts';

/**
 * A user's value → MessagePack.
 *
 * What is kept: null and undefined apart, NaN, infinities, −0, integers as integers, big integers, dates, bytes, maps,
 * sets, typed arrays. What is refused, with its path: functions, symbols, cycles, instances with methods, invalid dates.
 *
 * Limit: symbol keys and non-enumerable properties are not data; a lone surrogate becomes U+FFFD, as always in UTF-8.
 */
export function writeValue(w: Writer, value: unknown, depth = 0): void {
  if (typeof value === 'string') w.text(value);
  else if (typeof value === 'number') w.number(value);
  else if (typeof value === 'boolean') w.bool(value);
  else if (value === null) w.nil();
  else if (typeof value === 'object') writeObject(w, value, depth);
  else if (typeof value === 'bigint') writeBigint(w, value);
  else if (value !== undefined) throw new Misfit(`a ${typeof value} is not data`);
  else writeUndefined(w);
}

function writeUndefined(w: Writer): void {
  w.extensionHead(EXTENSION.undefined, 1);
  w.u8(0);
}

function writeObject(w: Writer, value: object, depth: number): void {
  if (depth >= DEPTH_MAX) throw new TooDeep(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) writeProperties(w, value, depth);
  else if (Array.isArray(value)) writeArray(w, value, depth);
  else if (value instanceof Uint8Array) w.binary(value);
  else if (value instanceof Date) writeDate(w, value);
  else if (value instanceof Map) nested(w, EXTENSION.map, value.size * 2, () => writeEntries(w, value, depth));
  else if (value instanceof Set) nested(w, EXTENSION.set, value.size, () => writeMembers(w, value, depth));
  else if (value instanceof ArrayBuffer) w.binary(new Uint8Array(value));
  else if (ArrayBuffer.isView(value)) writeNumbers(w, value);
  else writeInstance(w, value, depth);
}

function writeInstance(w: Writer, value: object, depth: number): void {
  const plain = plainForm(value);
  if (plain === value) writeProperties(w, value, depth);
  else writeValue(w, plain, depth + 1);
}

function writeArray(w: Writer, array: readonly unknown[], depth: number): void {
  const count = array.length;
  w.arrayHead(count);
  let i = 0;
  try {
    for (; i < count; i++) writeValue(w, array[i], depth + 1);
  } catch (error) {
    throw leaving(error, array, i);
  }
}

function writeProperties(w: Writer, object: object, depth: number): void {
  const keys = Object.keys(object);
  w.mapHead(keys.length);
  let key = '';
  try {
    for (key of keys) {
      w.text(key);
      writeValue(w, (object as Record<string, unknown>)[key], depth + 1);
    }
  } catch (error) {
    throw leaving(error, object, key);
  }
}

/** Where a key is neither text nor a number, its place in the map stands for it. */
function writeEntries(w: Writer, map: ReadonlyMap<unknown, unknown>, depth: number): void {
  let place: string | number = 0;
  let i = 0;
  try {
    for (const [key, value] of map) {
      place = typeof key === 'string' || typeof key === 'number' ? key : i;
      writeValue(w, key, depth + 1);
      writeValue(w, value, depth + 1);
      i++;
    }
  } catch (error) {
    throw leaving(error, map, place);
  }
}

function writeMembers(w: Writer, set: ReadonlySet<unknown>, depth: number): void {
  let i = 0;
  try {
    for (const value of set) {
      writeValue(w, value, depth + 1);
      i++;
    }
  } catch (error) {
    throw leaving(error, set, i);
  }
}

/** An extension that holds one array. Its size is known only afterwards, so its head always has 32 bits for it. */
function nested(w: Writer, type: number, count: number, write: () => void): void {
  w.reserve(6);
  const head = w.at - w.start;
  w.at += 6;
  w.arrayHead(count);
  write();
  const at = w.start + head;
  w.bytes[at] = 0xc9;
  w.u32At(at + 1, w.at - at - 6);
  w.bytes[at + 5] = type;
}

function writeNumbers(w: Writer, view: ArrayBufferView): void {
  const kind = NUMBER_ARRAYS.findIndex((type) => view instanceof type);
  if (kind < 0) throw new Misfit('a DataView is not data; send its bytes');
  const { buffer, byteOffset, byteLength } = view as NumberArray;
  w.extensionHead(EXTENSION.numbers, byteLength + 1);
  w.u8(kind);
  w.raw(new Uint8Array(buffer, byteOffset, byteLength), 0, byteLength);
}

/** https://github.com/msgpack/msgpack/blob/master/spec.md#timestamp-extension-type */
function writeDate(w: Writer, date: Date): void {
  const ms = date.getTime();
  if (Number.isNaN(ms)) throw new Misfit('an invalid date is not data');
  const seconds = Math.floor(ms / 1000);
  const nanoseconds = (ms - seconds * 1000) * 1_000_000;
  const short = seconds >= 0 && seconds < 2 ** 34;
  const size = !short ? 12 : nanoseconds === 0 && seconds < 2 ** 32 ? 4 : 8;
  w.extensionHead(EXTENSION.date, size);
  w.reserve(size);
  const high = Math.floor(seconds / 2 ** 32);
  if (size === 8) w.u32At(w.at, nanoseconds * 4 + high);
  if (size === 12) {
    w.u32At(w.at, nanoseconds);
    w.u32At(w.at + 4, high);
  }
  w.u32At(w.at + size - 4, seconds - high * 2 ** 32);
  w.at += size;
}

function writeBigint(w: Writer, value: bigint): void {
  const digits = (value < 0n ? ~value : value).toString(16);
  const size = (digits.length >> 1) + 1;
  const mask = value < 0n ? 0xff : 0;
  const padded = digits.padStart(size * 2, '0');
  const leading = Number.parseInt(padded.slice(0, 4), 16);
  const skip = size > 1 && leading < 0x80 ? 1 : 0;
  w.extensionHead(EXTENSION.bigint, size - skip);
  w.reserve(size);
  for (let i = skip; i < size; i++) w.bytes[w.at++] = Number.parseInt(padded.slice(i * 2, i * 2 + 2), 16) ^ mask;
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
  const out = inside(error instanceof Misfit ? error : new Misfit(reason(error)), key);
  if (out instanceof TooDeep) out.passing(container);
  return out;
}

/** Getters and `toJSON` are the user's code: what they throw is why the value cannot be sent. */
function reason(error: unknown): string {
  return error instanceof Error ? `cannot be read: ${error.message}` : 'cannot be read';
}

const scratch = new Writer();

/** The bytes of a value, the caller's to keep. Throws a `Misfit`. */
export function valueBytes(value: unknown): Buffer {
  try {
    writeValue(scratch, value);
    return scratch.cut();
  } catch (error) {
    scratch.at = scratch.start;
    throw error instanceof Misfit ? error : new Misfit(reason(error));
  }
}
