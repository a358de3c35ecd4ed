/** What became of messages, in numbers. */
export class TopicsCounters {
  published = 0;
  /** Not published: the topic is none, or the mesh's own; or too much is owed to its groups. */
  refused = 0;
  /** To subscriptions of this node: put onto their links. */
  delivered = 0;
  /** Because a subscriber was slow. */
  dropped = 0;
  forwardedIn = 0;
  forwardedOut = 0;
  /** From other clusters, and to other clusters, once for each link that they went out on. */
  abroadIn = 0;
  abroadOut = 0;
  /** On the way to another node, or because nobody was left of the group for too long. */
  lost = 0;
  /** To another member of a group, or to the same again, because it was not acknowledged. */
  redelivered = 0;
  /** Of members that do not acknowledge: chosen anew, because the one that was chosen could not be reached or has no room. */
  rechosen = 0;
}

/** What a node's topics hold at one moment. */
export interface FlowCounts {
  readonly links: number;
  readonly subscriptions: number;
  /** Other nodes that something was sent to. */
  readonly nodes: number;
  /** Messages that wait for room. */
  readonly waiting: number;
  /** Messages that it owes to members of groups. */
  readonly owed: number;
  /** Topics of which it retains the newest message. */
  readonly retained: number;
}
