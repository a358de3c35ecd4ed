/**
 * Contents that were sent lately, the newest `bytesMax` of them: most messages are received soon after they were sent, and
 * need not be read from disk then.
 *
 *     a queue    [ – c c – c c c ]      by id, from that of the first on; what was taken leaves a gap
 *     order      3: ids 1–9 · 7: ids 1–4 · 3: ids 10–12      whose turn it is to go, the oldest first
 *
 * Why no map: this is done for every message, and ids of a queue only grow.
 */
export class ContentCache {
  readonly #bytesMax: number;
  readonly #queues = new Map<number, Contents>();
  /** From `#oldest` on. */
  #order: Stretch[] = [];
  #oldest = 0;
  #bytes = 0;
  #count = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Ids of one queue come in order. */
  put(queue: number, id: number, content: Uint8Array): void {
    const contents = this.#contentsOf(queue, id);
    while (contents.first + contents.list.length < id) contents.list.push(undefined);
    contents.list.push(content);
    this.#count++;
    this.#bytes += content.length + ENTRY_BYTES;
    const last = this.#order.at(-1);
    if (last?.queue === queue) last.to = id;
    else this.#order.push({ at: id, queue, to: id });
    while (this.#isFull) this.#evict();
  }

  /** It is not in the cache any more then. */
  take(queue: number, id: number): Uint8Array | undefined {
    const contents = this.#queues.get(queue);
    if (contents === undefined) return undefined;
    const content = contents.list[id - contents.first];
    if (content === undefined) return undefined;
    contents.list[id - contents.first] = undefined;
    this.#count--;
    this.#bytes -= content.length + ENTRY_BYTES;
    if (id === contents.first + contents.taken) shorten(contents);
    return content;
  }

  forget(queue: number): void {
    const contents = this.#queues.get(queue);
    for (let i = 0; i < (contents?.list.length ?? 0); i++) this.take(queue, (contents?.first ?? 0) + i);
    this.#queues.delete(queue);
  }

  get #isFull(): boolean {
    return (
      this.#bytes > this.#bytesMax || this.#count > ENTRIES_MAX || this.#order.length - this.#oldest > STRETCHES_MAX
    );
  }

  /** Where ids begin anew, or leave out many, what there was is of no use. */
  #contentsOf(queue: number, id: number): Contents {
    const there = this.#queues.get(queue);
    const next = there === undefined ? 0 : there.first + there.list.length;
    if (there !== undefined && id >= next && id - next <= GAP_MAX) return there;
    this.forget(queue);
    const contents = { first: id, list: [], taken: 0 };
    this.#queues.set(queue, contents);
    return contents;
  }

  #evict(): void {
    const oldest = this.#order[this.#oldest];
    const contents = oldest === undefined ? undefined : this.#queues.get(oldest.queue);
    if (oldest !== undefined && contents !== undefined) {
      oldest.at = Math.max(oldest.at, contents.first + contents.taken);
      if (oldest.at <= oldest.to) this.take(oldest.queue, oldest.at++);
    }
    if (oldest !== undefined && contents !== undefined && oldest.at <= oldest.to) return;
    this.#oldest++;
    if (this.#oldest < 1_024 || this.#oldest * 2 < this.#order.length) return;
    this.#order = this.#order.slice(this.#oldest);
    this.#oldest = 0;
  }
}

interface Contents {
  /** The id of the first of the list. */
  first: number;
  list: (Uint8Array | undefined)[];
  /** So many at the front are gaps. */
  taken: number;
}

interface Stretch {
  readonly queue: number;
  at: number;
  to: number;
}

/** Gaps at the front go, now and then. */
function shorten(contents: Contents): void {
  const { list } = contents;
  while (contents.taken < list.length && list[contents.taken] === undefined) contents.taken++;
  if (contents.taken < list.length && (contents.taken < 1_024 || contents.taken * 2 < list.length)) return;
  contents.first += contents.taken;
  contents.list = list.slice(contents.taken);
  contents.taken = 0;
}

/** What an entry takes beside its content, about. */
const ENTRY_BYTES = 100;
const ENTRIES_MAX = 200_000;
const STRETCHES_MAX = 20_000;
/** Ids that may be left out between two: copies for several consumers have ids, too. */
const GAP_MAX = 10_000;
