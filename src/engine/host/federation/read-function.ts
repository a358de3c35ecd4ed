/**
 * What a cluster keeps of topics, for readers of another one: a stream that hubs answer to nodes of their cluster and to each other.
 *
 *     a node ── {cluster, patterns, …} ──► its hub ── {for, patterns, …} ──► a hub of that cluster ── read ──► the keeper
 *            ◄─ what its cluster may import ─┘     ◄── what that one may export ─┘
 *
 * A hub reads as fast as its stream is taken, and holds no more than a window. A message that a rule keeps back is passed over, and its
 * number with it.
 */
import type { CallContext, FunctionDefinition } from '../../api.ts';
import { type Problem, problem } from '../../core/base/problems.ts';
import { COST_BYTES, type KeptMessage, type ReadingMessage } from '../../core/topics/messages.ts';
import { ProblemError, problemError } from '../../problem-error.ts';
import { isObject } from '../../wire/json-value.ts';
import { packedKept, READ, type ReadItem } from '../topics/far-reading.ts';
import type { ReadRequest } from '../topics/kept-position.ts';
import type { Listening, Sink } from '../topics/link-topics.ts';
import type { FederationFace } from './federation-functions.ts';
import { patternsOf } from './retained-function.ts';

export function readFunction(hub: () => FederationFace): FunctionDefinition {
  return {
    name: READ,
    run(this: CallContext, argument: unknown) {
      const { cluster, for: asker, ...rest } = isObject(argument) ? argument : {};
      const request = requestOf(rest);
      if (typeof asker === 'string') return here(hub(), request, asker, this.signal);
      if (typeof cluster === 'string') return there(hub(), request, cluster, this.signal);
      throw problemError('input-invalid', `${READ} takes the id of a cluster`);
    },
  };
}

function requestOf({ ageMs, from, last, patterns, resume, ...more }: Record<string, unknown>): ReadRequest {
  const [odd] = Object.keys(more);
  if (odd !== undefined) throw problemError('input-invalid', `${READ} has no field "${odd}"`);
  const counts = Object.entries({ ageMs, from, last }).filter(([, value]) => value !== undefined);
  const isResume =
    resume === undefined || (isObject(resume) && isCount(resume['next']) && typeof resume['keep'] === 'string');
  if (!isResume || !counts.every(([, value]) => isCount(value))) {
    throw problemError('input-invalid', `${READ} begins at a whole number, or resumes with {keep, next}`);
  }
  const begin = Object.fromEntries(counts) as Pick<ReadRequest, 'ageMs' | 'from' | 'last'>;
  return {
    ...begin,
    patterns: patternsOf(patterns),
    ...(resume === undefined ? {} : { resume: resume as NonNullable<ReadRequest['resume']> }),
  };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Of another cluster, what this one may have. */
async function* there(
  hub: FederationFace,
  request: ReadRequest,
  cluster: string,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  const { topics } = hub.machine;
  const isOwn = cluster === hub.config.current.identity.cluster;
  for await (const item of hub.kept.of(cluster, request, signal)) {
    if (!isObject(item) || !Array.isArray(item['kept'])) yield item;
    else {
      const kept = item['kept'].filter(
        (one) => isOwn || topics.admits(cluster, String((one as { topic?: unknown })?.topic)),
      );
      if (kept.length > 0) yield { kept };
    }
  }
}

/** Of this cluster, what another one may have. */
async function* here(
  hub: FederationFace,
  request: ReadRequest,
  asker: string,
  signal: AbortSignal,
): AsyncGenerator<ReadItem> {
  const isOwn = asker === hub.config.current.identity.cluster;
  const reader = new Reader();
  // Why: what waits for the next message would wait on, with a reader at the keeper.
  const end = () => reader.ended(problem('cancelled', 'the reader reads no more'));
  signal.addEventListener('abort', end, { once: true });
  const listening = (await hub.kept.link()).read(request, reader);
  try {
    for (;;) {
      const { kept, position } = await reader.some();
      if (position !== undefined) yield { keep: position.keep, next: position.next };
      const given = kept.filter(({ topic }) => isOwn || hub.machine.topics.mayGo(asker, topic));
      if (given.length > 0) yield { kept: given.map(packedKept) };
      taken(listening, kept);
    }
  } finally {
    listening.stop();
    signal.removeEventListener('abort', end);
  }
}

function taken(listening: Listening, kept: readonly KeptMessage[]): void {
  const bytes = kept.reduce((sum, { payload }) => sum + payload.size + COST_BYTES, 0);
  if (bytes > 0) listening.taken(bytes);
}

/** What comes for one reader. Its node sends no more than a window that was not taken. */
class Reader implements Sink {
  readonly #kept: KeptMessage[] = [];
  #position: ReadingMessage | undefined;
  #why: Problem | undefined;
  #wake: () => void = () => undefined;

  /** What has come since it was asked last: the position comes before the messages. Throws when it is over. */
  async some(): Promise<{ readonly kept: readonly KeptMessage[]; readonly position: ReadingMessage | undefined }> {
    while (this.#kept.length === 0 && this.#position === undefined) {
      if (this.#why !== undefined) throw new ProblemError(this.#why);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const position = this.#position;
    this.#position = undefined;
    return { kept: this.#kept.splice(0, this.#count()), position };
  }

  reading(message: ReadingMessage): void {
    this.#position = message;
    this.#wake();
  }

  kept(message: KeptMessage): void {
    this.#kept.push({ ...message, payload: message.payload.kept() });
    this.#wake();
  }

  ended(why: Problem): void {
    this.#why = why;
    this.#wake();
  }

  ready(): void {}

  message(): void {
    this.ended(problem('internal', 'a reader of what is kept got a message that is not'));
  }

  missed(): void {}

  /** How many messages make an item. */
  #count(): number {
    let bytes = 0;
    const end = this.#kept.findIndex(({ payload }) => {
      bytes += payload.size + COST_BYTES;
      return bytes >= ITEM_BYTES;
    });
    return end < 0 ? this.#kept.length : end + 1;
  }
}

const ITEM_BYTES = 64 * 1024;
