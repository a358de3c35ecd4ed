/**
 * One connection as the node and the client see it: handshake first, then messages.
 *
 * Messages sent within one turn of the loop leave as one WebSocket message; a batch that reaches `BATCH_BYTES` leaves at
 * once, and so does one of `PEER_BATCH_FRAMES` between nodes; what is large leaves in parts (`large-frames.ts`) and is put together here. It refuses to buffer without end: while
 * the other side does not read, a client is not read either, and whoever stays behind is cut off.
 */
import { assert } from '../core/base/assert.ts';
import { failed, type Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import type { Peer } from '../core/links/messages.ts';
import type { Message } from '../core/node/inputs.ts';
import { codecOf } from '../wire/codecs.ts';
import type { HandshakeSide } from '../wire/handshake-sides.ts';
import { PART_BYTES, PARTS, type Part, WHOLE_BYTES_MAX } from '../wire/parts.ts';
import { payloadOf } from '../wire/payload.ts';
import { RUNS } from '../wire/run.ts';
import {
  BATCH_BYTES,
  type Batch,
  type Codec,
  type FrameApart,
  type WireLimits,
  type WireMessage,
} from '../wire/wire.ts';
import { Behind } from './behind.ts';
import { Incoming, STRANGER_BYTES_MAX } from './incoming.ts';
import { LargeFrames } from './large-frames.ts';
import { peerName } from './peer-name.ts';
import type { Connection } from './ports.ts';
import { BUFFERED_HIGH } from './transports/buffering.ts';
import type { WireCounters } from './wire-counters.ts';
import type { Remote, WireLinkOptions } from './wire-link-options.ts';

/**
 * While more than this waits for a client in parts, in bytes, it is not read: it would only ask for more.
 * Trade-off: lower, and its small requests wait for its large answers; higher, and more of them are made and refused.
 */
const CLIENT_WAITING_BYTES_MAX = 32 * 1024 * 1024;

/**
 * Frames of a batch between two nodes.
 * Why so few: the other node works on the first calls of a turn while this one still reads the rest; else client, relay and
 * far node take turns with one large batch, and two cores do the work of one. Not on a client's link: with only two that
 * take turns, waking each other twice as often costs more than it gains. `bench/README.md` has the figures.
 */
const PEER_BATCH_FRAMES = 32;

/** A batch closes only after the frame that fills it: one WebSocket message may be a batch longer than a frame. */
export const MESSAGE_SLACK = 128 * 1024;

export interface WireLinkEvents {
  established(link: WireLink, remote: Remote): void;
  message(link: WireLink, message: Message): void;
  /** Exactly once. `why` is set where the handshake or the protocol failed; `remote` where it was established. */
  closed(link: WireLink, reason: string, why: Problem | undefined): void;
  /** It may have room again, after `isFull` was true. */
  drained?(link: WireLink): void;
}

export class WireLink {
  readonly connection: Connection;
  readonly #codec: Codec;
  readonly #incoming: Incoming;
  readonly #events: WireLinkEvents;
  readonly #counters: WireCounters;
  readonly #handshake: HandshakeSide;
  readonly #role: Peer['role'];
  /** What this side may send, and, once the link is established, what it takes. */
  #limits: WireLimits;
  #batch: Batch;
  #remote: Remote | undefined;
  #timer: NodeJS.Timeout | undefined;
  #why: Problem | undefined;
  #flushing = false;
  /** Both sides have said that they take runs. */
  #runs = false;
  /** How many frames make a batch full. */
  #batchFrames = Number.POSITIVE_INFINITY;
  #closed = false;
  /** What is large on its way out, once both sides have said that they take parts. */
  #large: LargeFrames | undefined;
  #wholeBytesMax: number;
  /** Something waits in parts: a field of its own, because every message asks. */
  #busy = false;
  /** The client is not read because of what waits in parts. */
  #held = false;
  /** The connection has enough, and will be drained. */
  #full = false;
  /** See `hold`. */
  #onHold = false;
  readonly #behind = new Behind(() => this.#cutOff());

  constructor(connection: Connection, options: WireLinkOptions, counters: WireCounters, events: WireLinkEvents) {
    this.connection = connection;
    this.#codec = codecOf(connection.protocol);
    this.#incoming = new Incoming(this.#codec);
    this.#events = events;
    this.#counters = counters;
    this.#limits = options.limits;
    this.#role = options.role;
    this.#wholeBytesMax = options.limits.frameBytesMax;
    this.#batch = this.#codec.batch(this.#limits);
    this.#handshake = options.handshake;
    this.#timer = setTimeout(() => this.#tooSlow(options.handshakeMsMax), options.handshakeMsMax);
    connection.limit(STRANGER_BYTES_MAX);
    connection.own({
      closed: (reason) => this.#ended(reason),
      drained: () => this.#drained(),
      message: (data) => this.#receive(data),
    });
    const hello = this.#handshake.begin();
    if (hello !== undefined) this.#write(hello);
  }

  get remote(): Remote | undefined {
    return this.#remote;
  }

  /** Sends at the end of this turn. The problem, if the message cannot be put on the wire: nothing was sent then. */
  send(message: Message): Problem | undefined {
    return this.#closed ? problem('link-lost', 'the link is closed') : this.#write(message);
  }

  /** Whether whoever can wait with what it sends should. */
  get isFull(): boolean {
    return this.#full || (this.#busy && this.#waiting > BUFFERED_HIGH);
  }

  /** Whether the other side takes runs (`wire/run.ts`). */
  get runs(): boolean {
    return this.#runs;
  }

  /**
   * Sends a message that is published without headers, key and confirmation, with others of its kind in one frame. Bytes mean
   * themselves, anything else is encoded already.
   */
  publish(topic: string, by: string, seq: number, value: Uint8Array | Payload): Problem | undefined {
    const frames = this.#batch.frames;
    if (!this.#runs || this.#busy || this.#closed || !this.#batch.publish?.(topic, by, seq, value)) {
      const payload = value instanceof Uint8Array ? payloadOf(value) : value;
      return this.send({ by, id: 0, kind: 'publish', payload, seq, topic });
    }
    if (this.#batch.frames !== frames) this.#counters.framesOut++;
    if (this.#batch.size >= BATCH_BYTES) this.#flush();
    else if (!this.#flushing) this.#flushLater();
    return undefined;
  }

  /** Reads nothing until `release`: what comes from there goes to somebody who is slower. */
  hold(): void {
    this.#onHold = true;
    this.connection.pause();
  }

  release(): void {
    this.#onHold = false;
    if (!this.#full && !this.#held) this.connection.resume();
  }

  close(reason: string): void {
    if (this.#closed) return;
    this.#large?.flush();
    this.#flush();
    this.connection.close(reason);
  }

  /** Closes because the other side, or the handshake, was at fault. */
  refuse(why: Problem): void {
    this.#why ??= why;
    this.close(why.message);
  }

  #write(message: WireMessage): Problem | undefined {
    const added = this.#added(message, this.#busy ? this.#wholeBytesOf(message) : this.#wholeBytesMax);
    if (!added.ok) return added.problem;
    if (added.value !== undefined) return this.#later(message, added.value);
    this.#counters.framesOut++;
    if (this.#batch.size >= BATCH_BYTES || this.#batch.frames >= this.#batchFrames) this.#flush();
    else this.#flushSoon();
    return undefined;
  }

  /** Up to how many bytes a message may leave at once, while something large waits. */
  #wholeBytesOf(message: WireMessage): number {
    // Why all of it: whoever hears a goaway closes.
    if (message.kind === 'goaway') this.#large?.flush();
    else if (message.kind === 'beat' ? message.all : this.#large?.isAhead(message)) return 0;
    return this.#wholeBytesMax;
  }

  #later(message: WireMessage, frame: FrameApart): Problem | undefined {
    const large = this.#large;
    assert(large !== undefined, 'frames are taken apart only where parts are agreed on');
    if (message.kind === 'beat') {
      large.addBeat(message);
      return undefined;
    }
    const why = large.add(message, frame);
    this.#busy = large.isBusy;
    if (large.bytes > CLIENT_WAITING_BYTES_MAX && this.#remote !== undefined) {
      this.#held = this.#remote.peer.role === 'client';
      if (this.#held) this.connection.pause();
      this.#behind.judge(this.#remote.peer, this.connection.buffered, large.bytes);
    }
    return why;
  }

  /** Takes a part behind all that was sent; false: no more until the connection is drained. */
  #putPart(part: Part, bufferedMax: number): boolean {
    if (!this.#batch.add(part).ok) {
      this.#flush(); // the batch holds as many frames as it may
      assert(this.#batch.add(part).ok, 'a part is smaller than every frame that goes in parts');
    }
    this.#counters.framesOut++;
    this.#counters.partsOut++;
    this.#counters.partBytesOut += part.payload.size;
    if (this.#batch.size >= PART_BYTES) return this.#flush(bufferedMax);
    this.#flushSoon();
    return true;
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flush());
  }

  /** Why later: whoever awaits each message that he publishes is told that there is room before the next one comes. */
  #flushLater(): void {
    this.#flushing = true;
    process.nextTick(() => this.#flush());
  }

  /** Why the exception: what plans put together may be larger than any buffer, and is found out only by making one. */
  #added(message: WireMessage, wholeBytesMax: number): Outcome<FrameApart | undefined> {
    try {
      return this.#batch.add(message, wholeBytesMax);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return failed(problem('limit-exceeded', `this ${message.kind} is too large to be encoded: ${error.message}`));
    }
  }

  /** `bufferedMax`: what may be buffered for more parts to be sent; absent where it is not about parts. */
  #flush(bufferedMax?: number): boolean {
    this.#flushing = false;
    const data = this.#batch.take();
    if (data === undefined || this.#closed) return true;
    this.#counters.bytesOut += data.length;
    const ready = this.connection.send(data, bufferedMax);
    if (this.connection.isCopied) this.#batch.recycle?.();
    if (ready || this.#remote === undefined) return ready;
    this.#full = true;
    const { peer } = this.#remote;
    if (peer.role === 'client' && bufferedMax === undefined) this.connection.pause();
    this.#behind.judge(peer, this.connection.buffered, this.#waiting);
    return false;
  }

  /** What waits in parts, in bytes. */
  get #waiting(): number {
    return this.#large?.bytes ?? 0;
  }

  #drained(): void {
    this.#full = false;
    if (this.connection.isCopied) this.#batch.recycle?.();
    this.#behind.stop();
    this.#large?.drained();
    if (this.#waiting <= CLIENT_WAITING_BYTES_MAX) this.#readOn();
    if (!this.isFull) this.#events.drained?.(this);
  }

  /** Some of what is large has left. */
  #went(): void {
    this.#busy = this.#large?.isBusy ?? false;
    if (this.#held && this.#waiting <= CLIENT_WAITING_BYTES_MAX) this.#readOn();
    if (!this.isFull) this.#events.drained?.(this);
  }

  #readOn(): void {
    this.#held = false;
    if (!this.#onHold) this.connection.resume();
  }

  #cutOff(): void {
    if (this.#closed || this.#why !== undefined || this.#remote === undefined) return;
    this.#counters.cutOff++;
    const bytes = this.connection.buffered + this.#waiting;
    const text = `${peerName(this.#remote.peer)} does not read: it is ${bytes} bytes behind, and was cut off`;
    this.#why ??= problem('limit-exceeded', text);
    this.connection.destroy(text);
  }

  #receive(data: Uint8Array | string): void {
    this.#counters.bytesIn += data.length;
    const decoded = this.#remote === undefined ? this.#incoming.strange(data) : this.#codec.decode(data, this.#limits);
    if (!decoded.ok) {
      this.#violated(decoded.problem);
      return;
    }
    for (const message of decoded.value) {
      if (this.#closed || this.#why !== undefined) return;
      this.#counters.framesIn++;
      if (this.#remote === undefined) this.#shake(message);
      else this.#take(message);
    }
  }

  #violated(why: Problem): void {
    this.#counters.violations++;
    this.#write({ kind: 'goaway', problem: why });
    this.refuse(why);
  }

  #take(message: WireMessage): void {
    switch (message.kind) {
      case 'unknown':
        this.#counters.unknownFrames++;
        return;
      case 'hello':
      case 'join':
      case 'welcome':
      case 'refused':
        return; // The handshake is over: whatever it says now changes nothing.
      case 'part':
        this.#takePart(message);
        return;
      case 'publish-run':
      case 'forward-run':
      case 'deliver-run':
        if (this.#runs) this.#events.message(this, message);
        else this.#violated(problem('protocol-violated', 'runs were not agreed on'));
        return;
      default:
        this.#events.message(this, message);
    }
  }

  #takePart(part: Part): void {
    this.#counters.partsIn++;
    this.#counters.partBytesIn += part.payload.size;
    const whole = this.#incoming.join(part);
    if (!whole.ok) this.#violated(whole.problem);
    else for (const message of whole.value) this.#take(message);
  }

  #shake(message: WireMessage): void {
    const step = this.#handshake.receive(message);
    if (step.reply !== undefined) this.#write(step.reply);
    if (step.kind === 'refuse') {
      this.#counters.handshakesFailed++;
      this.refuse(step.problem);
    } else if (step.kind === 'done') {
      clearTimeout(this.#timer);
      this.#remote = { cluster: step.cluster, peer: step.peer };
      this.connection.limit(this.#limits.frameBytesMax + MESSAGE_SLACK);
      this.#limits = { ...this.#limits, frameBytesMax: step.frameBytesMax };
      this.#flush();
      this.#batch = this.#codec.batch(this.#limits);
      this.#runs = step.features.includes(RUNS);
      if (step.features.includes(PARTS)) this.#agreeOnParts(step.frameBytesMax);
      if (this.#role !== 'client' && step.peer.role !== 'client') this.#batchFrames = PEER_BATCH_FRAMES;
      this.#events.established(this, this.#remote);
      if (step.unread !== undefined) this.#take(step.unread);
    }
  }

  #agreeOnParts(frameBytesMax: number): void {
    this.#wholeBytesMax = WHOLE_BYTES_MAX;
    this.#incoming.takeParts(this.#limits);
    this.#large = new LargeFrames(frameBytesMax, {
      put: (part, bufferedMax) => this.#putPart(part, bufferedMax),
      send: (message) => void this.#write(message),
      went: () => this.#went(),
    });
  }

  #tooSlow(ms: number): void {
    this.#counters.handshakesFailed++;
    this.#counters.cutOff++;
    this.#why ??= problem('protocol-violated', `no handshake within ${ms} ms`);
    this.connection.destroy(this.#why.message);
  }

  #ended(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#behind.stop();
    this.#large?.stop();
    this.#events.closed(this, reason, this.#why);
  }
}
