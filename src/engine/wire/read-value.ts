import { DEPTH_MAX, EXTENSION, NUMBER_ARRAYS, setOwn } from './extensions.ts';
import { Misfit } from './misfit.ts';
import { Reader } from './reader.ts';

/**
 * MessagePack → a value that shares no memory with the bytes. Throws a `Misfit`.
 *
 * What it refuses to do: make anything of a size that the bytes do not hold. Every element of a list or map takes at
 * least one byte of its own, so all lists and maps of a value together may announce no more elements than it has bytes.
 */
export function valueFrom(bytes: Uint8Array, from = 0, to = bytes.length): unknown {
  const r = new ValueReader(bytes, from, to);
  const value = r.value(0);
  if (r.at !== to) throw new Misfit(`${to - r.at} bytes too many`, r.at);
  return value;
}

/** Largest big integer taken, in bytes: arithmetic with larger ones stalls a process. */
const BIGINT_BYTES_MAX = 1 << 20;

/** More members than this, and the runtime refuses to make a map or a set. */
const MEMBERS_MAX = 2 ** 24 - 1;

export class ValueReader extends Reader {
  /** Elements that may still be announced. */
  #budget: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    super(bytes, at, end);
    this.#budget = end - at;
  }

  /** The value that begins here. */
  value(depth: number): unknown {
    const token = this.u8();
    if (token < 0x80) return token;
    if (token < 0x90) return this.#map(token & 0x0f, depth);
    if (token < 0xa0) return this.#array(token & 0x0f, depth);
    if (token < 0xc0) return this.chars(token & 0x1f);
    if (token >= 0xe0) return token - 0x100;
    return (token >= 0xc4 && token < 0xca) || token >= 0xd4 ? this.#sized(token, depth) : this.#fixed(token);
  }

  /** A whole number from 0 to 2⁵³ − 1, in whatever form it comes. */
  uint(): number {
    const from = this.at;
    const token = this.u8();
    if (token < 0x80) return token;
    this.at = from;
    const value = this.value(DEPTH_MAX);
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
    throw new Misfit('a whole number is wanted here', from);
  }

  #fixed(token: number): unknown {
    switch (token) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return this.f32();
      case 0xcb:
        return this.f64();
      case 0xcc:
        return this.u8();
      case 0xcd:
        return this.u16();
      case 0xce:
        return this.u32();
      case 0xcf:
        return this.wide(false);
      case 0xd0:
        return (this.u8() << 24) >> 24;
      case 0xd1:
        return (this.u16() << 16) >> 16;
      case 0xd2:
        return this.u32() | 0;
      case 0xd3:
        return this.wide(true);
      default:
        throw new Misfit('this byte begins no value', this.at - 1);
    }
  }

  #sized(token: number, depth: number): unknown {
    switch (token) {
      case 0xc4:
        return this.#binary(this.u8());
      case 0xc5:
        return this.#binary(this.u16());
      case 0xc6:
        return this.#binary(this.u32());
      case 0xc7:
        return this.#extension(this.u8(), depth);
      case 0xc8:
        return this.#extension(this.u16(), depth);
      case 0xc9:
        return this.#extension(this.u32(), depth);
      case 0xd9:
        return this.chars(this.u8());
      case 0xda:
        return this.chars(this.u16());
      case 0xdb:
        return this.chars(this.u32());
      case 0xdc:
        return this.#array(this.u16(), depth);
      case 0xdd:
        return this.#array(this.u32(), depth);
      case 0xde:
        return this.#map(this.u16(), depth);
      case 0xdf:
        return this.#map(this.u32(), depth);
      default:
        return this.#extension(1 << (token - 0xd4), depth);
    }
  }

  #announce(elements: number, depth: number): void {
    if (depth >= DEPTH_MAX) throw new Misfit(`nested deeper than ${DEPTH_MAX} levels`, this.at);
    this.#budget -= elements;
    if (this.#budget < 0) throw new Misfit(`${elements} elements are announced, more than can be there`, this.at);
  }

  #array(count: number, depth: number): unknown[] {
    this.#announce(count, depth);
    const array = new Array<unknown>(count);
    for (let i = 0; i < count; i++) array[i] = this.value(depth + 1);
    return array;
  }

  #map(count: number, depth: number): Record<string, unknown> {
    this.#announce(count * 2, depth);
    const object: Record<string, unknown> = {};
    for (let i = 0; i < count; i++) {
      const key = this.#key();
      setOwn(object, key, this.value(depth + 1));
    }
    return object;
  }

  /** Text, or a whole number, which becomes its digits. */
  #key(): string {
    const from = this.at;
    const token = this.u8();
    if (token >= 0xa0 && token <= 0xb8) return this.shared(token & 0x1f);
    this.at = from;
    const key = this.value(DEPTH_MAX);
    if (typeof key === 'string') return key;
    if (typeof key === 'bigint' || Number.isSafeInteger(key)) return String(key);
    throw new Misfit('a key is neither text nor a whole number', from);
  }

  #binary(size: number): Uint8Array {
    this.need(size);
    const from = this.bytes.byteOffset + this.at;
    this.at += size;
    return new Uint8Array(this.bytes.buffer.slice(from, from + size));
  }

  #extension(size: number, depth: number): unknown {
    const type = (this.u8() << 24) >> 24;
    this.need(size);
    const from = this.at;
    const to = from + size;
    const value = this.#extended(type, size, depth);
    if (this.at !== to) throw new Misfit('an extension does not fill its size', from);
    return value;
  }

  #extended(type: number, size: number, depth: number): unknown {
    switch (type) {
      case EXTENSION.undefined:
        this.at += size;
        return undefined;
      case EXTENSION.date:
        return this.#date(size);
      case EXTENSION.bigint:
        return this.#bigint(size);
      case EXTENSION.numbers:
        return this.#numbers(size);
      case EXTENSION.map:
        return pairs(this.#members(depth), this.at);
      case EXTENSION.set:
        return new Set(this.#members(depth));
      default:
        throw new Misfit(`extension type ${type} is not known`, this.at - 1);
    }
  }

  #members(depth: number): unknown[] {
    const count = this.arrayHead();
    if (count > MEMBERS_MAX) throw new Misfit(`a map or set of ${count} members`, this.at);
    return this.#array(count, depth);
  }

  #date(size: number): Date {
    if (size !== 4 && size !== 8 && size !== 12) throw new Misfit('a timestamp has 4, 8 or 12 bytes', this.at);
    const first = size === 4 ? 0 : this.u32();
    const nanoseconds = size === 8 ? first >>> 2 : first;
    const high = size === 8 ? first & 3 : size === 12 ? this.u32() | 0 : 0;
    const seconds = high * 2 ** 32 + this.u32();
    const date = new Date(seconds * 1000 + Math.floor(nanoseconds / 1_000_000));
    if (nanoseconds > 999_999_999 || Number.isNaN(date.getTime())) throw new Misfit('no valid date', this.at - size);
    return date;
  }

  #bigint(size: number): bigint {
    if (size === 0 || size > BIGINT_BYTES_MAX) throw new Misfit(`a big integer of ${size} bytes`, this.at);
    const hex = this.bytes.toString('hex', this.at, this.at + size);
    this.at += size;
    return BigInt.asIntN(size * 8, BigInt(`0x${hex}`));
  }

  #numbers(size: number): unknown {
    const type = NUMBER_ARRAYS[this.u8()];
    const bytes = size - 1;
    if (type === undefined || bytes % type.BYTES_PER_ELEMENT !== 0) throw new Misfit('no typed array', this.at - 1);
    return new type(this.#binary(bytes).buffer as ArrayBuffer);
  }
}

function pairs(flat: readonly unknown[], at: number): Map<unknown, unknown> {
  if (flat.length % 2 !== 0) throw new Misfit('a map has a key without a value', at);
  const map = new Map<unknown, unknown>();
  for (let i = 0; i < flat.length; i += 2) map.set(flat[i], flat[i + 1]);
  return map;
}
