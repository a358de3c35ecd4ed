import type { Address, LinkId, NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import type { MeshPeer } from './messages.ts';

/** What is known about one connection. */
export interface Link {
  readonly link: LinkId;
  readonly peer: MeshPeer;
  /** Dialled by this node. */
  readonly mine: boolean;
  /** The address that this node dialled, which need not be the one that the peer gives. */
  readonly via: Address | undefined;
  readonly upAt: Instant;
  /** When anything arrived last. */
  heardAt: Instant;
  /** When anything was sent or arrived last that a link is kept open for. */
  usedAt: Instant;
  /** When a beat was asked for that has not come; `NEVER` otherwise. */
  askedAt: Instant;
  /** Beats that were asked for and have not come. */
  beats: number;
  /** Nothing but beats is sent on it any more. */
  retired: boolean;
  /** Retired, and all that was sent on it has arrived; also where nothing ever was. */
  settled: boolean;
}

/** What links that this node did not choose are kept open for. */
export interface Purpose<Message> {
  /** Whether something is under way between this node and that one. */
  readonly needed: (id: NodeId) => boolean;
  /** Whether a message is such a purpose; default: all are. Gossip is none, or every link would be kept for ever. */
  readonly isUse?: (message: Message) => boolean;
}

/** An attempt to open a link. */
export interface Dial {
  readonly address: Address;
  /** The node that should be there; undefined where whoever answers is welcome. */
  to: NodeId | undefined;
}
