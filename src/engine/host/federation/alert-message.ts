/** What channels carry: one notification as a document that programs may rely on, as a line for people, and as Slack wants it. */
import type { AlertNotification } from '../../core/federation/alert-news.ts';
import type { AlertView } from '../../core/federation/alert-records.ts';
import { ALERT_METRICS, type AlertSeverity } from '../../core/federation/alerting.ts';

/** A contract: fields are added, never changed. Times are ISO 8601. */
export interface AlertMessage {
  readonly kind: 'mpreg.alert';
  readonly version: 1;
  readonly at: string;
  /** `repeated`: it still fires, and nobody has acknowledged it. */
  readonly change: AlertNotification['change'];
  readonly rule: string;
  readonly severity: AlertSeverity;
  /** Who says so. */
  readonly hub: string;
  readonly from: string;
  /** One line for people. */
  readonly title: string;
  readonly alerts: readonly {
    readonly id: string;
    readonly cluster?: string;
    readonly metric: string;
    readonly value: number;
    readonly comparison: string;
    readonly threshold: number;
    readonly since: string;
    readonly says: string;
  }[];
  /** So many more there are, which are not in `alerts`. */
  readonly more: number;
}

export function alertMessage(
  { alerts, at, change, more, rule, severity }: AlertNotification,
  { cluster, name }: { readonly cluster: string; readonly name: string },
): AlertMessage {
  const subjects = alerts.map((alert) => alert.cluster ?? 'the federation');
  const who = [...subjects.slice(0, NAMED_MAX), ...(subjects.length + more > NAMED_MAX ? ['…'] : [])].join(', ');
  const says = { firing: 'fires', repeated: 'still fires', resolved: 'is resolved' }[change];
  return {
    alerts: alerts.map(({ cluster, comparison, id, metric, says, since, threshold, value }) => ({
      ...(cluster === undefined ? {} : { cluster }),
      comparison,
      id,
      metric,
      says,
      since: new Date(since).toISOString(),
      threshold,
      value,
    })),
    at: new Date(at).toISOString(),
    change,
    from: cluster,
    hub: name,
    kind: 'mpreg.alert',
    more,
    rule,
    severity,
    title: `${severity}: ${rule} ${says} (${alerts.length + more}): ${who}, as ${name} of ${cluster} sees it`,
    version: 1,
  };
}

/** Clusters in the title. */
const NAMED_MAX = 3;

/** `link-rtt of east is 250, wanted: not > 100`. */
export function alertLine({
  cluster,
  comparison,
  metric,
  says,
  threshold,
  value,
}: AlertMessage['alerts'][number] | AlertView) {
  const whose = cluster === undefined ? '' : ` of ${cluster}`;
  const why = says === '' ? '' : `: ${says}`;
  return `${metric}${whose} is ${figure(value)}, the rule says ${comparison} ${figure(threshold)}${why}`;
}

function figure(value: number): string {
  return String(Math.round(value * 1_000) / 1_000);
}

const COLORS: Readonly<Record<AlertSeverity, string>> = { critical: '#d00000', info: '#439fe0', warning: '#f2a600' };
const GOOD = '#2eb886';

/** The body for an incoming webhook of Slack (api.slack.com/messaging/webhooks); others that take the same understand it, too. */
export function slackBody({ alerts, at, change, more, severity, title }: AlertMessage): object {
  const lines = alerts.map((alert) => `• *${escaped(alert.id)}* ${escaped(alertLine(alert))}`);
  const rest = more === 0 ? [] : [`• and ${more} more`];
  return {
    attachments: [
      {
        color: change === 'resolved' ? GOOD : COLORS[severity],
        fallback: title,
        mrkdwn_in: ['text'],
        text: [...lines, ...rest].join('\n'),
        ts: Math.floor(Date.parse(at) / 1_000),
      },
    ],
    text: escaped(title),
  };
}

/** Slack's three control characters. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** What a metric is measured in, for those who look at one. */
export function metricSays(metric: string): string {
  return Object.hasOwn(ALERT_METRICS, metric) ? ALERT_METRICS[metric as keyof typeof ALERT_METRICS] : metric;
}
