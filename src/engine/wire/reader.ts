import { Misfit } from './misfit.ts';

/**
 * Reads what headers are made of from memory, never beyond `end`.
 *
 * Every length is compared with the bytes that are there before anything is made from it. What does not fit is thrown
 * as a `Misfit` with its offset; nothing else is ever thrown, whatever the bytes are.
 */

const NAMES = 512;
/** Longest name in the table, in bytes. */
const NAME_BYTES_MAX = 24;
/** Up to here a loop over bytes beats the call into native code. */
const SHORT_TEXT = 31;

/** Texts that come again and again (function names, map keys), by length and a mix of their bytes. */
const names: (string | undefined)[] = new Array(NAMES).fill(undefined);

export class Reader {
  bytes: Buffer;
  at: number;
  end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bufferOf(bytes);
    this.at = at;
    this.end = end;
  }

  /** Fails unless `count` more bytes are there. */
  need(count: number): void {
    if (count > this.end - this.at) {
      throw new Misfit(`${count} bytes are announced, ${this.end - this.at} are there`, this.at);
    }
  }

  u8(): number {
    if (this.at >= this.end) this.need(1);
    return this.bytes[this.at++] as number;
  }

  u16(): number {
    this.need(2);
    const value = ((this.bytes[this.at] as number) << 8) | (this.bytes[this.at + 1] as number);
    this.at += 2;
    return value;
  }

  u32(): number {
    this.need(4);
    const value = u32At(this.bytes, this.at);
    this.at += 4;
    return value;
  }

  /** Passes over a nil, where one is next. */
  nil(): boolean {
    if (this.at >= this.end || this.bytes[this.at] !== 0xc0) return false;
    this.at++;
    return true;
  }

  bool(): boolean {
    const token = this.u8();
    if (token !== 0xc2 && token !== 0xc3) throw new Misfit('true or false is wanted here', this.at - 1);
    return token === 0xc3;
  }

  /** The number of elements of the array that begins here. */
  arrayHead(): number {
    const token = this.u8();
    if ((token & 0xf0) === 0x90) return token & 0x0f;
    if (token === 0xdc) return this.u16();
    if (token === 0xdd) return this.u32();
    throw new Misfit('a list is wanted here', this.at - 1);
  }

  /** A text that is likely to come again. */
  name(): string {
    const length = this.#textHead();
    return length <= NAME_BYTES_MAX ? this.shared(length) : this.chars(length);
  }

  text(): string {
    return this.chars(this.#textHead());
  }

  /** `length` bytes of UTF-8. */
  chars(length: number): string {
    this.need(length);
    const from = this.at;
    this.at += length;
    if (length > SHORT_TEXT) return this.bytes.toString('utf8', from, this.at);
    const codes = new Array<number>(length);
    for (let i = 0; i < length; i++) {
      const code = this.bytes[from + i] as number;
      if (code >= 0x80) return this.bytes.toString('utf8', from, this.at);
      codes[i] = code;
    }
    return String.fromCharCode.apply(String, codes);
  }

  /** `length` bytes of UTF-8, from the table of names where they are in it. */
  shared(length: number): string {
    this.need(length);
    const bytes = this.bytes;
    const from = this.at;
    let mixed = length;
    for (let i = 0; i < length; i++) mixed = (mixed * 31 + (bytes[from + i] as number)) | 0;
    const slot = mixed & (NAMES - 1);
    const known = names[slot];
    if (known !== undefined && known.length === length && same(known, bytes, from)) {
      this.at += length;
      return known;
    }
    const text = this.chars(length);
    if (text.length !== length) return text; // not ASCII
    const name = unique(text);
    names[slot] = name;
    return name;
  }

  /** Passes over bytes, and says where they begin; undefined where something else is next. */
  bin(): number | undefined {
    const token = this.u8();
    if (token < 0xc4 || token > 0xc6) return undefined;
    const size = token === 0xc4 ? this.u8() : token === 0xc5 ? this.u16() : this.u32();
    this.need(size);
    const from = this.at;
    this.at += size;
    return from;
  }

  #textHead(): number {
    const token = this.u8();
    if ((token & 0xe0) === 0xa0) return token & 0x1f;
    if (token === 0xd9) return this.u8();
    if (token === 0xda) return this.u16();
    if (token === 0xdb) return this.u32();
    throw new Misfit('text is wanted here', this.at - 1);
  }
}

export function u32At(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

/** The same memory as a buffer. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The runtime's own copy of a text, as it keeps one of every key: quicker to compare and to use as a key. */
function unique(text: string): string {
  return Object.keys({ [text]: 0 })[0] as string;
}

function same(text: string, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const byte = bytes[from + i] as number;
    if (byte >= 0x80 || text.charCodeAt(i) !== byte) return false;
  }
  return true;
}
