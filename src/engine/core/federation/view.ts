import type { Address, NodeId } from '../base/ids.ts';
import type { FederationConfig } from './options.ts';
import type { ClusterIdentity, FunctionOffer, Position } from './records.ts';
import type { Refusal } from './refusals.ts';

/** What one hub knows of the federation now: plain data, for people and programs. Durations and round trips in milliseconds. */
export interface FederationView {
  /** The hub that was asked. */
  readonly hub: NodeId;
  readonly name: string;
  readonly cluster: string;
  readonly config: FederationConfig;
  readonly clusters: readonly ClusterView[];
  readonly hubs: readonly HubView[];
  /** Links of this hub: own, wanted and standing. */
  readonly links: readonly LinkView[];
  /** All links that both ends claim, each once. */
  readonly edges: readonly EdgeView[];
  readonly counts: FederationCounts;
  /** Records of hubs, its own among them, that are too large to be taken here; absent: none. */
  readonly refused?: readonly Refusal[];
}

export interface ClusterView extends ClusterIdentity {
  readonly self: boolean;
  /** Of its hubs that are known, the living ones. */
  readonly hubs: readonly NodeId[];
  readonly url: Address;
  readonly nodes: number;
  readonly functions: readonly FunctionOffer[];
  readonly queues: readonly string[];
  /** Functions and queues beyond those: a view has at most some thousand of either. */
  readonly more?: { readonly functions: number; readonly queues: number };
  /** `lost`: known, and no way leads there. */
  readonly state: 'self' | 'reachable' | 'lost' | 'configured';
  /** For how long it has been in that state, in this hub's eyes. */
  readonly forMs: number;
  /** The way to it: hubs, this one left out; absent where there is none. */
  readonly way?: readonly NodeId[];
  readonly cost?: number;
  /** Estimated from network coordinates, or from declared ones where those are not known. */
  readonly distanceMs?: number;
}

export interface HubView {
  readonly hub: NodeId;
  readonly name: string;
  readonly cluster: string;
  readonly address: Address;
  readonly url: Address;
  readonly software: string;
  readonly version: number;
  readonly nodes: number;
  readonly withdrawn: boolean;
  readonly reachable: boolean;
  readonly ageMs: number;
  readonly position?: Position;
}

export interface LinkView {
  /** The cluster at its other end. */
  readonly cluster: string;
  readonly hub?: NodeId;
  readonly address: Address;
  readonly state: 'up' | 'dialling' | 'waiting' | 'open' | 'drained';
  readonly forMs: number;
  readonly rttMs?: number;
  /** Share of echoes of late without an answer, 0 to 1. */
  readonly loss: number;
  readonly cost?: number;
  readonly breaker: 'closed' | 'open' | 'half-open';
  readonly failures: number;
  /** Why it is not up. */
  readonly reason?: string;
}

export interface EdgeView {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly cost: number;
}

export interface FederationCounts {
  /** Messages between clusters: sent by this hub's cluster, arrived for it, passed on for others, not delivered. */
  readonly sent: number;
  readonly arrived: number;
  readonly relayed: number;
  readonly failed: number;
  /** Records told and heard. */
  readonly recordsOut: number;
  readonly recordsIn: number;
  /** Records that were not taken for their size, each time that they came. */
  readonly recordsRefused: number;
}
