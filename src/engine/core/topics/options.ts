/** Limits of topics on one node. */
export interface TopicsOptions {
  /** Subscriptions at once. More: more clients per node. Fewer: less memory, about 1 KiB each. */
  readonly subscriptionsMax: number;
  /** Patterns of one subscription. More: fewer subscriptions needed. Fewer: a bound on what one client's match costs. */
  readonly patternsMax: number;
  /**
   * `#` that something follows, in all patterns of one subscription together: each may have to be visited for every
   * segment of a topic. More: patterns such as `#.error.#` in larger numbers. Fewer: a bound on what one client's match
   * costs, about 5 ns each and segment.
   */
  readonly hashesMax: number;
  /**
   * Patterns that this node announces for all its subscriptions; beyond, they are widened.
   * More: fewer messages arrive that nobody here wants. Fewer: less to send, and less memory on every other node.
   */
  readonly interestMax: number;
  /**
   * Patterns of members of consumer groups on this node; they are announced as they are, since a message goes to one
   * member only. More: larger groups. Fewer: less memory on every other node.
   */
  readonly memberPatternsMax: number;
  /**
   * Patterns that are kept of another node; beyond, it is sent everything. More: exact for larger neighbours. Fewer: a
   * bound on what one of them can cost here.
   */
  readonly peerPatternsMax: number;
  /** Routes kept ready. More: fewer matches. Fewer: less memory, about 300 bytes each. */
  readonly routesMax: number;
  /** A route that was not used for twice as long is dropped. Longer: fewer matches. Shorter: less memory. */
  readonly routesTurnMs: number;
  /**
   * How long changes of interest are gathered before they are told. Longer: fewer, larger messages. Shorter: a
   * subscription is sooner effective on other nodes.
   */
  readonly announceMs: number;
  /**
   * How long to wait for interest that gossip says there is, or for an acknowledgement, before asking or telling again.
   * Longer: fewer messages in vain. Shorter: a lost one is sooner made good.
   */
  readonly retryMs: number;
}

export const DEFAULT_TOPICS: TopicsOptions = {
  announceMs: 20,
  hashesMax: 1_024,
  interestMax: 1_024,
  memberPatternsMax: 1_024,
  patternsMax: 1_024,
  peerPatternsMax: 8_192,
  retryMs: 1_000,
  routesMax: 65_536,
  routesTurnMs: 60_000,
  subscriptionsMax: 1_000_000,
};
