/**
 * Handlers at work on a queue: each message is acknowledged when its handler is done, and given again, with the reason,
 * where that throws.
 */
import { ProblemError } from '../../problem-error.ts';
import type { QueueMessage, Work, WorkOptions } from '../../queues-api.ts';
import { Consuming } from './consuming.ts';
import type { QueueCalls } from './queue-calls.ts';

export interface BatchWorkOptions extends WorkOptions {
  /** Most messages of one batch. */
  readonly batch: number;
}

export class Working implements Work {
  readonly closed: Promise<void>;
  readonly #consuming: Consuming;
  readonly #options: BatchWorkOptions;
  readonly #handler: (messages: readonly QueueMessage[]) => unknown;
  #running = 0;

  /** `handler` may settle messages itself; those that it has not settled are acknowledged when it is done. */
  constructor(calls: QueueCalls, handler: (messages: readonly QueueMessage[]) => unknown, options: BatchWorkOptions) {
    const { batch, concurrency = 1, prefetch = 2 * concurrency * batch } = options;
    this.#handler = handler;
    this.#options = options;
    this.#consuming = new Consuming(calls, { ...options, ack: 'manual', prefetch });
    for (let i = 0; i < concurrency; i++) void this.#go();
    this.closed = this.#consuming.closed;
  }

  get running(): number {
    return this.#running;
  }

  stop(): Promise<void> {
    return this.#consuming.stop();
  }

  async #go(): Promise<void> {
    for (;;) {
      // What fails it is told by `closed`.
      const messages = await this.#consuming.nextBatch(this.#options.batch).catch(() => []);
      if (messages.length === 0) return;
      this.#running++;
      await this.#handle(messages);
      this.#running--;
    }
  }

  async #handle(messages: readonly QueueMessage[]): Promise<void> {
    let settle = (message: QueueMessage) => message.ack();
    try {
      await this.#handler(messages);
    } catch (error) {
      const reason = reasonOf(error);
      settle = (message) => message.nack({ reason });
    }
    for (const message of messages) {
      if (message.isSettled) continue;
      // Why not waited for: what is settled in one turn goes in one call, and nothing of it can be undone.
      settle(message).catch((error: unknown) => this.#trouble(error));
    }
  }

  #trouble(error: unknown): void {
    if (error instanceof ProblemError) this.#options.onTrouble?.(error.problem);
  }
}

/** Limit: of what is kept of an error's text. */
const REASON_LENGTH_MAX = 1_000;

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, REASON_LENGTH_MAX);
}
