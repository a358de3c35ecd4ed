/** A kept topic on one node, a queue that is bound to it on another, and both killed while somebody publishes. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Client, connect, type Queue } from '../../src/engine/index.ts';
import { BUILT, type RunningNode, World } from '../cli/mpreg.ts';
import { until } from './until.ts';

const KILLS = Number(process.env['MPREG_QUEUE_KILLS'] ?? 4);

vi.setConfig({ testTimeout: 60_000 + KILLS * 10_000 });

let world: World;
const clients: Client[] = [];

beforeEach(() => {
  world = new World(BUILT);
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await world.close();
});

function start(name: string, port: number, ...join: string[]): Promise<RunningNode> {
  return world.node(['--name', name, '--data-dir', world.path(name), '--port', `${port}`, ...join]);
}

async function kill({ child, ended }: RunningNode): Promise<void> {
  child.kill('SIGKILL');
  await ended;
}

async function clientOf(...urls: string[]): Promise<Client> {
  const client = await connect({ urls });
  clients.push(client);
  return client;
}

async function bodiesOf(queue: Queue): Promise<number[]> {
  const bodies: number[] = [];
  for (let after = 0; ; ) {
    const page = await queue.peek({ after, max: 500 });
    bodies.push(...page.map(({ body }) => body as number));
    const last = page.at(-1);
    if (last === undefined) return bodies;
    after = last.id;
  }
}

/** A pair of nodes: the keeper, and the one with the queue. */
async function pair() {
  const keeper = await start('keeper', 0);
  const holder = await start('holder', 0, '--no-discover', '--peer', keeper.url);
  const client = await clientOf(keeper.url);
  await client.keep('order.#', { node: 'keeper' });
  const queue = (await clientOf(holder.url)).queue('jobs');
  await queue.create({ place: 'holder' });
  await queue.bind('order.*.created');
  return { client, holder, keeper, queue };
}

test(`what a publisher was told to be stored is in the queue though both nodes are killed at once, ${KILLS} times`, async () => {
  let { client, holder, keeper, queue } = await pair();
  const ports = [keeper, holder].map(({ url }) => Number(new URL(url).port)) as [number, number];
  const stored: number[] = [];
  let next = 0;
  for (let kills = 0; kills < KILLS; kills++) {
    let going = true;
    const before = stored.length;
    const lane = async () => {
      while (going) {
        const number = next++;
        const published = await client.publish('order.eu.created', number).catch(() => undefined);
        if (published !== undefined && published.behind === undefined) stored.push(number);
      }
    };
    const lanes = Array.from({ length: 20 }, lane);
    await until(
      'some are stored',
      () => stored.length - before,
      (count) => count > 100,
    );
    await Promise.all([kill(keeper), kill(holder)]);
    going = false;
    await client.close();
    await Promise.all(lanes);
    holder = await start('holder', ports[1]);
    queue = (await clientOf(holder.url)).queue('jobs');
    const there = new Set(await bodiesOf(queue));
    expect(stored.filter((number) => !there.has(number))).toEqual([]);
    keeper = await start('keeper', ports[0], '--no-discover', '--peer', holder.url);
    client = await clientOf(keeper.url);
    await until(
      'the queue is waited for again',
      async () => (await client.publish('order.eu.created', next++).catch(() => undefined)) ?? { behind: 1 },
      ({ behind }) => behind === undefined,
    );
  }
  const all = await bodiesOf(queue);
  expect(new Set(all).size).toBe(all.length);
  const [first = 0] = stored;
  expect(all).toContain(first);
  console.log(`killed both ${KILLS} times: ${stored.length} told to be stored, ${all.length} in the queue`);
});

test('the publisher is told of a queue that is away or full, which gets everything, once, in order, when it is back', async () => {
  const { client, holder, queue } = await pair();
  const publish = (number: number) => client.publish('order.eu.created', number);
  expect(await publish(1)).toEqual(expect.not.objectContaining({ behind: 1 }));
  expect(await bodiesOf(queue)).toEqual([1]);
  await queue.edit({ messagesMax: 2 });
  expect([await publish(2), await publish(3), await publish(4)]).toMatchObject([{}, { behind: 1 }, { behind: 1 }]);
  await queue.edit({ messagesMax: 100 });
  await until(
    'there is room',
    () => bodiesOf(queue),
    (bodies) => bodies.length === 4,
  );
  await kill(holder);
  await until(
    'it is known to be away',
    () => publish(5),
    ({ behind }) => behind === 1,
  );
  expect(await publish(6)).toMatchObject({ behind: 1, kept: expect.any(Number) });
  await start('holder', Number(new URL(holder.url).port), '--no-discover', '--peer', client.node.url);
  const bodies = await until(
    'it has caught up',
    () => bodiesOf(queue).catch(() => []),
    (all) => all.at(-1) === 6,
  ).then(() => bodiesOf(queue));
  expect(bodies.filter((body, i) => body !== bodies[i - 1])).toEqual([1, 2, 3, 4, 5, 6]);
  await queue.unbind('order.*.created');
  await until(
    'nobody waits for it',
    () => publish(7),
    ({ behind }) => behind === undefined,
  );
  expect(await bodiesOf(queue)).toEqual(bodies);
});
