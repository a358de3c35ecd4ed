/** Configuration files to begin with. Each is valid as it is; addresses of `production` are to be replaced. */
import type { FederationFile } from './federation-schema.ts';

export type TemplateName = 'basic' | 'production' | 'development';

const federation = {
  enabled: true,
  health_check_interval: 30,
  resilience: { circuit_breaker: { failure_threshold: 5, success_threshold: 3, timeout_seconds: 60 } },
};

const local = (id: string, region: string, port: number, latitude: number, longitude: number) => ({
  cluster_id: id,
  cluster_name: `Development ${region}`,
  region,
  server_url: `ws://127.0.0.1:${port}`,
  bridge_url: `ws://127.0.0.1:${port + 100}`,
  resources: [`${id}-data`],
  coordinates: { latitude, longitude },
});

const hub = (host: string) => ({ server_url: `wss://${host}:8000`, bridge_url: `wss://${host}:9000` });

export const TEMPLATES: Readonly<Record<TemplateName, FederationFile>> = {
  basic: {
    version: '1.0',
    federation,
    clusters: [
      {
        cluster_id: 'west',
        cluster_name: 'West',
        region: 'us-west-2',
        server_url: 'ws://127.0.0.1:8000',
        bridge_url: 'ws://127.0.0.1:9000',
        resources: ['compute', 'storage'],
      },
      {
        cluster_id: 'east',
        cluster_name: 'East',
        region: 'us-east-1',
        server_url: 'ws://127.0.0.1:8001',
        bridge_url: 'ws://127.0.0.1:9001',
        resources: ['compute', 'ml-inference'],
      },
    ],
  },
  development: {
    version: '1.0',
    federation: {
      ...federation,
      health_check_interval: 5,
      resilience: { circuit_breaker: { failure_threshold: 3, success_threshold: 1, timeout_seconds: 5 } },
    },
    clusters: [
      local('dev-us', 'us', 7501, 37.8, -122.4),
      local('dev-eu', 'eu', 7502, 50.1, 8.7),
      local('dev-asia', 'asia', 7503, 35.7, 139.7),
    ],
  },
  production: {
    version: '1.0',
    federation: { ...federation, mode: 'explicit', key_env: 'MPREG_KEY' },
    clusters: [
      {
        cluster_id: 'prod-us-west',
        cluster_name: 'Production US West',
        region: 'us-west-2',
        ...hub('hub-1.us-west.example.com'),
        resources: ['compute', 'storage', 'ml-inference'],
        hubs: [hub('hub-2.us-west.example.com')],
        coordinates: { latitude: 45.5, longitude: -122.7 },
        tags: ['production'],
        tier: 'global',
      },
      {
        cluster_id: 'prod-us-east',
        cluster_name: 'Production US East',
        region: 'us-east-1',
        ...hub('hub-1.us-east.example.com'),
        resources: ['compute', 'storage'],
        hubs: [hub('hub-2.us-east.example.com')],
        coordinates: { latitude: 39, longitude: -77.5 },
        tags: ['production'],
        tier: 'regional',
      },
      {
        cluster_id: 'prod-eu',
        cluster_name: 'Production Europe',
        region: 'eu-central-1',
        ...hub('hub-1.eu.example.com'),
        resources: ['compute'],
        hubs: [hub('hub-2.eu.example.com')],
        coordinates: { latitude: 50.1, longitude: 8.7 },
        tags: ['production', 'gdpr'],
        tier: 'global',
      },
    ],
    policies: [
      {
        cluster: 'tag:gdpr',
        exports: [
          { clusters: ['tag:gdpr'], functions: ['*'], queues: ['*'], topics: ['#'] },
          { clusters: ['*'], functions: ['public.*'], topics: ['public.#'] },
        ],
      },
    ],
    alerting: {
      rules: [
        { name: 'cluster-lost', metric: 'cluster-lost', comparison: '>', threshold: 30_000, severity: 'critical' },
        {
          name: 'link-slow',
          metric: 'link-rtt',
          comparison: '>',
          threshold: 400,
          for_seconds: 120,
          severity: 'warning',
          channels: ['log'],
        },
      ],
      channels: [
        { kind: 'console', name: 'log' },
        { kind: 'webhook', name: 'on-call', url: 'https://alerts.example.com/mpreg', per_minute_max: 6 },
      ],
    },
    discovery: { sources: ['srv:_mpreg._tcp.example.com'] },
  },
};
