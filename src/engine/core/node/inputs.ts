import type { Address, DialId, LinkId, NodeId, TaskId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import type { Outcome } from '../base/outcome.ts';
import type { Payload } from '../base/payload.ts';
import type { CallsMessage } from '../calls/messages.ts';
import type { Coordinates, FunctionRecord, KeepRecord } from '../directory/record.ts';
import type { FederationMessage } from '../federation/messages.ts';
import type { FederationConfig } from '../federation/options.ts';
import type { LinkMessage, Peer } from '../links/messages.ts';
import type { MembershipMessage } from '../membership/messages.ts';
import type { QueuesInput } from '../queues/effects.ts';
import type { AnyTopicsMessage, FlowMessage } from '../topics/messages.ts';

/** Everything that travels on a link, decoded. */
export type Message = MembershipMessage | LinkMessage | CallsMessage | AnyTopicsMessage | FederationMessage;

/** What a node may say anew about itself while it runs. */
export interface SelfDescription {
  readonly name?: string;
  readonly region?: string;
  readonly coordinates?: Coordinates;
  readonly addresses?: readonly Address[];
  readonly resources?: readonly string[];
  readonly functions?: readonly FunctionRecord[];
  readonly keeps?: readonly KeepRecord[];
  readonly load?: number;
}

/** Everything that can happen to a node: with its instant, one line of the trace. */
export type NodeInput =
  /** Begin. `epoch` is that of the last run, from the store; 0 on the first. */
  | { readonly kind: 'start'; readonly epoch: number }
  /** Where others may be found, all of them that are known now. */
  | { readonly kind: 'seeds'; readonly addresses: readonly Address[] }
  | { readonly kind: 'link-up'; readonly link: LinkId; readonly peer: Peer; readonly dial?: DialId }
  | { readonly kind: 'link-down'; readonly link: LinkId; readonly reason: string }
  /** `refused`: a machine answered that nobody listens there, which says more than silence. */
  | { readonly kind: 'dial-failed'; readonly dial: DialId; readonly refused: boolean; readonly reason: string }
  | { readonly kind: 'message'; readonly link: LinkId; readonly message: Message }
  /** Messages of topics have passed on a link, which the host moved by itself. */
  | { readonly kind: 'traffic'; readonly link: LinkId }
  /** A message about topics for a node that there was no link to. */
  | { readonly kind: 'forward'; readonly to: NodeId; readonly message: FlowMessage }
  | { readonly kind: 'describe'; readonly self: SelfDescription }
  | { readonly kind: 'ran'; readonly task: TaskId; readonly outcome: Outcome<Payload> }
  | { readonly kind: 'item'; readonly task: TaskId; readonly payload: Payload }
  | { readonly kind: 'persisted'; readonly fence: number }
  /** Something about the queues of this node. */
  | { readonly kind: 'queue'; readonly input: QueuesInput }
  /** What operators want of this hub from now on. */
  | { readonly kind: 'federation'; readonly config: FederationConfig }
  /** The first words of topics of which values are retained, or `#` for too many, are these now. */
  | { readonly kind: 'federation'; readonly retains: readonly string[] }
  /** Take no new work, say so, finish what runs. */
  | { readonly kind: 'drain' }
  /** Take up work again. */
  | { readonly kind: 'undrain' }
  /** Drain, tell the others, go; `stopped` is the last effect. */
  | { readonly kind: 'leave'; readonly graceMs: number }
  | { readonly kind: 'advance' };

/** A line of the trace: replay is `for (const { input, now } of trace) node.step(input, now)`. */
export interface Traced {
  readonly now: Instant;
  readonly input: NodeInput;
}
