import type { Outcome } from '../core/base/outcome.ts';
import { done } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import { COST_BYTES } from '../core/topics/messages.ts';
import { Misfit } from './misfit.ts';
import { BytesPayload, keeping } from './payload.ts';
import { valueFrom } from './read-value.ts';
import { Reader, u32At } from './reader.ts';
import type { Writer } from './writer.ts';

/**
 * The values of several messages, one behind the other, as they travel: a MessagePack list of byte strings, each of which
 * holds one value.
 *
 *     dd 00000003   c5 0002 a1 61   c5 0001 07   c5 0003 a2 68 69
 *     list of 3     "a"             7            "hi"
 *                   ├── from                     to ──────────────┤
 *
 * A run is cut between its values and copied as one range of bytes; nothing here looks into a value but `Values`, for whoever
 * the messages are for. What came from elsewhere is checked once, by `runFrom`, before anybody relies on it.
 */
export class Run implements Payload {
  /** How many. */
  readonly messages: number;
  /** Bytes of all values together, without what stands between them. */
  readonly valueBytes: number;
  readonly source: Uint8Array;
  readonly from: number;
  readonly to: number;

  constructor(source: Uint8Array, from: number, to: number, messages: number, valueBytes: number) {
    this.source = source;
    this.from = from;
    this.to = to;
    this.messages = messages;
    this.valueBytes = valueBytes;
  }

  /** What all of them cost while they wait, or until a subscriber has taken them. */
  get cost(): number {
    return this.valueBytes + this.messages * COST_BYTES;
  }

  get size(): number {
    return headBytes(this.messages) + this.to - this.from;
  }

  /** How many of the first cost no more than so much together. */
  within(bytes: number): number {
    if (this.cost <= bytes) return this.messages;
    const cursor = new Values(this);
    let left = bytes;
    let count = 0;
    while (cursor.next()) {
      left -= cursor.size + COST_BYTES;
      if (left < 0) break;
      count++;
    }
    return count;
  }

  /** The values from one place to before another. */
  cut(from: number, to: number): Run {
    const cursor = new Values(this);
    for (let i = 0; i < from; i++) cursor.next();
    const start = cursor.end;
    let valueBytes = 0;
    for (let i = from; i < to; i++) if (cursor.next()) valueBytes += cursor.size;
    return new Run(this.source, start, cursor.end, to - from, valueBytes);
  }

  /** Each value by itself. */
  *payloads(): Iterable<Payload> {
    const cursor = new Values(this);
    while (cursor.next()) yield new BytesPayload(this.source, cursor.from, cursor.end);
  }

  /** Why itself where it is most of what it came with: a copy would be more memory, and not less. */
  kept(): Run {
    const { from, messages, source, to, valueBytes } = this;
    if ((to - from) * KEPT_SHARE >= source.buffer.byteLength) return this;
    const copy = keeping.copy(source, from, to);
    return new Run(copy, 0, copy.length, messages, valueBytes);
  }

  bytes(): Uint8Array {
    const head = headBytes(this.messages);
    const bytes = new Uint8Array(this.size);
    if (head === 1) bytes[0] = 0x90 | this.messages;
    else if (head === 3) bytes.set([0xdc, this.messages >>> 8, this.messages]);
    else bytes.set([0xdd, this.messages >>> 24, this.messages >>> 16, this.messages >>> 8, this.messages]);
    bytes.set(this.source.subarray(this.from, this.to), head);
    return bytes;
  }

  /** The list as it stands. */
  value(): Outcome<unknown> {
    const cursor = new Values(this);
    const values: Uint8Array[] = [];
    while (cursor.next()) values.push(Uint8Array.from(this.source.subarray(cursor.from, cursor.end)));
    return done(values);
  }

  copyTo(w: Writer): void {
    w.arrayHead(this.messages);
    w.raw(this.source, this.from, this.to);
  }
}

/** Goes through the values of a run. */
export class Values {
  /** Where the value at hand begins, and where it ends. */
  from: number;
  end: number;
  readonly #bytes: Uint8Array;
  #left: number;

  constructor(run: Run) {
    this.#bytes = run.source;
    this.#left = run.messages;
    this.from = run.from;
    this.end = run.from;
  }

  get size(): number {
    return this.end - this.from;
  }

  /** Goes to the next one; false: there is none. */
  next(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    const bytes = this.#bytes;
    const at = this.end;
    const token = bytes[at];
    if (token === 0xc5) {
      this.from = at + 3;
      this.end = this.from + (((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number));
    } else if (token === 0xc4) {
      this.from = at + 2;
      this.end = this.from + (bytes[at + 1] as number);
    } else {
      this.from = at + 5;
      this.end = this.from + u32At(bytes, at + 1);
    }
    return true;
  }

  /** What it means. Throws a `Misfit`. */
  value(): unknown {
    return valueFrom(this.#bytes, this.from, this.end);
  }
}

/** The run that lies there and nothing behind it. Throws a `Misfit` where it is none. */
export function runFrom(bytes: Uint8Array, from = 0, to = bytes.length): Run {
  const r = new Reader(bytes, from, to);
  const messages = r.arrayHead();
  if (messages === 0 || messages > RUN_MESSAGES_MAX) {
    throw new Misfit(`a run has 1 to ${RUN_MESSAGES_MAX} messages, not ${messages}`, from);
  }
  const start = r.at;
  let valueBytes = 0;
  for (let i = 0; i < messages; i++) {
    const at = r.bin();
    if (at === undefined) throw new Misfit('a value of a run must be bytes', r.at - 1);
    valueBytes += r.at - at;
  }
  if (r.at !== to) throw new Misfit(`${to - r.at} bytes too many`, r.at);
  return new Run(bytes, start, to, messages, valueBytes);
}

/** The run that a payload is; undefined where it is none. */
export function runOf(payload: Payload): Run | undefined {
  if (payload instanceof Run) return payload;
  try {
    return runFrom(payload.bytes());
  } catch {
    return undefined;
  }
}

/** What both sides have to say in the handshake before either sends runs. */
export const RUNS = 'runs';

/** Limit: one small frame must not become more messages than this for whoever reads it. */
export const RUN_MESSAGES_MAX = 4096;

/** Limit: what waits holds no more than so many times its own bytes. */
const KEPT_SHARE = 4;

function headBytes(count: number): number {
  return count < 16 ? 1 : count < 0x10000 ? 3 : 5;
}
