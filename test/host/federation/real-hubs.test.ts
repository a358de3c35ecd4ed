/** Health, alerts, topics and metrics of two clusters that are real: a hub each, in this process, linked over loopback. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import {
  type AlertsReply,
  type Client,
  connect,
  createNode,
  type FederationHealth,
  type FederationView,
  type MpregNode,
  type TopicMessage,
} from '../../../src/engine/index.ts';

const soon = { interval: 50, timeout: 60_000 };
const open: { close: () => unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function hubOf(cluster: string, links: readonly { cluster: string; addresses: readonly string[] }[] = []) {
  const coordinates = { latitude: 45.6, longitude: -121.2 };
  const hub = { links, mode: 'permissive' as const, region: `region-${cluster}` };
  const node = await createNode({ cluster, coordinates, discover: false, hub, name: `${cluster}-1`, workers: 1 });
  const client = await connect({ cluster, urls: [node.url] });
  open.push({ close: () => node.kill() }, client);
  return { client, node };
}

async function pair(): Promise<{ west: Client; westNode: MpregNode; eastNode: MpregNode }> {
  const east = await hubOf('east');
  const west = await hubOf('west', [{ addresses: [east.node.url], cluster: 'east' }]);
  return { eastNode: east.node, west: west.client, westNode: west.node };
}

const health = async (client: Client) => (await client.call('mpreg.federation.health', {})) as FederationHealth;
const alerts = async (client: Client) => (await client.call('mpreg.federation.alerts', {})) as AlertsReply;

test('a cluster that goes away is lost, fires, is acknowledged, and resolves when it is back', async () => {
  const heard: { change: string; rule: string }[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      heard.push(JSON.parse(text));
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => server.close() }, { close: () => server.closeAllConnections() });
  const { eastNode, west, westNode } = await pair();
  await vi.waitFor(async () => {
    const { clusters } = await health(west);
    expect(clusters.map(({ cluster, state }) => [cluster, state])).toEqual([
      ['east', 'healthy'],
      ['west', 'healthy'],
    ]);
  }, soon);

  const messages: TopicMessage[] = [];
  await west.subscribe('mpreg.federation.#', { everywhere: true, onMessage: (message) => void messages.push(message) });
  const { config } = (await west.call('mpreg.federation.view', {})) as FederationView;
  const { version: _, ...now } = config;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const alerting = {
    channels: [{ kind: 'webhook', name: 'hook', url }],
    groupMs: 0,
    rules: [{ comparison: '>', metric: 'cluster-lost', name: 'lost', severity: 'critical', threshold: 0 }],
  };
  await west.call('mpreg.federation.apply', { config: { ...now, alerting, healthCheckMs: 200 } });

  await eastNode.kill();
  await vi.waitFor(() => expect(heard).toMatchObject([{ change: 'firing', rule: 'lost' }]), soon);
  expect(await health(west)).toMatchObject({ state: 'lost', unreachable: [{ cluster: 'east' }] });
  await west.call('mpreg.federation.ack', { alert: 'lost:east', by: 'ann', note: 'at it' });
  expect((await alerts(west)).alerts).toMatchObject([{ acknowledged: { by: 'ann' }, id: 'lost:east' }]);
  const metrics = await (await fetch(`${westNode.url.replace('ws:', 'http:')}/metrics`)).text();
  expect(metrics).toContain('mpreg_federation_clusters{state="lost"} 1');
  expect(metrics).toContain('mpreg_federation_alerts{state="acknowledged"} 1');

  const { port } = new URL(eastNode.url);
  const hub = { mode: 'permissive' as const, region: 'region-east' };
  const back = await createNode({
    cluster: 'east',
    discover: false,
    hub,
    name: 'east-1',
    port: Number(port),
    workers: 1,
  });
  open.push({ close: () => back.kill() });
  await vi.waitFor(() => expect(heard.map(({ change }) => change)).toEqual(['firing', 'resolved']), soon);
  await vi.waitFor(async () => expect((await alerts(west)).alerts).toEqual([]), soon);
  const topics = messages.map(({ topic }) => topic);
  for (const wanted of [
    'cluster.lost.east',
    'alert.firing.lost',
    'alert.acknowledged.lost',
    'cluster.reachable.east',
  ]) {
    expect(topics).toContain(`mpreg.federation.${wanted}`);
  }
});

test('rules that make no sense are refused whole', async () => {
  const { west } = await pair();
  const { config } = (await west.call('mpreg.federation.view', {})) as FederationView;
  const { version: _, ...now } = config;
  const alerting = { channels: [], rules: [{ name: 'x' }] };
  const applied = west.call('mpreg.federation.apply', { config: { ...now, alerting } });
  await expect(applied).rejects.toMatchObject({
    problem: { code: 'input-invalid', message: expect.stringContaining('alerting.rules[0].metric') },
  });
  expect((await alerts(west)).alerts).toEqual([]);
});
