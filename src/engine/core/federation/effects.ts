import type { Address, DialId, LinkId, NodeId } from '../base/ids.ts';
import type { Payload } from '../base/payload.ts';
import type { FederationMessage, Over } from './messages.ts';

/** Something that travels between hubs of different clusters; the federation does not look into it. */
export interface Carried {
  readonly kind: string;
  readonly over?: Over;
  /** Counted, and copied where it has to wait. */
  readonly payload?: { readonly size: number; readonly kept?: () => Payload };
}

export type FederationEffect<Message extends Carried> =
  | { readonly kind: 'dial'; readonly dial: DialId; readonly address: Address }
  | { readonly kind: 'close'; readonly link: LinkId; readonly reason: string }
  | { readonly kind: 'send'; readonly link: LinkId; readonly message: FederationMessage | Message }
  /** To a hub of the own cluster, on the mesh's link. */
  | { readonly kind: 'tell'; readonly to: NodeId; readonly message: FederationMessage | Message }
  /** A message from a hub of another cluster arrived; `over` says from where. */
  | { readonly kind: 'deliver'; readonly from: NodeId; readonly cluster: string; readonly message: Message }
  /** A message did not leave, or came back: it certainly did not arrive. */
  | { readonly kind: 'undelivered'; readonly to: NodeId; readonly message: Message; readonly reason: string }
  /** No way leads to a hub now: what was sent there waits, and is lost if none does for long. */
  | { readonly kind: 'parted'; readonly hub: NodeId; readonly name: string }
  /** No way leads to a hub any more, or it has begun anew: what was sent there may or may not have arrived. */
  | {
      readonly kind: 'lost';
      readonly hub: NodeId;
      readonly name: string;
      readonly reason: string;
      /** What was under way to it. */
      readonly inDoubt: readonly Message[];
      /** It may be well, and not have lost this one: then it waits for what was under way. */
      readonly mayReturn: boolean;
    }
  /** What other clusters have is different now. */
  | { readonly kind: 'changed' }
  | { readonly kind: 'event'; readonly event: FederationEvent };

/** Something that operators may want to know. */
export type FederationEvent =
  | {
      readonly kind: 'cluster';
      readonly cluster: string;
      readonly state: 'reachable' | 'lost' | 'left';
      readonly reason: string;
    }
  | {
      readonly kind: 'bridge';
      readonly change: 'up' | 'down' | 'open' | 'half-open' | 'closed';
      readonly cluster: string;
      readonly peer: string;
      readonly reason: string;
    };
