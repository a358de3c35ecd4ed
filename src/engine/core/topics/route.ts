import type { NodeId } from '../base/ids.ts';
import type { Mark } from './epochs.ts';
import type { GroupRoute, MemberTerms } from './groups.ts';
import type { Outbox, OutboxLimits } from './outbox.ts';

/** What an exchange is asked, and what it answers. */

/** What a subscriber asks for. Without a group it gets everything that matches; a group's members share it. */
export interface SubscriptionRequest {
  readonly patterns: readonly string[];
  readonly group?: string;
  readonly limits: OutboxLimits;
  /** Of a member of a group. */
  readonly terms?: MemberTerms;
}

export interface Subscription<Item> {
  /** Never used again within this node's life. */
  readonly id: number;
  readonly patterns: readonly string[];
  readonly group?: string;
  readonly terms?: MemberTerms;
  /** What waits for it. */
  readonly outbox: Outbox<Item>;
}

export interface Route<Item> {
  readonly topic: string;
  /** Whether the topic is the mesh's own, so that no user may publish it. */
  readonly system: boolean;
  readonly local: readonly Subscription<Item>[];
  /** Without this one. */
  readonly nodes: readonly NodeId[];
  /** Those of them that listen for themselves, not for other clusters. */
  readonly inland: readonly NodeId[];
  /** This node is to give it to other clusters. */
  readonly abroad: boolean;
  readonly groups: readonly GroupRoute[];
  /** Nodes that store it, perhaps with this one. */
  readonly keepers: readonly NodeId[];
  readonly mark: Mark;
}

/** One pattern by which a topic reaches somebody. */
export interface Reason {
  readonly node: NodeId;
  readonly pattern: string;
  /** Missing where another node has only said that somebody there listens. */
  readonly subscription?: number;
  readonly group?: string;
}

export interface ExchangeCounts {
  readonly subscriptions: number;
  /** Of subscriptions that are in no group, each by itself. */
  readonly patterns: number;
  /** Of members of groups, here and elsewhere. */
  readonly memberPatterns: number;
  readonly groups: number;
  /** Of other nodes. */
  readonly nodePatterns: number;
  readonly peers: number;
  /** Patterns that this node announces, and the version at which it does. */
  readonly announced: number;
  readonly version: number;
  readonly routes: number;
  readonly generation: number;
}
