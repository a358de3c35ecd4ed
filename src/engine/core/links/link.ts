import type { Address, LinkId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import type { Peer } from './messages.ts';

/** What is known about one connection. */
export interface Link {
  readonly link: LinkId;
  readonly peer: Peer;
  /** Dialled by this node. */
  readonly mine: boolean;
  /** The address that this node dialled, which need not be the one that the peer gives. */
  readonly via: Address | undefined;
  readonly upAt: Instant;
  /** When anything arrived last. */
  heardAt: Instant;
  /** When anything but a beat was sent or arrived last. */
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
