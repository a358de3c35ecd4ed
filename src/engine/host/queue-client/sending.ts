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
import { ProblemError, problemError } from '../../problem-error.ts';
import type { SendMessage, SendOptions, SendResult, Sent } from '../../queues-api.ts';
import { encodable } from '../../wire/payload.ts';
import { packContent } from '../queues/content.ts';
import { type PackedOrder, packOrders } from '../queues/packed.ts';
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
  readonly #coalesced: Coalesced<Item, Sent>;

  constructor(calls: QueueCalls) {
    this.#calls = calls;
    this.#coalesced = new Coalesced({
      bytesMax: CALL_BYTES_MAX,
      call: (messages) => this.#send(messages),
      callsMax: CALLS_MAX,
      cost: ({ content, more }) => MESSAGE_BYTES + content.length + (more?.length ?? 0),
      halves: true,
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

  send(body: unknown, options?: SendOptions): Promise<Sent> {
    try {
      return this.#coalesced.add(itemOf(body, options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Each has a result of its own; rejects where all have the same problem. */
  async sendBatch(messages: readonly SendMessage[]): Promise<readonly SendResult[]> {
    if (messages.length === 0) return [];
    const settled = await Promise.allSettled(messages.map(({ body, ...options }) => this.send(body, options)));
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

  async #send(messages: readonly Item[]): Promise<readonly Outcome<Sent>[]> {
    try {
      return await this.#once(messages);
    } catch (error) {
      if (!isDoubtful(error) || !messages.some(({ isRepeatable }) => isRepeatable)) throw error;
      const doubtful = { problem: error.problem };
      const again = await this.#again(
        messages.filter(({ isRepeatable }) => isRepeatable),
        error,
      );
      let next = 0;
      return messages.map(({ isRepeatable }) => (isRepeatable ? (again[next++] ?? doubtful) : doubtful));
    }
  }

  async #once(messages: readonly Item[]): Promise<readonly Outcome<Sent>[]> {
    const answer = await this.#calls.call<Answer>('send', { packed: packOrders(messages) });
    if ('first' in answer) return messages.map((_, i) => ({ value: { id: answer.first + i } }));
    const { results } = answer;
    return results.map((result) => ('problem' in result ? result : { value: result }));
  }

  /** Until it is known what became of them. Where it never is, what was true at first is still true. */
  async #again(messages: readonly Item[], doubt: ProblemError): Promise<readonly Outcome<Sent>[]> {
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

function itemOf(body: unknown, options: SendOptions | undefined): Item {
  if (body === undefined)
    throw problemError('input-invalid', 'a message has no body: null can be one, undefined cannot');
  if (options === undefined) return { content: packed({ body }), isRepeatable: false, more: undefined };
  const { headers, ...more } = options;
  const { dedupeId } = more;
  const isPlain = Object.values(more).every((value) => value === undefined);
  return {
    content: packed({ body, dedupeId, headers }),
    isRepeatable: dedupeId !== undefined,
    more: isPlain ? undefined : packedMore(more),
  };
}

function packed(content: Parameters<typeof packContent>[0]): Uint8Array {
  try {
    return packContent(content);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    throw problemError('input-invalid', `the message cannot be sent: ${error.problem.message}`);
  }
}

function packedMore(more: object): Uint8Array {
  const payload = encodable(more, 'options');
  if (!payload.ok) throw new ProblemError(payload.problem);
  return payload.value.bytes();
}

/** A message that waits to be sent. */
interface Item extends PackedOrder {
  readonly isRepeatable: boolean;
}

/** All are stored, and this is the id of the first; or what became of each. */
type Answer = { readonly first: number } | { readonly results: readonly SendResult[] };

/** What a message takes besides its content. */
const MESSAGE_BYTES = 64;
