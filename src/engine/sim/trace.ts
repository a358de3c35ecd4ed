/**
 * What happened, as one running hash and as the last lines of a log. Two runs are the same run when their hashes are
 * equal; the lines are made only when somebody reads them.
 */
import { finish, mix } from '../core/base/hash.ts';
import type { Instant } from '../core/base/instant.ts';
import type { NodeEffect } from '../core/node/effects.ts';
import type { NodeInput } from '../core/node/inputs.ts';
import { digest } from './digest.ts';

interface Line {
  readonly at: Instant;
  readonly who: string;
  readonly local: Instant;
  readonly input: NodeInput;
  readonly effects: readonly NodeEffect[];
}

export class Trace {
  readonly #keep: number;
  readonly #lines: Line[] = [];
  #next = 0;
  #hash = 0;
  #steps = 0;

  /** `keep`: how many of the last lines are kept; 0: nothing is traced, steps are only counted. */
  constructor(keep: number) {
    this.#keep = keep;
  }

  get hash(): string {
    return finish(this.#hash).toString(16).padStart(8, '0');
  }

  get steps(): number {
    return this.#steps;
  }

  /** One step of one node: what came in, at what time by its own clock. `effects` is filled in by the time it is read. */
  step(at: Instant, who: string, local: Instant, input: NodeInput, effects: readonly NodeEffect[]): void {
    this.#steps++;
    if (this.#keep === 0) return;
    this.#hash = mix(mix(mix(this.#hash, at | 0), digest(who).hash), mix(local | 0, digest(input).hash));
    this.#lines[this.#next] = { at, effects, input, local, who };
    this.#next = (this.#next + 1) % this.#keep;
  }

  /** The kept lines, oldest first, as text: instant, node, input, then what it answered. */
  lines(): string[] {
    const ordered = [...this.#lines.slice(this.#next), ...this.#lines.slice(0, this.#next)];
    return ordered.flatMap(({ at, who, input, effects }) => [
      `${String(at).padStart(8)} ${who.padEnd(8)} ← ${show(input)}`,
      ...effects.map((effect) => `${' '.repeat(17)} → ${show(effect)}`),
    ]);
  }
}

const WIDTH = 220;

function show(value: NodeInput | NodeEffect): string {
  const { kind, ...rest } = value;
  const text = Object.entries(rest)
    .map(([key, field]) => `${key}=${JSON.stringify(field)}`)
    .join(' ');
  return text.length > WIDTH ? `${kind} ${text.slice(0, WIDTH)}…` : `${kind} ${text}`;
}
