/** A client of real processes that are killed, stopped, asked to leave and started again under it, while it calls. */
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CallOptions, type Client, type ConnectOptions, connect, ProblemError } from '../../src/engine/index.ts';
import { BUILT, type RunningNode, World } from '../cli/mpreg.ts';
import { until } from './until.ts';

const FUNCTIONS = `
import { appendFileSync } from 'node:fs';
export const slowly = (value, ms) => new Promise((done) => setTimeout(() => done(value), ms));
export async function* count(file) {
  try {
    for (let i = 0; ; i++) { yield i; await new Promise((done) => setTimeout(done, 10)); }
  } finally {
    if (file) appendFileSync(file, 'stopped');
  }
}
`;

let world: World;
let clients: Client[] = [];

beforeEach(() => {
  world = new World(BUILT);
  writeFileSync(world.path('functions.mjs'), FUNCTIONS);
});

afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  clients = [];
  await world.close();
});

function start(name: string, ...args: string[]): Promise<RunningNode> {
  return world.node(['--name', name, '--functions', world.path('functions.mjs'), ...args]);
}

async function clientOf(nodes: readonly RunningNode[], options: ConnectOptions = {}): Promise<Client> {
  const client = await connect({ urls: nodes.map(({ url }) => url), ...options });
  clients.push(client);
  return client;
}

/** Nodes that all see each other. */
async function mesh(count: number): Promise<readonly RunningNode[]> {
  const nodes = await Promise.all(Array.from({ length: count }, (_, i) => start(`n${i + 1}`)));
  for (const node of nodes) {
    const client = await clientOf([node], { reconnect: false });
    const alive = async () => (await client.members()).filter(({ state }) => state === 'alive').length;
    await until(`${node.name} sees all`, alive, (seen) => seen === count);
  }
  return nodes;
}

/** Calls without pause from `width` places at once until it is told to stop; then, what went wrong, by code. */
function load(
  client: Client,
  width: number,
  options: CallOptions,
): () => Promise<{ done: number; wrong: ProblemError[] }> {
  let going = true;
  let done = 0;
  const wrong: ProblemError[] = [];
  const lanes = Array.from({ length: width }, async () => {
    while (going) {
      const value = ++done;
      await client
        .ask('slowly', [value, 5], options)
        .then((reply) => expect(reply.value).toBe(value))
        .catch((error: unknown) => {
          if (!(error instanceof ProblemError)) throw error;
          wrong.push(error);
        });
    }
  });
  return async () => {
    going = false;
    await Promise.all(lanes);
    return { done, wrong };
  };
}

describe('a client', () => {
  test('goes on through other nodes while its own are killed: idempotent calls never fail, others say "unknown"', async () => {
    const nodes = await mesh(3);
    const client = await clientOf(nodes.slice(0, 1)); // the others it has to learn of
    await pause(500);
    const safe = load(client, 20, { idempotent: true, timeoutMs: 20_000 });
    const plain = load(client, 20, { timeoutMs: 20_000 });
    for (let i = 0; i < 2; i++) {
      await pause(1_000);
      const { name } = client.node;
      nodes.find((node) => node.name === name)?.child.kill('SIGKILL');
      await until(
        'it is elsewhere',
        () => client.node.name,
        (now) => now !== name,
      );
    }
    await pause(1_000);
    const [repeated, once] = await Promise.all([safe(), plain()]);
    expect(repeated.wrong.map(({ message }) => message)).toEqual([]);
    expect(repeated.done).toBeGreaterThan(500);
    expect(once.wrong.length).toBeGreaterThan(0);
    expect(new Set(once.wrong.map(({ code }) => code))).toEqual(new Set(['link-lost']));
    expect(once.wrong.length).toBeLessThanOrEqual(3 * 20); // what was under way at each death, no more
  });

  test('settles what is under way at once, makes later calls wait, and finds its only node when it is back', async () => {
    const node = await start('only');
    const client = await clientOf([node]);
    const under = client.call('slowly', 1, 120_000).catch((error: ProblemError) => error.code);
    await pause(200);
    node.child.kill('SIGKILL');
    const from = performance.now();
    expect(await under).toBe('link-lost');
    expect(performance.now() - from).toBeLessThan(100_000);
    const waits = client.call('echo', 'patience');
    await expect(client.call.with({ timeoutMs: 300 })('echo', 1)).rejects.toMatchObject({ code: 'nobody-there' });
    const port = new URL(node.url).port;
    await start('only', '--port', port);
    expect(await waits).toBe('patience');
  });

  test('waits no longer for a node than it was told, and says so honestly', async () => {
    const node = await start('only');
    const client = await clientOf([node], { giveUpMs: 2_000, waitMs: 400 });
    const sent = client.call.with({ idempotent: true })('slowly', 1, 60_000);
    await pause(200);
    node.child.kill('SIGKILL');
    await expect(sent).rejects.toMatchObject({ code: 'link-lost' }); // it may have run: not "nobody-there"
    await expect(client.call('echo', 1)).rejects.toMatchObject({ code: 'nobody-there' });
    expect(await client.closed).toBe('no node answered for 2000 ms');
    await expect(client.call('echo', 1)).rejects.toMatchObject({ code: 'nobody-there' });
  });

  test('notices a connection that is open but dead', async () => {
    const [first, second] = await mesh(2);
    const client = await clientOf([first, second] as RunningNode[], { keepAliveMs: 300 });
    expect(client.node.name).toBe('n1');
    first?.child.kill('SIGSTOP');
    expect(await client.call.with({ idempotent: true, node: 'n2' })('echo', 'awake')).toBe('awake');
    expect(client.node.name).toBe('n2');
  });

  test('leaves a node that leaves, and nobody notices', async () => {
    const nodes = await mesh(2);
    const client = await clientOf(nodes);
    await pause(500);
    const stop = load(client, 10, { timeoutMs: 20_000 });
    const long = client.call.with({ node: 'n1' })('slowly', 'finished', 1_500);
    await pause(500);
    await (clients[1] as Client).leave('n1');
    expect(await long).toBe('finished');
    await until(
      'it is elsewhere',
      () => client.node.name,
      (name) => name === 'n2',
    );
    const { done, wrong } = await stop();
    expect(wrong.map(({ message }) => message)).toEqual([]);
    expect(done).toBeGreaterThan(50);
  });

  test('ends streams with an error when the connection breaks, and stops a generator that nobody listens to', async () => {
    const [first, second] = await mesh(2);
    const client = await clientOf([first, second] as RunningNode[]);
    const file = world.path('stopped.txt');
    const seen: unknown[] = [];
    for await (const item of client.stream('count', [file], { node: 'n2' })) {
      seen.push(item);
      if (seen.length === 3) break;
    }
    expect(seen).toEqual([0, 1, 2]);
    await until('the generator has stopped', () => existsSync(file), Boolean);
    const broken = (async () => {
      for await (const item of client.stream('count', [])) if (item === 5) first?.child.kill('SIGKILL');
    })();
    await expect(broken).rejects.toMatchObject({ code: 'link-lost' });
    const events = client.events()[Symbol.asyncIterator](); // asked for while there may be no link
    const event = events.next();
    const third = await start('n3', '--peer', second?.url as string);
    expect((await event).done).toBe(false);
    await events.return?.();
    third.child.kill('SIGKILL');
  });

  test('is over with its first connection where it was told not to reconnect', async () => {
    const [first, second] = await mesh(2);
    const client = await clientOf([first, second] as RunningNode[], { reconnect: false });
    first?.child.kill('SIGKILL');
    expect(await client.closed).toContain('n1');
    await expect(client.call('echo', 1)).rejects.toMatchObject({ code: 'nobody-there' });
  });
});
