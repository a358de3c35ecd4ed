/** For peers that carry bytes: a mebibyte as it is, everything else as JSON. */
import type { Fun, Value } from './functions.ts';

const TAKE_BYTES: ReadonlySet<Fun> = new Set(['change', 'digest']);
const GIVE_BYTES: ReadonlySet<Fun> = new Set(['make', 'change']);

export function encoded(value: Value): Buffer {
  if (!(value instanceof Uint8Array)) return Buffer.from(JSON.stringify(value));
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

export function argumentOf(fun: Fun, bytes: Uint8Array): Value {
  return decoded(TAKE_BYTES.has(fun), bytes);
}

export function answerOf(fun: Fun, bytes: Uint8Array): Value {
  return decoded(GIVE_BYTES.has(fun), bytes);
}

function decoded(raw: boolean, bytes: Uint8Array): Value {
  if (raw) return bytes;
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as Value;
}
