import { expect, test } from 'vitest';
import { deploymentOf, hubsOf, linksOf } from '../../../src/cli/federation/deployment.ts';
import type { FederationFile } from '../../../src/cli/federation/federation-schema.ts';
import { TEMPLATES } from '../../../src/cli/federation/templates.ts';

const { basic, production } = TEMPLATES;

test.each([{ enabled: false }, { mode: 'strict' as const }])('has no links where %j wants none', (federation) => {
  const clusters = ['aa', 'bb'].map((id) => ({ cluster_id: id, region: id, server_url: `ws://${id}:1` }));
  const file = { clusters, federation, links: [{ from: 'aa', to: 'bb' }], version: '1.0' as const };
  expect(linksOf(file)).toEqual([]);
  expect([...deploymentOf(file).values()].map(({ links, mode }) => [links, mode])).toEqual([
    [[], 'strict'],
    [[], 'strict'],
  ]);
});

test('both ends of a link are told of it, with every address where the other end can be dialled', () => {
  const deployed = deploymentOf(production);
  expect([...deployed].map(([id, { links }]) => [id, links.map(({ cluster }) => cluster)])).toEqual([
    ['prod-us-west', ['prod-eu', 'prod-us-east']],
    ['prod-us-east', ['prod-eu', 'prod-us-west']],
    ['prod-eu', ['prod-us-east', 'prod-us-west']],
  ]);
  expect(deployed.get('prod-eu')?.links[1]?.addresses).toEqual([
    'wss://hub-1.us-west.example.com:9000',
    'wss://hub-2.us-west.example.com:9000',
  ]);
});

test('seconds of the file are milliseconds of hubs, and what was left out has its default', () => {
  const file: FederationFile = { ...basic, federation: { health_check_interval: 1.5 } };
  expect(deploymentOf(file).get('west')).toEqual({
    breaker: { failureThreshold: 5, successThreshold: 3, timeoutMs: 60_000 },
    healthCheckMs: 1500,
    identity: { cluster: 'west', name: 'West', region: 'us-west-2', tags: [] },
    links: [{ addresses: ['ws://127.0.0.1:9001'], cluster: 'east' }],
    mode: 'explicit',
  });
});

test('the first policy that is about a cluster counts, by id, region, tag or for all', () => {
  const deployed = deploymentOf(production);
  expect(deployed.get('prod-eu')?.exports?.map(({ clusters }) => clusters)).toEqual([['tag:gdpr'], ['*']]);
  expect(deployed.get('prod-us-west')?.exports).toBeUndefined();
});

test('a policy may be about clusters by globs over their id, region and tags, as its rules may', () => {
  const exports = [{ clusters: ['*'], functions: ['f'] }];
  const about = (cluster: string) => {
    const deployed = deploymentOf({ ...production, policies: [{ cluster, exports }] });
    return [...deployed].flatMap(([id, config]) => (config.exports === undefined ? [] : id));
  };
  expect(about('region:us-*')).toEqual(['prod-us-west', 'prod-us-east']);
  expect(about('*-eu')).toEqual(['prod-eu']);
  expect(about('tag:gd*')).toEqual(['prod-eu']);
  expect(about('region:us')).toEqual([]);
});

test('links that the file names are made as they are, and no others', () => {
  const links = [{ cost: 20, drained: true, from: 'east', to: 'west' }];
  const file = { ...basic, links };
  expect(linksOf(file)).toEqual(links);
  expect(deploymentOf(file).get('west')?.links).toEqual([
    { addresses: ['ws://127.0.0.1:9001'], cluster: 'east', cost: 20, drained: true },
  ]);
});

test('a federation that is not enabled has no links and takes none', () => {
  const deployed = deploymentOf({ ...basic, federation: { enabled: false } });
  for (const config of deployed.values()) expect(config).toMatchObject({ links: [], mode: 'strict' });
});

test('alerts keep their words, and their seconds become milliseconds', () => {
  const { alerting } = deploymentOf(production).get('prod-eu') ?? {};
  expect(alerting?.rules[1]).toMatchObject({ channels: ['log'], forMs: 120_000, metric: 'link-rtt' });
  expect(alerting?.channels[1]).toEqual({
    kind: 'webhook',
    name: 'on-call',
    perMinuteMax: 6,
    url: 'https://alerts.example.com/mpreg',
  });
});

test('a hub without a bridge of its own is dialled where it serves', () => {
  const [cluster] = basic.clusters;
  if (cluster === undefined) throw new Error('no cluster');
  const { bridge_url: _, ...plain } = cluster;
  expect(hubsOf({ ...plain, hubs: [{ name: 'spare', server_url: 'ws://h:1/' }] })).toEqual([
    { bridgeUrl: 'ws://127.0.0.1:8000', name: 'west-hub-1', serverUrl: 'ws://127.0.0.1:8000' },
    { bridgeUrl: 'ws://h:1', name: 'spare', serverUrl: 'ws://h:1' },
  ]);
});
