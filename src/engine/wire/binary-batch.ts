import { done, failed, type Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import { ProblemError } from '../problem-error.ts';
import { writeHot } from './hot-frames.ts';
import { KINDS } from './messages.ts';
import { Misfit, problemOf } from './misfit.ts';
import { OpenRun } from './open-run.ts';
import { writePayload } from './payload.ts';
import type { Batch, FrameApart, UnknownFrame, WireLimits, WireMessage } from './wire.ts';
import { Writer } from './writer.ts';

/**
 * Frames of `mpreg.v1`, each written in place behind the last. A message that is refused is taken back whole.
 *
 * The last frame may be a run that is still open: its length and its number of messages are written when something else
 * comes behind it, or when the batch is taken.
 */
export class BinaryBatch implements Batch {
  readonly #limits: WireLimits;
  readonly #w = new Writer();
  readonly #run: OpenRun;
  #frames = 0;

  constructor(limits: WireLimits) {
    this.#limits = limits;
    this.#run = new OpenRun(this.#w, limits.frameBytesMax);
  }

  get size(): number {
    return this.#w.at - this.#w.start;
  }

  get frames(): number {
    return this.#frames;
  }

  add(message: WireMessage, wholeBytesMax = this.#limits.frameBytesMax): Outcome<FrameApart | undefined> {
    const w = this.#w;
    const { frameBytesMax, framesMax } = this.#limits;
    this.#run.close();
    if (this.#frames >= framesMax) return failed(overLimit(`more than ${framesMax} frames in one batch`));
    const before = this.size;
    try {
      const bytesMax = wholeBytesMax < frameBytesMax ? wholeBytesMax : frameBytesMax;
      const size = this.#write(message, bytesMax);
      if (size <= bytesMax) {
        this.#frames++;
        return DONE;
      }
      if (size <= frameBytesMax) {
        const frame = this.#apart(message, before);
        if (frame.size <= frameBytesMax) return done(frame);
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

  publish(topic: string, by: string, seq: number, value: Uint8Array | Payload): boolean {
    const run = this.#run;
    if (run.goesOn(topic, by, seq)) return run.add(value);
    run.close();
    if (this.#frames >= this.#limits.framesMax || !run.begin(topic, by, seq, value)) return false;
    this.#frames++;
    return true;
  }

  take(): Uint8Array | undefined {
    this.#run.close();
    if (this.#frames === 0) return undefined;
    this.#frames = 0;
    return this.#w.cut();
  }

  recycle(): void {
    this.#w.recycle();
  }

  /** Writes the frame; where it is larger than `bytesMax`, perhaps without what follows the header. Returns its size. */
  #write(message: WireMessage, bytesMax: number): number {
    const w = this.#w;
    const from = w.at - w.start;
    if (message.kind === 'unknown') return this.#copy(message, from, bytesMax);
    const header = this.#head(message);
    if (header > HEADER_BYTES_MAX) return header;
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

  /** The frame by itself; what was written of it is gone from the batch. */
  #apart(message: WireMessage, before: number): FrameApart {
    const w = this.#w;
    const from = w.start + before;
    w.at = from;
    if (message.kind === 'unknown') {
      const head = Buffer.alloc(4);
      const body = message.frame as Uint8Array;
      head.writeUInt32BE(body.length);
      return { body, head, size: head.length + body.length };
    }
    const header = this.#head(message);
    const head = Buffer.from(w.bytes.subarray(w.start + before, w.at));
    w.at = w.start + before;
    if (header > HEADER_BYTES_MAX) throw new Misfit(`a header of ${header} bytes is over ${HEADER_BYTES_MAX}`);
    const body = 'payload' in message ? message.payload.bytes() : NO_BYTES;
    const size = head.length + body.length;
    head.writeUInt32BE(size - 4, 0);
    head.writeUInt32BE(header, 4);
    head[4] = KINDS[message.kind].code;
    // Why: a few bytes would keep all of the message alive that they came in.
    if (body.length <= SHORT_BODY) return { body: NO_BYTES, head: Buffer.concat([head, body]), size };
    return { body, head, size };
  }

  /** Leaves room for the numbers of a frame and writes its header, whose size it returns. */
  #head(message: Exclude<WireMessage, UnknownFrame>): number {
    const w = this.#w;
    const from = w.at - w.start;
    w.reserve(8);
    w.at += 8;
    if (!writeHot(w, message)) w.value(KINDS[message.kind].header.pack(message));
    return w.at - w.start - from - 8;
  }

  /** A frame of a kind that this version does not know, as it came. */
  #copy(unknown: UnknownFrame, from: number, bytesMax: number): number {
    const { frame } = unknown;
    if (!(frame instanceof Uint8Array)) throw new Misfit(`kind ${unknown.code} came as JSON and cannot be translated`);
    const size = frame.length + 4;
    if (size > bytesMax) return size;
    const w = this.#w;
    w.reserve(4);
    w.at += 4;
    w.u32At(w.start + from, frame.length);
    w.all(frame);
    return size;
  }
}

const NO_BYTES = new Uint8Array(0);

/** What three bytes can say. */
const HEADER_BYTES_MAX = 0xff_ffff;

/** Up to here, in bytes, a body is copied. */
const SHORT_BODY = 4 * 1024;

const DONE: Outcome<undefined> = done(undefined);

function overLimit(message: string): Problem {
  return problem('limit-exceeded', message);
}
