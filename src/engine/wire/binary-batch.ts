import { done, failed, type Outcome } from '../core/base/outcome.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import { ProblemError } from '../problem-error.ts';
import { writeHot } from './hot-frames.ts';
import { KINDS } from './messages.ts';
import { Misfit, problemOf } from './misfit.ts';
import { writePayload } from './payload.ts';
import type { Batch, UnknownFrame, WireLimits, WireMessage } from './wire.ts';
import { Writer } from './writer.ts';

/** Frames of `mpreg.v1`, each written in place behind the last. A message that is refused is taken back whole. */
export class BinaryBatch implements Batch {
  readonly #limits: WireLimits;
  readonly #w = new Writer();
  #frames = 0;

  constructor(limits: WireLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#w.at - this.#w.start;
  }

  add(message: WireMessage): Outcome<void> {
    const w = this.#w;
    const { frameBytesMax, framesMax } = this.#limits;
    if (this.#frames >= framesMax) return failed(overLimit(`more than ${framesMax} frames in one batch`));
    const before = this.size;
    try {
      const size = this.#write(message, frameBytesMax);
      if (size <= frameBytesMax) {
        this.#frames++;
        return DONE;
      }
      w.at = w.start + before;
      return failed(
        overLimit(`a ${message.kind} of ${size} bytes is over the limit of ${frameBytesMax} for one frame`),
      );
    } catch (error) {
      w.at = w.start + before;
      if (error instanceof ProblemError) return failed(error.problem);
      return failed(problemOf(error, 'result-unencodable', message.kind));
    }
  }

  take(): Uint8Array | undefined {
    if (this.#frames === 0) return undefined;
    this.#frames = 0;
    return this.#w.cut();
  }

  /** Writes the frame, unless its payload alone is too large. Returns its size. */
  #write(message: WireMessage, bytesMax: number): number {
    const w = this.#w;
    const from = w.at - w.start;
    w.reserve(8);
    w.at += 8;
    if (message.kind === 'unknown') return this.#copy(message, from, bytesMax);
    if (!writeHot(w, message)) w.value(KINDS[message.kind].header.pack(message));
    const header = w.at - w.start - from - 8;
    if (header > 0xff_ffff) return header;
    if ('payload' in message) {
      if (message.payload.size + header + 8 > bytesMax) return message.payload.size + header + 8;
      writePayload(w, message.payload);
    }
    const size = w.at - w.start - from;
    const at = w.start + from;
    w.u32At(at, size - 4);
    w.u32At(at + 4, header);
    w.bytes[at + 4] = KINDS[message.kind].code;
    return size;
  }

  /** A frame of a kind that this version does not know, as it came. */
  #copy(unknown: UnknownFrame, from: number, bytesMax: number): number {
    const { frame } = unknown;
    if (!(frame instanceof Uint8Array)) throw new Misfit(`kind ${unknown.code} came as JSON and cannot be translated`);
    const size = frame.length + 4;
    if (size > bytesMax) return size;
    const w = this.#w;
    w.at -= 4;
    w.u32At(w.start + from, frame.length);
    w.all(frame);
    return size;
  }
}

const DONE: Outcome<void> = done(undefined);

function overLimit(message: string): Problem {
  return problem('limit-exceeded', message);
}
