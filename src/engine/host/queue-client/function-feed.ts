/**
 * Calls one function of this node with the messages of a queue, wherever that lives, now or later.
 *
 *     message ──► the function ──► done: acknowledged
 *        │            │ it failed: given again, with the reason, as the queue's retry policy says
 *        │            │ it was not called (too busy, the node drains): released, as if it had not been received
 *        └── its lease is kept up meanwhile; where that is lost, the call is cancelled
 *
 * It holds no more messages than its calls can take. A function that gets batches may say which of them failed.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { didNotHappen, type Problem } from '../../core/base/problems.ts';
import { ProblemError } from '../../problem-error.ts';
import type { QueueMessage, Work } from '../../queues-api.ts';
import type { LinkClient } from '../client.ts';
import type { Feed, QueuedMessage } from '../functions/queue-feed.ts';
import type { Log } from '../node-host.ts';

export interface FeedOptions {
  readonly fun: string;
  readonly feed: Feed;
  /** Of this node. */
  readonly node: { readonly id: string; readonly name: string };
  readonly open: (name: string) => Promise<LinkClient>;
  readonly log: Log;
}

export class FunctionFeed {
  readonly #options: FeedOptions;
  readonly #ending = new AbortController();
  readonly #living: Promise<void>;
  #work: Work | undefined;
  /** What was wrong last, so that it is told once. */
  #told = '';

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#living = this.#live();
  }

  /** Takes no more messages. Resolves when those that are worked on are finished, and their queue knows it. */
  async close(): Promise<void> {
    this.#ending.abort();
    void this.#work?.stop();
    await this.#living;
  }

  async #live(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await this.#feed().catch((error: unknown) => this.#tell(error instanceof Error ? error.message : String(error)));
      await pause(AGAIN_MS, undefined, { ref: false, signal }).catch(() => undefined);
    }
  }

  async #feed(): Promise<void> {
    const { feed, fun, open } = this.#options;
    const client = await open(`function ${fun}`);
    try {
      const { batch, concurrency, visibilityMs } = feed;
      this.#work = client.queue(feed.queue).workBatches((messages) => this.#call(client, messages), {
        awaitQueue: true,
        batch,
        concurrency,
        onTrouble: ({ message }) => this.#tell(message),
        prefetch: batch * concurrency,
        visibilityMs,
      });
      if (this.#ending.signal.aborted) await this.#work.stop();
      await this.#work.closed;
    } finally {
      this.#work = undefined;
      await client.close();
    }
  }

  async #call(client: LinkClient, messages: readonly QueueMessage[]): Promise<void> {
    const { feed, fun, node } = this.#options;
    const [first] = messages;
    if (first === undefined) return;
    this.#told = '';
    const single = feed.batch === 1;
    const args = single
      ? [first.body, aboutOf(first)]
      : [messages.map((message) => ({ body: message.body, ...aboutOf(message) }))];
    try {
      const { value } = await client.ask(fun, args, { node: node.id, ...(single ? { signal: first.signal } : {}) });
      if (!single) await giveBack(messages, value);
    } catch (error) {
      if (!(error instanceof ProblemError) || !wasNotCalled(error.problem)) throw error;
      await Promise.allSettled(messages.map((message) => message.release()));
      await pause(BUSY_MS);
    }
  }

  #tell(message: string): void {
    if (message === this.#told || this.#ending.signal.aborted) return;
    this.#told = message;
    const { feed, fun, log } = this.#options;
    log('warn', `${fun} gets nothing from the queue ${feed.queue} for a moment: ${message}`);
  }
}

const AGAIN_MS = 1_000;
/** How long a function that is too busy is left alone. */
const BUSY_MS = 100;

/** Its node had no room, or takes nothing new: that is no failure of the function. */
function wasNotCalled(why: Problem): boolean {
  return didNotHappen(why) && NOT_CALLED.has(why.code);
}

const NOT_CALLED: ReadonlySet<string> = new Set([
  'function-unknown',
  'node-stopping',
  'nobody-there',
  'not-here',
  'overloaded',
]);

function aboutOf({ group, headers, id, priority, queue, receives, sentAt }: QueueMessage): QueuedMessage {
  return { headers, id, priority, queue, receives, sentAt, ...(group === undefined ? {} : { group }) };
}

/** Gives those of a batch again of which the function says that they failed: `{ failed: [{ id, reason?, delayMs? }] }`. */
async function giveBack(messages: readonly QueueMessage[], value: unknown): Promise<void> {
  const failed = (value as { readonly failed?: unknown } | null | undefined)?.failed;
  if (!Array.isArray(failed)) return;
  const nacked = (failed as readonly unknown[]).map((one) => {
    const { delayMs, id, reason } = (typeof one === 'object' && one !== null ? one : { id: one }) as Readonly<
      Record<string, unknown>
    >;
    const message = messages.find((candidate) => candidate.id === id);
    return message?.nack({
      ...(typeof delayMs === 'number' ? { delayMs } : {}),
      ...(typeof reason === 'string' ? { reason } : {}),
    });
  });
  await Promise.allSettled(nacked);
}
