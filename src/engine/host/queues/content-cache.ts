/**
 * Contents that were sent lately, the newest `bytesMax` of them: most messages are received soon after they were sent, and
 * need not be read from disk then.
 */
export class ContentCache {
  readonly #bytesMax: number;
  readonly #queues = new Map<number, Map<number, Uint8Array>>();
  /** The oldest first, from `#oldest` on; those that were taken are skipped. */
  #order: { readonly queue: number; readonly id: number }[] = [];
  #oldest = 0;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  put(queue: number, id: number, content: Uint8Array): void {
    let contents = this.#queues.get(queue);
    if (contents === undefined) {
      contents = new Map();
      this.#queues.set(queue, contents);
    }
    contents.set(id, content);
    this.#order.push({ id, queue });
    this.#bytes += content.length + ENTRY_BYTES;
    while (this.#bytes > this.#bytesMax || this.#order.length - this.#oldest > ENTRIES_MAX) this.#evict();
  }

  /** It is not in the cache any more then. */
  take(queue: number, id: number): Uint8Array | undefined {
    const contents = this.#queues.get(queue);
    const content = contents?.get(id);
    if (content === undefined) return undefined;
    contents?.delete(id);
    this.#bytes -= content.length + ENTRY_BYTES;
    return content;
  }

  forget(queue: number): void {
    for (const id of [...(this.#queues.get(queue)?.keys() ?? [])]) this.take(queue, id);
    this.#queues.delete(queue);
  }

  #evict(): void {
    const oldest = this.#order[this.#oldest++];
    if (oldest !== undefined) this.take(oldest.queue, oldest.id);
    if (this.#oldest <= 1_024 || this.#oldest * 2 < this.#order.length) return;
    this.#order = this.#order.slice(this.#oldest);
    this.#oldest = 0;
  }
}

/** What an entry takes beside its content, about. */
const ENTRY_BYTES = 100;
const ENTRIES_MAX = 200_000;
