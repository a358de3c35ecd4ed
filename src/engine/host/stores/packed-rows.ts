/**
 * Rows of SQLite's values in one range of bytes, to be handed from thread to thread without a copy.
 *
 *     row    u16 tag · u16 values · values        the tag is the sender's: which statement, say
 *     value  u8 kind · null: nothing │ number: f64 │ text, bytes: u32 length and as many bytes
 *
 * Why not what the runtime does with an array by itself: a view of a large buffer would take all of the buffer along.
 */

export type SqlValue = null | number | string | Uint8Array;

const NULL = 0;
const NUMBER = 1;
const TEXT = 2;
const BYTES = 3;

const FIRST_BYTES = 16 * 1024;

export class RowWriter {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #at = 0;

  /** Bytes written since the last `take`. */
  get size(): number {
    return this.#at;
  }

  row(tag: number, values: readonly SqlValue[]): void {
    this.#reserve(4);
    this.#at = this.#bytes.writeUInt16LE(tag, this.#at);
    this.#at = this.#bytes.writeUInt16LE(values.length, this.#at);
    for (const value of values) this.#value(value);
  }

  /** What was written, the caller's to transfer. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.subarray(0, this.#at);
    this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
    this.#at = 0;
    return taken;
  }

  #value(value: SqlValue): void {
    if (value === null) {
      this.#reserve(1);
      this.#bytes[this.#at++] = NULL;
    } else if (typeof value === 'number') {
      this.#reserve(9);
      this.#bytes[this.#at++] = NUMBER;
      this.#at = this.#bytes.writeDoubleLE(value, this.#at);
    } else if (typeof value === 'string') {
      const size = value.length < 64 ? 3 * value.length : Buffer.byteLength(value);
      this.#reserve(5 + size);
      const head = this.#at;
      const written = this.#bytes.write(value, head + 5);
      this.#bytes[head] = TEXT;
      this.#bytes.writeUInt32LE(written, head + 1);
      this.#at = head + 5 + written;
    } else {
      this.#reserve(5 + value.length);
      this.#bytes[this.#at++] = BYTES;
      this.#at = this.#bytes.writeUInt32LE(value.length, this.#at);
      this.#bytes.set(value, this.#at);
      this.#at += value.length;
    }
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#at + count));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}

/** Each row in turn. Bytes among its values are views: they keep all of `packed` alive. */
export function readRows(packed: Uint8Array, row: (tag: number, values: SqlValue[]) => void): void {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes.readUInt16LE(at);
    const values = new Array<SqlValue>(bytes.readUInt16LE(at + 2));
    at += 4;
    for (let i = 0; i < values.length; i++) {
      const kind = bytes[at++];
      if (kind === NULL) values[i] = null;
      else if (kind === NUMBER) {
        values[i] = bytes.readDoubleLE(at);
        at += 8;
      } else {
        const from = at + 4;
        at = from + bytes.readUInt32LE(at);
        values[i] = kind === TEXT ? bytes.toString('utf8', from, at) : bytes.subarray(from, at);
      }
    }
    row(tag, values);
  }
}
