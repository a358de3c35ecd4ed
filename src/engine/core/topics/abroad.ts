import type { LinkId, NodeId } from '../base/ids.ts';

/** What a hub's federation knows about topics. */
export interface TopicsAbroad {
  readonly self: NodeId;
  readonly cluster: string;
  /** The hubs that a message of a topic is for, by the neighbour to send it to. */
  branches(topic: string): readonly Branch[];
  /** The same for what has passed some hubs. What no way leads to any more is left out. */
  onward(to: readonly NodeId[], passed: readonly NodeId[]): readonly Branch[];
  /** Whether what another cluster has published is to be published here. */
  admits(cluster: string, topic: string): boolean;
  /** What leads to one hub of a cluster that is named; empty where no way does. */
  branchTo(cluster: string): readonly Branch[];
  /** The link to a neighbour. */
  linkTo(hub: NodeId): LinkId | undefined;
}

export interface Branch {
  readonly next: NodeId;
  readonly to: readonly NodeId[];
}
