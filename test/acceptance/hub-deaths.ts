/**
 * How long calls between clusters of real processes pause when a hub is killed: `node test/acceptance/hub-deaths.ts [--rounds 3]`
 * prints a table. Three clusters as in `federation.test.ts`; calls are made all the time, hubs on their way are killed and started again.
 */
import { parseArgs } from 'node:util';
import { type Client, connect, type FederationView, type ProblemError } from '../../src/engine/index.ts';
import { BUILT, World } from '../cli/mpreg.ts';
import { FarApart } from './far-apart.ts';
import { until } from './until.ts';

const ONE_WAY_MS = { 'ap eu': 60, 'eu us': 40 };
const EVERY_MS = 50;
const PATIENCE_MS = 120_000;
const AFTER_MS = 8_000;
const HUBS = ['us-1', 'us-2', 'eu-1', 'eu-2', 'ap-1', 'ap-2'];

const { values } = parseArgs({ options: { rounds: { default: '3', type: 'string' } } });
const world = new World(BUILT);
const places = new FarApart(world, ONE_WAY_MS);
const clients: Client[] = [];

async function clientAt(name: string): Promise<Client> {
  const client = await connect({ urls: [places.node(name).url] });
  clients.push(client);
  return client;
}

async function untilWhole(): Promise<void> {
  for (const name of HUBS) {
    const client = await clientAt(name);
    const view = () => client.call.with({ node: name })('mpreg.federation.view') as Promise<FederationView>;
    const isWhole = ({ clusters, hubs }: FederationView) =>
      clusters.filter(({ state }) => state === 'reachable').length === 2 &&
      hubs.filter(({ reachable, withdrawn }) => reachable && !withdrawn).length === HUBS.length;
    await until(`${name} reaches all hubs`, view, isWhole, PATIENCE_MS);
    await client.close();
  }
}

/** The hub of a cluster over which what goes from us to ap passes now. */
async function onTheWay(client: Client, cluster: string): Promise<string> {
  const view = (await client.call.with({ locs: ['role:hub'] })('mpreg.federation.view')) as FederationView;
  if (view.cluster === cluster) return view.name;
  const way = view.clusters.find((one) => one.cluster === 'ap')?.way ?? [];
  const name = way.map((id) => view.hubs.find(({ hub }) => hub === id)).find((hub) => hub?.cluster === cluster)?.name;
  if (name === undefined) throw new Error(`no hub of ${cluster} is on the way to ap`);
  return name;
}

/** Calls at a steady rate; what they came to while a hub was away. */
async function killed(client: Client, name: string): Promise<string> {
  const all: Promise<void>[] = [];
  const took: number[] = [];
  const failures = new Map<string, number>();
  const ask = async (idempotent: boolean) => {
    const from = performance.now();
    try {
      await client.ask('of_ap', [1], { idempotent, timeoutMs: 30_000 });
      took.push(Math.round(performance.now() - from));
    } catch (error) {
      const key = `${(error as ProblemError).problem.code}${idempotent ? ' though it may be repeated' : ''}`;
      failures.set(key, (failures.get(key) ?? 0) + 1);
    }
  };
  let n = 0;
  const timer = setInterval(() => all.push(ask(n++ % 2 === 0)), EVERY_MS);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await places.kill(name);
  await new Promise((resolve) => setTimeout(resolve, AFTER_MS));
  clearInterval(timer);
  await Promise.all(all);
  const sorted = took.toSorted((a, b) => a - b);
  const failed = [...failures].map(([why, count]) => `${count} × ${why}`).join(', ') || 'none failed';
  return `${name} killed: slowest ${sorted.at(-1)} ms, median ${sorted[sorted.length >> 1]} ms, ${took.length} answered, ${failed}`;
}

try {
  for (const id of ['us', 'eu', 'ap']) await places.cluster(id, `export const of_${id} = (n) => n;\n`);
  const file = world.path('work', 'federation.json');
  places.write(file);
  const { code, stderr } = await world.mpreg(['federation', 'deploy', file, '--json', '--timeout', '60s']);
  if (code !== 0) throw new Error(stderr);
  await untilWhole();
  const client = await clientAt('us-3');
  const call = () => client.ask('of_ap', [1]).catch(() => undefined);
  await until('us-3 can call ap', call, (answer) => answer !== undefined, PATIENCE_MS);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const victim of ['us', 'eu', 'ap']) {
      const name = await onTheWay(client, victim);
      process.stdout.write(`${await killed(client, name)}\n`);
      await places.start(name);
      await untilWhole();
    }
  }
} finally {
  await Promise.allSettled(clients.map((client) => client.close()));
  places.close();
  await world.close();
}
