import type { Payload } from '../core/base/payload.ts';
import { KINDS } from './messages.ts';
import { writePayload } from './payload.ts';
import { RUN_MESSAGES_MAX } from './run.ts';
import type { Writer } from './writer.ts';

/**
 * A run that is being written behind what was written before: what somebody publishes on one topic, message by message,
 * becomes one frame.
 *
 *     length · 59 · header: topic, by, seq of the first │ dd count │ c5 size value │ c5 size value │ …
 *     └ written at the end                                 └ so is this
 *
 * Why here, while it is published: the nodes that pass it on copy it as it is, and no message is an object on its way.
 */
export class OpenRun {
  readonly #w: Writer;
  readonly #bytesMax: number;
  readonly #valueBytesMax: number;
  #topic = '';
  #by = '';
  /** Of the next message. */
  #seq = 0;
  #messages = 0;
  /** Where the frame and its list begin, counted from the writer's start. */
  #from = 0;
  #list = 0;

  constructor(w: Writer, frameBytesMax: number) {
    this.#w = w;
    this.#bytesMax = Math.min(RUN_BYTES_MAX, frameBytesMax / 4);
    this.#valueBytesMax = Math.min(VALUE_BYTES_MAX, frameBytesMax / 4);
  }

  /** Whether this message follows the last one. */
  goesOn(topic: string, by: string, seq: number): boolean {
    if (this.#messages === 0 || this.#messages >= RUN_MESSAGES_MAX || seq !== this.#seq) return false;
    return topic === this.#topic && by === this.#by && this.#w.at - this.#w.start - this.#from < this.#bytesMax;
  }

  /** Begins anew with this message. False, and nothing was written, where it must go by itself. */
  begin(topic: string, by: string, seq: number, value: Uint8Array | Payload): boolean {
    const w = this.#w;
    if (sizeOf(value) > this.#valueBytesMax) return false;
    this.#from = w.at - w.start;
    w.reserve(8);
    w.at += 8;
    w.arrayHead(3);
    w.text(topic);
    w.text(by);
    w.uint(seq);
    this.#list = w.at - w.start;
    if (this.#list - this.#from > HEADER_BYTES_MAX) {
      w.at = w.start + this.#from;
      return false;
    }
    w.reserve(5);
    w.at += 5;
    this.#topic = topic;
    this.#by = by;
    this.#seq = seq;
    this.#put(value);
    return true;
  }

  /** Puts a value behind the others. False, and nothing was written, where it must go by itself. */
  add(value: Uint8Array | Payload): boolean {
    if (sizeOf(value) > this.#valueBytesMax) return false;
    this.#put(value);
    return true;
  }

  #put(value: Uint8Array | Payload): void {
    const w = this.#w;
    const from = w.at - w.start;
    w.reserve(3);
    w.at += 3;
    if (value instanceof Uint8Array) {
      w.binHead(value.length);
      w.all(value);
    } else writePayload(w, value);
    const at = w.start + from;
    const size = w.at - at - 3;
    w.bytes[at] = 0xc5;
    w.bytes[at + 1] = size >>> 8;
    w.bytes[at + 2] = size;
    this.#seq++;
    this.#messages++;
  }

  /** Ends it: its frame is whole then. */
  close(): void {
    if (this.#messages === 0) return;
    const w = this.#w;
    const at = w.start + this.#from;
    w.u32At(at, w.at - at - 4);
    w.u32At(at + 4, this.#list - this.#from - 8);
    w.bytes[at + 4] = CODE;
    const list = w.start + this.#list;
    w.bytes[list] = 0xdd;
    w.u32At(list + 1, this.#messages);
    this.#messages = 0;
  }
}

function sizeOf(value: Uint8Array | Payload): number {
  return value instanceof Uint8Array ? value.length + 5 : value.size;
}

const CODE = KINDS['publish-run'].code;

/**
 * A run of more bytes than this gets no more messages.
 * Trade-off: more, and fewer frames have to be looked at; less, and a message waits for fewer others.
 */
const RUN_BYTES_MAX = 32 * 1024;

/** A larger value travels by itself: copying it costs more than looking at its frame. */
const VALUE_BYTES_MAX = 16 * 1024;

/** With a longer header, which a topic that is none would make, it is no run. */
const HEADER_BYTES_MAX = 4 * 1024;
