/** What is published later, and functions that topics trigger, over real processes that are killed. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Client, connect, ProblemError } from '../../src/engine/index.ts';
import { BUILT, type RunningNode, World } from '../cli/mpreg.ts';
import { until } from './until.ts';

let world: World;
const clients: Client[] = [];

beforeEach(() => {
  world = new World(BUILT);
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await world.close();
});

function start(name: string, ...more: readonly string[]): Promise<RunningNode> {
  return world.node(['--name', name, '--data-dir', world.path(name), ...more]);
}

/** The node ends as in a power cut, and starts anew where it was. */
async function again(node: RunningNode): Promise<RunningNode> {
  node.child.kill('SIGKILL');
  await node.ended;
  return start(node.name, '--port', new URL(node.url).port);
}

async function clientOf(...nodes: readonly RunningNode[]): Promise<Client> {
  const client = await connect({ urls: nodes.map(({ url }) => url) });
  clients.push(client);
  return client;
}

async function met(client: Client, count: number): Promise<void> {
  const alive = async () => (await client.members()).filter(({ state }) => state === 'alive').length;
  await until('the nodes have met', alive, (seen) => seen === count);
}

test('all that was accepted to be published later is, though its node is killed again and again', async () => {
  let alpha = await start('alpha');
  const beta = await start('beta');
  const listener = await clientOf(beta);
  await met(listener, 2);
  const heard = new Map<string, number>();
  await listener.subscribe('later.#', {
    everywhere: true,
    onMessage: ({ id }) => void heard.set(id, (heard.get(id) ?? 0) + 1),
  });
  const publisher = await clientOf(alpha);
  const accepted: string[] = [];
  for (let life = 0; life < 3; life++) {
    for (let i = 0; i < 60; i++) {
      const sending = publisher.publish(`later.${life}`, i, { inMs: (i * 53) % 3_000 });
      // Why: what was under way when the node was killed may have been accepted or not, and nobody promised it.
      const done = await sending.catch((error: unknown) => error);
      if (done instanceof ProblemError) continue;
      accepted.push((done as { id: string }).id);
    }
    alpha = await again(alpha);
  }
  await until(
    'all have come',
    () => accepted.filter((id) => !heard.has(id)),
    (missing) => missing.length === 0,
  );
  expect(accepted.length).toBeGreaterThan(150);
  await until(
    'nothing waits any more',
    async () => (await listener.scheduled()).flatMap(({ found }) => found),
    (waiting) => waiting.length === 0,
  );
});

test('functions that topics trigger miss nothing when a node that has them is killed', async () => {
  const out = world.path('work', 'done.txt');
  writeFileSync(
    world.path('work', 'ship.ts'),
    `import { appendFileSync } from 'node:fs';
     import { defineFunction } from 'mpreg';
     export const ship = defineFunction({
       name: 'ship',
       on: 'order.*',
       concurrency: 8,
       async run(n: number) {
         await new Promise((done) => setTimeout(done, 5));
         appendFileSync(${JSON.stringify(out)}, n + '\\n');
       },
     });`,
  );
  const alpha = await start('alpha');
  const functions = ['--functions', 'ship.ts', '--workers', '1'];
  const [beta] = await Promise.all([start('beta', ...functions), start('gamma', ...functions)]);
  const client = await clientOf(alpha);
  const members = async () => (await client.matches('order.eu')).flatMap(({ found }) => found).length;
  await until('both listen', members, (count) => count === 2);
  await until(
    'and alpha knows it',
    async () => (await client.publish('order.first', -1)).nodes ?? 0,
    (known) => known > 0,
  );
  const publisher = client.publisher();
  for (let n = 0; n < 400; n++) {
    if (n === 200) beta.child.kill('SIGKILL');
    await publisher.publish('order.eu', n);
  }
  await publisher.close();
  const done = () => new Set(existsSync(out) ? readFileSync(out, 'utf8').trim().split('\n').map(Number) : []);
  const missing = () => Array.from({ length: 400 }, (_, n) => n).filter((n) => !done().has(n));
  await until('all was done', missing, (left) => left.length === 0);
});
