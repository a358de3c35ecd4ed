import { done, failed, type Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import { ProblemError } from '../problem-error.ts';
import { CopyPool } from './copy-pool.ts';
import { problemOf } from './misfit.ts';
import { valueFrom } from './read-value.ts';
import { writeSmall } from './small-value.ts';
import { valueBytes } from './write-value.ts';
import { Writer } from './writer.ts';

/** A payload for a value. One that cannot be encoded shows itself only in `bytes()`: see `encodable`. */
export function payloadOf(value: unknown): Payload {
  return new ValuePayload(value);
}

/** A payload for bytes that are taken for MessagePack until somebody asks for the value. The bytes must not change. */
export function payloadFrom(bytes: Uint8Array): Payload {
  return new BytesPayload(bytes, 0, bytes.length);
}

/** Encodes a user's value now, or says which part of it cannot be: `result.items[3].callback`. */
export function encodable(value: unknown, root = 'result'): Outcome<Payload> {
  const payload = new ValuePayload(value);
  try {
    payload.encode(root);
    return done(payload);
  } catch (error) {
    if (error instanceof ProblemError) return failed(error.problem);
    throw error;
  }
}

/** Writes a payload behind a header. Throws a `ProblemError` where its value cannot be encoded. */
export function writePayload(w: Writer, payload: Payload): void {
  if (payload instanceof BytesPayload || payload instanceof ValuePayload) payload.copyTo(w);
  else if ('copyTo' in payload) (payload as Copied).copyTo(w);
  else w.all(payload.bytes());
}

/** A payload that is written in a way of its own. */
interface Copied {
  copyTo(w: Writer): void;
}

/** The same payload with the value that its bytes mean: what the other side would see. Throws a `ProblemError`. */
export function settled(payload: Payload): Payload {
  return payload instanceof BytesPayload ? payload : payloadFrom(payload.bytes());
}

/** Bytes first: a range of the message that they came in. */
export class BytesPayload implements Payload {
  readonly #source: Uint8Array;
  readonly #from: number;
  readonly #to: number;
  #value: Outcome<unknown> | undefined;

  constructor(source: Uint8Array, from: number, to: number) {
    this.#source = source;
    this.#from = from;
    this.#to = to;
  }

  get size(): number {
    return this.#to - this.#from;
  }

  bytes(): Uint8Array {
    return this.#source.subarray(this.#from, this.#to);
  }

  kept(): Payload {
    return payloadFrom(keeping.copy(this.#source, this.#from, this.#to));
  }

  value(): Outcome<unknown> {
    this.#value ??= this.#decode();
    return this.#value;
  }

  copyTo(w: Writer): void {
    w.raw(this.#source, this.#from, this.#to);
  }

  #decode(): Outcome<unknown> {
    try {
      return done(valueFrom(this.#source, this.#from, this.#to));
    } catch (error) {
      return failed(problemOf(error, 'value-undecodable', 'payload'));
    }
  }
}

/** The value first. */
class ValuePayload implements Payload {
  readonly #given: unknown;
  #value: Outcome<unknown> | undefined;
  /** Where the bytes are, once they are wanted. */
  #source: Uint8Array | undefined;
  #from = 0;
  #to = 0;

  constructor(value: unknown) {
    this.#given = value;
  }

  /** What it takes on the wire; 0 where it cannot be encoded. */
  get size(): number {
    const given = this.#given;
    if (this.#source === undefined && given instanceof Uint8Array) return binBytes(given.length);
    try {
      this.encode('value');
      return this.#to - this.#from;
    } catch {
      return 0;
    }
  }

  kept(): Payload {
    return payloadFrom(Uint8Array.from(this.bytes()));
  }

  value(): Outcome<unknown> {
    this.#value ??= done(this.#given);
    return this.#value;
  }

  bytes(): Uint8Array {
    return this.encode('value').subarray(this.#from, this.#to);
  }

  copyTo(w: Writer): void {
    const given = this.#given;
    if (this.#source === undefined && given instanceof Uint8Array) {
      w.binHead(given.length);
      w.all(given);
    } else w.raw(this.encode('value'), this.#from, this.#to);
  }

  /** Makes the bytes, and gives the memory that they are in. */
  encode(root: string): Uint8Array {
    this.#source ??= this.#small() ?? this.#any(root);
    return this.#source;
  }

  #small(): Uint8Array | undefined {
    // Why: encoding asks the user's getters, which may encode something themselves.
    if (small.busy) return undefined;
    const { w } = small;
    small.busy = true;
    try {
      if (!writeSmall(w, this.#given)) return undefined;
      this.#from = w.start;
      this.#to = w.at;
      return w.bytes;
    } catch {
      return undefined; // a getter threw: `#any` says where
    } finally {
      if (this.#to === 0) w.at = w.start;
      else w.leave();
      small.busy = false;
    }
  }

  #any(root: string): Uint8Array {
    try {
      const bytes = valueBytes(this.#given);
      this.#to = bytes.length;
      return bytes;
    } catch (error) {
      throw new ProblemError(problemOf(error, 'result-unencodable', root));
    }
  }
}

/** Where all small values are written, one behind the other. */
const small = { busy: false, w: new Writer() };

/** Of what waits, some of it much longer than the rest. */
export const keeping = new CopyPool(4 * 1024);

/** Bytes of so many bytes and what says so. */
function binBytes(length: number): number {
  return length + (length < 0x100 ? 2 : length < 0x10000 ? 3 : 5);
}
