import { z } from 'zod';
import type { AlertingConfig } from '../../core/federation/alerting.ts';
import { alertingFaults } from '../../core/federation/check-alerting.ts';
import type { FederationConfig } from '../../core/federation/options.ts';
import { problemError } from '../../problem-error.ts';

/**
 * The configuration of a hub as others give it: from an operator's command, from another hub of the cluster, from the store.
 * What does not fit is refused as a whole, with its place.
 */
const address = z.url({ error: 'must be the address of a hub: ws://HOST:PORT', protocol: /^wss?$/ });
const id = z.string().min(1).max(128);
const globs = z.array(z.string().min(1).max(1_024)).max(1_000);
const amount = z.number().nonnegative().max(1_000_000_000);

const rule = z.strictObject({
  clusters: globs.min(1),
  functions: globs.optional(),
  queues: globs.optional(),
  topics: globs.optional(),
});

const link = z.strictObject({
  addresses: z.array(address).min(1).max(100),
  cluster: id,
  cost: amount.optional(),
  drained: z.boolean().optional(),
});

const schema = z.strictObject({
  alerting: z.unknown().optional(),
  breaker: z.strictObject({
    failureThreshold: z.int().min(1).max(1_000_000),
    successThreshold: z.int().min(1).max(1_000_000),
    timeoutMs: z.int().min(1).max(1_000_000_000),
  }),
  exports: z.array(rule).max(1_000).optional(),
  healthCheckMs: z.int().min(100).max(1_000_000_000).optional(),
  identity: z.strictObject({
    cluster: id,
    coordinates: z
      .strictObject({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) })
      .optional(),
    name: z.string().min(1).max(1_024),
    region: z.string().max(128),
    tags: z.array(z.string().min(1).max(128)).max(100),
  }),
  imports: z.array(rule).max(1_000).optional(),
  links: z.array(link).max(1_000),
  mode: z.enum(['strict', 'explicit', 'permissive']),
  version: z.int().nonnegative(),
});

/** Throws `input-invalid`, or `cluster-wrong` where it is for another cluster. */
export function readConfig(given: unknown, cluster: string): FederationConfig {
  const read = schema.safeParse(given);
  if (!read.success) {
    const [first] = read.error.issues;
    const path = first?.path.join('.') ?? '';
    throw invalid(path, first?.message ?? 'cannot be read');
  }
  const { alerting, ...rest } = read.data;
  const [fault] = alerting === undefined ? [] : alertingFaults(alerting);
  if (fault !== undefined) throw invalid(`alerting.${fault.path}`, fault.says);
  if (rest.identity.cluster !== cluster) {
    throw problemError(
      'cluster-wrong',
      `the configuration is for cluster ${rest.identity.cluster}, this hub is of ${cluster}`,
    );
  }
  const own = rest.links.findIndex((one) => one.cluster === cluster);
  if (own !== -1) throw invalid(`links.${own}.cluster`, `is this cluster itself, ${cluster}`, LINK_HINT);
  const clusters = rest.links.map((one) => one.cluster);
  const twice = clusters.findIndex((one, i) => clusters.indexOf(one) !== i);
  if (twice !== -1) throw invalid(`links.${twice}.cluster`, `${clusters[twice]} has a link already`);
  // Why the cast: zod types what may be absent as "or undefined"; what was read holds no undefined.
  return { ...rest, ...(alerting === undefined ? {} : { alerting: alerting as AlertingConfig }) } as FederationConfig;
}

const LINK_HINT =
  'A link leads to another cluster: name that one, and where its hubs are dialled.\nmpreg federation link add --help';

function invalid(path: string, says: string, hint?: string) {
  return problemError('input-invalid', `the configuration: ${path} ${says}`, { path, ...(hint && { hint }) });
}
