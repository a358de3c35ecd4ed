/** Clusters that reach each other, from the command line. */
import { afterAll, describe, expect, test } from 'vitest';
import { firstLine, World } from '../cli/mpreg.ts';

const world = new World();
afterAll(() => world.close());

interface Ready {
  readonly url: string;
  readonly bridgeUrl: string;
}

async function hub(cluster: string, flags: readonly string[] = []): Promise<Ready> {
  const child = world.spawn(['node', 'start', '--json', '--no-discover', '--hub', '--cluster', cluster, ...flags]);
  return JSON.parse(await firstLine(child)) as Ready;
}

async function until(what: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await what())) if (performance.now() > end) throw new Error('not within 60 s');
}

describe('two hubs that were started with a link', () => {
  test('run calls in each other’s clusters, and queues are found from either', async () => {
    const east = await hub('east', ['--bridge-port', '0', '--bridge-mode', 'permissive', '--name', 'sun']);
    expect(east.bridgeUrl).not.toBe(east.url);
    const link = ['--link', `east=${east.bridgeUrl}`, '--cluster-name', 'The West', '--tag', 'gold'];
    const west = await hub('west', ['--region', 'us-west', ...link]);
    const call = (...args: string[]) => world.mpreg(['call', ...args, '--url', west.url]);
    await until(async () => (await call('echo', 'hi', '--cluster', 'east')).code === 0);
    expect(await call('echo', 'hi', '--cluster', 'east')).toMatchObject({ code: 0, stdout: 'hi\n' });
    const told = await call('echo', 'hi', '--cluster', 'east', '--json');
    expect(JSON.parse(told.stdout)).toMatchObject({ cluster: 'east', node: 'sun', value: 'hi' });
    const here = await call('echo', 'hi', '--region', 'us-west', '--json');
    expect(JSON.parse(here.stdout)).not.toHaveProperty('cluster');
    const unknown = await call('echo', 'hi', '--cluster', 'north');
    expect(unknown).toMatchObject({ code: 3 });
    expect(unknown.stderr).toContain('no hub in reach knows cluster north');
    const plan = JSON.stringify([{ args: [1], cluster: 'east', fun: 'echo', name: 'a' }]);
    const ran = await world.mpreg(['plan', 'run', '-', '--url', west.url], { input: plan });
    expect(ran).toMatchObject({ code: 0, stdout: '{"a":1}\n' });
    const view = await call('mpreg.federation.view', '--loc', 'role:hub');
    expect(JSON.parse(view.stdout)).toMatchObject({
      cluster: 'west',
      config: { identity: { name: 'The West', region: 'us-west', tags: ['gold'] } },
    });
    expect(await world.mpreg(['queue', 'create', 'jobs', '--url', east.url])).toMatchObject({ code: 0 });
    await until(async () => (await world.mpreg(['queue', 'send', 'jobs', 'first', '--url', west.url])).code === 0);
    const received = await world.mpreg(['queue', 'receive', 'jobs', '--url', west.url]);
    expect(received.stdout).toContain('first');
  });
});

test('flags of a hub mean nothing without --hub, and a link must say where it leads', async () => {
  const without = await world.mpreg(['node', 'start', '--no-discover', '--link', 'east=ws://127.0.0.1:9']);
  expect(without).toMatchObject({ code: 2 });
  const odd = await world.mpreg(['node', 'start', '--no-discover', '--hub', '--link', 'ws://127.0.0.1:9']);
  expect(odd).toMatchObject({ code: 2 });
  expect(odd.stderr).toContain('is not CLUSTER=URL');
});
