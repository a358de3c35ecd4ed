/** Many real nodes: thirty processes from one seed, and two hundred that come and go. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Client, connect, createNode } from '../../src/engine/index.ts';
import { BUILT, World } from '../cli/mpreg.ts';
import { until } from './until.ts';

let world: World;
let client: Client | undefined;

beforeEach(() => {
  world = new World(BUILT);
});

afterEach(async () => {
  await client?.close();
  client = undefined;
  await world.close();
});

test('thirty processes that know one seed become one mesh', async () => {
  const seed = await world.node(['--name', 'seed', '--no-discover']);
  const from = performance.now();
  const others = await Promise.all(
    Array.from({ length: 29 }, (_, i) => world.node(['--name', `n${i}`, '--no-discover', '--peer', seed.url])),
  );
  const urls = [seed, ...others].map(({ url }) => url);
  for (const url of urls) {
    const asked = await connect({ urls: [url] });
    await until(
      `${url} sees 30`,
      () => asked.members(),
      (seen) => seen.filter(({ state }) => state === 'alive').length === 30,
    );
    await asked.close();
  }
  const tookMs = Math.round(performance.now() - from);
  console.log(`30 nodes formed in ${tookMs} ms, starting 29 processes included`);
});

test('two hundred nodes that join and leave cost the one that stays no memory', async () => {
  const stays = await world.node(['--name', 'stays', '--no-discover']);
  client = await connect({ urls: [stays.url] });
  const comeAndGo = async (count: number) => {
    for (let round = 0; round < count / 10; round++) {
      const nodes = await Promise.all(
        Array.from({ length: 10 }, () => createNode({ discover: false, peers: [stays.url], workers: 1 })),
      );
      await Promise.all(nodes.map((node) => node.joined(60_000)));
      await Promise.all(nodes.map((node) => node.leave({ graceMs: 0 })));
    }
  };
  await comeAndGo(100);
  const before = residentKiB(stays.pid);
  await comeAndGo(200);
  const grown = residentKiB(stays.pid) - before;
  console.log(`200 nodes came and went: ${before} KiB before, ${grown} KiB more after`);
  expect(grown).toBeLessThan(20 * 1024);
  const members = await client.members();
  expect(members.filter(({ state }) => state === 'alive')).toHaveLength(1);
  expect(members.every(({ state }) => state === 'alive' || state === 'left')).toBe(true);
});

function residentKiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
