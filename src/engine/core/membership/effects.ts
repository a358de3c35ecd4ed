import type { Address, NodeId } from '../base/ids.ts';
import type { MemberState, MembershipMessage } from './messages.ts';

/** One member as one node knows it. Never changed: news makes a new one. */
export interface Member {
  readonly id: NodeId;
  readonly state: MemberState;
  readonly incarnation: number;
  readonly address: Address;
  /** Who said so: the member itself, its accuser, or who declared it dead. */
  readonly by: NodeId;
  /** When this node learned it, by its own clock. */
  readonly since: number;
}

/** What membership asks of its world. */
export type MembershipEffect =
  /** Bring it there, in order; answer `unreachable(to)` where that is impossible. A stranger has no address, but a link. */
  | {
      readonly kind: 'send';
      readonly to: NodeId;
      readonly address: Address | undefined;
      readonly message: MembershipMessage;
    }
  /** See whether somebody is at this address: `met` follows if so. */
  | { readonly kind: 'contact'; readonly address: Address }
  /** A member's state or address is another now; `before` is absent for a new one. */
  | { readonly kind: 'changed'; readonly member: Member; readonly before?: MemberState; readonly reason: string }
  /** Another domain's news arrived, newer than what it has: it may take it and say `spread`. */
  | {
      readonly kind: 'cargo';
      readonly about: NodeId;
      readonly version: number;
      readonly body: unknown;
      readonly from: NodeId;
    }
  /** This node did not run for `ms` milliseconds although something was due. */
  | { readonly kind: 'paused'; readonly ms: number }
  /** `by` doubted this node, which contradicted with a new incarnation. */
  | { readonly kind: 'refuted'; readonly incarnation: number; readonly by: NodeId }
  /** Nothing is known about it any more, not even that it is dead. */
  | { readonly kind: 'forgotten'; readonly id: NodeId }
  /** The others know that this node leaves, or had the time to hear it: nothing comes after this. */
  | { readonly kind: 'gone' };

/** Another domain's records about nodes, which travel with the gossip and are opaque here. */
export interface Cargo {
  /** The version of the record about a node; 0 where there is none. */
  version(id: NodeId): number;
  body(id: NodeId): unknown;
  /** How many statements about members (about 100 bytes each) a record counts for; at least 1. */
  weight(id: NodeId): number;
}
