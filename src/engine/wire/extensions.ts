/**
 * What MessagePack has no form for, as extensions of it. All else is plain MessagePack, so that any library of any
 * language reads it.
 *
 * | type | value | data |
 * | ---: | --- | --- |
 * | −1 | date | MessagePack's own timestamp: 4, 8 or 12 bytes |
 * | 0 | undefined | one byte, 0 (a habit of several JavaScript libraries) |
 * | 66 `B` | big integer | two's complement, most significant byte first, as few bytes as hold it |
 * | 77 `M` | map with keys of any type | one MessagePack array: key, value, key, value, … |
 * | 78 `N` | typed array of numbers | one byte: index in `NUMBER_ARRAYS`; then the numbers, little-endian |
 * | 83 `S` | set | one MessagePack array |
 */
export const EXTENSION = { bigint: 0x42, date: -1, map: 0x4d, numbers: 0x4e, set: 0x53, undefined: 0 } as const;

/** Deepest nesting of a value, both ways. */
export const DEPTH_MAX = 128;

/** Largest big integer, in bytes, both ways: arithmetic with larger ones stalls a process. */
export const BIGINT_BYTES_MAX = 1 << 20;

export const NUMBER_ARRAYS = [
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;

/** Sets an own property, also where its name is `__proto__`: data must not choose an object's prototype. */
export function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { configurable: true, enumerable: true, value, writable: true });
  } else {
    object[key] = value;
  }
}
