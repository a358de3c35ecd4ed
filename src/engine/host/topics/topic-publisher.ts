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

export interface PublisherParts {
  send(topic: string, payload: Payload, options: PublishOptions): Promise<Published>;
  /** Without confirmation: resolves when there is room for more. */
  post(topic: string, payload: unknown, options: PublishOptions): Promise<unknown>;
  /** Resolves when the node has routed all that was posted before. */
  routed(): Promise<unknown>;
}

/**
 * Many messages under way at once, in their order, and no more than may be.
 *
 *     publish ──► room? ──yes──► on its way, resolves at once ──► taken: room again
 *                  │ no
 *                  └──► resolves when there is
 *
 * Every message is confirmed by its node, where it is not told to do without, so that what was refused or lost is known: the first failure is the publisher's end,
 * told to whoever publishes, flushes or closes next. What was under way then may have been published.
 */
export class TopicPublisher implements Publisher {
  readonly #parts: PublisherParts;
  readonly #confirm: boolean;
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

  constructor(
    parts: PublisherParts,
    { confirm = true, openMax = OPEN_MAX, bytesMax = BYTES_MAX, onPublished, ...options }: PublisherOptions,
  ) {
    if (!(openMax >= 1)) throw problemError('input-invalid', 'openMax must be 1 or more');
    this.#parts = parts;
    this.#confirm = confirm;
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
    if (!this.#confirm) return this.#post(topic, payload, extras);
    const encoded = encodable(payload, 'payload');
    if (!encoded.ok) throw new ProblemError(encoded.problem);
    const { size } = encoded.value;
    this.#open++;
    this.#bytes += size;
    this.#parts.send(topic, encoded.value, { ...this.#options, ...extras }).then(
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
    if (!this.#confirm) await this.#parts.routed();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
    this.#over.resolve();
  }

  writable(topic: string): WritableStream<unknown> {
    return new WritableStream({ close: () => this.close(), write: (payload) => this.publish(topic, payload) });
  }

  async #post(topic: string, payload: unknown, extras: PublisherExtras): Promise<void> {
    try {
      await this.#parts.post(topic, payload, { ...this.#options, ...extras, confirm: false });
      this.#published++;
    } catch (error) {
      this.#failed++;
      this.#failure ??= error;
      this.#over.reject(this.#failure);
      throw error;
    }
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
