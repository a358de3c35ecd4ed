import type { Payload } from '../../core/base/payload.ts';
import { ProblemError, problemError } from '../../problem-error.ts';
import type {
  Published,
  Publisher,
  PublisherCounts,
  PublisherExtras,
  PublisherOptions,
  PublishOptions,
} from '../../topics-api.ts';
import { encodable } from '../../wire/payload.ts';

type Send = (topic: string, payload: Payload, options: PublishOptions) => Promise<Published>;

/**
 * Many messages under way at once, in their order, and no more than may be.
 *
 *     publish ──► room? ──yes──► on its way, resolves at once ──► taken: room again
 *                  │ no
 *                  └──► resolves when there is
 *
 * Every message is confirmed by its node, so that what was refused or lost is known: the first failure is the publisher's end,
 * told to whoever publishes, flushes or closes next. What was under way then may have been published.
 */
export class TopicPublisher implements Publisher {
  readonly #send: Send;
  readonly #options: PublishOptions;
  readonly #openMax: number;
  readonly #bytesMax: number;
  readonly #onPublished: (published: Published) => void;
  readonly #over = Promise.withResolvers<void>();
  #published = 0;
  #open = 0;
  #failed = 0;
  #bytes = 0;
  #failure: unknown;
  #closed = false;
  /** Who waits for room, and who for all. */
  #waiting: (() => void)[] = [];

  constructor(send: Send, { openMax = OPEN_MAX, bytesMax = BYTES_MAX, onPublished, ...options }: PublisherOptions) {
    if (!(openMax >= 1)) throw problemError('input-invalid', 'openMax must be 1 or more');
    this.#send = send;
    this.#openMax = openMax;
    this.#bytesMax = bytesMax;
    this.#options = options;
    this.#onPublished = onPublished ?? (() => undefined);
    this.#over.promise.catch(() => undefined); // whoever wants to know asks
  }

  get closed(): Promise<void> {
    return this.#over.promise;
  }

  get counts(): PublisherCounts {
    return { failed: this.#failed, open: this.#open, published: this.#published };
  }

  async publish(topic: string, payload: unknown, extras: PublisherExtras = {}): Promise<void> {
    this.#check();
    if (this.#closed) throw problemError('usage-invalid', 'the publisher is closed');
    const encoded = encodable(payload, 'payload');
    if (!encoded.ok) throw new ProblemError(encoded.problem);
    const { size } = encoded.value;
    this.#open++;
    this.#bytes += size;
    this.#send(topic, encoded.value, { ...this.#options, ...extras }).then(
      (published) => {
        this.#settle(size, undefined);
        this.#onPublished(published);
      },
      (error: unknown) => this.#settle(size, error),
    );
    await this.#until(() => this.#open < this.#openMax && this.#bytes < this.#bytesMax);
  }

  async flush(): Promise<void> {
    await this.#until(() => this.#open === 0);
    this.#check();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
    this.#over.resolve();
  }

  writable(topic: string): WritableStream<unknown> {
    return new WritableStream({ close: () => this.close(), write: (payload) => this.publish(topic, payload) });
  }

  #settle(size: number, error: unknown): void {
    this.#open--;
    this.#bytes -= size;
    if (error === undefined) this.#published++;
    else this.#failed++;
    this.#failure ??= error;
    if (error !== undefined) this.#over.reject(this.#failure);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const look of waiting) look();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #until(done: () => boolean): Promise<void> {
    while (!done()) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }
}

const OPEN_MAX = 1_000;
const BYTES_MAX = 8 * 1024 * 1024;
