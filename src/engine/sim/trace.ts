/**
 * What happened, as one running hash and as the last lines of a log. Two runs are the same run when their hashes are
 * equal; the lines are made only when somebody reads them.
 *
 * Steps that are about calls are kept apart as well: they are few among all the gossip, and would long be gone from a
 * common list by the time that somebody finds a call without an answer.
 */
import { finish, mix } from '../core/base/hash.ts';
import type { Instant } from '../core/base/instant.ts';
import type { LinkMessage } from '../core/links/messages.ts';
import type { MembershipMessage } from '../core/membership/messages.ts';
import type { NodeEffect } from '../core/node/effects.ts';
import type { Message, NodeInput } from '../core/node/inputs.ts';
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
  readonly #last: Ring;
  readonly #calls: Ring;
  #hash = 0;
  #steps = 0;

  /** `keep`: how many of the last lines are kept; 0: nothing is traced, steps are only counted. */
  constructor(keep: number) {
    this.#keep = keep;
    this.#last = new Ring(keep);
    this.#calls = new Ring(keep);
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
    this.#last.add({ at, effects, input, local, who });
  }

  /** The step that was traced last has all its effects. */
  stepped(): void {
    const line = this.#last.newest;
    if (line !== undefined && isCallsStep(line)) this.#calls.add(line);
  }

  /** The kept lines, oldest first, as text: instant, node, input, then what it answered. */
  lines(): string[] {
    const last = this.#last.oldestFirst();
    const [first] = last;
    const earlier = this.#calls.oldestFirst().filter((line) => !last.includes(line));
    const gap =
      earlier.length > 0 && first !== undefined ? [`${' '.repeat(8)} … only what is about calls, up to here`] : [];
    return [...earlier.flatMap(text), ...gap, ...last.flatMap(text)];
  }
}

/** The newest so many lines. */
class Ring {
  readonly #size: number;
  readonly #lines: Line[] = [];
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get newest(): Line | undefined {
    return this.#size === 0 ? undefined : this.#lines[(this.#next + this.#size - 1) % this.#size];
  }

  add(line: Line): void {
    this.#lines[this.#next] = line;
    this.#next = (this.#next + 1) % this.#size;
  }

  oldestFirst(): readonly Line[] {
    return [...this.#lines.slice(this.#next), ...this.#lines.slice(0, this.#next)];
  }
}

/** Whether a message is about calls: all are that are not about members or links, kinds of the future included. */
export function isAboutCalls({ kind }: Message): boolean {
  return !OTHERS.has(kind);
}

const OTHERS: ReadonlySet<string> = new Set([
  'ping',
  'ack',
  'nack',
  'ping-req',
  'gossip',
  'sync-digest',
  'sync-buckets',
  'sync-entries',
  'sync-news',
  'beat',
  'goaway',
] satisfies (MembershipMessage | LinkMessage)['kind'][]);

function isCallsStep({ input, effects }: Line): boolean {
  if (input.kind === 'ran' || input.kind === 'item') return true;
  if (input.kind === 'message' && isAboutCalls(input.message)) return true;
  return effects.some(
    (effect) =>
      effect.kind === 'run' || effect.kind === 'abort' || (effect.kind === 'send' && isAboutCalls(effect.message)),
  );
}

function text({ at, who, input, effects }: Line): string[] {
  return [
    `${String(at).padStart(8)} ${who.padEnd(8)} ← ${show(input)}`,
    ...effects.map((effect) => `${' '.repeat(17)} → ${show(effect)}`),
  ];
}

const WIDTH = 220;

function show(value: NodeInput | NodeEffect): string {
  const { kind, ...rest } = value;
  const text = Object.entries(rest)
    .map(([key, field]) => `${key}=${JSON.stringify(field)}`)
    .join(' ');
  return text.length > WIDTH ? `${kind} ${text.slice(0, WIDTH)}…` : `${kind} ${text}`;
}
