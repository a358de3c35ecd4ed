/** `mpreg federation deploy`, `validate-config --probe`, `link`, `register` and `discover` on hubs of this process. */

import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FederationFile } from '../../src/cli/federation/federation-schema.ts';
import type { FederationView, MpregNode } from '../../src/engine/index.ts';
import { BUILT, eventually, World } from '../cli/mpreg.ts';
import { Clusters } from '../host/federation/two-clusters.ts';

let world: World;
let clusters: Clusters;
beforeEach(() => {
  world = new World(BUILT);
  clusters = new Clusters();
});
afterEach(async () => {
  await clusters.close();
  await world.close();
});

interface Town {
  readonly id: string;
  readonly hub: MpregNode;
  readonly bridge: string;
}

/** A cluster of one hub, with two ports. */
async function town(id: string, ...functions: readonly string[]): Promise<Town> {
  const inline = [`of-${id}`, ...functions].map((name) => ({ name, run: () => id }));
  const hub = await clusters.node(id, `${id}-hub`, { hub: { bridgePort: 0, region: `r-${id}` }, inline });
  const { hubs } = await viewOf(hub);
  return { bridge: hubs[0]?.address ?? '', hub, id };
}

function fileOf(towns: readonly Town[], more: Partial<FederationFile> = {}): string {
  const file: FederationFile = {
    clusters: towns.map(({ bridge, hub, id }) => ({
      bridge_url: bridge,
      cluster_id: id,
      region: `region-${id}`,
      server_url: hub.url,
    })),
    federation: { health_check_interval: 1 },
    version: '1.0',
    ...more,
  };
  writeFileSync(world.path('work', 'f.json'), JSON.stringify(file));
  return 'f.json';
}

const run = async (...args: string[]) => {
  const { code, stderr, stdout } = await world.mpreg([...args, '--json']);
  return { answer: stdout === '' ? undefined : JSON.parse(stdout), code, stderr };
};

async function viewOf(hub: MpregNode): Promise<FederationView> {
  const client = await clusters.client(hub);
  return (await client.call('mpreg.federation.view')) as FederationView;
}

const stateOf = (answer: { clusters: { cluster: string; state: string }[] }) =>
  answer.clusters.map(({ cluster, state }) => `${cluster} ${state}`);

describe('deploy', () => {
  test('links three clusters, so that a call finds its function abroad; again, it changes nothing', async () => {
    const towns = [await town('aa'), await town('bb'), await town('cc')];
    const file = fileOf(towns);
    const first = await run('federation', 'deploy', file);
    expect(first.stderr).toMatch(/^next: mpreg federation health --url ws:.*\n$/);
    expect(first.code).toBe(0);
    expect(stateOf(first.answer)).toEqual(['aa changed', 'bb changed', 'cc changed']);
    expect(
      first.answer.links.map(
        (link: { from: string; state: string; to: string }) => `${link.from}-${link.to} ${link.state}`,
      ),
    ).toEqual(['aa-bb up', 'aa-cc up', 'bb-cc up']);
    const call = await world.mpreg(['call', 'of-cc', '--url', towns[0]?.hub.url ?? '']);
    expect(call).toMatchObject({ code: 0, stdout: 'cc\n' });
    const again = await run('federation', 'deploy', file);
    expect(stateOf(again.answer)).toEqual(['aa unchanged', 'bb unchanged', 'cc unchanged']);
    const { stdout } = await world.mpreg(['federation', 'deploy', file]);
    expect(stdout).toContain('nothing changed; 3 of 3 links stand');
  });

  test('tries without changing anything, and says what would change', async () => {
    const towns = [await town('aa'), await town('bb')];
    const { answer, code } = await run('federation', 'deploy', fileOf(towns), '--dry-run');
    expect(code).toBe(0);
    expect(answer).toMatchObject({ dryRun: true, links: [] });
    expect(answer.clusters[0].changes).toContainEqual({
      after: { addresses: [towns[1]?.bridge], cluster: 'bb' },
      path: 'links[bb]',
    });
    for (const one of towns) expect((await viewOf(one.hub)).config).toMatchObject({ links: [], version: 0 });
  });

  test('changes nothing and exits with 5 where a cluster is not there; --partial goes on, and later the rest follows', async () => {
    const [aa, bb, cc] = [await town('aa'), await town('bb'), await town('cc')];
    const file = fileOf([aa, bb, cc]);
    await cc.hub.kill();
    const refused = await run('federation', 'deploy', file, '--timeout', '2s');
    expect(refused.code).toBe(5);
    expect(refused.answer).toMatchObject({
      error: { code: 'nobody-there', message: expect.stringContaining('nothing was changed. cc:') },
    });
    expect((await viewOf(aa.hub)).config.version).toBe(0);
    const partial = await run('federation', 'deploy', file, '--partial', '--timeout', '10s');
    expect(partial.code).toBe(0);
    expect(stateOf(partial.answer)).toEqual(['aa changed', 'bb changed', 'cc missing']);
    expect(partial.answer.links).toMatchObject([{ from: 'aa', state: 'up', to: 'bb' }]);
    expect((await run('federation', 'unregister', 'cc', '--url', aa.hub.url)).code).toBe(2); // it asks first
  });

  test('lets cross what the policies of the file say, and nothing else: functions and queues, out and in', async () => {
    const [aa, bb, cc] = [await town('aa', 'price.of', 'public.of'), await town('bb'), await town('cc')];
    const queue = (name: string) => world.mpreg(['queue', 'create', name, '--url', aa.hub.url]);
    for (const name of ['orders', 'mail']) expect((await queue(name)).code).toBe(0);
    const file = fileOf([aa, bb, cc], {
      policies: [
        {
          cluster: 'aa',
          exports: [
            { clusters: ['region:*-bb'], functions: ['price.*'], queues: ['order*', 'mail'] },
            { clusters: ['*'], functions: ['public.*'] },
          ],
        },
        { cluster: 'tag:careful', imports: [{ clusters: ['aa'], functions: ['*'], queues: ['orders'] }] },
      ],
    });
    const written = JSON.parse(readFileSync(world.path('work', file), 'utf8'));
    written.clusters[1].tags = ['careful'];
    writeFileSync(world.path('work', file), JSON.stringify(written));
    expect((await run('federation', 'deploy', file)).code).toBe(0);
    const call = (at: Town, ...words: string[]) => world.mpreg(['call', ...words, '--url', at.hub.url]);
    const send = (at: Town, name: string) => world.mpreg(['queue', 'send', name, '1', '--url', at.hub.url]);
    for (const allowed of [
      () => call(bb, 'price.of'),
      () => call(cc, 'public.of'),
      () => call(cc, 'of-bb'),
      () => call(aa, 'of-cc'),
      () => send(bb, 'orders'),
    ]) {
      await eventually(allowed, ({ code }) => code === 0, 40_000);
    }
    const codes = [
      await call(bb, 'public.of'), // the first rule that is about it counts
      await call(bb, 'public.of', '--cluster', 'aa'),
      await call(cc, 'price.of'),
      await call(bb, 'of-cc'), // which is not imported
      await send(bb, 'mail'), // which is exported, and not imported
    ].map(({ code }) => code);
    expect(codes).toEqual([3, 3, 3, 3, 3]);
    expect([3, 4]).toContain((await send(cc, 'orders')).code); // unknown there, or refused
    const info = await run('queue', 'info', 'orders', '--url', aa.hub.url);
    expect(info.answer.counts).toMatchObject({ sent: 1 });
  });

  test('refuses a cluster that is another than the file says, and one without a hub', async () => {
    const [aa, bb] = [await town('aa'), await town('bb')];
    const { answer, code } = await run('federation', 'deploy', fileOf([aa, { ...bb, id: 'zz' }]));
    expect(code).toBe(4);
    expect(answer).toMatchObject({
      error: { code: 'cluster-wrong', message: expect.stringContaining('zz: at its address is the cluster bb') },
    });
    const plain = await clusters.node('dd', 'plain');
    const without = await run('federation', 'deploy', fileOf([aa, { ...bb, hub: plain, id: 'dd' }]));
    expect(without.code).toBe(5);
    expect(without.answer).toMatchObject({ error: { code: 'hub-missing' } });
  });
});

describe('validate-config --probe', () => {
  test('says of every address who is there: 0 where all fit, 8 where one is another, 5 where one is silent', async () => {
    const [aa, bb] = [await town('aa'), await town('bb')];
    const fit = await run('federation', 'validate-config', fileOf([aa, bb]), '--probe');
    expect(fit.code).toBe(0);
    expect(fit.answer.probe).toMatchObject([
      { cluster: 'aa', kind: 'server', node: 'aa-hub', state: 'ok' },
      { cluster: 'aa', kind: 'bridge', state: 'ok', url: aa.bridge },
      { cluster: 'bb', state: 'ok' },
      { state: 'ok' },
    ]);
    const other = await run(
      'federation',
      'validate-config',
      fileOf([aa, { ...bb, bridge: aa.hub.url, hub: bb.hub }]),
      '--probe',
    );
    expect(other.code).toBe(2); // one address twice is wrong by itself
    const wrong = await run('federation', 'validate-config', fileOf([{ ...aa, id: 'zz' }, bb]), '--probe');
    expect(wrong.code).toBe(8);
    expect(wrong.answer.probe[0]).toMatchObject({
      problem: { message: 'aa-hub is of cluster aa, not zz' },
      state: 'wrong',
    });
    await bb.hub.kill();
    const silent = await run('federation', 'validate-config', fileOf([aa, bb]), '--probe');
    expect(silent.code).toBe(5);
    expect(silent.answer.probe[2]).toMatchObject({ cluster: 'bb', state: 'unreachable' });
  });
});

describe('links by hand', () => {
  test('register links two clusters; link drain, add and remove change it; unregister forgets', async () => {
    const [aa, bb] = [await town('aa'), await town('bb')];
    const at = ['--url', aa.hub.url];
    expect((await run('federation', 'register', bb.hub.url, ...at)).answer.changes).toMatchObject([
      { path: 'links[bb]' },
    ]);
    expect((await viewOf(bb.hub)).config.links).toEqual([{ addresses: [aa.bridge], cluster: 'aa' }]);
    await eventually(
      () => viewOf(aa.hub),
      ({ links }) => links[0]?.state === 'up',
    );
    expect((await run('federation', 'link', 'drain', 'bb', ...at)).answer.changes).toEqual([
      { after: true, path: 'links[bb].drained' },
    ]);
    await eventually(
      () => viewOf(aa.hub),
      ({ links }) => links[0]?.state === 'drained',
    );
    expect((await run('federation', 'link', 'drain', 'bb', '--undo', ...at)).answer.changes).toHaveLength(1);
    const dearer = await run('federation', 'link', 'add', 'bb', `${bb.bridge},ws://127.0.0.1:9`, '--cost', '7', ...at);
    expect(dearer.answer.changes.map(({ path }: { path: string }) => path).sort()).toEqual([
      'links[bb].addresses',
      'links[bb].cost',
    ]);
    expect((await run('federation', 'link', 'remove', 'bb', ...at)).answer.changes).toMatchObject([
      { path: 'links[bb]' },
    ]);
    expect(await run('federation', 'link', 'remove', 'bb', ...at)).toMatchObject({
      answer: { error: { code: 'cluster-unknown' } },
      code: 3,
    });
    expect((await run('federation', 'register', bb.hub.url, '--one-way', ...at)).code).toBe(0);
    expect((await run('federation', 'unregister', 'bb', '--yes', ...at)).answer.changes).toMatchObject([
      { path: 'links[bb]' },
    ]);
    expect((await run('federation', 'register', aa.hub.url, ...at)).code).toBe(2);
    expect((await run('federation', 'link', 'add', 'bb', 'nowhere', ...at)).code).toBe(2);
  });

  test('want a hub', async () => {
    const plain = await clusters.node('dd', 'plain');
    const { answer, code } = await run('federation', 'link', 'remove', 'bb', '--url', plain.url);
    expect(code).toBe(5);
    expect(answer).toMatchObject({ error: { code: 'hub-missing' } });
  });
});

describe('discover', () => {
  test('waits for a source no longer than it is told to', async () => {
    const mute = createServer(() => undefined);
    await new Promise<void>((resolve) => void mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as AddressInfo;
    try {
      const { answer, code } = await run(
        'federation',
        'discover',
        '--source',
        `http://127.0.0.1:${port}/list`,
        '--timeout',
        '300ms',
      );
      expect([code, answer.places[0].problem.message]).toEqual([
        5,
        `http://127.0.0.1:${port}/list: no answer in 300 ms`,
      ]);
    } finally {
      mute.closeAllConnections();
      mute.close();
    }
  });

  test('finds by one source all clusters that hubs know, with what they have and how far they are', async () => {
    const towns = [await town('aa'), await town('bb'), await town('cc')];
    const lone = await town('ll');
    const file = fileOf(towns);
    await run('federation', 'deploy', file);
    writeFileSync(world.path('work', 'list'), `${towns[1]?.hub.url}\n${lone.hub.url}\nws://127.0.0.1:9\n`);
    const { answer, code } = await eventually(
      () => run('federation', 'discover', '--source', 'file:list', '--url', towns[0]?.hub.url ?? ''),
      (found) => ['of-aa', 'of-bb', 'of-cc'].every((fun) => JSON.stringify(found.answer).includes(fun)),
    );
    expect(code).toBe(0);
    expect(answer.clusters).toMatchObject([
      { cluster: '', problem: { code: 'nobody-there' }, state: 'silent', url: 'ws://127.0.0.1:9' },
      {
        cluster: 'aa',
        functions: ['echo', 'echos', 'of-aa'],
        hubs: ['aa-hub'],
        nodes: 1,
        region: 'region-aa',
        state: 'self',
      },
      { cluster: 'bb', functions: ['echo', 'echos', 'of-bb'], state: 'reachable', url: towns[1]?.hub.url },
      { cluster: 'cc', state: 'reachable' },
      { cluster: 'll', region: 'r-ll', state: 'unlinked' },
    ]);
    expect(answer.clusters[2].heardFrom).toContain('file:list');
    expect(answer.places).toEqual([{ complaints: [], nodes: 3, source: 'file:list' }]);
    const config = await world.mpreg(['federation', 'discover', '--config', file]);
    expect(config.stdout).toMatch(/^aa\tregion-aa\tws:.*\nbb\t.*\ncc\t/);
  });

  test('says that nobody was found, and why', async () => {
    expect(await run('federation', 'discover', '--source', 'ws://127.0.0.1:9')).toMatchObject({
      answer: { clusters: [{ state: 'silent' }] },
      code: 5,
    });
    expect(await run('federation', 'discover', '--source', 'file:none')).toMatchObject({ code: 2 });
    expect(await run('federation', 'discover', '--source', 'consul:x')).toMatchObject({
      answer: { error: { code: 'usage-invalid' } },
      code: 2,
    });
  });
});
