import type { Outcome } from './outcome.ts';

/**
 * A user's value on its way through the mesh: its bytes, its decoded form, or both.
 *
 * Why: a node that only passes a value on must neither decode nor re-encode it, while a plan that resolves references
 * has to look inside. Each form is made from the other when it is first asked for. The core never builds one itself:
 * it is handed a `PayloadMaker`, so that it stays blind to the encoding.
 */
export interface Payload {
  /** The decoded value, or the problem `value-undecodable` where the bytes are none. */
  value(): Outcome<unknown>;
  /** The encoded value, MessagePack. */
  bytes(): Uint8Array;
  /** The same value, to be held for long: it keeps alive nothing but itself, not all that it arrived with. */
  kept(): Payload;
  /** How many bytes it takes on the wire, known or estimated, for limits and statistics. */
  readonly size: number;
}

export type PayloadMaker = (value: unknown) => Payload;
