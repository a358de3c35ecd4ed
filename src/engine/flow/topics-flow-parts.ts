import type { LinkId, NodeId } from '../core/base/ids.ts';
import type { NodeInput } from '../core/node/inputs.ts';
import type { TopicsAbroad } from '../core/topics/abroad.ts';
import type { Exchange } from '../core/topics/exchange.ts';
import type { OutboxLimits } from '../core/topics/outbox.ts';

import type { Delivery } from './delivery.ts';
import type { KeeperParts } from './keeper.ts';
import type { RetainedFlowParts } from './retained-flow.ts';

/** What the flow of topics needs of its world. */
export interface TopicsFlowParts
  extends Pick<KeeperParts, 'disk' | 'memory' | 'stored'>,
    Pick<RetainedFlowParts, 'retained'> {
  readonly exchange: () => Exchange<Delivery> | undefined;
  /** Whether a node is there, beyond doubt. */
  readonly isAlive: (node: NodeId) => boolean;
  readonly linkTo: (node: NodeId) => LinkId | undefined;
  readonly input: (input: NodeInput) => void;
  /** Calls `then` once, so many milliseconds from now. */
  readonly later: (ms: number, then: () => void) => void;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  /** Names this life of this node, for publishers that do not name themselves. */
  readonly life: string;
  /** What may wait for one other node. Default: `NODE_LIMITS`. */
  readonly nodeLimits?: OutboxLimits;
  /** The other clusters, where this node is a hub. */
  readonly federation?: () => TopicsAbroad | undefined;
}
