/**
 * Sends what is large on one link, part by part, so that nothing small waits for it.
 *
 * Parts are put on the connection only while little is buffered there, and only some in each turn of the loop: what is
 * sent meanwhile passes between them. It refuses to keep more than `WAITING_BYTES_MAX`: whoever sends is told.
 */
import { type Problem, problem } from '../core/base/problems.ts';
import { Lanes } from '../wire/lanes.ts';
import { type Part, WHOLE_BYTES_MAX } from '../wire/parts.ts';
import type { FrameApart, WireMessage } from '../wire/wire.ts';

/**
 * While more than this is buffered, in bytes, no part is put on the connection.
 * Trade-off: higher keeps a fast connection busier; lower lets what is small leave sooner.
 */
export const PARTS_BUFFERED_MAX = 256 * 1024;

/** Bytes of parts in one turn of the loop. Trade-off: more is quicker, fewer lets others have their turn sooner. */
const TURN_BYTES = 256 * 1024;

/** Limit: what may wait on one link in parts. One frame may in any case. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;

/** Limit: beats that wait for everything before them. More are dropped: to whoever asks, nothing is proved then. */
const BEATS_MAX = 16;

export interface LargeFramesOwner {
  /** Takes a part, behind all that was given to it before; false: no more until the connection is drained. */
  put(part: Part, bufferedMax: number): boolean;
  /** Takes a message as if it were sent only now. */
  send(message: WireMessage): void;
  /** Less waits, or nothing any more. */
  went(): void;
}

export class LargeFrames {
  readonly #lanes: Lanes;
  readonly #owner: LargeFramesOwner;
  #beats: WireMessage[] = [];
  #turn: NodeJS.Immediate | undefined;
  /** The connection has enough, and will be drained. */
  #full = false;

  constructor(frameBytesMax: number, owner: LargeFramesOwner) {
    this.#lanes = new Lanes(frameBytesMax);
    this.#owner = owner;
  }

  get isBusy(): boolean {
    return this.#lanes.frames > 0;
  }

  /** What waits, in bytes. */
  get bytes(): number {
    return this.#lanes.bytes;
  }

  /** Whether a message must not overtake what waits. */
  isAhead(message: WireMessage): boolean {
    return this.#lanes.holds(message);
  }

  /** Takes a frame, or says why not. One that is small is taken in any case: it may end what is large before it. */
  add(message: WireMessage, frame: FrameApart): Problem | undefined {
    const { bytes } = this.#lanes;
    if (frame.size > WHOLE_BYTES_MAX && bytes > 0 && bytes + frame.size > WAITING_BYTES_MAX) {
      const text = `${bytes} bytes wait on this link already, and a ${message.kind} of ${frame.size} does not fit into ${WAITING_BYTES_MAX}`;
      return problem('overloaded', text);
    }
    this.#lanes.add(message, frame);
    if (!this.#full) this.#turn ??= setImmediate(() => this.#goOn());
    return undefined;
  }

  /** Sends a beat when nothing waits any more. */
  addBeat(beat: WireMessage): void {
    if (this.#beats.length < BEATS_MAX) this.#beats.push(beat);
  }

  drained(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#goOn();
  }

  /** Sends all of it, however much is buffered. */
  flush(): void {
    for (let part = this.#lanes.next(); part !== undefined; part = this.#lanes.next()) {
      this.#owner.put(part, Number.POSITIVE_INFINITY);
    }
    this.#owner.went();
    this.#done();
  }

  /** Forgets all of it: the connection is gone. */
  stop(): void {
    this.#lanes.clear();
    this.#beats = [];
    clearImmediate(this.#turn);
  }

  #goOn(): void {
    this.#turn = undefined;
    let sent = 0;
    while (!this.#full && sent < TURN_BYTES) {
      const part = this.#lanes.next();
      if (part === undefined) break;
      sent += part.payload.size;
      this.#full = !this.#owner.put(part, PARTS_BUFFERED_MAX);
    }
    this.#owner.went();
    if (!this.isBusy) this.#done();
    else if (!this.#full) this.#turn ??= setImmediate(() => this.#goOn());
  }

  #done(): void {
    const beats = this.#beats;
    this.#beats = [];
    for (const beat of beats) this.#owner.send(beat);
  }
}
