/**
 * The shape of a federation's configuration file, and the types that follow from it. The keys `version`, `federation` and
 * `clusters` are those of the existing system; all others may be left out.
 *
 * Says what a value may be by itself. What values mean together (who links to whom, what stands twice) is looked at in
 * `check-file.ts`.
 */
import { z } from 'zod';
import {
  ALERT_COMPARISONS,
  ALERT_METRICS,
  ALERT_SEVERITIES,
  type AlertMetric,
  CLUSTER_ID,
} from '../../engine/index.ts';
import { discoverySource } from './source-words.ts';

/** Limits: a file describes what people run, not what a program made up. */
export const CLUSTERS_MAX = 1_000;
const HUBS_MAX = 32;
const LIST_MAX = 1_000;

const text = z.string().min(1, 'is empty').max(256, 'is longer than 256 characters');
const texts = z.array(text).max(LIST_MAX);
const clusterId = z
  .string()
  .regex(CLUSTER_ID, 'is no id: it begins with a letter or digit and has letters, digits, - _ . only, at most 64');
const variable = z.string().regex(/^[A-Za-z_]\w*$/, 'is no name of an environment variable');
const seconds = z.number().positive('must be more than 0').max(86_400, 'must be at most 86400, a day');
const count = z.int('must be a whole number').min(1, 'must be at least 1').max(1_000, 'must be at most 1000');

const url = z.string().superRefine((value, check) => {
  const wrong = wrongWith(value);
  if (wrong !== undefined) check.addIssue({ code: 'custom', message: wrong });
});

/** Why it is no address of a hub. */
function wrongWith(value: string): string | undefined {
  const found = URL.parse(value);
  if (found === null) return `"${value}" is no address`;
  if (found.protocol !== 'ws:' && found.protocol !== 'wss:') return `"${value}" begins with neither ws:// nor wss://`;
  if (found.username !== '' || found.password !== '') return 'an address carries no password';
  if (found.pathname !== '/' || found.search !== '' || found.hash !== '')
    return `"${value}" ends with more than a port`;
  return found.port === '0' ? `"${value}" has no port that can be reached` : undefined;
}

const endpoints = {
  server_url: url,
  /** Absent: the same as `server_url`. */
  bridge_url: url.optional(),
};

const degrees = (most: number) =>
  z.number().min(-most, `must be at least -${most}`).max(most, `must be at most ${most}`);

const cluster = z.strictObject({
  cluster_id: clusterId,
  cluster_name: text.optional(),
  region: text,
  ...endpoints,
  resources: texts.optional(),
  /** Further hubs of the cluster. */
  hubs: z
    .array(z.strictObject({ name: clusterId.optional(), ...endpoints }))
    .max(HUBS_MAX)
    .optional(),
  coordinates: z.strictObject({ latitude: degrees(90), longitude: degrees(180) }).optional(),
  tags: texts.max(100, 'has more than 100 entries').optional(),
  tier: z.enum(['local', 'regional', 'global']).optional(),
  /** The variable with the key that this cluster's hubs were started with. */
  key_env: variable.optional(),
});

const link = z.strictObject({
  from: clusterId,
  to: clusterId,
  /** Added to what is measured, in milliseconds of round trip. */
  cost: z.number().min(0, 'must be at least 0').max(60_000, 'must be at most 60000').optional(),
  drained: z.boolean().optional(),
});

const rule = z.strictObject({
  clusters: texts.min(1, 'names no cluster'),
  functions: texts.optional(),
  queues: texts.optional(),
  topics: texts.optional(),
});

/** What the clusters that `cluster` names (an id, `region:NAME`, `tag:NAME`, `*`) let others use, and use of others. */
const policy = z.strictObject({
  cluster: text,
  exports: z.array(rule).max(LIST_MAX).optional(),
  imports: z.array(rule).max(LIST_MAX).optional(),
});

const alertRule = z.strictObject({
  name: text,
  metric: z.enum(Object.keys(ALERT_METRICS) as [AlertMetric, ...AlertMetric[]]),
  comparison: z.enum(ALERT_COMPARISONS),
  threshold: z.number(),
  for_seconds: z.number().min(0, 'must be at least 0').optional(),
  severity: z.enum(ALERT_SEVERITIES),
  clusters: texts.optional(),
  channels: texts.optional(),
});

const webUrl = z.url({ error: 'is no http:// or https:// address', protocol: /^https?$/ });

const channelLimits = {
  name: text,
  per_minute_max: count.optional(),
  retries: z.int('must be a whole number').min(0, 'must be at least 0').max(10, 'must be at most 10').optional(),
  timeout_seconds: seconds.max(300, 'must be at most 300').optional(),
};

const channel = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('console'), ...channelLimits }),
  z.strictObject({ kind: z.literal('command'), argv: texts.min(1, 'names no program'), ...channelLimits }),
  z.strictObject({
    kind: z.literal('webhook'),
    url: webUrl,
    headers: z.record(z.string(), z.string()).optional(),
    ...channelLimits,
  }),
  z.strictObject({ kind: z.literal('slack'), url: webUrl, ...channelLimits }),
]);

const alerting = z.strictObject({
  rules: z.array(alertRule).max(200, 'has more than 200 entries'),
  channels: z.array(channel).max(50, 'has more than 50 entries'),
  group_seconds: seconds.optional(),
  repeat_seconds: z.number().min(0, 'must be at least 0').optional(),
});

export const federationSchema = z.strictObject({
  version: z.literal('1.0'),
  federation: z.strictObject({
    enabled: z.boolean().optional(),
    /** Seconds. */
    health_check_interval: seconds.min(0.1, 'must be at least 0.1').optional(),
    resilience: z
      .strictObject({
        circuit_breaker: z
          .strictObject({
            failure_threshold: count.optional(),
            success_threshold: count.optional(),
            timeout_seconds: seconds.optional(),
          })
          .optional(),
      })
      .optional(),
    mode: z.enum(['strict', 'explicit', 'permissive']).optional(),
    /** The variable with the key of all clusters that name none of their own. */
    key_env: variable.optional(),
  }),
  clusters: z.array(cluster).min(1, 'names no cluster').max(CLUSTERS_MAX, `names more than ${CLUSTERS_MAX} clusters`),
  /** Which clusters are linked; absent: planned (`plan-links.ts`). */
  links: z
    .array(link)
    .max(CLUSTERS_MAX * 10)
    .optional(),
  policies: z.array(policy).max(LIST_MAX).optional(),
  alerting: alerting.optional(),
  discovery: z.strictObject({ sources: z.array(discoverySource).max(64) }).optional(),
});

export type FederationFile = z.output<typeof federationSchema>;
export type FileCluster = z.output<typeof cluster>;
export type FileLink = z.output<typeof link>;
export type FileAlerting = z.output<typeof alerting>;
