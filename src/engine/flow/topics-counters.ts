/** What became of messages, in numbers. */
export class TopicsCounters {
  published = 0;
  /** Not published: the topic is none, or the mesh's own. */
  refused = 0;
  /** To subscriptions of this node: put onto their links. */
  delivered = 0;
  /** Because a subscriber was slow. */
  dropped = 0;
  forwardedIn = 0;
  forwardedOut = 0;
  /** On the way to another node, or because nobody there was left of the group. */
  lost = 0;
}
