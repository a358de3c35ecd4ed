/** Bytes as text of 64 characters that need no quoting anywhere, without padding (RFC 4648 §5). Why by hand: the core is blind. */
export function toBase64url(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(i, i + 3);
    const word = (a << 16) | (b << 8) | c;
    const digits = [word >> 18, (word >> 12) & 63, (word >> 6) & 63, word & 63];
    for (const digit of digits.slice(0, Math.min(4, bytes.length - i + 1))) text += ALPHABET[digit];
  }
  return text;
}

/** Undefined where it is not the text of any bytes, such as one with padding or with bits that are left over. */
export function fromBase64url(text: string): Uint8Array | undefined {
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let word = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = DIGITS.get(text[i] as string);
    if (digit === undefined) return undefined;
    word = ((word << 6) | digit) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = (word >> bits) & 0xff;
  }
  return (word & ((1 << bits) - 1)) === 0 ? bytes : undefined;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const DIGITS: ReadonlyMap<string, number> = new Map([...ALPHABET].map((character, i) => [character, i]));
