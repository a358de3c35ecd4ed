import type { IncomingMessage } from 'node:http';
import { problemError } from '../../problem-error.ts';

/**
 * Reads bodies, each within a limit and all together within another. What says beforehand that it is too large is
 * refused before a byte of it is kept.
 */
export class Bodies {
  readonly #bytesMax: number;
  readonly #togetherMax: number;
  #held = 0;

  /** `bytesMax`: for one body. `togetherMax`: more lets more large requests in at once, for as much more memory. */
  constructor(bytesMax: number, togetherMax: number) {
    this.#bytesMax = bytesMax;
    this.#togetherMax = togetherMax;
  }

  /** What the JSON says; undefined where the body is empty. Throws `limit-exceeded`, `overloaded`, `input-invalid`. */
  async read(request: IncomingMessage): Promise<unknown> {
    return parsed(await this.bytes(request));
  }

  /** Throws `limit-exceeded`, `overloaded`. */
  async bytes(request: IncomingMessage): Promise<Uint8Array> {
    this.#admit(Number(request.headers['content-length'] ?? 0));
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const take = (chunk: Uint8Array) => {
      bytes += chunk.length;
      this.#held += chunk.length;
      this.#admit(bytes, chunk.length);
      chunks.push(chunk);
    };
    try {
      await readAll(request, take);
    } finally {
      this.#held -= bytes;
    }
    const [first] = chunks;
    return first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks);
  }

  /** `counted`: how much of it is among what is held already. */
  #admit(bytes: number, counted = 0): void {
    if (bytes > this.#bytesMax) {
      throw problemError('limit-exceeded', `the body is over the limit of ${this.#bytesMax} bytes`, {
        hint: 'Pass large data by name: give a path or an address that the function reads itself.',
      });
    }
    if (this.#held + (counted > 0 ? 0 : bytes) > this.#togetherMax) {
      throw problemError('overloaded', `requests of ${this.#togetherMax} bytes together are being read already`);
    }
  }
}

/** Gives each chunk to `take`; where that throws, or the request breaks, it ends with that, and reads no more. */
function readAll(request: IncomingMessage, take: (chunk: Uint8Array) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      request.off('data', data).off('end', ended).off('error', failed).off('close', closed);
      settle();
    };
    const data = (chunk: Uint8Array) => {
      try {
        take(chunk);
      } catch (error) {
        request.pause();
        end(() => reject(error));
      }
    };
    const ended = () => end(resolve);
    const failed = (error: Error) => end(() => reject(error));
    const closed = () => end(() => reject(new Error('the request ended before its body')));
    request.on('data', data).once('end', ended).once('error', failed).once('close', closed);
    if (request.readableEnded) ended();
    else if (request.destroyed) closed();
  });
}

function parsed(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw problemError('input-invalid', 'the body is not text: it holds bytes that are not UTF-8');
  }
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw problemError('input-invalid', `the body is no JSON: ${(error as Error).message}`);
  }
}
