import type { Address, NodeId } from '../base/ids.ts';

/** A place on the globe, in degrees. */
export interface Coordinates {
  readonly latitude: number;
  readonly longitude: number;
}

/** Who a cluster is, in its own words; all hubs of it say the same. */
export interface ClusterIdentity {
  /** Unique in the federation: `prod-us-west`. */
  readonly cluster: string;
  /** For people. */
  readonly name: string;
  readonly region: string;
  readonly coordinates?: Coordinates;
  readonly tags: readonly string[];
}

/**
 * A link that a hub claims to have. It counts only where the hub at its other end claims it, too (OSPF, RFC 2328 §16.1: the
 * two-way check).
 */
export interface Edge {
  readonly to: NodeId;
  /** What it costs to use, in units of about a microsecond of round trip; at least 1. */
  readonly cost: number;
  /** Grows each time that the link is made anew: what travelled on it before may be lost. */
  readonly life: number;
}

/**
 * What one hub says of itself to all others: a link-state record. Only the hub itself writes it; the highest version wins.
 */
export interface HubRecord {
  readonly hub: NodeId;
  /** Grows with each change, also over restarts: epoch × 2²⁰ + count. */
  readonly version: number;
  readonly name: string;
  readonly identity: ClusterIdentity;
  /** Where other hubs dial it. */
  readonly address: Address;
  /** Where clients and operators dial it. */
  readonly url: Address;
  /** The version of mpreg that it runs. */
  readonly software: string;
  readonly edges: readonly Edge[];
  /** Where it is in the space of latencies (Vivaldi), in milliseconds. */
  readonly position?: Position;
  /** Nodes in its cluster that are in reach. */
  readonly nodes: number;
  /** It is going: nothing is to be sent through it any more. The record stays for a while, so that no older one returns. */
  readonly withdrawn?: true;
}

/** A point in the space of latencies: coordinates and height in milliseconds, and how far they may be off, 0 to 1. */
export interface Position {
  readonly at: readonly number[];
  readonly height: number;
  readonly error: number;
}

/**
 * What a cluster has that others may use. Told by one hub of it, the *speaker*: of those that are alive, the one with the
 * least id. Of several that speak at once all count.
 */
export interface OffersRecord {
  readonly hub: NodeId;
  /** As in a hub's record. */
  readonly version: number;
  readonly cluster: string;
  readonly functions: readonly FunctionOffer[];
  /** Names of queues. */
  readonly queues: readonly string[];
  /** What the cluster's nodes listen to; absent: to nothing. */
  readonly interest?: Interest;
  /** It speaks for the cluster no longer: another hub does. */
  readonly withdrawn?: true;
  /** The first words of topics of which a value is retained there, as patterns; absent: none is. */
  readonly retains?: Interest;
}

/** A function that some node of the cluster has, together with resources; one for each combination that differs. */
export interface FunctionOffer {
  readonly name: string;
  readonly version: string;
  readonly functionId?: string;
  readonly idempotent?: boolean;
  readonly timeoutMs?: number;
  /** The function's own and its node's, sorted. */
  readonly resources: readonly string[];
  /** Who may use it: see `audienceOf` in `policy.ts`; absent: all. */
  readonly audience?: readonly string[];
}

/**
 * A Bloom filter over topics and literal prefixes of patterns: see `bloom.ts`, where its hash is specified. `hashes` bits are set
 * for each; `bits` is base64url of the filter's bytes.
 */
export interface Interest {
  readonly hashes: number;
  readonly bits: string;
}
