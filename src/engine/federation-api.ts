/**
 * What hubs do for operators: ordinary calls of functions that each hub has. From anywhere in a cluster they are asked with
 * `locs: ['role:hub']`, from another cluster with `cluster: NAME` (those that change nothing). Each takes one object.
 *
 *     mpreg.federation.view          {}                  → FederationView
 *     mpreg.federation.routes        RoutesAsk           → readonly WayView[]
 *     mpreg.federation.explain       ExplainAsk          → FederationExplanation
 *     mpreg.federation.read          see PROTOCOL.md        → a stream of what a cluster keeps of topics
 *     mpreg.federation.retained      { patterns, for? }  → a stream of lists of retained messages
 *     mpreg.federation.events        {}                  → stream of FederationEvent & { at: milliseconds since the epoch }
 *     mpreg.federation.health        {}                  → FederationHealth
 *     mpreg.federation.alerts        {}                  → AlertsReply
 *     mpreg.federation.ack           AckAsk              → readonly AlertView[]: those that are acknowledged now
 *     mpreg.federation.told          { hub, book }       → null: between the hubs of a cluster, what was told of alerts
 *     mpreg.federation.apply         ApplyAsk            → Applied
 *     mpreg.federation.link          LinkAsk             → Applied
 *     mpreg.federation.register      RegisterAsk         → Applied
 *     mpreg.federation.unregister    { cluster }         → Applied
 *
 * What is changed is stored by the hub that is asked, then in force there, then told to the other hubs of its cluster.
 */
import type { Address, NodeId } from './core/base/ids.ts';
import type { ChannelView } from './core/federation/alert-news.ts';
import type { AlertEntry, AlertView } from './core/federation/alert-records.ts';
import type { BridgeMode, FederationConfig } from './core/federation/options.ts';
import type { Coordinates } from './core/federation/records.ts';

export type { ChannelView } from './core/federation/alert-news.ts';
export type { AlertEntry, AlertState, AlertView } from './core/federation/alert-records.ts';
export type { FederationEvent } from './core/federation/effects.ts';
export type {
  ClusterHealth,
  FederationHealth,
  HealthReason,
  HealthState,
  LinkHealth,
} from './core/federation/health.ts';
export type {
  BreakerConfig,
  BridgeMode,
  FederationConfig,
  LinkConfig,
  PolicyRule,
} from './core/federation/options.ts';
export type { ClusterIdentity, FunctionOffer } from './core/federation/records.ts';
export type {
  ClusterView,
  EdgeView,
  FederationCounts,
  FederationView,
  HubView,
  LinkView,
} from './core/federation/view.ts';

/** Makes a node a hub: one that links its cluster with others. */
export interface HubOptions {
  /** For people; default: the cluster's id. */
  readonly clusterName?: string;
  /** Default: the node's own. */
  readonly region?: string;
  readonly coordinates?: Coordinates;
  readonly tags?: readonly string[];
  /** A second port that hubs of other clusters dial; default: the node's own. 0: chosen by the system. */
  readonly bridgePort?: number;
  /** What they dial, where that is not where it listens. */
  readonly bridgeUrl?: Address;
  /** Clusters to link with from the start; those that operators have set since, and that are stored, count more. */
  readonly links?: readonly { readonly cluster: string; readonly addresses: readonly Address[] }[];
  /** Default `explicit`. */
  readonly mode?: BridgeMode;
  /** Whether rules for alerts may run commands here: whoever may configure the hub may then run anything. Default: no. */
  readonly alertCommands?: boolean;
}

/** What one hub has seen; each hub of a cluster tells of its own links, one of them of clusters and of the whole. */
export interface AlertsReply {
  readonly hub: NodeId;
  readonly name: string;
  readonly alerts: readonly AlertView[];
  readonly channels: readonly ChannelView[];
  /** Newest first. */
  readonly history: readonly AlertEntry[];
  /** Alerts that found no room, since the hub began. */
  readonly leftOut: number;
}

/** `alert`: an id, or the name of a rule, of which all that fire are meant. */
export interface AckAsk {
  readonly alert: string;
  readonly by: string;
  readonly note?: string;
}

/** `expect`: the version that is changed; where it is another by now, nothing is (`exists-already`). */
export interface ApplyAsk {
  readonly config: Omit<FederationConfig, 'version'>;
  readonly expect?: number;
  /** Says what would change. */
  readonly dryRun?: boolean;
}

export interface Applied {
  /** Of the configuration that is in force now; unchanged where nothing changed. */
  readonly version: number;
  readonly changes: readonly ConfigChange[];
  /** Other hubs of the cluster that have it by now, and those that could not be told: they ask for it when they are back. */
  readonly told: readonly string[];
  readonly untold: readonly string[];
}

/** `path`: `links[prod-eu].cost`; `before` or `after` is absent where there was or is nothing. */
export interface ConfigChange {
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** `add` replaces what there was; `addresses` is needed then. */
export interface LinkAsk {
  readonly action: 'add' | 'remove' | 'drain' | 'undrain';
  readonly cluster: string;
  readonly addresses?: readonly Address[];
  readonly cost?: number;
}

/** Makes a cluster known by one address of its hubs; the way there is found by a link. */
export interface RegisterAsk {
  readonly cluster: string;
  readonly addresses: readonly Address[];
}

export interface RoutesAsk {
  /** A cluster; absent: all. */
  readonly to?: string;
  /** Ways may pass so many hubs at most, the last one counted. */
  readonly hops?: number;
  /** Hubs or clusters (ids) that they must not pass. */
  readonly avoid?: readonly string[];
}

/** One way to a cluster. */
export interface WayView {
  readonly to: string;
  /** `best` first; `equal` cost as much, `disjoint` share no hub with the best. */
  readonly kind: 'best' | 'equal' | 'disjoint';
  /** From this hub to one of the cluster's, both named. */
  readonly hubs: readonly { readonly hub: NodeId; readonly name: string; readonly cluster: string }[];
  /** In units of a microsecond of round trip. */
  readonly cost: number;
}

/** One of the three. */
export interface ExplainAsk {
  readonly fun?: string;
  readonly topic?: string;
  readonly queue?: string;
  readonly locs?: readonly string[];
  readonly version?: string;
  readonly region?: string;
}

export interface FederationExplanation {
  /** The cluster that was asked. */
  readonly from: string;
  /** Those that could take it, in the order in which they would be asked, then the others. */
  readonly clusters: readonly {
    readonly cluster: string;
    readonly fits: boolean;
    readonly why: string;
    readonly cost?: number;
  }[];
}
