/** Kept topics over real processes that are killed: nothing that was confirmed is lost, and numbers mean what they meant. */
import { type ChildProcessWithoutNullStreams, execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Client } from '../../src/engine/index.ts';
import type { RunningNode } from '../cli/mpreg.ts';
import { again, clientOf, seesAll, start, startAll, world } from './nodes.ts';
import { until } from './until.ts';

/** Publishes 0, 1, 2, … as fast as it is confirmed, 100 at a time, until it is told to stop. What was confirmed, and as what. */
function publishing(client: Client, topic: string) {
  const confirmed = new Map<number, number>();
  let next = 0;
  let refused = 0;
  let over = false;
  const run = async () => {
    while (!over) {
      const i = next++;
      await client.publish(topic, { i, topic }).then(
        ({ kept }) => void confirmed.set(i, kept ?? 0),
        async () => {
          refused++;
          await pause(20);
        },
      );
    }
  };
  const running = Promise.all(Array.from({ length: 100 }, run));
  return {
    confirmed,
    get refused() {
      return refused;
    },
    stop: async () => {
      over = true;
      await running;
    },
  };
}

interface Row {
  readonly sequence: number;
  readonly topic: string;
  readonly i: number;
}

describe('a keeper that is killed at full load', () => {
  test('has every confirmed message under its number when it comes back, and readers miss nothing', async () => {
    const [alpha, beta] = await startAll('alpha', 'beta');
    const near = await clientOf(alpha);
    const far = await clientOf(beta);
    await near.keep('load.#', { countMax: 10_000_000 });
    const live: Row[] = [];
    let told = 0;
    const reader = await clientOf(beta);
    await reader.subscribe('load.#', {
      from: 'first',
      onMessage: ({ interrupted, missed, payload, sequence = 0, topic }) => {
        if (interrupted || missed > 0) told++;
        live.push({ i: (payload as { i: number }).i, sequence, topic });
      },
    });
    const publishers = [publishing(near, 'load.near'), publishing(far, 'load.far')];
    let keeper = alpha;
    for (const ms of [700, 300, 1_100, 500, 900]) {
      await pause(ms);
      const before = publishers.map(({ confirmed }) => confirmed.size);
      keeper = await again(keeper);
      await seesAll(far, 2);
      await until(
        'both are confirmed again',
        () => publishers.every(({ confirmed }, i) => confirmed.size > (before[i] ?? 0) + 50),
        (all) => all,
      );
    }
    await Promise.all(publishers.map(({ stop }) => stop()));
    const [near_, far_] = publishers;
    const last = largest([...(near_?.confirmed.values() ?? []), ...(far_?.confirmed.values() ?? [])]);
    await until(
      'the reader has all',
      () => live.at(-1)?.sequence ?? 0,
      (sequence) => sequence >= last,
    );
    const stored = await rowsFrom(await clientOf(keeper), last);
    expect(live.slice(0, last).map(({ sequence }) => sequence)).toEqual(Array.from({ length: last }, (_, i) => i + 1));
    expect(live.slice(0, last)).toEqual(stored.slice(0, last));
    expect(told).toBe(0);
    for (const [topic, one] of [
      ['load.near', near_],
      ['load.far', far_],
    ] as const) {
      for (const [i, sequence] of one?.confirmed ?? []) {
        if (stored[sequence - 1]?.i === i && stored[sequence - 1]?.topic === topic) continue;
        expect.fail(`${topic} ${i} was confirmed as ${sequence}, where ${JSON.stringify(stored[sequence - 1])} is`);
      }
    }
    const total = publishers.map(({ confirmed, refused }) => `${confirmed.size} confirmed, ${refused} refused`);
    console.log(`      kept under SIGKILL: ${total.join('; ')}; ${last} stored`);
  });
});

/** All that is kept, read anew. */
async function rowsFrom(client: Client, through: number): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const { payload, sequence = 0, topic } of await client.subscribe('load.#', { from: 'first' })) {
    rows.push({ i: (payload as { i: number }).i, sequence, topic });
    if (sequence >= through) break;
  }
  return rows;
}

/** How large a file the node may write, in bytes. */
function fileLimit(node: RunningNode, bytes: string): void {
  execFileSync('prlimit', ['--pid', `${node.child.pid}`, `--fsize=${bytes}:unlimited`]);
}

const canLimit = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0;

describe('a keeper whose disk is full', () => {
  test.skipIf(!canLimit)('refuses what is published, says why, and takes it again when there is room', async () => {
    const alpha = await start('alpha');
    const client = await clientOf(alpha);
    await client.keep('order.#');
    const publish = (i: number) => client.publish('load.disk', { i, text: 'x'.repeat(1_000) });
    await client.keep('load.#');
    for (let i = 1; i <= 20; i++) await publish(i);
    fileLimit(alpha, '200000');
    let confirmed = 20;
    const refusal = await (async () => {
      for (;;) {
        const { kept } = await publish(confirmed + 1);
        confirmed++;
        expect(kept).toBe(confirmed);
      }
    })().catch((error: unknown) => error);
    expect(refusal).toMatchObject({ problem: { code: 'store-failed', message: expect.stringContaining('topics.db') } });
    await expect(publish(confirmed + 1)).rejects.toMatchObject({ problem: { code: 'store-failed' } });
    expect(await client.publish('other', 1)).toMatchObject({ local: 0, nodes: 0 });
    fileLimit(alpha, 'unlimited');
    expect(await publish(confirmed + 1)).toMatchObject({ kept: confirmed + 1 });
    const rows = await rowsFrom(client, confirmed + 1);
    expect(rows.map(({ i }) => i)).toEqual(Array.from({ length: confirmed + 1 }, (_, i) => i + 1));
  });

  test('that finds its file damaged says so, and does not begin without what was kept', async () => {
    const alpha = await start('alpha');
    const client = await clientOf(alpha);
    await client.keep('order.#');
    await client.publish('order.eu', 1);
    alpha.child.kill('SIGKILL');
    await alpha.ended;
    const file = join(world.path('alpha'), 'topics.db');
    writeFileSync(file, 'no database');
    await expect(start('alpha')).rejects.toThrow(/store-corrupt|damaged/);
    expect(readFileSync(file, 'utf8')).toBe('no database');
  });
});

describe('a subscriber with a durable name that is killed', () => {
  test('misses nothing, and repeats at most what it had not acknowledged', async () => {
    const [alpha, beta] = await startAll('alpha', 'beta');
    const client = await clientOf(alpha);
    await client.keep('order.#', { countMax: 10_000_000 });
    const publisher = publishing(await clientOf(beta), 'order.eu');
    const lives: number[][] = [];
    let position = 0;
    for (const ms of [1_500, 900, 2_000, 1_200]) {
      const { child, seen } = subscriber(beta);
      lives.push(seen);
      await until(
        'it reads',
        () => seen.length,
        (count) => count > 100,
      );
      await pause(ms);
      expect(seen[0]).toBe(position + 1);
      child.kill('SIGKILL');
      await once(child, 'close');
      const names = async () => (await client.keeps()).flatMap(({ found }) => found)[0];
      await until(
        'nobody reads',
        async () => (await names())?.readers.length,
        (count) => count === 0,
      );
      position = (await names())?.names[0]?.position ?? 0;
      expect(position).toBeLessThanOrEqual(seen.at(-1) ?? 0);
    }
    await publisher.stop();
    const last = largest([...publisher.confirmed.values()]);
    const { child, seen } = subscriber(beta);
    lives.push(seen);
    await until(
      'it has all',
      () => seen.at(-1) ?? 0,
      (sequence) => sequence >= last,
    );
    child.kill('SIGKILL');
    for (const life of lives) {
      const [first = 0] = life;
      expect(life).toEqual(Array.from({ length: life.length }, (_, i) => first + i));
    }
    expect(new Set(lives.flat()).size).toBe(seen.at(-1));
    const repeated = lives.flat().length - (seen.at(-1) ?? 0);
    console.log(`      durable under SIGKILL: ${seen.at(-1)} messages, ${repeated} repeated`);
  });
});

/** `mpreg subscribe --durable`: the numbers that it has printed. */
function subscriber(node: RunningNode): { child: ChildProcessWithoutNullStreams; seen: number[] } {
  const args = ['subscribe', 'order.#', '--durable', 'books', '--from', 'first', '--json'];
  const child = world.spawn(args, { env: { MPREG_URL: node.url } });
  const seen: number[] = [];
  let rest = '';
  child.stdout.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) seen.push((JSON.parse(line) as { sequence: number }).sequence);
  });
  return { child, seen };
}

/** Of more numbers than a call has room for. */
function largest(numbers: readonly number[]): number {
  return numbers.reduce((most, number) => Math.max(most, number), 0);
}
