/**
 * Sends of one queue: many under way, each with an answer of its own.
 *
 * A message whose outcome nobody knows (the connection broke, no answer came in time) is sent again only where it has a
 * `dedupeId`, by which its queue tells that it has it already.
 *
 * Limit: messages that are sent again may come after others of their group that were sent meanwhile. Where their order
 * matters, wait for one before the next is sent.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { didNotHappen } from '../../core/base/problems.ts';
import { ProblemError } from '../../problem-error.ts';
import type { SendMessage, SendResult, Sent } from '../../queues-api.ts';
import { Coalesced, type Outcome } from './coalesced.ts';
import { isPassing, type QueueCalls } from './queue-calls.ts';

/** Limits: of one call, as its node has them. */
const CALL_ITEMS_MAX = 1_000;
const CALL_BYTES_MAX = 2 ** 20;
const CALLS_MAX = 8;
/** Limits: of what has no answer. */
const OPEN_MAX = 100_000;
const OPEN_BYTES_MAX = 64 * 2 ** 20;
/** How long a message with a `dedupeId` is tried again, in milliseconds. */
const AGAIN_MS_MAX = 60_000;
const PAUSE_MS = 100;
const PAUSE_MS_MAX = 2_000;

export class Sending {
  readonly #calls: QueueCalls;
  readonly #coalesced: Coalesced<SendMessage, Sent>;

  constructor(calls: QueueCalls) {
    this.#calls = calls;
    this.#coalesced = new Coalesced({
      bytesMax: CALL_BYTES_MAX,
      call: (messages) => this.#send(messages),
      callsMax: CALLS_MAX,
      cost: costOf,
      itemsMax: CALL_ITEMS_MAX,
      openBytesMax: OPEN_BYTES_MAX,
      openMax: OPEN_MAX,
    });
  }

  get open(): number {
    return this.#coalesced.open;
  }

  room(): Promise<void> {
    return this.#coalesced.room();
  }

  send(message: SendMessage): Promise<Sent> {
    return this.#coalesced.add(message);
  }

  /** Each has a result of its own; rejects where all have the same problem. */
  async sendBatch(messages: readonly SendMessage[]): Promise<readonly SendResult[]> {
    if (messages.length === 0) return [];
    const settled = await Promise.allSettled(messages.map((message) => this.send(message)));
    const [first] = settled;
    const reason = first?.status === 'rejected' ? first.reason : undefined;
    if (reason !== undefined && settled.every((one) => one.status === 'rejected' && one.reason === reason))
      throw reason;
    return settled.map((one) => {
      if (one.status === 'fulfilled') return one.value;
      if (one.reason instanceof ProblemError) return { problem: one.reason.problem };
      throw one.reason;
    });
  }

  async #send(messages: readonly SendMessage[]): Promise<readonly Outcome<Sent>[]> {
    const repeatable = messages.map(({ dedupeId }) => dedupeId !== undefined);
    try {
      return await this.#once(messages);
    } catch (error) {
      if (!isDoubtful(error) || !repeatable.includes(true)) throw error;
      const doubtful = { problem: error.problem };
      const again = await this.#again(
        messages.filter((_, i) => repeatable[i]),
        error,
      );
      let next = 0;
      return repeatable.map((is) => (is ? (again[next++] ?? doubtful) : doubtful));
    }
  }

  async #once(messages: readonly SendMessage[]): Promise<readonly Outcome<Sent>[]> {
    const results = await this.#calls.results<SendResult>('send', { messages });
    return results.map((result) => ('problem' in result ? result : { value: result }));
  }

  /** Until it is known what became of them. Where it never is, what was true at first is still true. */
  async #again(messages: readonly SendMessage[], doubt: ProblemError): Promise<readonly Outcome<Sent>[]> {
    const until = performance.now() + AGAIN_MS_MAX;
    for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)) {
      await pause(pauseMs);
      try {
        return await this.#once(messages);
      } catch (error) {
        if (!isPassing(error) || performance.now() > until) throw isDoubtful(error) ? error : doubt;
      }
    }
  }
}

/** Whether it may have happened all the same. */
function isDoubtful(error: unknown): error is ProblemError {
  return isPassing(error) && !didNotHappen(error.problem);
}

/** Roughly what it takes on the wire. */
function costOf({ body, headers }: SendMessage): number {
  return MESSAGE_BYTES + sizeOf(body) + (headers === undefined ? 0 : sizeOf(headers));
}

function sizeOf(value: unknown, depth = 0): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return SCALAR_BYTES;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  let bytes = SCALAR_BYTES;
  for (const [key, item] of Object.entries(value)) bytes += key.length + sizeOf(item, depth + 1);
  return bytes;
}

const MESSAGE_BYTES = 64;
const SCALAR_BYTES = 8;
/** Deeper values are refused when they are encoded. */
const DEPTH_MAX = 100;
