import type { Address } from '../base/ids.ts';
import type { AlertingConfig } from './alerting.ts';
import type { ClusterIdentity } from './records.ts';

/**
 * Whom a hub links with: `strict`: with nobody; `explicit`: with clusters that its links name; `permissive`: with every hub that
 * has the key.
 */
export type BridgeMode = 'strict' | 'explicit' | 'permissive';

/** What a cluster may be called by others. */
export const CLUSTER_ID = /^[A-Za-z0-9][\w.-]{0,63}$/;

/** What operators want of one cluster's hubs: stored by each of them, the same everywhere in the cluster. */
export interface FederationConfig {
  /** Grows with each change by an operator. */
  readonly version: number;
  readonly identity: ClusterIdentity;
  readonly mode: BridgeMode;
  readonly links: readonly LinkConfig[];
  readonly breaker: BreakerConfig;
  /** What others may use, and what is used of others; absent: everything. */
  readonly exports?: readonly PolicyRule[];
  readonly imports?: readonly PolicyRule[];
  /** What operators are told of, and how; absent: nothing. */
  readonly alerting?: AlertingConfig;
  /**
   * How often a hub looks at the health of the federation and at the rules for alerts, in milliseconds; default 30 s.
   * More often: alerts fire sooner. Less often: a hub of many clusters has less to do.
   */
  readonly healthCheckMs?: number;
}

/** A link to another cluster, kept by each hub of this one with one hub of that one. */
export interface LinkConfig {
  readonly cluster: string;
  /** Where a hub of it can be dialled, in order; more are learnt from it. */
  readonly addresses: readonly Address[];
  /** Added to what is measured, in milliseconds of round trip. */
  readonly cost?: number;
  /** It is to carry nothing new. */
  readonly drained?: boolean;
}

export interface BreakerConfig {
  readonly failureThreshold: number;
  readonly successThreshold: number;
  readonly timeoutMs: number;
}

/** The first rule whose `clusters` name another cluster counts, and what it does not name by its globs is left out: see `policy.ts`. */
export interface PolicyRule {
  /** Other clusters that it is about: globs over their ids, over `region:NAME` and `tag:NAME`; `*` is all. */
  readonly clusters: readonly string[];
  /** Absent: none. */
  readonly functions?: readonly string[];
  readonly queues?: readonly string[];
  /** Patterns of topics. */
  readonly topics?: readonly string[];
}
