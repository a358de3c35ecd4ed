/** What to write at a place of a federation's configuration file, and which keys there are. */
import type { z } from 'zod';
import { ALERT_METRICS } from '../../engine/index.ts';
import { federationSchema } from './federation-schema.ts';
import type { Path } from './findings.ts';

const HINTS: Readonly<Record<string, string>> = {
  alerting: 'Write {"rules": […], "channels": [{"name": "desk", "kind": "console"}]}.',
  argv: 'The program and its arguments: "argv": ["/usr/bin/notify", "--urgent"].',
  bridge_url:
    'Where other hubs dial this one: "bridge_url": "ws://hub.example:9000"; leave it away where that is server_url.',
  channels: 'A list of channels: [{"name": "desk", "kind": "console"}].',
  circuit_breaker: 'Write {"failure_threshold": 5, "success_threshold": 3, "timeout_seconds": 60}.',
  cluster: 'A cluster_id of this file, region:NAME, tag:NAME, or *.',
  cluster_id:
    'A short name that no other cluster has: "cluster_id": "prod-us-west". It is what its nodes were started with (--cluster).',
  clusters: 'A list: [{"cluster_id": "prod-us-west", "region": "us-west-2", "server_url": "ws://hub.example:8000"}].',
  cluster_name: 'What people call it: "cluster_name": "Production US West"; leave it away where that is its id.',
  comparison: 'Write one of ">", ">=", "<", "<=".',
  coordinates: 'Degrees; north and east are positive: "coordinates": {"latitude": 37.8, "longitude": -122.4}.',
  cost: 'Milliseconds of round trip that are added to what is measured: "cost": 20.',
  discovery: 'Write {"sources": ["file:hubs.json", "mdns"]}.',
  enabled: 'Write true; with false, deploy takes all links away.',
  exports: 'A list of what others may use: [{"clusters": ["*"], "functions": ["price.*"]}].',
  failure_threshold: 'Failures in a row that open the breaker: "failure_threshold": 5.',
  federation: 'Write "federation": {"enabled": true, "health_check_interval": 30}.',
  for_seconds: 'For how long it must be so before the alert fires: "for_seconds": 60.',
  from: 'The cluster_id at one end of the link.',
  health_check_interval: 'Seconds: "health_check_interval": 30.',
  hubs: 'Further hubs: [{"server_url": "ws://hub2.example:8000", "bridge_url": "ws://hub2.example:9000"}].',
  imports: 'A list of what is used of others: [{"clusters": ["region:eu"], "functions": ["*"]}].',
  key_env: 'The name of the variable that holds the key, not the key: "key_env": "PROD_KEY".',
  kind: 'Write console, command, webhook or slack.',
  latitude: 'Degrees from -90 to 90; north is positive.',
  links: 'A list: [{"from": "prod-us-west", "to": "prod-eu"}]; leave it away to have links planned.',
  longitude: 'Degrees from -180 to 180; east is positive.',
  metric: `Write one of ${Object.keys(ALERT_METRICS).join(', ')}.`,
  mode: 'strict: no links; explicit: those that are named; permissive: every hub that has the key.',
  name: 'A name that nothing else of its list has: "name": "far-away".',
  policies: 'A list: [{"cluster": "*", "exports": [{"clusters": ["tag:partner"], "functions": ["price.*"]}]}].',
  region: 'Where it runs: "region": "us-west-2".',
  resources: 'A list of names: ["compute", "storage"].',
  rules:
    'A list: [{"name": "lost", "metric": "cluster-lost", "comparison": ">", "threshold": 60000, "severity": "critical"}].',
  server_url: 'Where operators and clients reach its hub: "server_url": "ws://hub.example:8000".',
  severity: 'Write info, warning or critical.',
  sources: 'A list: ["file:hubs.json", "srv:_mpreg._tcp.example.com", "https://example.com/hubs", "mdns"].',
  success_threshold: 'Successes in a row that close the breaker again: "success_threshold": 3.',
  tags: 'A list of names: ["production"].',
  threshold: 'A number to compare the metric with; times are in milliseconds: "threshold": 60000.',
  tier: 'local, or regional for the centre of its region, or global for a centre of the whole.',
  timeout_seconds: 'Seconds: "timeout_seconds": 60.',
  to: 'The cluster_id at the other end of the link.',
  url: 'Write an address such as "https://example.com/hook".',
  version: 'Write "version": "1.0".',
};

/** By the innermost key of the path that there is a hint for. */
export function hintFor(path: Path): string {
  const keys = path.filter((part): part is string => typeof part === 'string').reverse();
  const known = keys.find((key) => Object.hasOwn(HINTS, key));
  return (known === undefined ? undefined : HINTS[known]) ?? WHOLE;
}

const WHOLE =
  'An object with "version", "federation" and "clusters"; `mpreg federation generate-config` writes one that is valid.';

/** The keys that an object at this path may have. */
export function keysAt(path: Path, document: unknown): readonly string[] {
  let schema: unknown = federationSchema;
  let value = document;
  for (const part of path) {
    value = (value as Readonly<Record<string | number, unknown>> | undefined)?.[part];
    schema = inner(schema, part, value);
  }
  return Object.keys((unwrapped(schema, value) as Shaped | undefined)?.shape ?? {});
}

interface Shaped {
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly element?: unknown;
  readonly options?: readonly Shaped[];
  unwrap?(): unknown;
}

function inner(schema: unknown, part: string | number, value: unknown): unknown {
  const found = unwrapped(schema, value) as Shaped | undefined;
  return typeof part === 'number' ? found?.element : found?.shape?.[part];
}

/** Without "optional" around it; of several forms, the one that `value` says it has. */
function unwrapped(schema: unknown, value: unknown): unknown {
  const found = schema as (Shaped & { readonly type?: string }) | undefined;
  if (found?.type === 'optional') return unwrapped(found.unwrap?.(), value);
  if (found?.type !== 'union') return found;
  const { kind } = (value ?? {}) as { readonly kind?: unknown };
  const values = (option: Shaped): unknown => (option.shape?.['kind'] as z.ZodLiteral | undefined)?.value;
  return found.options?.find((option) => values(option) === kind);
}
