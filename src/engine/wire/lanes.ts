import { FRAMES_OPEN_MAX, PART_BYTES, type Part, STREAMS_MAX } from './parts.ts';
import { BytesPayload } from './payload.ts';
import type { FrameApart, WireMessage } from './wire.ts';

/**
 * What waits on one link because it is large, or because it must not overtake something large.
 *
 *     lane of call 7    result, 12 MiB                  ──► stream 0 ─┐
 *     lane of call 9    item, 2 MiB ◄ item ◄ result     ──► stream 1 ─┼─► part, part, part, … in turns
 *     lane of a gossip  gossip, 80 KiB                  ──► stream 2 ─┘
 *     call 8            overtakes all of them
 *
 * Messages that carry the same number are one lane: they arrive in the order in which they were given. Nothing else is
 * ordered. It decides what is sent next; when, its owner decides.
 *
 * Invariants: a lane that is known has at least one frame; the first frame of at most `STREAMS_MAX` lanes is under way,
 * and these frames are together no larger than the other side takes.
 */
export class Lanes {
  /** Frames of which something waits. */
  frames = 0;
  /** What they cost, in bytes. */
  bytes = 0;
  readonly #openBytesMax: number;
  readonly #byNumber = new Map<number, Lane>();
  /** Lanes without a stream, in the order of their arrival. */
  readonly #waiting = new Set<Lane>();
  /** Lanes whose first frame is under way, by stream; the streams that are free are undefined. */
  readonly #streams: (Lane | undefined)[] = [];
  #openBytes = 0;
  /** The stream whose turn it was last. */
  #turn = 0;

  constructor(frameBytesMax: number) {
    this.#openBytesMax = frameBytesMax * FRAMES_OPEN_MAX;
  }

  /** Whether a message must wait behind what waits already. */
  holds(message: WireMessage): boolean {
    const number = numberOf(message);
    return number !== undefined && this.#byNumber.has(number);
  }

  /** Puts a frame behind what waits in its message's lane. */
  add(message: WireMessage, frame: FrameApart): void {
    const number = numberOf(message);
    const entry: Entry = { frame, next: undefined };
    const known = number === undefined ? undefined : this.#byNumber.get(number);
    this.frames++;
    this.bytes += costOf(frame);
    if (known !== undefined) {
      known.last.next = entry;
      known.last = entry;
      return;
    }
    const lane: Lane = { first: entry, last: entry, number, sent: 0 };
    if (number !== undefined) this.#byNumber.set(number, lane);
    this.#waiting.add(lane);
  }

  /** The next part, which is to be sent before anything that is given from now on; undefined where nothing waits. */
  next(): Part | undefined {
    this.#open();
    const count = this.#streams.length;
    for (let step = 1; step <= count; step++) {
      const stream = (this.#turn + step) % count;
      const lane = this.#streams[stream];
      if (lane === undefined) continue;
      this.#turn = stream;
      return this.#part(lane, stream);
    }
    return undefined;
  }

  /** Forgets everything: there is nobody to send it to. */
  clear(): void {
    this.#byNumber.clear();
    this.#waiting.clear();
    this.#streams.length = 0;
    this.frames = 0;
    this.bytes = 0;
    this.#openBytes = 0;
  }

  /** Gives streams to lanes that wait, oldest first: a large one is not passed over for a smaller. */
  #open(): void {
    for (const lane of this.#waiting) {
      const { size } = lane.first.frame;
      let stream = this.#streams.indexOf(undefined);
      if (stream < 0) stream = this.#streams.length;
      if (stream === STREAMS_MAX || this.#openBytes + size > this.#openBytesMax) return;
      this.#streams[stream] = lane;
      this.#openBytes += size;
      this.#waiting.delete(lane);
    }
  }

  /** Never across the border of head and body: parts are windows, nothing is copied here. */
  #part(lane: Lane, stream: number): Part {
    const { head, body, size } = lane.first.frame;
    const inHead = lane.sent < head.length;
    const source = inHead ? head : body;
    const from = inHead ? lane.sent : lane.sent - head.length;
    const to = Math.min(from + PART_BYTES, source.length);
    const first = lane.sent === 0;
    lane.sent += to - from;
    this.bytes -= to - from;
    if (lane.sent === size) this.#done(lane, stream);
    return { kind: 'part', payload: new BytesPayload(source, from, to), size: first ? size : 0, stream };
  }

  /** The first frame of a lane is all sent. Those behind it queue again, behind all other lanes. */
  #done(lane: Lane, stream: number): void {
    this.#streams[stream] = undefined;
    this.#openBytes -= lane.first.frame.size;
    this.frames--;
    this.bytes -= FRAME_COST;
    const { next } = lane.first;
    if (next === undefined) {
      if (lane.number !== undefined) this.#byNumber.delete(lane.number);
      return;
    }
    lane.first = next;
    lane.sent = 0;
    this.#waiting.add(lane);
  }
}

interface Entry {
  readonly frame: FrameApart;
  next: Entry | undefined;
}

/** Messages of one number, or one message without. */
interface Lane {
  readonly number: number | undefined;
  first: Entry;
  last: Entry;
  /** Bytes of the first frame that have been handed out. */
  sent: number;
}

/** What a frame costs that waits, beside its bytes: small ones are not free. */
const FRAME_COST = 512;

function costOf({ size }: FrameApart): number {
  return size + FRAME_COST;
}

/** The number of the call that a message belongs to. All that is published is one lane: it stays in its order. */
function numberOf(message: WireMessage): number | undefined {
  switch (message.kind) {
    case 'publish':
    case 'publish-run':
    case 'forward':
    case 'forward-run':
    case 'store':
      return PUBLISHED;
    default:
  }
  return 'id' in message ? message.id : undefined;
}

/** No call has it. */
const PUBLISHED = -1;
