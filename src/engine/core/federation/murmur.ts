import { finish, mix } from '../base/hash.ts';

/**
 * MurmurHash3 for x86, 32 bits (A. Appleby, 2011), over bytes: the same on every machine and in every language, unlike `hash32` of
 * `core/base`, which reads UTF-16. Returns a whole number of 32 bits, not negative.
 */
export function murmur3(bytes: Uint8Array, seed: number): number {
  let h = seed | 0;
  const words = bytes.length >> 2;
  for (let word = 0; word < words; word++) h = mix(h, tail(bytes, word * 4, 4));
  const rest = bytes.length & 3;
  if (rest > 0) {
    const k = Math.imul(tail(bytes, words * 4, rest), 0xcc9e2d51);
    h ^= Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  }
  return finish(h ^ bytes.length);
}

/** Up to four bytes as a number, the first of them lowest. */
function tail(bytes: Uint8Array, at: number, count: number): number {
  let word = 0;
  for (let i = count - 1; i >= 0; i--) word = (word << 8) | (bytes[at + i] as number);
  return word;
}

/** A text in UTF-8; half a character becomes U+FFFD. Why by hand: the core is blind, and sees no encoder. */
export function utf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i) as number;
    const code = point >= 0xd800 && point <= 0xdfff ? 0xfffd : point;
    if (code >= 0x10000) i++;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), last(code));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), last(code >> 6), last(code));
    else bytes.push(0xf0 | (code >> 18), last(code >> 12), last(code >> 6), last(code));
  }
  return Uint8Array.from(bytes);
}

function last(code: number): number {
  return 0x80 | (code & 0x3f);
}
