import type { Peer } from '../core/links/messages.ts';
import type { HandshakeSide } from '../wire/handshake-sides.ts';
import type { WireLimits } from '../wire/wire.ts';

/** Who is at the other end of an established link. */
export interface Remote {
  /** What it said of itself when it was dialled; for the dialler, the acceptor's id and name. */
  readonly peer: Peer;
  readonly cluster: string;
}

export interface WireLinkOptions {
  readonly limits: WireLimits;
  readonly handshakeMsMax: number;
  readonly handshake: HandshakeSide;
  /** What this side is. */
  readonly role: Peer['role'];
}
