import type { Address } from '../base/ids.ts';
import type { AlertingConfig } from './alerting.ts';
import type { ClusterIdentity } from './records.ts';

/** Times, sizes and limits of a hub. */
export interface FederationOptions {
  /**
   * How often the round trip of a link is measured, in milliseconds.
   * More often: a silent link is noticed sooner. Less often: fewer messages at rest.
   */
  readonly echoMs: number;
  /** After so many echoes in a row without an answer a link is taken for dead. More: fewer false alarms; fewer: sooner. */
  readonly echoesLostMax: number;
  /** A record is told anew this often though nothing changed, in milliseconds. Shorter: stale ones go sooner; longer: less talk. */
  readonly refreshMs: number;
  /** A record that was not told anew for this long is forgotten; at least three times `refreshMs`. */
  readonly recordMsMax: number;
  /** Own changes of cost are gathered for this long before they are told. Longer: less talk; shorter: fresher ways. */
  readonly settleMs: number;
  /** Changes of a link's cost by a smaller share than this are not told. */
  readonly costShareMin: number;
  /** What is left to say is compared with each neighbour this often. */
  readonly digestMs: number;
  /** A way may pass so many hubs, the last one counted. */
  readonly hopsMax: number;
  /** How many hubs are remembered; what others say beyond that is not heard. */
  readonly hubsMax: number;
  /** The first pause before a lost link is dialled again, and the longest, in milliseconds. */
  readonly redialMs: number;
  readonly redialMsMax: number;
  /** A hub to which no way leads for this long is taken for lost, with what was sent there. Longer: fewer calls in doubt. */
  readonly partedMs: number;
  /** What was not acknowledged for this long is sent again; doubled each time. Ways that break do not wait for it. */
  readonly resendMs: number;
  /** Messages for one hub that are not acknowledged, and that wait behind them. */
  readonly windowMax: number;
  readonly waitingMax: number;
}

export const DEFAULT_FEDERATION_OPTIONS: FederationOptions = {
  costShareMin: 0.2,
  digestMs: 30_000,
  echoMs: 1_000,
  echoesLostMax: 4,
  hopsMax: 8,
  hubsMax: 4_096,
  recordMsMax: 900_000,
  redialMs: 500,
  redialMsMax: 30_000,
  partedMs: 3_000,
  resendMs: 10_000,
  waitingMax: 16_384,
  windowMax: 1_024,
  refreshMs: 240_000,
  settleMs: 250,
};

/**
 * Whom a hub links with: `strict`: with nobody; `explicit`: with clusters that its links name; `permissive`: with every hub that
 * has the key.
 */
export type BridgeMode = 'strict' | 'explicit' | 'permissive';

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
