/** How a node answers clients of Amazon SQS. */
export interface SqsOptions {
  /**
   * Secrets by the ids of their access keys: every request must be signed by one of them. Without any, requests are taken
   * from this machine only, and none where the node has a cluster key.
   */
  readonly keys?: Readonly<Record<string, string>>;
  /** Twelve digits, for ARNs and URLs. Default `000000000000`. */
  readonly account?: string;
  /**
   * Whether to keep clients waiting as the service does: a minute between two purges of a queue, and after a queue was
   * deleted until there can be another of its name. Default false.
   */
  readonly strict?: boolean;
}
