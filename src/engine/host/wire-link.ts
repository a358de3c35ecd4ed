/**
 * One connection as the node and the client see it: handshake first, then messages.
 *
 * Messages sent within one turn of the loop leave as one WebSocket message; a batch that reaches `BATCH_BYTES` leaves at
 * once. It refuses to buffer without end: while the other side does not read, a client is not read either, and whoever
 * stays behind is cut off.
 */
import { failed, type Outcome } from '../core/base/outcome.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import type { Peer } from '../core/links/messages.ts';
import type { Message } from '../core/node/inputs.ts';
import { codecOf } from '../wire/codecs.ts';
import type { HandshakeSide } from '../wire/handshake-sides.ts';
import { BATCH_BYTES, type Batch, type Codec, type WireLimits, type WireMessage } from '../wire/wire.ts';
import type { Connection } from './ports.ts';

/** Limit: what may wait for somebody who does not read; then the link is cut. A peer's gossip must not wait behind it. */
const BEHIND_BYTES_MAX = 64 * 1024 * 1024;
/**
 * Limit: a client may have more than this waiting for so long, in milliseconds; then it is cut off as well.
 * Trade-off: cut at once, a client would lose its link to one large answer that is merely on its way.
 */
const CLIENT_BEHIND_BYTES_MAX = 8 * 1024 * 1024;
const CLIENT_BEHIND_MS_MAX = 5_000;

/**
 * Limit: what is read of somebody who has not said who it is. A handshake needs far less; a client that speaks JSON to a
 * node without a key may leave it away and begin with a call.
 */
const STRANGER_FRAME_BYTES_MAX = 16 * 1024;
const STRANGER_BYTES_MAX = 64 * 1024;
const STRANGER_FRAMES_MAX = 16;

/** A batch closes only after the frame that fills it: one WebSocket message may be a batch longer than a frame. */
export const MESSAGE_SLACK = 128 * 1024;

/** Who is at the other end of an established link. */
export interface Remote {
  /** What it said of itself when it was dialled; for the dialler, the acceptor's id and name. */
  readonly peer: Peer;
  readonly cluster: string;
}

export interface WireLinkEvents {
  established(link: WireLink, remote: Remote): void;
  message(link: WireLink, message: Message): void;
  /** Exactly once. `why` is set where the handshake or the protocol failed; `remote` where it was established. */
  closed(link: WireLink, reason: string, why: Problem | undefined): void;
}

export interface WireLinkOptions {
  readonly limits: WireLimits;
  readonly handshakeMsMax: number;
  readonly handshake: HandshakeSide;
}

/** Counts what links do, for the metrics. */
export class WireCounters {
  framesIn = 0;
  framesOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  unknownFrames = 0;
  violations = 0;
  handshakesFailed = 0;
  cutOff = 0;
}

export class WireLink {
  readonly connection: Connection;
  readonly #codec: Codec;
  readonly #events: WireLinkEvents;
  readonly #counters: WireCounters;
  readonly #handshake: HandshakeSide;
  /** What this side may send, and, once the link is established, what it takes. */
  #limits: WireLimits;
  #batch: Batch;
  #remote: Remote | undefined;
  #timer: NodeJS.Timeout | undefined;
  #why: Problem | undefined;
  #flushing = false;
  #closed = false;
  /** Since when a client has had more waiting for it than it may; undefined where it has not. */
  #behindSince: number | undefined;

  constructor(connection: Connection, options: WireLinkOptions, counters: WireCounters, events: WireLinkEvents) {
    this.connection = connection;
    this.#codec = codecOf(connection.protocol);
    this.#events = events;
    this.#counters = counters;
    this.#limits = options.limits;
    this.#batch = this.#codec.batch(this.#limits);
    this.#handshake = options.handshake;
    this.#timer = setTimeout(() => this.#tooSlow(options.handshakeMsMax), options.handshakeMsMax);
    connection.limit(STRANGER_BYTES_MAX);
    connection.own({
      closed: (reason) => this.#ended(reason),
      drained: () => {
        this.#behindSince = undefined;
        connection.resume();
      },
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

  close(reason: string): void {
    if (this.#closed) return;
    this.#flush();
    this.connection.close(reason);
  }

  /** Closes because the other side, or the handshake, was at fault. */
  refuse(why: Problem): void {
    this.#why ??= why;
    this.close(why.message);
  }

  #write(message: WireMessage): Problem | undefined {
    const added = this.#added(message);
    if (!added.ok) return added.problem;
    this.#counters.framesOut++;
    if (this.#batch.size >= BATCH_BYTES) {
      this.#flush();
    } else if (!this.#flushing) {
      this.#flushing = true;
      queueMicrotask(() => this.#flush());
    }
    return undefined;
  }

  /** Why the exception: what plans put together may be larger than any buffer, and is found out only by making one. */
  #added(message: WireMessage): Outcome<void> {
    try {
      return this.#batch.add(message);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return failed(problem('limit-exceeded', `this ${message.kind} is too large to be encoded: ${error.message}`));
    }
  }

  #flush(): void {
    this.#flushing = false;
    const data = this.#batch.take();
    if (data === undefined || this.#closed) return;
    this.#counters.bytesOut += data.length;
    const ready = this.connection.send(data);
    if (ready || this.#remote === undefined) return;
    if (this.#remote.peer.role === 'client') this.connection.pause();
    if (this.#isTooFarBehind(this.#remote.peer)) this.#cutOff(peerName(this.#remote.peer));
  }

  #isTooFarBehind({ role }: Peer): boolean {
    const { buffered } = this.connection;
    if (buffered <= CLIENT_BEHIND_BYTES_MAX) this.#behindSince = undefined;
    else this.#behindSince ??= performance.now();
    if (buffered > BEHIND_BYTES_MAX) return true;
    const since = role === 'client' ? this.#behindSince : undefined;
    return since !== undefined && performance.now() - since > CLIENT_BEHIND_MS_MAX;
  }

  #cutOff(who: string): void {
    this.#counters.cutOff++;
    const text = `${who} does not read: it is ${this.connection.buffered} bytes behind, and was cut off`;
    this.#why ??= problem('limit-exceeded', text);
    this.connection.destroy(text);
  }

  #receive(data: Uint8Array | string): void {
    this.#counters.bytesIn += data.length;
    const decoded = this.#remote === undefined ? this.#strange(data) : this.#codec.decode(data, this.#limits);
    if (!decoded.ok) {
      this.#counters.violations++;
      this.#write({ kind: 'goaway', problem: decoded.problem });
      this.refuse(decoded.problem);
      return;
    }
    for (const message of decoded.value) {
      if (this.#closed || this.#why !== undefined) return;
      this.#counters.framesIn++;
      if (this.#remote === undefined) this.#shake(message);
      else this.#take(message);
    }
  }

  /** Reads what somebody sends before it is known who that is. */
  #strange(data: Uint8Array | string): Outcome<readonly WireMessage[]> {
    const json = this.connection.protocol === 'mpreg.v1.json';
    const frameBytesMax = json ? STRANGER_BYTES_MAX : STRANGER_FRAME_BYTES_MAX;
    if (data.length > frameBytesMax) {
      const message = `${data.length} bytes came before the handshake, which takes ${frameBytesMax}`;
      return failed(problem('protocol-violated', message));
    }
    return this.#codec.decode(data, { frameBytesMax, framesMax: STRANGER_FRAMES_MAX });
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
      default:
        this.#events.message(this, message);
    }
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
      this.#events.established(this, this.#remote);
      if (step.unread !== undefined) this.#take(step.unread);
    }
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
    this.#events.closed(this, reason, this.#why);
  }
}

/** How the other side of a link is named in logs. */
export function peerName(peer: Peer): string {
  return peer.role === 'peer' ? `${peer.name} (${peer.id})` : `client ${peer.name}`;
}
