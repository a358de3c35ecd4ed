import { BIGINT_BYTES_MAX, DEPTH_MAX, EXTENSION, NUMBER_ARRAYS } from './extensions.ts';
import { Misfit } from './misfit.ts';
import { bufferOf, Reader } from './reader.ts';
import { NOT_SMALL, readSmall } from './small-value.ts';
import { unpack, withoutPrototypes } from './values.ts';

/**
 * MessagePack → a value that shares no memory with the bytes. Throws a `Misfit`.
 *
 * A scan passes over the whole value first, from head to head, and builds nothing. It refuses lengths beyond the bytes,
 * nesting beyond `DEPTH_MAX`, keys that are neither text nor numbers, and extensions other than those of
 * `extensions.ts` in their right form: msgpackr is given only what it can read.
 */
export function valueFrom(bytes: Uint8Array, from = 0, to = bytes.length): unknown {
  const small = smallFrom(bytes, from, to);
  if (small !== NOT_SMALL) return small;
  const r = new ValueReader(bytes, from, to);
  const value = r.value();
  if (r.at !== to) throw new Misfit(`${to - r.at} bytes too many`, r.at);
  return value;
}

/** The value, if it is a small one and nothing is wrong with it: what is wrong, `valueFrom` says better. */
function smallFrom(bytes: Uint8Array, from: number, to: number): unknown {
  const r = smallReader;
  r.bytes = bufferOf(bytes);
  r.at = from;
  r.end = to;
  try {
    const value = readSmall(r);
    return r.at === to ? value : NOT_SMALL;
  } catch {
    return NOT_SMALL;
  } finally {
    r.bytes = NO_BYTES;
  }
}

const NO_BYTES = Buffer.alloc(0);
const NO_PLACES: number[] = [];
const PROTOTYPE = Buffer.from('__proto__');
const UNDERSCORE = 0x5f;
/** What a text of nine bytes begins with, by how many bytes its head has. */
const TEXT_OF_NINE: readonly (number | undefined)[] = [undefined, 0xa9, 0xd9, 0xda, undefined, 0xdb];
/** One for all: nothing else runs while it reads. */
const smallReader = new Reader(NO_BYTES);

/** The latest time that a date can have, in milliseconds. */
const DATE_MAX = 8.64e15;

export class ValueReader extends Reader {
  /** Whether a map or a set was passed over. */
  #folded = false;
  /** Where texts of keys `__proto__` were passed over. */
  #prototypes: number[] = NO_PLACES;

  /** The value that begins here. */
  value(depth = 0): unknown {
    const from = this.at;
    this.#folded = false;
    this.#prototypes = NO_PLACES;
    this.skip(depth);
    const { buffer, byteOffset } = this.bytes;
    const bytes = new Uint8Array(buffer, byteOffset + from, this.at - from);
    try {
      if (this.#prototypes.length === 0) return unpack(bytes, this.#folded);
      const places = this.#prototypes.map((place) => place - from);
      return unpack(withoutPrototypes(bytes, places), true);
    } catch (error) {
      throw new Misfit(error instanceof Error ? error.message : String(error), from);
    }
  }

  /** A whole number from 0 to 2⁵³ − 1, in whatever form it comes. */
  uint(): number {
    const from = this.at;
    const token = this.u8();
    if (token < 0x80) return token;
    if (token === 0xcc) return this.u8();
    if (token === 0xcd) return this.u16();
    if (token === 0xce) return this.u32();
    this.at = from;
    const value = token === 0xcb ? this.#double() : this.value(DEPTH_MAX);
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
    throw new Misfit('a whole number is wanted here', from);
  }

  #double(): number {
    this.need(9);
    const value = this.bytes.readDoubleBE(this.at + 1);
    this.at += 9;
    return value;
  }

  /** Passes over the value that begins here. */
  skip(depth: number): void {
    const token = this.u8();
    if (token < 0x80 || token >= 0xe0) return;
    if (token < 0x90) this.#map(token & 0x0f, depth);
    else if (token < 0xa0) this.#array(token & 0x0f, depth);
    else if (token < 0xc0) this.#pass(token & 0x1f);
    else this.#sized(token, depth);
  }

  /** The tokens from 0xc0 to 0xdf: their table in the specification, from the top. */
  #sized(token: number, depth: number): void {
    if (token === 0xc1) throw new Misfit('this byte begins no value', this.at - 1);
    if (token <= 0xc3) return; // nil, false, true
    if (token <= 0xc6) this.#pass(this.#length(token - 0xc4));
    else if (token <= 0xc9) this.#extension(this.#length(token - 0xc7), depth);
    else if (token <= 0xcb) this.#pass(4 << (token & 1));
    else if (token <= 0xd3) this.#pass(1 << (token & 3));
    else if (token <= 0xd8) this.#extension(1 << (token - 0xd4), depth);
    else if (token <= 0xdb) this.#pass(this.#length(token - 0xd9));
    else if (token <= 0xdd) this.#array(this.#length(token - 0xdb), depth);
    else this.#map(this.#length(token - 0xdd), depth);
  }

  /** A length of 1, 2 or 4 bytes. */
  #length(power: number): number {
    return power === 0 ? this.u8() : power === 1 ? this.u16() : this.u32();
  }

  #pass(size: number): void {
    this.need(size);
    this.at += size;
  }

  #array(count: number, depth: number): void {
    this.#descend(count, depth);
    for (let i = 0; i < count; i++) this.skip(depth + 1);
  }

  #map(count: number, depth: number): void {
    this.#descend(count * 2, depth);
    for (let i = 0; i < count; i++) {
      if (!isKey(this.bytes[this.at] as number)) throw new Misfit('a key is neither text nor a number', this.at);
      const from = this.at;
      this.skip(DEPTH_MAX);
      if (this.bytes[this.at - 1] === UNDERSCORE) this.#noteKey(from);
      this.skip(depth + 1);
    }
  }

  /** A key was passed over that begins there and ends like `__proto__`. */
  #noteKey(from: number): void {
    const place = this.at - PROTOTYPE.length;
    if (this.bytes[from] !== TEXT_OF_NINE[place - from]) return;
    if (PROTOTYPE.compare(this.bytes, place, this.at) !== 0) return;
    if (this.#prototypes === NO_PLACES) this.#prototypes = [];
    this.#prototypes.push(place);
  }

  #descend(elements: number, depth: number): void {
    if (depth >= DEPTH_MAX) throw new Misfit(`nested deeper than ${DEPTH_MAX} levels`, this.at);
    this.need(elements);
  }

  #extension(size: number, depth: number): void {
    const type = (this.u8() << 24) >> 24;
    this.need(size);
    const from = this.at;
    const to = from + size;
    if (type === EXTENSION.map || type === EXTENSION.set) {
      this.#folded = true;
      const count = this.arrayHead();
      if (type === EXTENSION.map && count % 2 !== 0) throw new Misfit('a map has a key without a value', from);
      this.#array(count, depth);
      if (this.at !== to) throw new Misfit('an extension does not fill its size', from);
    } else {
      if (!this.#fits(type, size)) throw new Misfit(`no extension of type ${type} is like this`, from);
      this.at = to;
    }
  }

  #fits(type: number, size: number): boolean {
    switch (type) {
      case EXTENSION.undefined:
        return true;
      case EXTENSION.date:
        return this.#isDate(size);
      case EXTENSION.bigint:
        return size > 0 && size <= BIGINT_BYTES_MAX;
      case EXTENSION.numbers: {
        const width = size > 0 ? NUMBER_ARRAYS[this.bytes[this.at] as number]?.BYTES_PER_ELEMENT : undefined;
        return width !== undefined && (size - 1) % width === 0;
      }
      default:
        return false;
    }
  }

  #isDate(size: number): boolean {
    if (size === 4) return true;
    if (size === 8) return this.u32() >>> 2 < 1e9;
    if (size !== 12) return false;
    const nanoseconds = this.u32();
    const seconds = (this.u32() | 0) * 2 ** 32 + this.u32();
    return nanoseconds < 1e9 && Math.abs(seconds * 1000 + nanoseconds / 1e6) <= DATE_MAX;
  }
}

/** Whether text or a number begins with that byte. */
function isKey(token: number): boolean {
  if (token < 0xc0) return token < 0x80 || token >= 0xa0;
  return token >= 0xe0 || (token >= 0xca && token <= 0xd3) || (token >= 0xd9 && token <= 0xdb);
}
