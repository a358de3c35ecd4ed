/** The functions `mpreg.queue.*` by name: what each takes and gives, and where it is run. */
import { setTimeout as pause } from 'node:timers/promises';
import type { CallOptions } from '../../api.ts';
import type { Problem } from '../../core/base/problems.ts';
import { ProblemError, problemError } from '../../problem-error.ts';
import type { ReceivedMessage } from '../../queues-api.ts';
import { readReceived } from '../queues/packed.ts';

type Received =
  | { readonly packed: Uint8Array; readonly createdAt?: number }
  | { readonly messages: readonly ReceivedMessage[] };

/** Calls a function with its one argument. */
export type AskQueue = (fun: string, argument: object, options: CallOptions) => Promise<unknown>;

/** How long a node may take beyond the time that it was told to wait: it may be writing. */
export const ANSWER_MS = 30_000;

export class QueueCalls {
  readonly name: string;
  /** Resolves with the reason when no call can be made any more. */
  readonly over: Promise<string>;
  readonly #ask: AskQueue;
  readonly #where: CallOptions;

  constructor(name: string, ask: AskQueue, over: Promise<string>) {
    this.name = name;
    this.over = over;
    this.#ask = ask;
    this.#where = { locs: [`queue:${name}`] };
  }

  /** Of the queue, on the node that has it. While it moves to another one, nothing is done: it is tried again until it is there. */
  async call<Value>(what: string, argument: object = {}, options: CallOptions = {}): Promise<Value> {
    const given = { queue: this.name, ...argument };
    const { timeoutMs = ANSWER_MS, signal } = options;
    const until = timeoutMs === 0 ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
    for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
      try {
        return (await this.#ask(`mpreg.queue.${what}`, given, { timeoutMs, ...this.#where, ...options })) as Value;
      } catch (error) {
        const isMoving = error instanceof ProblemError && error.code === 'queue-moving';
        if (!isMoving || signal?.aborted === true || performance.now() + pauseMs > until) throw error;
      }
      await pause(pauseMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    }
  }

  /** The same, for what is about the move itself, or only looks: it does not wait for the end of that. */
  async once<Value>(what: string, argument: object = {}, options: CallOptions = {}): Promise<Value> {
    const given = { queue: this.name, ...argument };
    return (await this.#ask(`mpreg.queue.${what}`, given, {
      timeoutMs: ANSWER_MS,
      ...this.#where,
      ...options,
    })) as Value;
  }

  /** What a receive brought. Asked for packed; whoever cannot do that gives a list. */
  async received(argument: object, options: CallOptions): Promise<readonly ReceivedMessage[]> {
    const answer = await this.call<Received>('receive', { ...argument, packed: true }, options);
    return 'packed' in answer ? readReceived(answer.packed, answer.createdAt) : answer.messages;
  }

  /** One result for each item, in order. */
  async results<Result>(what: string, argument: object, options?: CallOptions): Promise<readonly Result[]> {
    const answer = await this.call<{ readonly results?: unknown } | null>(what, argument, options);
    const results = answer?.results;
    if (!Array.isArray(results)) throw problemError('internal', `mpreg.queue.${what} gave no results`);
    return results as readonly Result[];
  }
}

/** What may pass if one waits: no connection, no node with the queue, too much to do. */
export function isPassing(error: unknown): error is ProblemError {
  return error instanceof ProblemError && PASSING.has(error.code);
}

/** How soon a queue that moves is asked again. */
const PAUSE_MS = 25;
const PAUSE_MS_MAX = 500;

const PASSING: ReadonlySet<Problem['code']> = new Set([
  'cancelled',
  'function-unknown',
  'link-lost',
  'nobody-there',
  'node-stopping',
  'node-unknown',
  'not-here',
  'overloaded',
  'queue-moving',
  'queue-unknown',
  'resource-unknown',
  'store-failed',
  'timed-out',
  'timed-out-before-start',
]);
