import { fromBase64url, toBase64url } from './base64url.ts';
import { murmur3, utf8 } from './murmur.ts';
import type { Interest } from './records.ts';

/**
 * A set of texts in few bits, that never denies what was put in, and now and then affirms what was not (Bloom, "Space/Time Trade-offs
 * in Hash Coding with Allowable Errors", 1970).
 *
 * As it is computed, so that other programs can do it, too:
 *
 *     a, b    MurmurHash3 x86 32 of the text's UTF-8, with the seeds 0 and 0x9747b28c; b's lowest bit is then set
 *     bit i   (a + i · b) mod 2³² mod the number of bits, for i from 0 to `hashes` − 1
 *     where   bit p is the bit p mod 8 of byte ⌊p / 8⌋, the least bit counted as 0
 *
 * Two hashes do for all (Kirsch, Mitzenmacher, "Less Hashing, Same Performance", 2006). The number of bits is a power of two; so
 * a filter says the same as another twice as large that repeats it, and filters of all sizes have a union.
 *
 * Invariant: what was added is affirmed, for ever and by every union.
 */
export class BloomFilter {
  readonly hashes: number;
  readonly #bytes: Uint8Array;

  private constructor(hashes: number, bytes: Uint8Array) {
    this.hashes = hashes;
    this.#bytes = bytes;
  }

  /**
   * For so many texts: n · ln(1 / rate) / (ln 2)² bits, rounded up to a power of two, and log₂(1 / rate) hashes, rounded up
   * (Mitzenmacher, Upfal, "Probability and Computing", 2005, §5.5.3). Limit: at most `BITS_MAX` bits; with more texts than
   * these are for, it affirms more.
   */
  static sized(texts: number, rate: number = RATE): BloomFilter {
    const needed = (Math.max(1, texts) * Math.log(1 / rate)) / Math.LN2 ** 2;
    let bits = BITS_MIN;
    while (bits < needed && bits < BITS_MAX) bits *= 2;
    const hashes = Math.min(HASHES_MAX, Math.max(1, Math.ceil(Math.log2(1 / rate))));
    return new BloomFilter(hashes, new Uint8Array(bits / 8));
  }

  /** Undefined where it is no filter, or one of another size than filters have. */
  static read({ hashes, bits }: Interest): BloomFilter | undefined {
    if (!Number.isInteger(hashes) || hashes < 1 || hashes > HASHES_MAX) return undefined;
    if (typeof bits !== 'string' || bits.length > Math.ceil(BITS_MAX / 6)) return undefined;
    const bytes = fromBase64url(bits);
    if (bytes === undefined || bytes.length < BITS_MIN / 8) return undefined;
    return (bytes.length & (bytes.length - 1)) === 0 ? new BloomFilter(hashes, bytes) : undefined;
  }

  /**
   * Affirms what any of them affirms, if not more. It is as large as the largest, and has as many hashes as the one with the
   * fewest: whatever was put in with more of them has set those bits, too. Undefined for none.
   */
  static union(filters: readonly BloomFilter[]): BloomFilter | undefined {
    if (filters.length === 0) return undefined;
    const bytes = new Uint8Array(Math.max(...filters.map((filter) => filter.#bytes.length)));
    for (const filter of filters) {
      const own = filter.#bytes;
      for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] as number) | (own[i & (own.length - 1)] as number);
    }
    return new BloomFilter(Math.min(...filters.map(({ hashes }) => hashes)), bytes);
  }

  get bits(): number {
    return this.#bytes.length * 8;
  }

  /** The share of bits that are set. */
  get fill(): number {
    let set = 0;
    for (const byte of this.#bytes) for (let rest = byte; rest !== 0; rest &= rest - 1) set++;
    return set / this.bits;
  }

  add(text: string): void {
    this.#each(text, (byte, bit) => {
      this.#bytes[byte] = (this.#bytes[byte] as number) | bit;
      return true;
    });
  }

  has(text: string): boolean {
    return this.#each(text, (byte, bit) => ((this.#bytes[byte] as number) & bit) !== 0);
  }

  toInterest(): Interest {
    return { bits: toBase64url(this.#bytes), hashes: this.hashes };
  }

  /** False as soon as one bit is answered so. */
  #each(text: string, answer: (byte: number, bit: number) => boolean): boolean {
    const bytes = utf8(text);
    const step = murmur3(bytes, SEED_STEP) | 1;
    let at = murmur3(bytes, SEED_START);
    for (let i = 0; i < this.hashes; i++) {
      const place = (at >>> 0) & (this.bits - 1);
      if (!answer(place >> 3, 1 << (place & 7))) return false;
      at = (at + step) | 0;
    }
    return true;
  }
}

/** How often a filter with so many texts in it affirms one that was not put in: (1 − e^(−hashes · texts / bits))^hashes. */
export function falsePositiveRate({ bits, hashes }: Pick<BloomFilter, 'bits' | 'hashes'>, texts: number): number {
  return (1 - Math.exp((-hashes * texts) / bits)) ** hashes;
}

/** Of a single question, by default. Smaller: filters are larger, 1.44 bits for each text and halving. Larger: more is sent in vain. */
const RATE = 0.001;
const BITS_MIN = 64;
/** 128 KiB: at the default rate enough for 72,000 texts. */
const BITS_MAX = 2 ** 20;
const HASHES_MAX = 32;
const SEED_START = 0;
const SEED_STEP = 0x9747b28c;
