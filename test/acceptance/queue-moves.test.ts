/** A queue that is moved between two nodes at full load, while one or the other is killed. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Client, connect, type QueueInfo } from '../../src/engine/index.ts';
import { BUILT, type RunningNode, World } from '../cli/mpreg.ts';
import { Hardship } from './queue-hardship.ts';
import { until } from './until.ts';

/** How often a node is killed: `MPREG_MOVE_KILLS=100` by hand. */
const KILLS = Number(process.env['MPREG_MOVE_KILLS'] ?? 10);
/** Messages that wait for an hour, so that there is something to move. */
const BALLAST = 10_000;
const NAMES = ['left', 'right'] as const;

let world: World;
const clients: Client[] = [];
const nodes = new Map<string, RunningNode>();
let door: RunningNode;

beforeEach(() => {
  world = new World(BUILT);
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await world.close();
});

/** The same node again: its name, data and port. */
async function start(name: string): Promise<void> {
  const port = nodes.get(name)?.url.replace(/.*:/, '') ?? '0';
  const place = ['--name', name, '--data-dir', world.path(name), '--port', port];
  nodes.set(name, await world.node([...place, '--peer', door.url]));
}

async function kill(name: string): Promise<void> {
  const node = nodes.get(name);
  node?.child.kill('SIGKILL');
  await node?.ended;
}

async function client(): Promise<Client> {
  const made = await connect({ urls: [door.url] });
  clients.push(made);
  return made;
}

/** Until it is there: whatever of it broke is asked for again, as whoever moves a queue would. */
async function moved(through: Client, to: string): Promise<void> {
  const queue = through.queue('jobs');
  const place = async () => {
    await Promise.race([queue.move(to), pause(5_000)]).catch(() => undefined);
    return queue.info().catch(() => undefined);
  };
  const isThere = (info: QueueInfo | undefined) => info?.node === to && info.moving === undefined;
  await until(`the queue is on ${to}`, place, isThere, 120_000);
}

test(`a queue that moves ${KILLS} times at full load, while a node is killed, is on one node and has lost nothing`, {
  timeout: 120_000 + KILLS * 20_000,
}, async () => {
  door = await world.node(['--name', 'door']);
  for (const name of NAMES) await start(name);
  const asking = await client();
  const jobs = asking.queue('jobs');
  const place = () =>
    jobs.create({ maxReceives: 3, place: 'left', retry: { baseMs: 1, maxMs: 10 } }).catch(() => undefined);
  await until('the queue is made', place, (info) => info !== undefined);
  const later = Array.from({ length: BALLAST }, (_, i) => ({ body: `ballast ${i}`, delayMs: 3_600_000 }));
  const known = () => jobs.info().catch(() => undefined); // the door hears of it a little later
  await until('the queue is known', known, (info) => info !== undefined);
  expect((await jobs.sendBatch(later)).filter((one) => 'problem' in one)).toEqual([]);
  const hardship = new Hardship();
  for (const name of ['p', 'q']) hardship.produce(await client(), name);
  for (let i = 0; i < 2; i++) hardship.consume(await client());
  await until(
    'there is load',
    () => hardship.confirmed.size,
    (count) => count > 0,
  );
  const killed = { left: 0, right: 0 };
  for (let i = 0; i < KILLS; i++) {
    const to = i % 2 === 0 ? 'right' : 'left';
    const victim = NAMES[Math.floor(Math.random() * 2)] ?? 'left';
    const moving = jobs.move(to).catch(() => undefined);
    await pause(Math.random() * 700);
    await kill(victim);
    killed[victim]++;
    await start(victim);
    await Promise.race([moving, pause(2_000)]);
    await moved(asking, to);
  }
  await pause(500);
  await hardship.stopProducers();
  const counts = async () => (await jobs.info()).counts;
  await until('all is worked on', counts, ({ leased, ready }) => leased + ready === 0);
  await hardship.stopConsumers();
  const { acknowledged, cameBack, confirmed, doubtful, received, receives, troubles } = hardship;
  const all = await counts();
  const dead = await hardship.drain(asking.queue('jobs.dead'));
  console.log(
    `killed ${killed.left} and ${killed.right} times: ${acknowledged.size} sends acknowledged, ${doubtful.size} in doubt, ` +
      `${receives} receives, ${confirmed.size} acknowledgements confirmed, ${dead.size} dead letters; ` +
      JSON.stringify([...troubles]),
  );
  const bad = [...acknowledged].filter((body) => body.endsWith('-bad'));
  expect([...acknowledged].filter((body) => !received.has(body))).toEqual([]);
  expect(cameBack).toEqual([]);
  expect(bad.filter((body) => !dead.has(body))).toEqual([]);
  expect(all).toMatchObject({ delayed: BALLAST, leased: 0, ready: 0 });
  expect(all.sent).toBe(BALLAST + all.done + all.dead);
  const hosts = await Promise.all(
    NAMES.map((node) => asking.call.with({ node })('mpreg.queue.list') as Promise<readonly QueueInfo[]>),
  );
  for (const name of ['jobs', 'jobs.dead']) {
    expect(hosts.flat().filter((info) => info.name === name)).toHaveLength(1);
  }
  expect(acknowledged.size).toBeGreaterThan(1_000);
});
