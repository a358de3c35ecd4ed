/**
 * What the steps of the plans do, the same on every side. Each place does it a little differently, so that an answer shows
 * whether each step ran once, in its turn and where it should.
 */
import { crc32 } from 'node:zlib';

export type Place = 'a' | 'b';
/** What goes from step to step. Each function takes one of them, so that a peer's codec needs no list. */
export type Value = number | readonly number[] | Uint8Array;

export const FUNS = ['step', 'join', 'make', 'change', 'digest'] as const;
export type Fun = (typeof FUNS)[number];

const BYTES = 1024 * 1024;
const PRIME = 1_000_003;
const PATTERN = new Uint8Array(BYTES);
for (let i = 0, noise = 1; i < BYTES; i++, noise = (noise * 48_271) % 0x7fff_ffff) PATTERN[i] = noise;

export function functionsOf(place: Place) {
  const mark = place === 'a' ? 1 : 2;
  const mixed = (sum: number, value: number) => (sum * 31 + value) % PRIME;
  return {
    /** The same bytes in memory of their own, one of them changed. */
    change(bytes: Uint8Array): Uint8Array {
      const changed = new Uint8Array(bytes);
      changed[0] = mixed(changed[0] as number, mark);
      return changed;
    },
    digest: (bytes: Uint8Array): number => mixed(crc32(bytes), mark),
    join: (values: readonly number[]): number => values.reduce(mixed, mark),
    /** A mebibyte that ends with the seed. */
    make(seed: number): Uint8Array {
      const bytes = new Uint8Array(PATTERN);
      new DataView(bytes.buffer).setUint32(BYTES - 4, seed);
      return bytes;
    },
    step: (value: number): number => mixed(value, mark),
  } satisfies Record<Fun, (argument: never) => Value>;
}

/** For whoever has the function's name from outside. */
export function runnerOf(place: Place): (fun: Fun, argument: Value) => Value {
  const functions = functionsOf(place);
  return (fun, argument) => (functions[fun] as (argument: Value) => Value)(argument);
}
