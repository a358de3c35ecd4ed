import type { Address, DialId, LinkId, NodeId, TaskId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import type { Payload } from '../base/payload.ts';
import type { FederationEvent } from '../federation/effects.ts';
import type { MemberState } from '../membership/messages.ts';
import type { QueuesEffect } from '../queues/effects.ts';
import type { FlowMessage } from '../topics/messages.ts';
import type { Message } from './inputs.ts';

/** One change of one key of the node's own store; `null` removes it. */
export interface Write {
  readonly key: string;
  readonly value: string | null;
}

/** Something that operators may want to know; later also what the topics under `mpreg.` carry. */
export type NodeEvent =
  | FederationEvent
  /** A member's state changed in this node's eyes; `draining` is a member's own word. */
  | {
      readonly kind: 'member';
      readonly id: NodeId;
      readonly name: string;
      readonly address: Address;
      readonly state: MemberState | 'draining';
      readonly before?: MemberState | 'draining';
      readonly reason: string;
    }
  | {
      readonly kind: 'function';
      readonly change: 'added' | 'removed';
      readonly fun: string;
      readonly version: string;
      readonly node: string;
      readonly id: NodeId;
    }
  | { readonly kind: 'link'; readonly change: 'up' | 'down'; readonly peer: string; readonly reason: string }
  /** This node noticed that it had been stopped or starved for `ms` milliseconds. */
  | { readonly kind: 'paused'; readonly ms: number }
  /** This node left the mesh's view and had to contradict: somebody thought it dead. */
  | { readonly kind: 'refuted'; readonly incarnation: number; readonly by: string };

/** Which queues there are is told by the node itself. */
export type WantedByQueues = Exclude<QueuesEffect, { readonly kind: 'hosting' }>;

/** Everything that a node asks of its world, to be done in this order. */
export type NodeEffect =
  | { readonly kind: 'send'; readonly link: LinkId; readonly message: Message }
  /** `as`: as a hub, for one of another cluster; absent: as a member. */
  | { readonly kind: 'dial'; readonly dial: DialId; readonly address: Address; readonly as?: 'hub' }
  | { readonly kind: 'close'; readonly link: LinkId; readonly reason: string }
  /** Store the writes; answer `persisted(fence)` once they would survive a crash. */
  | { readonly kind: 'persist'; readonly fence: number; readonly writes: readonly Write[] }
  | {
      readonly kind: 'run';
      readonly task: TaskId;
      readonly fun: string;
      readonly step?: string;
      /** How many calls it is nested in; absent: in none. */
      readonly depth?: number;
      /** Its asker says how many items it has taken. */
      readonly paced?: boolean;
      /** `NEVER` where there is none. */
      readonly deadline: Instant;
      /** Holds `Arguments`. */
      readonly payload: Payload;
    }
  /** So many items of a paced task were taken by its asker. */
  | { readonly kind: 'more'; readonly task: TaskId; readonly items: number }
  | { readonly kind: 'abort'; readonly task: TaskId; readonly reason: string }
  /** A client has subscribed, or no longer is: `subscription` is the exchange's number, `id` the client's. */
  | {
      readonly kind: 'subscribed';
      readonly link: LinkId;
      readonly id: number;
      readonly subscription: number;
      readonly paced: boolean;
    }
  | { readonly kind: 'unsubscribed'; readonly subscription: number }
  /** A message about topics did not reach a node. */
  | { readonly kind: 'unforwarded'; readonly to: NodeId; readonly message: FlowMessage; readonly reason: string }
  /** Something that the queues of this node want. */
  | { readonly kind: 'queue'; readonly effect: WantedByQueues }
  | { readonly kind: 'notify'; readonly event: NodeEvent }
  /** Nothing will come after this: the world may close everything. */
  | { readonly kind: 'stopped' };
