import type { NodeId } from '../base/ids.ts';
import type { HubRecord, OffersRecord, Position } from './records.ts';

export type { Over } from '../base/over.ts';

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
