import { valueBytes } from './write-value.ts';

/**
 * Writes frames into memory that grows. What is frequent is written by hand, all else by msgpackr.
 *
 * What is being written lies between `start` and `at`. `cut()` hands it out for good and goes on behind it in the same
 * slab: what was handed out is never written again, so whoever holds it (a socket with a full buffer, say) may take its time.
 *
 *      slab  | handed out | handed out | being written |      free      |
 *                                      ^ start         ^ at             ^ bytes.length
 *
 * Whoever knows that nobody holds anything of it any more gives the memory back (`recycle`): then the next goes there. Slabs that
 * are large are shared by all writers, so that a link at rest has none.
 *
 * Trade-off: a held message of a few bytes keeps its whole slab alive; slabs are therefore small, and grow with use.
 */

const SLAB_MIN = 1024;
const SLAB_MAX = 32 * 1024;
/** A slab that is given back may be as large as a batch and the frame that fills it. */
const SPARE_MAX = 256 * 1024;
/** Large slabs that a writer remembers to have handed out: about what a connection holds before it is full. */
const LENT_MAX = 4;
/** Those that lie ready for all writers: 4 MiB at most. */
const SPARES_MAX = 16;
const SPARES: Buffer[] = [];
/** Characters of a text that the head of one byte can tell the length of; a loop over their codes is quicker than any call. */
const SHORT_TEXT = 31;
/** Characters of a text that surely takes less than 256 bytes. */
const MEDIUM_TEXT = 85;

const NO_BYTES: Buffer = Buffer.alloc(0);

export class Writer {
  bytes = NO_BYTES;
  start = 0;
  at = 0;
  #slab = SLAB_MIN;
  /** Handed out whole, and perhaps still read. */
  #lent: Buffer[] = [];

  /** Makes sure that `count` more bytes can be written. */
  reserve(count: number): void {
    if (this.at + count > this.bytes.length) this.#grow(count);
  }

  /** What was written since the last cut. */
  cut(): Buffer {
    const { bytes } = this;
    const cut = bytes.subarray(this.start, this.at);
    this.leave();
    const isLent = this.bytes !== bytes && bytes.length <= SPARE_MAX && this.#lent.length < LENT_MAX;
    if (isLent) this.#lent.push(bytes);
    return cut;
  }

  /** Nobody reads anything any more that `cut` has given. */
  recycle(): void {
    if (this.start === this.at) {
      this.start = 0;
      this.at = 0;
    }
    if (this.#lent.length === 0) return;
    for (const slab of this.#lent) if (SPARES.length < SPARES_MAX) SPARES.push(slab);
    this.#lent = [];
  }

  /** The same for one who knows the place already. */
  leave(): void {
    this.start = this.at;
    if (this.bytes.length > SLAB_MAX) this.#forget();
  }

  u32At(at: number, value: number): void {
    const bytes = this.bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  nil(): void {
    this.#u8(0xc0);
  }

  bool(value: boolean): void {
    this.#u8(value ? 0xc3 : 0xc2);
  }

  /** A whole number from 0 to 2⁵³ − 1. */
  uint(value: number): void {
    if (value < 0x80) this.#u8(value);
    else if (value < 0x10000) this.#short(value);
    else if (value < 2 ** 32) this.#long(value);
    else this.#double(value);
  }

  /** A whole number from −32 to −1. */
  smallNegative(value: number): void {
    this.#u8(value);
  }

  text(text: string): void {
    if (!this.shortText(text)) this.value(text);
  }

  /** False where the text is none that can be written quickly: nothing was written then. */
  shortText(text: string): boolean {
    if (text.length <= SHORT_TEXT) return this.#ascii(text);
    if (text.length > MEDIUM_TEXT) return false;
    this.reserve(2 + 3 * text.length);
    const size = this.bytes.write(text, this.at + 2);
    this.bytes[this.at] = 0xd9;
    this.bytes[this.at + 1] = size;
    this.at += 2 + size;
    return true;
  }

  /** Of an object with at most 15 properties. */
  smallMapHead(count: number): void {
    this.#u8(0x80 | count);
  }

  arrayHead(count: number): void {
    this.reserve(5);
    if (count < 16) {
      this.bytes[this.at++] = 0x90 | count;
    } else if (count < 0x10000) {
      this.bytes[this.at++] = 0xdc;
      this.bytes[this.at++] = count >>> 8;
      this.bytes[this.at++] = count;
    } else {
      this.bytes[this.at] = 0xdd;
      this.u32At(this.at + 1, count);
      this.at += 5;
    }
  }

  /** Of as many bytes as follow. */
  binHead(count: number): void {
    this.reserve(5);
    if (count < 0x100) {
      this.bytes[this.at++] = 0xc4;
    } else if (count < 0x10000) {
      this.bytes[this.at++] = 0xc5;
      this.bytes[this.at++] = count >>> 8;
    } else {
      this.bytes[this.at++] = 0xc6;
      this.u32At(this.at, count);
      this.at += 4;
      return;
    }
    this.bytes[this.at++] = count;
  }

  /** Any value. Throws a `Misfit`. */
  value(value: unknown): void {
    this.all(valueBytes(value));
  }

  all(source: Uint8Array): void {
    this.raw(source, 0, source.length);
  }

  /** Bytes as they are. */
  raw(source: Uint8Array, from: number, to: number): void {
    const count = to - from;
    this.reserve(count);
    const bytes = this.bytes;
    if (count <= 32) {
      for (let i = from; i < to; i++) bytes[this.at++] = source[i] as number;
    } else {
      bytes.set(from === 0 && to === source.length ? source : source.subarray(from, to), this.at);
      this.at += count;
    }
  }

  #u8(value: number): void {
    this.reserve(1);
    this.bytes[this.at++] = value;
  }

  /** A number of 8 or 16 bits, with its token. */
  #short(value: number): void {
    this.reserve(3);
    if (value < 0x100) {
      this.bytes[this.at++] = 0xcc;
    } else {
      this.bytes[this.at++] = 0xcd;
      this.bytes[this.at++] = value >>> 8;
    }
    this.bytes[this.at++] = value;
  }

  #long(value: number): void {
    this.reserve(5);
    this.bytes[this.at] = 0xce;
    this.u32At(this.at + 1, value);
    this.at += 5;
  }

  #double(value: number): void {
    this.reserve(9);
    this.bytes[this.at] = 0xcb;
    this.bytes.writeDoubleBE(value, this.at + 1);
    this.at += 9;
  }

  #ascii(text: string): boolean {
    const length = text.length;
    this.reserve(length + 1);
    const bytes = this.bytes;
    const head = this.at;
    let at = head + 1;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      bytes[at++] = code;
    }
    bytes[head] = 0xa0 | length;
    this.at = at;
    return true;
  }

  /** Why: a small message at the end of a very large slab would keep all of it alive. */
  #forget(): void {
    this.bytes = NO_BYTES;
    this.start = 0;
    this.at = 0;
  }

  #grow(count: number): void {
    const written = this.at - this.start;
    const wanted = written + count;
    const size = Math.max(this.#slab, wanted, written * 2);
    // Why not before: a writer of small messages would keep a large slab.
    const spare = size >= SLAB_MAX && wanted <= (SPARES.at(-1)?.length ?? 0) ? SPARES.pop() : undefined;
    const grown = spare ?? Buffer.allocUnsafeSlow(size);
    grown.set(this.bytes.subarray(this.start, this.at));
    this.bytes = grown;
    this.start = 0;
    this.at = written;
    this.#slab = Math.min(this.#slab * 2, SLAB_MAX);
  }
}
