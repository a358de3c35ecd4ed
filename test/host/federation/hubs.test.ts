import { afterEach, describe, expect, it } from 'vitest';
import type { Applied, Client, FederationConfig, MpregNode } from '../../../src/engine/index.ts';
import { Clusters, reached, until, viewOf } from './two-clusters.ts';

const open: Clusters[] = [];
afterEach(async () => {
  for (const clusters of open.splice(0)) await clusters.close();
});

function world(): Clusters {
  const clusters = new Clusters();
  open.push(clusters);
  return clusters;
}

const hubOf = (node: MpregNode) => ({ addresses: [node.bridgeUrl ?? ''], cluster: node.snapshot().record.cluster });

describe('a chain of clusters', () => {
  it('is crossed by way of the one between, also by values as large as any within a cluster', async () => {
    const clusters = world();
    const far = await clusters.node('far', 'far', {
      hub: { mode: 'permissive' },
      inline: [
        { name: 'reverse', run: (bytes: Uint8Array) => bytes.toReversed() },
        { name: 'zeros', run: (count: number) => new Uint8Array(count) },
      ],
    });
    const middle = await clusters.node('middle', 'middle', { hub: { links: [hubOf(far)], mode: 'permissive' } });
    const near = await clusters.node('near', 'near', { hub: { links: [hubOf(middle)] } });
    const client = await clusters.client(near);
    await reached(client, 'far', 'reverse');
    const bytes = new Uint8Array(16 * 2 ** 20 - 256).map((_, i) => (i * 7_919) >> 5);
    const { cluster, value } = await client.ask('reverse', [bytes]);
    expect(cluster).toBe('far');
    expect(Buffer.from(value as Uint8Array).equals(Buffer.from(bytes.toReversed()))).toBe(true);
    const several = await Promise.all([1, 2, 3, 4].map((n) => client.call('zeros', 15 * 2 ** 20 + n)));
    expect(several.map((value) => (value as Uint8Array).length)).toEqual([1, 2, 3, 4].map((n) => 15 * 2 ** 20 + n));
    const tooLarge = client.ask('zeros', [17 * 2 ** 20]).catch((error: unknown) => error);
    expect(await tooLarge).toMatchObject({
      code: 'limit-exceeded',
      message: expect.stringMatching(/bytes does not go from cluster far to near: the limit is 16777216/),
    });
    expect(await client.call('reverse', new Uint8Array([1, 2]))).toEqual(new Uint8Array([2, 1]));
    const { counts } = await viewOf(await clusters.client(middle));
    expect(counts.relayed).toBeGreaterThanOrEqual(2);
    const ways = (await client.call('mpreg.federation.routes', { to: 'far' })) as { hubs: { name: string }[] }[];
    expect(ways[0]?.hubs.map(({ name }) => name)).toEqual(['near', 'middle', 'far']);
    const own = (await viewOf(await clusters.client(far))).clusters.find(({ self }) => self);
    expect(own?.functions.map(({ name }) => name)).toContain('reverse');
    const stay = client.call('mpreg.federation.routes', { to: 'near' });
    await expect(stay).rejects.toMatchObject({ code: 'usage-invalid' });
    expect(await client.call('mpreg.federation.explain', { fun: 'reverse' })).toMatchObject({
      clusters: [
        { cluster: 'near', fits: false },
        { cluster: 'far', fits: true },
        { cluster: 'middle', fits: false },
      ],
      from: 'near',
    });
  });
});

describe('several hubs of one cluster', () => {
  it('stand in for each other: calls that may be repeated outlive the hub that had them', async () => {
    const clusters = world();
    const away = await clusters.node('away', 'away', {
      hub: { mode: 'permissive' },
      inline: [{ name: 'slow', run: (ms: number) => new Promise((resolve) => setTimeout(() => resolve('done'), ms)) }],
    });
    const first = await clusters.node('home', 'first', { hub: { links: [hubOf(away)] } });
    const second = await clusters.node('home', 'second', { hub: { links: [hubOf(away)] }, peers: [first.url] });
    const node = await clusters.node('home', 'node', { peers: [first.url, second.url] });
    const client = await clusters.client(node);
    for (const hub of [first, second]) await reached(await clusters.client(hub), 'away', 'slow');
    await until('the node knows both hubs', () => {
      const hubs = node.snapshot().members.filter(({ record }) => record?.resources.includes('role:hub'));
      return hubs.length === 2;
    });
    const calls = Array.from({ length: 8 }, () => client.ask('slow', [1_500], { idempotent: true }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await second.kill();
    const replies = await Promise.all(calls);
    expect(replies.map(({ value }) => value)).toEqual(Array(8).fill('done'));
    expect(await client.ask('slow', [1])).toMatchObject({ cluster: 'away', value: 'done' });
  });

  it('have one configuration, whichever was asked, and one that was away gets it', async () => {
    const clusters = world();
    const first = await clusters.node('home', 'first', { hub: {} });
    const client = await clusters.client(first);
    const second = await clusters.node('home', 'second', { hub: {}, peers: [first.url] });
    await second.joined(60_000);
    await until('they know each other', async () => (await viewOf(client)).hubs.length === 2);
    const there = 'ws://127.0.0.1:9';
    const link = (ask: object, asked: Client = client) => asked.call('mpreg.federation.link', ask) as Promise<Applied>;
    expect(await link({ action: 'add', addresses: [there], cluster: 'away' })).toEqual({
      changes: [{ after: { addresses: [there], cluster: 'away' }, path: 'links[away]' }],
      told: ['second'],
      untold: [],
      version: 1,
    });
    const other = await clusters.client(second);
    const configOf = async (asked: Client) =>
      ((await asked.call('mpreg.federation.view')) as { config: FederationConfig }).config;
    expect(await configOf(other)).toEqual(await configOf(client));
    expect((await link({ action: 'drain', cluster: 'away' }, other)).changes).toEqual([
      { after: true, path: 'links[away].drained' },
    ]);
    const third = await clusters.node('home', 'third', { hub: {}, peers: [first.url] });
    const late = await clusters.client(third);
    await until('the third has it', async () => (await configOf(late)).version === 2);
    expect(await configOf(late)).toEqual(await configOf(client));
    expect((await link({ action: 'remove', cluster: 'away' })).version).toBe(3);
    const again = await link({ action: 'remove', cluster: 'away' }).catch((error: unknown) => error);
    expect(again).toMatchObject({ code: 'cluster-unknown' });
  });
});

describe('a configuration', () => {
  it('is checked, says what it changes, and changes nothing twice or by mistake', async () => {
    const clusters = world();
    const hub = await clusters.node('home', 'hub', { hub: { region: 'north' } });
    const client = await clusters.client(hub);
    const { config } = await viewOf(client);
    const { version, ...rest } = config;
    const apply = (ask: object) => client.call('mpreg.federation.apply', ask) as Promise<Applied>;
    const next = { ...rest, identity: { ...rest.identity, tags: ['gold'] }, mode: 'permissive' };
    const changes = [
      { after: ['gold'], before: [], path: 'identity.tags' },
      { after: 'permissive', before: 'explicit', path: 'mode' },
    ];
    expect(await apply({ config: next, dryRun: true })).toMatchObject({ changes, version });
    expect(await apply({ config: next, expect: version })).toMatchObject({ changes, version: version + 1 });
    expect(await apply({ config: next })).toMatchObject({ changes: [], version: version + 1 });
    const refused = (config: unknown, more: object = {}) => apply({ config, ...more }).catch((error: unknown) => error);
    expect(await refused(rest, { expect: version })).toMatchObject({ code: 'exists-already' });
    expect(await refused({ ...rest, mode: 'open' })).toMatchObject({
      code: 'input-invalid',
      problem: { path: 'mode' },
    });
    expect(await refused({ ...rest, identity: { ...rest.identity, cluster: 'other' } })).toMatchObject({
      code: 'cluster-wrong',
    });
    expect(await refused({ ...rest, links: [{ addresses: ['http://x'], cluster: 'a' }] })).toMatchObject({
      code: 'input-invalid',
      problem: { path: 'links.0.addresses.0' },
    });
    expect((await viewOf(client)).config.mode).toBe('permissive');
  });

  it('closes functions and queues to clusters that its exports do not name', async () => {
    const clusters = world();
    const shop = await clusters.node('shop', 'shop', {
      hub: { mode: 'permissive' },
      inline: ['price', 'secret'].map((name) => ({ name, run: () => name })),
    });
    const buyer = await clusters.node('buyer', 'buyer', { hub: { links: [hubOf(shop)], tags: ['partner'] } });
    const client = await clusters.client(buyer);
    await reached(client, 'shop', 'secret');
    const keeper = await clusters.client(shop);
    const { version: _, ...config } = (await viewOf(keeper)).config;
    const exports = [{ clusters: ['tag:partner'], functions: ['price'] }];
    await keeper.call('mpreg.federation.apply', { config: { ...config, exports } });
    expect(await client.call('price')).toBe('price');
    const refused = await client.ask('secret', [], { cluster: 'shop' }).catch((error: unknown) => error);
    expect((refused as { code: string }).code).toMatch(/^(not-allowed|function-unknown)$/);
    await until('the offer is gone', async () => {
      const { clusters: known } = await viewOf(client);
      return known.find(({ cluster }) => cluster === 'shop')?.functions.every(({ name }) => name !== 'secret') === true;
    });
    expect(await client.ask('secret', []).catch((error: unknown) => error)).toMatchObject({ code: 'function-unknown' });
  });

  it('is kept over the end of the process', async () => {
    const { mkdtemp, rm } = await import('node:fs/promises');
    const { tmpdir } = await import('node:os');
    const dataDir = await mkdtemp(`${tmpdir()}/mpreg-hub-`);
    try {
      const clusters = world();
      const before = await clusters.node('home', 'hub', { dataDir, hub: {} });
      const asked = await clusters.client(before);
      await asked.call('mpreg.federation.register', { addresses: ['ws://127.0.0.1:9'], cluster: 'away' });
      await before.leave({ graceMs: 0 });
      const after = await clusters.node('home', 'hub', { dataDir, hub: { mode: 'strict' } });
      const { config } = await viewOf(await clusters.client(after));
      expect(config).toMatchObject({ links: [{ cluster: 'away' }], mode: 'explicit', version: 1 });
    } finally {
      for (const clusters of open.splice(0)) await clusters.close();
      await rm(dataDir, { force: true, recursive: true });
    }
  });
});

describe('clusters with the same key', () => {
  it('stay apart where one of them allows no bridge', async () => {
    const clusters = world();
    const closed = await clusters.node('closed', 'closed', { hub: { mode: 'strict' } });
    const other = await clusters.node('other', 'other', { hub: { links: [hubOf(closed)], mode: 'permissive' } });
    const client = await clusters.client(other);
    await until('it was refused', async () => {
      const [link] = (await viewOf(client)).links;
      return link?.reason?.includes('hub closed of cluster closed has no bridge with cluster other') === true;
    });
    expect((await viewOf(client)).clusters.map(({ cluster, state }) => [cluster, state])).toEqual([
      ['closed', 'configured'],
      ['other', 'self'],
    ]);
  });
});

describe('a hub', () => {
  it('is of a cluster that others can name', async () => {
    const odd = world().node('our cluster', 'hub', { hub: {} });
    await expect(odd).rejects.toMatchObject({
      code: 'input-invalid',
      message: expect.stringContaining('"our cluster"'),
    });
  });
});

describe('a hub that cannot be as it is started', () => {
  it('says which of its two ports is taken', async () => {
    const clusters = world();
    const first = await clusters.node('one', 'first', { hub: { bridgePort: 0 } });
    const taken = Number(new URL(first.bridgeUrl ?? '').port);
    const second = clusters.node('two', 'second', { hub: { bridgePort: taken } });
    await expect(second).rejects.toMatchObject({
      code: 'address-in-use',
      problem: { hint: expect.stringContaining('--bridge-port'), message: expect.stringContaining(String(taken)) },
    });
  });

  it('says of a link to its own cluster what to name in its place', async () => {
    const links = [{ addresses: ['ws://127.0.0.1:1'], cluster: 'one' }];
    await expect(world().node('one', 'first', { hub: { links } })).rejects.toMatchObject({
      problem: { hint: expect.stringContaining('name that one'), message: expect.stringContaining('itself, one') },
    });
  });
});
