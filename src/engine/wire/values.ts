/**
 * Plain values ⇄ MessagePack: msgpackr as the wire uses it, and the extensions that it is taught.
 *
 * Nothing here checks anything. What is packed went through the walk of `write-value.ts`, what is unpacked through the
 * scan of `read-value.ts`; msgpackr's own extensions for records, errors, references and the like see no byte.
 *
 * Why `index-no-eval`: it makes no code from text, loads no native parser, and its table of extensions is not the one
 * that a user's own `import 'msgpackr'` would change.
 *
 * Limits, all msgpackr's: −0 arrives as 0; whole numbers beyond 32 bits are written as float 64; a text of more than 64
 * bytes loses a byte order mark at its beginning. It renames a key `__proto__`, so such keys are put away before.
 */
import { addExtension, Packr } from 'msgpackr/index-no-eval';
import { EXTENSION, NUMBER_ARRAYS } from './extensions.ts';

const packr = new Packr({
  bundleStrings: false,
  copyBuffers: true,
  int64AsType: 'auto' as 'number', // its types do not know: a number where that is exact, else a big integer
  mapsAsObjects: true,
  moreTypes: false,
  structuredClone: false,
  useRecords: false,
  useToJSON: false,
  variableMapSize: true,
});

/** Stands in a plain value for what MessagePack has no form for, with the bytes of its extension. */
class Extended {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}
export class BigInteger extends Extended {}
export class NumberArray extends Extended {}
/** Of a map: keys and values in turn, as one packed array. */
export class Entries extends Extended {}
/** Of a set, as one packed array. */
export class Members extends Extended {}

function extend(type: number, Class: typeof Extended, unpack: (bytes: Uint8Array) => unknown): void {
  addExtension({ Class, pack: ({ bytes }: Extended) => bytes, type, unpack });
}
extend(EXTENSION.bigint, BigInteger, (bytes) => {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
});
extend(EXTENSION.numbers, NumberArray, (bytes) => {
  const type = NUMBER_ARRAYS[bytes[0] as number] as Float64ArrayConstructor;
  return new type(bytes.slice(1).buffer as ArrayBuffer);
});
extend(EXTENSION.map, Entries, (bytes) => new Entries(bytes));
extend(EXTENSION.set, Members, (bytes) => new Members(bytes));

const SLAB = 8 * 1024;
const SLAB_MAX = 64 * 1024;

/** The bytes of a plain value, the caller's to keep. */
export function pack(plain: unknown): Buffer {
  const bytes = packr.pack(plain);
  // Why: msgpackr goes on behind them; a small value at the end of a very large slab would keep all of it alive.
  if (bytes.buffer.byteLength > SLAB_MAX) packr.useBuffer(Buffer.allocUnsafeSlow(SLAB));
  return bytes;
}

/** As long as `__proto__`. Limit: beside a key `__proto__`, a key like this one becomes another. */
const PUT_AWAY = Buffer.from('\0proto\0\0\0');
const PUT_AWAY_KEY = PUT_AWAY.toString();

/** The same bytes, in memory of their own, with the keys `__proto__` put away that begin at those places. */
export function withoutPrototypes(bytes: Uint8Array, places: readonly number[]): Uint8Array {
  const copy = Buffer.from(bytes);
  for (const place of places) PUT_AWAY.copy(copy, place);
  return copy;
}

/**
 * The value of bytes that were scanned, in memory of its own. `folded`: there are maps or sets in it, or keys that were
 * put away.
 */
export function unpack(bytes: Uint8Array, folded: boolean): unknown {
  const value: unknown = packr.unpack(bytes);
  return folded ? unfold(value) : value;
}

/** Why afterwards: within its own `unpack`, msgpackr copies the whole source for each value that is unpacked. */
function unfold(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Members) return new Set(unpack(value.bytes, true) as unknown[]);
  if (value instanceof Entries) return pairs(unpack(value.bytes, true) as unknown[]);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = unfold(value[i]);
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    const object = value as Record<string, unknown>;
    for (const key of Object.keys(object)) object[key] = unfold(object[key]);
    if (Object.hasOwn(object, PUT_AWAY_KEY)) return Object.fromEntries(Object.entries(object).map(putBack));
  }
  return value;
}

function putBack([key, value]: [string, unknown]): [string, unknown] {
  return [key === PUT_AWAY_KEY ? '__proto__' : key, value];
}

function pairs(flat: readonly unknown[]): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>();
  for (let i = 0; i < flat.length; i += 2) map.set(flat[i], flat[i + 1]);
  return map;
}
