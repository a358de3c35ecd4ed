/**
 * Receipts of fifo queues under an attempt's id (`ReceiveRequestAttemptId`): whoever asks again under the same id, because
 * the answer was lost on the way, gets the same messages with the same receipts, as long as all their leases still hold.
 *
 * Limit: known to the node that was asked, for five minutes, and within `BYTES_MAX`. Where an attempt is not known, its
 * messages come back when their leases end, as without an id.
 */
import type { Received } from './queues-face.ts';

const KEPT_MS = 300_000;
/** More: more lost answers can be given again at once. Less: less memory. */
const BYTES_MAX = 16 * 2 ** 20;

interface Attempt {
  readonly messages: readonly Received[];
  readonly bytes: number;
  readonly at: number;
}

export class ReceiveAttempts {
  readonly #now: () => number;
  /** In the order of their age. */
  readonly #attempts = new Map<string, Attempt>();
  #bytes = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get(queue: string, id: string): readonly Received[] | undefined {
    this.#trim();
    return this.#attempts.get(keyOf(queue, id))?.messages;
  }

  put(queue: string, id: string, messages: readonly Received[]): void {
    this.drop(queue, id);
    if (messages.length === 0) return;
    const bytes = messages.reduce((sum, one) => sum + sizeOf(one), 0);
    this.#attempts.set(keyOf(queue, id), { at: this.#now(), bytes, messages });
    this.#bytes += bytes;
    this.#trim();
  }

  drop(queue: string, id: string): void {
    const key = keyOf(queue, id);
    this.#bytes -= this.#attempts.get(key)?.bytes ?? 0;
    this.#attempts.delete(key);
  }

  #trim(): void {
    for (const [key, { at, bytes }] of this.#attempts) {
      if (this.#bytes <= BYTES_MAX && at + KEPT_MS > this.#now()) return;
      this.#attempts.delete(key);
      this.#bytes -= bytes;
    }
  }
}

function keyOf(queue: string, id: string): string {
  return `${queue}\n${id}`;
}

/** About: what one message takes beside its texts is a few hundred bytes. */
function sizeOf({ body, headers }: Received): number {
  let bytes = 2 * body.length + 512;
  for (const [name, value] of headers) bytes += 2 * (name.length + value.length) + 64;
  return bytes;
}
