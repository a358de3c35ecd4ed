/**
 * What operators want to be told of: rules over what a hub measures each interval, and the channels that carry the news.
 * Plain data, part of the cluster's configuration; `alerts.ts` carries it out.
 */
export interface AlertingConfig {
  readonly rules: readonly AlertRule[];
  readonly channels: readonly AlertChannel[];
  /** Alerts of one rule and severity that begin or end within this time are told together, in milliseconds; default 10 s. */
  readonly groupMs?: number;
  /** What still fires, and nobody has acknowledged, is told again after this long; 0: never; default 4 h. */
  readonly repeatMs?: number;
}

export interface AlertRule {
  /** Unique among the rules; alerts are called after it. */
  readonly name: string;
  readonly metric: AlertMetric;
  readonly comparison: AlertComparison;
  readonly threshold: number;
  /** It must be so for this long without a break before the alert fires, in milliseconds; default 0. */
  readonly forMs?: number;
  readonly severity: AlertSeverity;
  /** Clusters that it is about, as in a `PolicyRule`; absent: all. */
  readonly clusters?: readonly string[];
  /** Names of the channels that are told; absent: all of them. */
  readonly channels?: readonly string[];
}

export type AlertComparison = '>' | '>=' | '<' | '<=';

export const ALERT_COMPARISONS: readonly AlertComparison[] = ['>', '>=', '<', '<='];

export type AlertSeverity = 'info' | 'warning' | 'critical';

export const ALERT_SEVERITIES: readonly AlertSeverity[] = ['info', 'warning', 'critical'];

/** What is measured, of each cluster but the hub's own, of each link of the hub, or of the federation as this hub sees it. */
export const ALERT_METRICS = {
  'cluster-distance': 'milliseconds of round trip to the cluster, estimated',
  'cluster-hubs': 'its hubs that are alive',
  'cluster-lost': 'milliseconds for which no way leads to it; 0 where one does',
  'cluster-nodes': 'nodes in it',
  'cluster-score': 'its health, 0 to 100',
  'federation-failed': 'messages between clusters that were not delivered, a minute',
  'federation-lost': 'clusters to which no way leads',
  'federation-score': 'health of the whole, 0 to 100',
  'link-down': 'milliseconds for which the link is not up; 0 where it is',
  'link-failures': 'failures in a row that its breaker has counted',
  'link-loss': 'share of echoes without an answer, 0 to 1',
  'link-rtt': 'milliseconds of round trip',
  'link-score': 'its health, 0 to 100',
} as const;

export type AlertMetric = keyof typeof ALERT_METRICS;

/** `name` is unique among the channels. */
export type AlertChannel = AlertChannelLimits &
  (
    | { readonly kind: 'console'; readonly name: string }
    /** Runs on the hub, without a shell, with the notification as JSON on its stdin; only where the hub's start allows it. */
    | { readonly kind: 'command'; readonly name: string; readonly argv: readonly string[] }
    /** POSTs the notification as JSON. */
    | {
        readonly kind: 'webhook';
        readonly name: string;
        readonly url: string;
        readonly headers?: Readonly<Record<string, string>>;
      }
    /** POSTs what Slack's incoming webhooks take. */
    | { readonly kind: 'slack'; readonly name: string; readonly url: string }
  );

export interface AlertChannelLimits {
  /** So many notifications within a minute; what is more waits and is told together; default 6. */
  readonly perMinuteMax?: number;
  /** An attempt may take so long, in milliseconds; default 10 s. */
  readonly timeoutMs?: number;
  /** Attempts after the first, with growing pauses; default 3. */
  readonly retries?: number;
}
