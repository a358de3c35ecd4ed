import type { Address, NodeId } from '../base/ids.ts';

/**
 * What nodes tell each other about who is here.
 *
 * `alive` → `suspect` → `dead` is the course of a crash; `left` is said by the node itself. At the same incarnation a
 * later state wins; a higher incarnation, which only the node itself can make, wins over everything (SWIM §4.2).
 */
export type MemberState = 'alive' | 'suspect' | 'dead' | 'left';

/** One statement about one member, spread from node to node. */
export interface MemberRumor {
  readonly kind: 'member';
  readonly about: NodeId;
  readonly state: MemberState;
  /** Counts up whenever the member has to contradict; made by the member alone. */
  readonly incarnation: number;
  readonly address: Address;
  /** Who says so: independent accusers shorten a suspicion (Lifeguard §3, LHA-Suspicion). */
  readonly by: NodeId;
}

/** News of another domain that travels with the gossip: the newest version about a node wins. */
export interface CargoRumor {
  readonly kind: 'cargo';
  readonly about: NodeId;
  readonly version: number;
  readonly body: unknown;
}

export type Rumor = MemberRumor | CargoRumor;

/** A line of an anti-entropy summary: what one side knows about one member. */
export interface SyncEntry {
  readonly id: NodeId;
  readonly state: MemberState;
  readonly incarnation: number;
  readonly address: Address;
  /** The version of the cargo about it; 0 where there is none. */
  readonly version: number;
}

export type MembershipMessage =
  /** Are you there? `seq` comes back in the ack. */
  | { readonly kind: 'ping'; readonly seq: number; readonly target: NodeId; readonly rumors: readonly Rumor[] }
  | { readonly kind: 'ack'; readonly seq: number; readonly rumors: readonly Rumor[] }
  /** "I got your ping-req, but the target has not answered me": the asker's own link is fine (Lifeguard §3, LHA-Probe). */
  | { readonly kind: 'nack'; readonly seq: number }
  /** Please ping the target for me (SWIM §3.1). */
  | {
      readonly kind: 'ping-req';
      readonly seq: number;
      readonly target: NodeId;
      readonly address: Address;
      readonly rumors: readonly Rumor[];
    }
  | { readonly kind: 'gossip'; readonly rumors: readonly Rumor[] }
  /** Anti-entropy, in four steps that stop as soon as both sides agree: one hash of everything … */
  | { readonly kind: 'sync-digest'; readonly digest: number; readonly self: MemberRumor }
  /** … else a hash for each bucket of ids … */
  | { readonly kind: 'sync-buckets'; readonly buckets: readonly number[] }
  /** … then the entries of the buckets that differ, `buckets` by index … */
  | { readonly kind: 'sync-entries'; readonly buckets: readonly number[]; readonly entries: readonly SyncEntry[] }
  /** … then what the other lacks, and the ids whose cargo this side lacks. */
  | { readonly kind: 'sync-news'; readonly rumors: readonly Rumor[]; readonly wanted: readonly NodeId[] };
