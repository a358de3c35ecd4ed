import { done, failed, type Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import { problem } from '../core/base/problems.ts';

/**
 * A large frame on its way: in parts, between which other frames pass.
 *
 *     stream 0   part size 150,000 ─ part ─ part                    a frame is whole with the byte that makes up its size
 *     stream 1          part size 70,000 ─ part
 *     others       beat      call      result
 *
 * The parts of one frame travel in their order on one stream; a stream carries one frame at a time. This file puts frames
 * together again: each byte is copied once, into memory for the whole frame, which was checked against the limits before
 * it was taken. It refuses to hold more than agreed, whatever a sender says.
 */

/** What both sides have to say in the handshake before either sends parts. */
export const PARTS = 'parts';

/**
 * A frame of more bytes than this goes in parts.
 * Trade-off: larger, and what is small waits longer behind it; smaller, and every part's own cost weighs more. 64 KiB and a
 * header go whole: many sizes are powers of two.
 */
export const WHOLE_BYTES_MAX = 96 * 1024;

/** Bytes of a frame in one part: head included, it fills a batch. */
export const PART_BYTES = 64 * 1024 - 32;

/** Frames under way at once, each on a stream of its own, numbered from 0. */
export const STREAMS_MAX = 16;

/** Limit: bytes of all frames under way at once on one link, by their announced sizes, in frames of the largest size. */
export const FRAMES_OPEN_MAX = 4;

export interface Part {
  readonly kind: 'part';
  readonly stream: number;
  /** In the first part of a frame: the size of the whole frame, its length field included. In the others 0. */
  readonly size: number;
  /** Bytes as they are. */
  readonly payload: Payload;
}

interface Begun {
  readonly bytes: Uint8Array;
  /** How many of them have come. */
  at: number;
}

/** Puts the frames of one link together. */
export class Assembly {
  readonly #frameBytesMax: number;
  readonly #begun = new Map<number, Begun>();
  /** Bytes of all frames that were begun. Invariant: at most `FRAMES_OPEN_MAX` of the largest. */
  #bytes = 0;

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /** How many bytes are held, or kept free, for frames that are not whole yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The frame, where this part makes it whole; or why the sender broke the protocol. */
  take({ stream, size, payload }: Part): Outcome<Uint8Array | undefined> {
    const part = payload.bytes();
    const begun = this.#begun.get(stream);
    if (part.length === 0) return refused(stream, 'it is empty');
    if (begun === undefined) return this.#begin(stream, size, part);
    if (size > 0) return refused(stream, 'it begins a frame, and the one before is not whole');
    if (part.length > begun.bytes.length - begun.at) {
      return refused(stream, `${begun.bytes.length} bytes were announced, more came`);
    }
    begun.bytes.set(part, begun.at);
    begun.at += part.length;
    if (begun.at < begun.bytes.length) return MORE;
    this.#begun.delete(stream);
    this.#bytes -= begun.bytes.length;
    return done(begun.bytes);
  }

  #begin(stream: number, size: number, part: Uint8Array): Outcome<Uint8Array | undefined> {
    const max = this.#frameBytesMax;
    if (size === 0) return refused(stream, 'no frame has begun there');
    if (stream >= STREAMS_MAX) return refused(stream, `streams are numbered from 0 to ${STREAMS_MAX - 1}`);
    if (size > max) return refused(stream, `a frame of ${size} bytes is over the limit of ${max}`);
    if (part.length > size) return refused(stream, `${size} bytes were announced, ${part.length} came`);
    if (part.length === size) return done(part);
    if (this.#bytes + size > max * FRAMES_OPEN_MAX) {
      return refused(stream, `with it, frames of more than ${max * FRAMES_OPEN_MAX} bytes are under way`);
    }
    // Why at once: the system gives memory when it is written to, so that what is announced and does not come costs little.
    const bytes = Buffer.allocUnsafeSlow(size);
    bytes.set(part);
    this.#begun.set(stream, { at: part.length, bytes });
    this.#bytes += size;
    return MORE;
  }
}

const MORE: Outcome<undefined> = done(undefined);

function refused(stream: number, why: string): Outcome<never> {
  return failed(problem('protocol-violated', `part of stream ${stream}: ${why}`));
}
