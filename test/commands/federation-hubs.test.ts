/** Commands of a cluster with several hubs, of which each knows its own links only, and any may go. */
import { afterAll, afterEach, expect, test } from 'vitest';
import { BUILT, ended, eventually, World } from '../cli/mpreg.ts';
import { link, view } from '../core/federation/sights.ts';
import { type HubLike, hubLike } from './hub-like.ts';

const world = new World(BUILT);
const hubs: HubLike[] = [];
afterEach(async () => {
  await Promise.all(hubs.splice(0).map(({ node }) => node.kill()));
});
afterAll(() => world.close());

/** `west-1`, which has a link to mid, and `west-2`, whose link to east is down; both know each other. */
async function two(): Promise<readonly [HubLike, HubLike]> {
  const first = await hubLike();
  hubs.push(first);
  const second = await hubLike('west-2', undefined, [first.node.url]);
  hubs.push(second);
  second.sight = view({
    hub: 'west-2',
    links: [link('east', { forMs: 30_000, reason: 'refused', state: 'waiting' })],
    name: 'west-2',
  });
  const { node } = first;
  const client = await node.client();
  const meet = async () => (await client.members()).filter(({ state }) => state === 'alive').length;
  await eventually(meet, (count) => count === 2, PATIENCE_MS);
  await client.close();
  return [first, second];
}

/** Patience, not a promise: the machine that runs this may be busy. */
const PATIENCE_MS = 40_000;

const at = (hub: HubLike) => ({ env: { MPREG_URL: hub.node.url } });

test('health, topology and routes show the links of all hubs of the cluster', async () => {
  const [first, second] = await two();
  const west = (name: string) => ({ cluster: 'west', hub: name, name });
  const mid = { cluster: 'mid', hub: 'mid-1', name: 'mid-1' };
  first.ways = [{ cost: 40_000, hubs: [west('west-1'), mid], kind: 'best', to: 'mid' }];
  second.ways = [{ cost: 30_000, hubs: [west('west-2'), mid], kind: 'best', to: 'mid' }];
  const health = await world.mpreg(['federation', 'health', '--exit-code'], at(first));
  expect(health.stdout).toContain('link\twest (west-1) ↔ mid (mid-1)\t● healthy');
  expect(health.stdout).toContain(
    'link\twest (west-2) ↔ east (east-1)\t✕ lost\t0\t\t\t-100 it is not up for 30 s: refused',
  );
  expect(health.stderr).toContain('degraded, 100 points, as west-1 sees it');
  expect(health.stderr).toContain('not well: the link of west-2 to east is lost');
  const { stdout: tree } = await world.mpreg(['federation', 'topology'], at(first));
  expect(tree).toContain('   └─ west-2  ws://west-2:9000\n      └─ ↔ east  east-1  waiting: refused');
  expect(tree.split('↔ mid  mid-1  40 ms')).toHaveLength(2);
  const { stdout: ways } = await world.mpreg(['federation', 'routes', '--to', 'mid'], at(first));
  expect(ways).toBe(
    'mid\tbest\t30 ms\t1\twest-2 (west) → mid-1 (mid)\nmid\tbest\t40 ms\t1\twest-1 (west) → mid-1 (mid)\n',
  );
});

test('a hub that does not answer is named, and the others are told of', async () => {
  const [first, second] = await two();
  Object.defineProperty(second, 'alerts', {
    get: () => {
      throw new Error('no disk');
    },
  });
  const ran = await world.mpreg(['federation', 'alerts', 'list'], at(first));
  expect(ran).toMatchObject({ code: 0, stdout: '' });
  expect(ran.stderr).toContain('warning: west-2 does not answer: what it alone knows is missing here');
});

test('events are followed over the loss of the hub that told them, which is said', async () => {
  const [first, second] = await two();
  const child = world.spawn(['federation', 'monitor', 'events'], at(first));
  const said: string[] = [];
  child.stdout.on('data', (text: string) => said.push(text));
  const all = ended(child);
  const tell = (hub: HubLike, cluster: string) =>
    hub.tell({ cluster, kind: 'cluster', reason: 'no way', state: 'lost' });
  let alive = true;
  const telling = setInterval(() => tell(alive ? first : second, alive ? 'east' : 'mid'), 50);
  try {
    await eventually(
      async () => said.join(''),
      (text) => text.includes('east'),
      PATIENCE_MS,
    );
    alive = false;
    await first.node.kill();
    await eventually(
      async () => said.join(''),
      (text) => text.includes('\tcluster\tmid\tlost'),
      PATIENCE_MS,
    );
    child.kill('SIGINT');
    const { code, stderr } = await all;
    expect(code).toBe(130);
    expect(stderr).toMatch(/west-1.*\n(.*\n)*.*going on with west-2/);
  } finally {
    clearInterval(telling);
    child.kill('SIGKILL');
  }
});

test('the lines of health go on at another node when that is gone which was asked', async () => {
  const [first, second] = await two();
  const child = world.spawn(['federation', 'monitor', 'health-watch', '--interval', '0.2'], at(first));
  const said: string[] = [];
  child.stdout.on('data', (text: string) => said.push(text));
  const all = ended(child);
  try {
    await eventually(
      async () => said.join(''),
      (text) => text.includes('federation\twest-1\tdegraded'),
      PATIENCE_MS,
    );
    await first.node.kill();
    await eventually(
      async () => said.join(''),
      (text) => text.includes('federation\twest-2'),
      PATIENCE_MS,
    );
    const gone = 'link\twest (west-1) ↔ mid (ws://mid-1:9000)\thealthy → gone';
    await eventually(
      async () => said.join(''),
      (text) => text.includes(gone),
      PATIENCE_MS,
    );
    child.kill('SIGINT');
    expect(await all).toMatchObject({ code: 130, stderr: expect.stringContaining('going on with west-2') });
  } finally {
    child.kill('SIGKILL');
  }
  expect(second.asked.has('health')).toBe(true);
});
