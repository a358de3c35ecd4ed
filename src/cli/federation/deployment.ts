/**
 * What each cluster of a configuration file is to be configured with: its identity, its links (those of the file, or planned
 * ones), the rules that are about it, thresholds and alerts. Pure: the same file gives the same result.
 */
import {
  type AlertChannel,
  type AlertingConfig,
  type ClusterIdentity,
  type FederationConfig,
  type LinkConfig,
  type PolicyRule,
  selects,
} from '../../engine/index.ts';
import { dropEmpty } from '../settings.ts';
import type { FederationFile, FileAlerting, FileCluster, FileLink } from './federation-schema.ts';
import { planLinks } from './plan-links.ts';

/** A configuration as it is sent; the hub that takes it gives it its version. */
export type WantedConfig = Omit<FederationConfig, 'version'>;

export interface FileHub {
  readonly name: string;
  readonly serverUrl: string;
  readonly bridgeUrl: string;
}

const BREAKER = { failureThreshold: 5, successThreshold: 3, timeoutMs: 60_000 };

/** By cluster, in the order of the file. */
export function deploymentOf(file: FederationFile): ReadonlyMap<string, WantedConfig> {
  const { enabled = true, health_check_interval: interval, mode = 'explicit', resilience } = file.federation;
  const given = resilience?.circuit_breaker;
  const alerting = file.alerting && alertingOf(file.alerting);
  const breaker = {
    failureThreshold: given?.failure_threshold ?? BREAKER.failureThreshold,
    successThreshold: given?.success_threshold ?? BREAKER.successThreshold,
    timeoutMs: given?.timeout_seconds === undefined ? BREAKER.timeoutMs : ms(given.timeout_seconds),
  };
  const links = linksOf(file);
  return new Map(
    file.clusters.map((cluster): [string, WantedConfig] => [
      cluster.cluster_id,
      {
        ...policyOf(cluster, file),
        ...(alerting && { alerting }),
        breaker,
        ...(interval !== undefined && { healthCheckMs: ms(interval) }),
        identity: identityOf(cluster),
        links: linksFrom(cluster.cluster_id, links, file),
        mode: enabled ? mode : 'strict',
      },
    ]),
  );
}

/** Each link once: those that the file names, or planned ones; none where nobody is to be linked with anybody. */
export function linksOf({ clusters, federation, links }: FederationFile): readonly FileLink[] {
  if (federation.enabled === false || federation.mode === 'strict') return [];
  if (links !== undefined) return links;
  const planned = planLinks(clusters.map(({ cluster_id, region, tier }) => ({ id: cluster_id, region, tier })));
  return planned.map(({ from, to }) => ({ from, to }));
}

export function hubsOf(cluster: FileCluster): readonly FileHub[] {
  return [cluster, ...(cluster.hubs ?? [])].map((hub, at) => ({
    bridgeUrl: address(hub.bridge_url ?? hub.server_url),
    name: ('name' in hub ? hub.name : undefined) ?? `${cluster.cluster_id}-hub-${at + 1}`,
    serverUrl: address(hub.server_url),
  }));
}

function linksFrom(id: string, links: readonly FileLink[], file: FederationFile): readonly LinkConfig[] {
  const found = links.flatMap(({ cost, drained, from, to }): LinkConfig[] => {
    const other = from === id ? to : to === id ? from : undefined;
    const cluster = file.clusters.find((one) => one.cluster_id === other);
    if (cluster === undefined) return [];
    const addresses = hubsOf(cluster).map(({ bridgeUrl }) => bridgeUrl);
    return [{ addresses, cluster: cluster.cluster_id, ...dropEmpty({ cost, drained: drained || undefined }) }];
  });
  return found.sort((a, b) => (a.cluster < b.cluster ? -1 : 1));
}

function identityOf(cluster: FileCluster): ClusterIdentity {
  const { cluster_id: id, cluster_name: name = id, coordinates, region, tags = [] } = cluster;
  return { cluster: id, ...(coordinates && { coordinates }), name, region, tags };
}

/** The first policy that is about the cluster. */
function policyOf(cluster: FileCluster, { policies = [] }: FederationFile): Pick<WantedConfig, 'exports' | 'imports'> {
  const found = policies.find((policy) => selects(policy.cluster, identityOf(cluster)));
  const rules = (given: readonly object[] | undefined): readonly PolicyRule[] | undefined =>
    given?.map((rule) => dropEmpty(rule) as PolicyRule);
  return dropEmpty({ exports: rules(found?.exports), imports: rules(found?.imports) });
}

function alertingOf(given: FileAlerting): AlertingConfig {
  return {
    channels: given.channels.map(({ per_minute_max, timeout_seconds, ...channel }) => {
      const timeoutMs = timeout_seconds === undefined ? undefined : ms(timeout_seconds);
      // Why the cast: zod types what may be absent as "or undefined"; what was read holds no undefined.
      return { ...channel, ...dropEmpty({ perMinuteMax: per_minute_max, timeoutMs }) } as AlertChannel;
    }),
    rules: given.rules.map(({ for_seconds, channels, clusters, ...rule }) => {
      const forMs = for_seconds === undefined ? undefined : ms(for_seconds);
      return { ...rule, ...dropEmpty({ channels, clusters, forMs }) };
    }),
    ...dropEmpty({
      groupMs: given.group_seconds === undefined ? undefined : ms(given.group_seconds),
      repeatMs: given.repeat_seconds === undefined ? undefined : ms(given.repeat_seconds),
    }),
  };
}

/** One spelling for each address: no slash at the end. */
function address(url: string): string {
  return (URL.parse(url)?.href ?? url).replace(/\/$/, '');
}

function ms(seconds: number): number {
  return Math.round(seconds * 1000);
}
