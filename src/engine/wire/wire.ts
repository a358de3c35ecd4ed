/**
 * Messages ⇄ bytes. One codec per subprotocol, both for the same messages.
 *
 * What it refuses to do: allocate for a length that it has not checked; decode a user's payload; fail on a kind or a
 * field that it does not know.
 */
import type { Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import type { Message } from '../core/node/inputs.ts';
import type { HandshakeMessage } from './handshake.ts';
import type { Part } from './parts.ts';

/** A frame of a kind that this version does not know: kept as it came, so that it survives a relay. */
export interface UnknownFrame {
  readonly kind: 'unknown';
  /** The kind's number in `mpreg.v1`, its name in `mpreg.v1.json`. */
  readonly code: number | string;
  /** The frame as it came, without its length. */
  readonly frame: Uint8Array | Readonly<Record<string, unknown>>;
}

export type WireMessage = Message | HandshakeMessage | Part | UnknownFrame;

export interface WireLimits {
  /** Largest frame, in bytes, its length field included. */
  readonly frameBytesMax: number;
  /** Most frames in one WebSocket message. */
  readonly framesMax: number;
}

/**
 * Bytes after which a sender closes a batch: a WebSocket message has at most these and one frame more.
 * Why 64 KiB: large enough that framing and system calls cost little, small enough to keep latency and memory low.
 */
export const BATCH_BYTES = 64 * 1024;

export const DEFAULT_LIMITS: WireLimits = { frameBytesMax: 16 * 1024 * 1024, framesMax: 65_536 };

/** A frame that is encoded and in no batch: `head`, and behind it `body`, which is not copied and must not change. */
export interface FrameApart {
  readonly head: Uint8Array;
  readonly body: Uint8Array;
  /** Bytes of both. */
  readonly size: number;
}

/** Collects messages into WebSocket messages. */
export interface Batch {
  /**
   * Adds one message. Refused (`limit-exceeded`, `result-unencodable`) without a trace in the batch. In `mpreg.v1`, a
   * frame of more than `wholeBytesMax` is handed out instead of being added; absent: none is.
   */
  add(message: WireMessage, wholeBytesMax?: number): Outcome<FrameApart | undefined>;
  /**
   * Adds one message that is published without headers, key and confirmation, in a run with those before it where they
   * follow each other. Bytes mean themselves, anything else is encoded already. False where only `add` will do. Absent
   * where there are no runs.
   */
  publish?(topic: string, by: string, seq: number, value: Uint8Array | Payload): boolean;
  /** Bytes (or UTF-16 units) collected. */
  readonly size: number;
  /** Messages collected. */
  readonly frames: number;
  /** Hands out what was collected and begins anew; undefined where there is nothing. The result is the caller's to keep. */
  take(): Uint8Array | string | undefined;
  /** Nobody reads anything any more that `take` has handed out. */
  recycle?(): void;
}

export interface Codec {
  readonly protocol: 'mpreg.v1' | 'mpreg.v1.json';
  batch(limits: WireLimits): Batch;
  /** All messages of one WebSocket message, or why the sender broke the protocol. Payloads are views, not copies. */
  decode(data: Uint8Array | string, limits: WireLimits): Outcome<readonly WireMessage[]>;
}
