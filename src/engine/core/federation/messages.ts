import type { NodeId } from '../base/ids.ts';
import type { Over } from '../base/over.ts';
import type { HubRecord, OffersRecord, Position } from './records.ts';

export type { HubRecord, OffersRecord, Over, Position };

/** What hubs tell each other. Between hubs of one cluster these travel on the mesh's own links, else on bridges. */
export type FederationMessage =
  /** Records that the other side may not have; passed on to all neighbours but the one that sent them, where they are news. */
  | {
      readonly kind: 'hub-news';
      readonly hubs: readonly Told<HubRecord>[];
      readonly offers: readonly Told<OffersRecord>[];
    }
  /**
   * All that the sender has, as one number. Whoever has something else answers with `have`; then each sends what the other
   * lacks. `last`: nothing more is to be answered than that.
   */
  | {
      readonly kind: 'hub-digest';
      readonly digest: number;
      readonly have?: readonly Held[];
      readonly last?: true;
    }
  /** Measures the round trip; the answer carries the same number. */
  | { readonly kind: 'hub-echo'; readonly n: number; readonly reply: boolean; readonly position?: Position }
  /** All messages of a session up to a number have arrived. */
  | { readonly kind: 'hub-ack'; readonly over: Over };

/** Why an age: clocks differ, and a record's time must not begin anew with each hub that hears of it. */
export interface Told<Record> {
  readonly record: Record;
  readonly ageMs: number;
}

export interface Held {
  readonly hub: NodeId;
  /** Of the hub's record, and of its offers; 0: none. */
  readonly version: number;
  readonly offers: number;
}

export function isAboutFederation(message: { readonly kind: string }): message is FederationMessage {
  return message.kind.startsWith('hub-');
}

export function isAck(message: {
  readonly kind: string;
}): message is Extract<FederationMessage, { readonly kind: 'hub-ack' }> {
  return message.kind === 'hub-ack';
}

/** Whether it is said to a neighbour, and does not travel over it. */
export function isNews(message: {
  readonly kind: string;
}): message is Exclude<FederationMessage, { readonly kind: 'hub-ack' }> {
  return isAboutFederation(message) && !isAck(message);
}
