/** Queues of real nodes that are killed, run out of disk, and find their files damaged. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Client, connect, type Queue } from '../../src/engine/index.ts';
import { BUILT, type RunningNode, World } from '../cli/mpreg.ts';
import { Hardship } from './queue-hardship.ts';
import { until } from './until.ts';

/** How often the node is killed: `MPREG_QUEUE_KILLS=50` for the whole of it. */
const KILLS = Number(process.env['MPREG_QUEUE_KILLS'] ?? 4);
const MOUNT = '/bin/mount';

vi.setConfig({ testTimeout: 60_000 });

let world: World;
const clients: Client[] = [];

beforeEach(() => {
  world = new World(BUILT);
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await world.close();
});

/** The same node again: its name, data and port. */
function start(port: number, ...args: string[]): Promise<RunningNode> {
  return world.node(['--name', 'keeper', '--data-dir', world.path('data'), '--port', `${port}`, ...args]);
}

async function kill({ child, ended }: RunningNode): Promise<void> {
  child.kill('SIGKILL');
  await ended;
}

async function clientOf(url: string): Promise<Client> {
  const client = await connect({ urls: [url] });
  clients.push(client);
  return client;
}

test(`a node that is killed ${KILLS} times at full load loses nothing that it acknowledged, and gives nothing back that was done`, {
  timeout: 60_000 + KILLS * 5_000,
}, async () => {
  let node = await start(0);
  const port = Number(new URL(node.url).port);
  const asking = await clientOf(node.url);
  const jobs = asking.queue('jobs');
  await jobs.create({ maxReceives: 3, retry: { baseMs: 1, maxMs: 10 } });
  const hardship = new Hardship();
  for (const name of ['p', 'q']) hardship.produce(await clientOf(node.url), name);
  for (let i = 0; i < 2; i++) hardship.consume(await clientOf(node.url));
  for (let kills = 0; kills < KILLS; kills++) {
    await pause(200 + Math.random() * 1_000);
    await kill(node);
    node = await start(port);
  }
  await pause(500);
  await hardship.stopProducers();
  const counts = async () => (await jobs.info()).counts;
  const isEmpty = ({ delayed, leased, ready }: Awaited<ReturnType<typeof counts>>) => delayed + leased + ready === 0;
  await until('all is worked on', counts, isEmpty);
  await hardship.stopConsumers();
  const dead = await hardship.drain(asking.queue('jobs.dead'));
  const { acknowledged, cameBack, confirmed, doubtful, received, receives, troubles } = hardship;
  const bad = [...acknowledged].filter((body) => body.endsWith('-bad'));
  console.log(
    `killed ${KILLS} times: ${acknowledged.size} sends acknowledged, ${doubtful.size} in doubt, ${receives} receives, ` +
      `${confirmed.size} acknowledgements confirmed, ${dead.size} dead letters; ${JSON.stringify([...troubles])}`,
  );
  expect([...acknowledged].filter((body) => !received.has(body))).toEqual([]);
  expect(cameBack).toEqual([]);
  expect(bad.filter((body) => !dead.has(body))).toEqual([]);
  expect([...dead].filter((body) => !body.endsWith('-bad'))).toEqual([]);
  expect(acknowledged.size).toBeGreaterThan(1_000);
  expect(await counts()).toMatchObject({ delayed: 0, leased: 0, ready: 0 });
});

test('what waits, and what is delayed, is there after the node has started again', async () => {
  const node = await start(0);
  const client = await clientOf(node.url);
  const queue = client.queue('jobs');
  await queue.create();
  await queue.send('now');
  await queue.send('later', { delayMs: 8_000 });
  await queue.send('kept', { dedupeId: 'same' });
  await kill(node);
  await start(Number(new URL(node.url).port));
  await until(
    'it is back',
    () => queue.info().catch(() => undefined),
    (info) => info !== undefined,
  );
  expect((await queue.send('kept', { dedupeId: 'same' })).duplicate).toBe(true);
  const seen: unknown[] = [];
  for await (const { body } of queue.consume({ idleMs: 15_000, max: 3 })) seen.push(body);
  expect(seen).toEqual(['now', 'kept', 'later']);
});

/** Whether a file system of a given size can be had. */
function canMount(): boolean {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return false;
  const probe = new World(BUILT);
  try {
    execFileSync(MOUNT, ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe.path('work')], { stdio: 'ignore' });
    execFileSync('/bin/umount', [probe.path('work')]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe.folder, { force: true, recursive: true });
  }
}

/** A file system of its own for the node's data, with something else on it that takes a third. */
async function withSmallDisk(then: (elses: string) => Promise<void>): Promise<void> {
  const folder = world.path('data');
  mkdirSync(folder);
  execFileSync(MOUNT, ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]);
  try {
    const elses = join(folder, 'somebody-elses');
    writeFileSync(elses, Buffer.alloc(8 * 2 ** 20));
    await then(elses);
  } finally {
    execFileSync('/bin/umount', ['-l', folder]);
  }
}

/** Takes all but 64 KiB of what is left: a node writes down that it starts. */
function fillUp(file: string): void {
  const { bavail, bsize } = statfsSync(world.path('data'));
  writeFileSync(file, Buffer.alloc(Math.max(0, bavail * bsize - 65_536)));
}

/** Sends until that is refused: how many were stored, and why no more. */
async function fill(queue: Queue, body: string): Promise<{ readonly stored: number; readonly refused: unknown }> {
  for (let stored = 0; stored < 5_000; stored++) {
    try {
      await queue.send(body);
    } catch (refused) {
      return { refused, stored };
    }
  }
  throw new Error('a disk of 24 MiB took 50 MB');
}

async function receiveAll(queue: Queue, body: string): Promise<number> {
  let taken = 0;
  for await (const message of queue.consume({ idleMs: 0 })) {
    expect(message.body).toBe(body);
    taken++;
  }
  return taken;
}

function sendsAgain(queue: Queue, body: string): Promise<unknown> {
  const sent = () => queue.send(body).catch(() => undefined);
  return until('there is room again', sent, (it) => it !== undefined);
}

describe.skipIf(!canMount())('a full disk', () => {
  test('refuses sends and nothing else: what is acknowledged makes room for others', () =>
    withSmallDisk(async (elses) => {
      const node = await start(0);
      const queue = (await clientOf(node.url)).queue('jobs');
      await queue.create();
      const body = 'x'.repeat(10_000);
      const { refused, stored } = await fill(queue, body);
      expect(refused).toMatchObject({ code: 'store-failed', message: expect.stringContaining('the disk is full') });
      expect(stored).toBeGreaterThan(500);
      for (const some of await queue.receive({ max: 20 })) await some.nack({ delayMs: 0 });
      for (const some of await queue.receive({ max: 20 })) await some.release();
      expect(await receiveAll(queue, body)).toBe(stored);
      expect((await queue.info()).counts).toMatchObject({ done: stored, leased: 0, ready: 0 });
      await sendsAgain(queue, body);
      const again = await fill(queue, body);
      expect(again.stored).toBeGreaterThan(stored / 2);
      expect(await queue.purge()).toBe(again.stored + 1);
      await sendsAgain(queue, body);
      rmSync(elses);
      await until(
        'the whole disk is used again',
        async () => (await fill(queue, body)) && (await queue.info()).counts.ready,
        (ready) => ready > stored * 1.3,
      );
      await kill(node);
    }));

  test('is no hindrance for a node that starts again', () =>
    withSmallDisk(async () => {
      const node = await start(0);
      const queue = (await clientOf(node.url)).queue('jobs');
      await queue.create();
      const body = 'x'.repeat(10_000);
      const { stored } = await fill(queue, body);
      await kill(node);
      fillUp(join(world.path('data'), 'the-rest'));
      await start(Number(new URL(node.url).port));
      const ready = async () => (await queue.info()).counts.ready;
      await until(
        'all is there',
        () => ready().catch(() => undefined),
        (it) => it === stored,
      );
      await expect(queue.send(body)).rejects.toMatchObject({ code: 'store-failed' });
      expect(await receiveAll(queue, body)).toBe(stored);
      await sendsAgain(queue, body);
    }));

  test('takes more when others make room', () =>
    withSmallDisk(async (elses) => {
      const node = await start(0);
      const queue = (await clientOf(node.url)).queue('jobs');
      await queue.create();
      const body = 'x'.repeat(10_000);
      const { stored } = await fill(queue, body);
      rmSync(elses);
      await sendsAgain(queue, body);
      expect(await receiveAll(queue, body)).toBe(stored + 1);
      await kill(node);
    }));
});

test('a damaged database is reported, and left as it is', async () => {
  const node = await start(0);
  const client = await clientOf(node.url);
  await client.queue('jobs').create();
  await client.queue('jobs').sendBatch(Array.from({ length: 1_000 }, (_, i) => ({ body: `${i} ${'x'.repeat(200)}` })));
  node.child.kill('SIGTERM');
  await node.ended;
  const file = join(world.path('data'), 'queues.db');
  const damaged = readFileSync(file);
  for (let at = 8_192; at < damaged.length; at += 4_096) damaged.write('this is no page of a database', at);
  writeFileSync(file, damaged);
  const { code, stderr, stdout } = await world.mpreg(['node', 'start', '--data-dir', world.path('data'), '--json']);
  expect(code).toBe(1);
  expect(stderr + stdout).toContain('store-corrupt');
  expect(readFileSync(file).equals(damaged)).toBe(true);
});

test('damage in the middle of the log is reported, and what a crash tore off its end is not', async () => {
  const node = await start(0);
  const queue = (await clientOf(node.url)).queue('jobs');
  await queue.create();
  for (let i = 0; i < 20; i++) await queue.send(`${i} ${'x'.repeat(200)}`);
  await kill(node);
  const log = join(world.path('data'), 'queues.db-wal');
  const whole = readFileSync(log);
  const damaged = Buffer.from(whole);
  const middle = Math.floor(whole.length / 2);
  damaged[middle] = (damaged[middle] ?? 0) ^ 1;
  writeFileSync(log, damaged);
  const { code, stderr, stdout } = await world.mpreg(['node', 'start', '--data-dir', world.path('data'), '--json']);
  expect(code).toBe(1);
  expect(stderr + stdout).toContain('store-corrupt');
  expect(readFileSync(log).equals(damaged)).toBe(true);
  writeFileSync(log, Buffer.concat([whole, Buffer.from('the beginning of a frame that was never stored')]));
  await start(Number(new URL(node.url).port));
  await until(
    'it is back',
    () => queue.info().catch(() => undefined),
    (info) => info?.counts.ready === 20,
  );
});
