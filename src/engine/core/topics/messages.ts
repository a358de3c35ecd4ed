/** What one node's exchange says to another's. Messages of users never pass through here: the host moves their bytes. */
export type TopicsMessage =
  /**
   * What the sender's node listens to at `version`: the changes since `from`, or all of it where `from` is 0.
   * Removals come first.
   */
  | {
      readonly kind: 'interest';
      readonly from: number;
      readonly version: number;
      readonly removed: readonly Interest[];
      readonly added: readonly Interest[];
    }
  /** The version of the receiver's interest that the sender holds: an acknowledgement, and a request for what is newer. */
  | { readonly kind: 'interest-have'; readonly version: number };

export type InterestMessage = Extract<TopicsMessage, { readonly kind: 'interest' }>;

/** One pattern that a node listens to: for itself, or for one member of a consumer group. */
export interface Interest {
  readonly pattern: string;
  readonly member?: { readonly group: string; readonly id: number };
}

/** The same for equal interests only. No pattern or group holds a line's end. */
export function interestKey({ pattern, member }: Interest): string {
  return member === undefined ? pattern : `${pattern}\n${member.group}\n${member.id}`;
}
