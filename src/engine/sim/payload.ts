/** A user's value in the simulated world: it travels decoded; its bytes would be JSON. */
import { done, type Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';

export class SimPayload implements Payload {
  readonly #value: unknown;
  #text: string | undefined;

  constructor(value: unknown) {
    this.#value = value;
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
    return this.text.length;
  }
}

export function simPayload(value: unknown): Payload {
  return new SimPayload(value);
}
