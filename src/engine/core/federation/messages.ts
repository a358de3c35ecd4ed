import type { NodeId } from '../base/ids.ts';
import type { HubRecord, OffersRecord, Position } from './records.ts';

/** What hubs tell each other. Between hubs of one cluster these travel on the mesh's own links, else on bridges. */
export type FederationMessage =
  /** Records that the other side may not have; passed on to all neighbours but the one that sent them, where they are news. */
  | { readonly kind: 'hub-news'; readonly hubs: readonly HubRecord[]; readonly offers: readonly OffersRecord[] }
  /** The versions that the sender has: whoever has newer ones sends them, whoever has older ones is sent them. */
  | { readonly kind: 'hub-digest'; readonly have: readonly Held[]; readonly answer?: true }
  /** Measures the round trip; the answer carries the same number. */
  | { readonly kind: 'hub-echo'; readonly n: number; readonly reply: boolean; readonly position?: Position };

export interface Held {
  readonly hub: NodeId;
  /** Of the hub's record, and of its offers; 0: none. */
  readonly version: number;
  readonly offers: number;
}

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
  /** Hubs that had it, the first is `from`. */
  readonly passed: readonly NodeId[];
  /** Hubs that it is to pass, the last is `to`; whoever finds the next one gone may find another way. */
  readonly ahead: readonly NodeId[];
}
