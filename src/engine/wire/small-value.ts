/**
 * Small plain values ⇄ MessagePack, by hand: null, true and false, numbers, short texts, bytes, and short lists and objects
 * of such. Whatever else a value holds, it leaves the whole value to `write-value.ts` and `read-value.ts`, and judges nothing:
 * what it writes are the bytes that those write, what it reads is what those read.
 *
 * Why: most arguments and answers are like this, and the way through msgpackr (a walk, its own encoder, a buffer for the
 * bytes; a scan, its own decoder) takes longer than all else that a node does for a call. Measured with `bench/wire.ts`:
 * 100 ns instead of 500 to write `{ args: ['hello'] }`, 260 instead of 570 to read it.
 */
import { CopyPool } from './copy-pool.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** Elements of a list or an object, as many as a head of one byte can say; and nesting. Beyond, msgpackr is as quick. */
const ELEMENTS_MAX = 15;
const DEPTH_MAX = 4;
/** Bytes of a text that is read here: from longer ones msgpackr takes a byte order mark, so it has them all. */
const TEXT_MAX = 64;

/** Writes the value; false where it is none of these, and then there may be anything behind the writer's place. */
export function writeSmall(w: Writer, value: unknown, depth = 0): boolean {
  switch (typeof value) {
    case 'string':
      return w.shortText(value);
    case 'number':
      return writeNumber(w, value);
    case 'boolean':
      w.bool(value);
      return true;
    case 'object':
      if (value === null) w.nil();
      else if (value instanceof Uint8Array) writeBytes(w, value);
      else return depth < DEPTH_MAX && writeElements(w, value, depth + 1);
      return true;
    default:
      return false;
  }
}

function writeNumber(w: Writer, value: number): boolean {
  if (value >>> 0 === value) w.uint(value);
  else if (Number.isInteger(value) && value < 0 && value >= -32) w.smallNegative(value);
  else return false;
  return true;
}

function writeBytes(w: Writer, bytes: Uint8Array): void {
  w.binHead(bytes.length);
  w.all(bytes);
}

function writeElements(w: Writer, value: object, depth: number): boolean {
  if (Array.isArray(value)) {
    if (value.length > ELEMENTS_MAX) return false;
    w.arrayHead(value.length);
    for (let i = 0; i < value.length; i++) if (!writeSmall(w, value[i], depth)) return false;
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  const keys = Object.keys(value);
  if (keys.length > ELEMENTS_MAX) return false;
  w.smallMapHead(keys.length);
  for (const key of keys) {
    if (!w.shortText(key) || !writeSmall(w, (value as Record<string, unknown>)[key], depth)) return false;
  }
  return true;
}

/** Stands for a value that is none of these. */
export const NOT_SMALL = Symbol('not small');

/** Reads the value that begins at the reader, unless it is none of these; then the reader may stand anywhere. */
export function readSmall(r: Reader, depth = 0): unknown {
  const token = r.u8();
  if (token < 0x80) return token;
  if (token < 0x90) return depth < DEPTH_MAX ? readObject(r, token & 0x0f, depth + 1) : NOT_SMALL;
  if (token < 0xa0) return depth < DEPTH_MAX ? readList(r, token & 0x0f, depth + 1) : NOT_SMALL;
  if (token < 0xc0) return r.chars(token & 0x1f);
  if (token >= 0xe0) return token - 0x100;
  switch (token) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xc4:
      return readBytes(r, r.u8());
    case 0xc5:
      return readBytes(r, r.u16());
    case 0xcc:
      return r.u8();
    case 0xcd:
      return r.u16();
    case 0xce:
      return r.u32();
    case 0xd9: {
      const size = r.u8();
      return size <= TEXT_MAX ? r.chars(size) : NOT_SMALL;
    }
    default:
      return NOT_SMALL;
  }
}

/** A copy: the value shares no memory with the frame. */
function readBytes(r: Reader, size: number): Uint8Array {
  r.need(size);
  r.at += size;
  return pool.copy(r.bytes, r.at - size, r.at);
}

const pool = new CopyPool(16 * 1024);

function readList(r: Reader, count: number, depth: number): unknown {
  const list = new Array<unknown>(count);
  for (let i = 0; i < count; i++) {
    const value = readSmall(r, depth);
    if (value === NOT_SMALL) return NOT_SMALL;
    list[i] = value;
  }
  return list;
}

function readObject(r: Reader, count: number, depth: number): unknown {
  const object: Record<string, unknown> = {};
  for (let i = 0; i < count; i++) {
    const head = r.u8();
    if (head < 0xa0 || head >= 0xb8) return NOT_SMALL;
    const key = r.shared(head & 0x1f);
    const value = readSmall(r, depth);
    if (value === NOT_SMALL || key === '__proto__') return NOT_SMALL;
    object[key] = value;
  }
  return object;
}
