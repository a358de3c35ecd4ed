/** Nodes that are processes of their own, each with a data directory, in a world of each test; and clients of theirs. */
import { afterEach, beforeEach } from 'vitest';
import { type Client, type ConnectOptions, connect } from '../../src/engine/index.ts';
import { BUILT, type RunningNode, World } from '../cli/mpreg.ts';
import { until } from './until.ts';

export let world: World;
const clients: Client[] = [];

beforeEach(() => {
  world = new World(BUILT);
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await world.close();
});

/** `port`: of a former life. */
export function start(name: string, port = 0): Promise<RunningNode> {
  return world.node(['--name', name, '--port', `${port}`, '--data-dir', world.path(name)]);
}

export async function connected(options: ConnectOptions): Promise<Client> {
  const client = await connect(options);
  clients.push(client);
  return client;
}

export function clientOf(...nodes: readonly RunningNode[]): Promise<Client> {
  return connected({ urls: nodes.map(({ url }) => url) });
}

/** Nodes that see each other. */
export async function startAll<Names extends readonly string[]>(
  ...names: Names
): Promise<{ [Index in keyof Names]: RunningNode }> {
  const nodes = await Promise.all(names.map((name) => start(name)));
  for (const node of nodes) await seesAll(await clientOf(node), nodes.length);
  return nodes as { [Index in keyof Names]: RunningNode };
}

export async function seesAll(client: Client, count: number): Promise<void> {
  const alive = async () => (await client.members()).filter(({ state }) => state === 'alive').length;
  await until('all are seen', alive, (seen) => seen === count);
}

/** The node ends as in a power cut, and starts anew where it was. */
export async function again(node: RunningNode): Promise<RunningNode> {
  node.child.kill('SIGKILL');
  await node.ended;
  return start(node.name, Number(new URL(node.url).port));
}
