/**
 * One number for a piece of plain data, and about how many bytes it would take on the wire.
 *
 * Equal content gives an equal number, whatever the order of an object's keys; a field that is undefined counts as
 * absent, because the wire does not carry it either.
 */
import { finish, hash32, mix } from '../core/base/hash.ts';
import { SimPayload } from './payload.ts';

export interface Digest {
  readonly hash: number;
  /** An estimate: MessagePack with one byte for a known field's name. */
  readonly bytes: number;
}

/** Hashes of strings that come again and again: ids, names, kinds. */
const known = new Map<string, number>();
const KNOWN_MAX = 20_000;

function hashOf(text: string): number {
  if (text.length > 64) return hash32(text);
  let hash = known.get(text);
  if (hash === undefined) {
    if (known.size >= KNOWN_MAX) known.clear();
    hash = hash32(text);
    known.set(text, hash);
  }
  return hash;
}

let bytes = 0;

export function digest(value: unknown): Digest {
  bytes = 0;
  const hash = walk(value);
  return { hash, bytes };
}

function walk(value: unknown): number {
  switch (typeof value) {
    case 'string':
      bytes += value.length + 1;
      return hashOf(value);
    case 'number':
      bytes += numberBytes(value);
      if (!Number.isSafeInteger(value)) return hash32(`${value}`, 1);
      return finish(mix(mix(1, value | 0), Math.floor(value / 2 ** 32)));
    case 'boolean':
      bytes += 1;
      return value ? 2 : 3;
    case 'object':
      return value === null ? 4 : walkObject(value);
    default:
      return 5;
  }
}

function walkObject(value: object): number {
  if (value instanceof SimPayload) {
    bytes += value.size;
    return hash32(value.text);
  }
  bytes += 1;
  if (Array.isArray(value)) {
    let h = 6;
    for (const item of value) h = mix(h, walk(item));
    return finish(h ^ value.length);
  }
  let sum = 7;
  for (const [key, field] of Object.entries(value)) {
    if (field === undefined) continue;
    bytes += 1;
    sum = (sum + finish(mix(hashOf(key), walk(field)))) | 0;
  }
  return finish(sum);
}

function numberBytes(value: number): number {
  if (!Number.isInteger(value)) return 9;
  const size = Math.abs(value);
  return size < 128 ? 1 : size < 65_536 ? 3 : size < 2 ** 32 ? 5 : 9;
}
