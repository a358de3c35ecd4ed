/**
 * Writes MessagePack into memory that grows.
 *
 * What is being written lies between `start` and `at`. `cut()` hands it out for good and goes on behind it in the same
 * slab: what was handed out is never written again, so whoever holds it (a socket with a full buffer, say) may take its time.
 *
 *      slab  | handed out | handed out | being written |      free      |
 *                                      ^ start         ^ at             ^ bytes.length
 *
 * Trade-off: a held message of a few bytes keeps its whole slab alive; slabs are therefore small, and grow with use.
 */

const SLAB_MIN = 1024;
const SLAB_MAX = 32 * 1024;
/** Up to here a loop over character codes beats the call into native code. */
const SHORT_TEXT = 24;

const NO_BYTES: Buffer = Buffer.alloc(0);

const float = new Float64Array(1);
const floatBytes = new Uint8Array(float.buffer);

export class Writer {
  bytes = NO_BYTES;
  start = 0;
  at = 0;
  #slab = SLAB_MIN;

  /** Makes sure that `count` more bytes can be written. */
  reserve(count: number): void {
    if (this.at + count > this.bytes.length) this.#grow(count);
  }

  /** What was written since the last cut. */
  cut(): Buffer {
    const cut = this.bytes.subarray(this.start, this.at);
    this.start = this.at;
    if (this.bytes.length > SLAB_MAX) this.#forget();
    return cut;
  }

  u32At(at: number, value: number): void {
    const bytes = this.bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.at++] = value;
  }

  nil(): void {
    this.u8(0xc0);
  }

  bool(value: boolean): void {
    this.u8(value ? 0xc3 : 0xc2);
  }

  /** A whole number from 0 to 2⁵³ − 1. */
  uint(value: number): void {
    this.reserve(9);
    const bytes = this.bytes;
    if (value < 0x80) {
      bytes[this.at++] = value;
    } else if (value < 0x100) {
      bytes[this.at++] = 0xcc;
      bytes[this.at++] = value;
    } else if (value < 0x10000) {
      bytes[this.at++] = 0xcd;
      bytes[this.at++] = value >>> 8;
      bytes[this.at++] = value;
    } else if (value < 0x1_0000_0000) {
      this.#head32(0xce, value);
    } else {
      this.#wide(0xcf, value);
    }
  }

  /** Any number: whole ones up to 2⁵³ − 1 as integers of the smallest size, all others as float 64. */
  number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) this.#float(value);
    else if (value >= 0) this.uint(value);
    else this.#negative(value);
  }

  text(value: string): void {
    const length = value.length;
    this.reserve(length * 3 + 5);
    if (length < SHORT_TEXT && this.#ascii(value, length)) return;
    const size = Buffer.byteLength(value, 'utf8');
    if (size < 32) this.bytes[this.at++] = 0xa0 | size;
    else this.#length(size, 0xd9);
    this.at += this.bytes.write(value, this.at, 'utf8');
  }

  binary(value: Uint8Array): void {
    this.#length(value.length, 0xc4);
    this.raw(value, 0, value.length);
  }

  arrayHead(count: number): void {
    this.#count(count, 0x90, 0xdc);
  }

  mapHead(count: number): void {
    this.#count(count, 0x80, 0xde);
  }

  /** The head of an extension whose `size` bytes follow. */
  extensionHead(type: number, size: number): void {
    const power = size === 1 ? 0 : size === 2 ? 1 : size === 4 ? 2 : size === 8 ? 3 : size === 16 ? 4 : -1;
    if (power >= 0) this.u8(0xd4 + power);
    else this.#length(size, 0xc7);
    this.u8(type & 0xff);
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

  #ascii(value: string, length: number): boolean {
    const bytes = this.bytes;
    const head = this.at;
    let at = head + 1;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) return false;
      bytes[at++] = code;
    }
    bytes[head] = 0xa0 | length;
    this.at = at;
    return true;
  }

  #negative(value: number): void {
    this.reserve(9);
    const bytes = this.bytes;
    if (value >= -32) {
      bytes[this.at++] = value & 0xff;
    } else if (value >= -0x80) {
      bytes[this.at++] = 0xd0;
      bytes[this.at++] = value & 0xff;
    } else if (value >= -0x8000) {
      bytes[this.at++] = 0xd1;
      bytes[this.at++] = (value >> 8) & 0xff;
      bytes[this.at++] = value & 0xff;
    } else if (value >= -0x8000_0000) {
      this.#head32(0xd2, value);
    } else {
      this.#wide(0xd3, value);
    }
  }

  #float(value: number): void {
    this.reserve(9);
    float[0] = value;
    this.bytes[this.at++] = 0xcb;
    for (let i = 7; i >= 0; i--) this.bytes[this.at++] = floatBytes[i] as number;
  }

  #head32(token: number, value: number): void {
    this.bytes[this.at] = token;
    this.u32At(this.at + 1, value);
    this.at += 5;
  }

  /** 64 bits, in two's complement where negative. */
  #wide(token: number, value: number): void {
    const high = Math.floor(value / 0x1_0000_0000);
    this.bytes[this.at] = token;
    this.u32At(this.at + 1, high);
    this.u32At(this.at + 5, value - high * 0x1_0000_0000);
    this.at += 9;
  }

  /** A length in 8, 16 or 32 bits after `token`, `token + 1`, `token + 2`. */
  #length(size: number, token: number): void {
    this.reserve(5);
    if (size < 0x100) {
      this.bytes[this.at++] = token;
      this.bytes[this.at++] = size;
    } else {
      this.#length16(size, token + 1);
    }
  }

  #length16(size: number, token: number): void {
    if (size < 0x10000) {
      this.bytes[this.at++] = token;
      this.bytes[this.at++] = size >>> 8;
      this.bytes[this.at++] = size;
    } else {
      this.#head32(token + 1, size);
    }
  }

  #count(count: number, short: number, token: number): void {
    this.reserve(5);
    if (count < 16) this.bytes[this.at++] = short | count;
    else this.#length16(count, token);
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
    const grown = Buffer.allocUnsafeSlow(size);
    grown.set(this.bytes.subarray(this.start, this.at));
    this.bytes = grown;
    this.start = 0;
    this.at = written;
    this.#slab = Math.min(this.#slab * 2, SLAB_MAX);
  }
}
