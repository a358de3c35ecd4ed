/**
 * Copies of small ranges of bytes, several of them in one piece of memory, as Node's own small buffers are.
 *
 * Why: the runtime takes a microsecond to make memory of its own for a value that is larger than 64 bytes.
 * Trade-off: one copy that is held for long holds its neighbours, up to `poolBytes`. More: fewer pieces are made. Less: less is
 * held in vain.
 */
export class CopyPool {
  readonly #poolBytes: number;
  #memory: ArrayBufferLike = new ArrayBuffer(0);
  #at: number;

  constructor(poolBytes: number) {
    this.#poolBytes = poolBytes;
    this.#at = poolBytes;
  }

  /** The bytes from one place to before another, which share no memory with where they came from. */
  copy(bytes: Uint8Array, from: number, to: number): Uint8Array {
    const size = to - from;
    const source = new Uint8Array(bytes.buffer, bytes.byteOffset + from, size);
    if (size <= CHEAP_BYTES || size > this.#poolBytes / 4) return new Uint8Array(source);
    if (this.#at + size > this.#poolBytes) {
      this.#memory = Buffer.allocUnsafeSlow(this.#poolBytes).buffer;
      this.#at = 0;
    }
    const copy = new Uint8Array(this.#memory, this.#at, size);
    copy.set(source);
    this.#at += (size + 7) & ~7;
    return copy;
  }
}

/** Up to here, in bytes, memory of its own costs next to nothing. */
const CHEAP_BYTES = 64;
