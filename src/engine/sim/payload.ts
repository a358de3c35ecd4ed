/**
 * A user's value in the simulated world: it travels decoded; its bytes would be JSON.
 *
 * A value may say of itself that it is large: wherever `{ "bulkBytes": 200000 }` stands in it, the payload weighs so much
 * more, on the wire and in the eyes of every limit, though it takes no memory.
 */
import { done, type Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';

export class SimPayload implements Payload {
  readonly #value: unknown;
  #text: string | undefined;
  #size: number | undefined;

  constructor(value: unknown) {
    this.#value = value;
  }

  kept(): Payload {
    return this;
  }

  value(): Outcome<unknown> {
    return done(this.#value);
  }

  get text(): string {
    this.#text ??= JSON.stringify(this.#value) ?? 'null';
    return this.#text;
  }

  /** For the lines of the trace. */
  toJSON(): unknown {
    return this.#value;
  }

  bytes(): Uint8Array {
    return new TextEncoder().encode(this.text);
  }

  get size(): number {
    this.#size ??= this.text.length + bulkOf(this.text);
    return this.#size;
  }
}

/** What a text weighs beyond its letters. */
function bulkOf(text: string): number {
  if (!text.includes('"bulkBytes":')) return 0;
  let sum = 0;
  for (const [, bytes] of text.matchAll(/"bulkBytes":(\d+)/g)) sum += Number(bytes);
  return sum;
}

export function simPayload(value: unknown): Payload {
  return new SimPayload(value);
}
