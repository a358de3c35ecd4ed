/** What is known of alerts: the machine's own records, and what others see of them. Instants are milliseconds since 1970. */
import type { Instant } from '../base/instant.ts';
import type { AlertComparison, AlertMetric, AlertSeverity } from './alerting.ts';

export type AlertState = 'pending' | 'firing' | 'acknowledged' | 'resolved';

export interface Acknowledgement {
  readonly at: Instant;
  readonly by: string;
  readonly note?: string;
}

/** Changed by the machine alone. */
export interface Alert {
  /** `RULE:CLUSTER`, or `RULE` for what is measured of the whole. */
  readonly id: string;
  readonly rule: string;
  readonly cluster?: string;
  severity: AlertSeverity;
  metric: AlertMetric;
  comparison: AlertComparison;
  threshold: number;
  /** As it was measured last. */
  value: number;
  says: string;
  state: AlertState;
  /** Since when it has been wrong without a break. */
  since: Instant;
  /** When it fired, or was well again. */
  changedAt?: Instant;
  acknowledged?: Acknowledgement | undefined;
  /** Channels that know that it fires, and when they were told last. */
  readonly told: Map<string, Instant>;
}

export interface AlertView {
  readonly id: string;
  readonly rule: string;
  readonly severity: AlertSeverity;
  /** `pending`: wrong, but not for long enough yet. `resolved`: well again, and somebody is still to be told. */
  readonly state: AlertState;
  readonly cluster?: string;
  readonly metric: AlertMetric;
  readonly comparison: AlertComparison;
  readonly threshold: number;
  readonly value: number;
  readonly says: string;
  readonly since: Instant;
  readonly acknowledged?: Acknowledgement;
  /** Channels that were told. */
  readonly told: readonly string[];
}

export type AlertChange = 'firing' | 'acknowledged' | 'resolved' | 'withdrawn';

/** One line of history. `untold`: a notification could not be delivered. */
export interface AlertEntry {
  readonly at: Instant;
  readonly change: AlertChange | 'untold';
  readonly alert?: string;
  readonly rule?: string;
  readonly severity?: AlertSeverity;
  readonly cluster?: string;
  readonly value?: number;
  readonly says: string;
  readonly by?: string;
  readonly note?: string;
}

export function alertView(alert: Alert): AlertView {
  const { acknowledged, cluster, comparison, id, metric, rule, says, severity, since, state, threshold, told, value } =
    alert;
  return {
    comparison,
    id,
    metric,
    rule,
    says,
    severity,
    since,
    state,
    threshold,
    told: [...told.keys()],
    value,
    ...(acknowledged === undefined ? {} : { acknowledged }),
    ...(cluster === undefined ? {} : { cluster }),
  };
}
