import type { Address, NodeId } from '../base/ids.ts';
import type { FunctionRecord, NodeRecord } from '../directory/record.ts';
import type { MemberState } from '../membership/messages.ts';

/** One member as one node sees it: what `cluster status` prints. */
export interface MemberView {
  readonly id: NodeId;
  readonly name: string;
  readonly address: Address;
  /** A living member's own word `draining` stands in place of `alive`. */
  readonly state: MemberState | 'draining';
  readonly incarnation: number;
  /** Milliseconds for which it has been in that state, in this node's eyes. */
  readonly forMs: number;
  /** Whether it is the node that was asked. */
  readonly self: boolean;
  /** Whether there is a link to it now. */
  readonly linked: boolean;
  /** What it says of itself; absent until that has arrived. */
  readonly record?: NodeRecord;
}

/** One function on one node. */
export interface FunctionView extends FunctionRecord {
  readonly node: string;
  readonly id: NodeId;
  /** The function's own and its node's. */
  readonly allResources: readonly string[];
}

/** What one node knows about itself and the mesh, copied: nobody can change the node through it. */
export interface NodeSnapshot {
  readonly id: NodeId;
  readonly record: NodeRecord;
  readonly phase: 'starting' | 'running' | 'leaving' | 'stopped';
  readonly members: readonly MemberView[];
  readonly links: { readonly peers: number; readonly clients: number };
  /** `held`: values of plans' steps that stay here until their plans end. */
  readonly calls: { readonly running: number; readonly waiting: number; readonly held: number };
  /** Lifeguard's local health: 0 fine, up to 8. */
  readonly health: number;
  /** Grows with every change of the directory: what was derived from an equal generation is still true. */
  readonly generation: number;
}
