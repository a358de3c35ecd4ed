import type { NodeId } from './ids.ts';

/**
 * Which way a message goes between hubs. It stands in the header of what travels, so that a hub between them passes bytes on.
 *
 * Invariant: no hub stands twice in `passed` and `ahead` together, so nothing travels in circles.
 */
export interface Over {
  readonly from: NodeId;
  /** The cluster that `from` belongs to. */
  readonly cluster: string;
  readonly to: NodeId;
  /** Of `to`, as far as `from` knows: what was sent to one life of a hub is not for the next. */
  readonly life: number;
  /** The session that `from` has with `to`, and the message's place in it; of an acknowledgement, what is acknowledged. */
  readonly session: number;
  readonly n: number;
  /** Hubs that had it; the first is `from`. */
  readonly passed: readonly NodeId[];
  /** Hubs that it is to pass; the last is `to`. Whoever finds the next one gone may find another way. */
  readonly ahead: readonly NodeId[];
}
