/**
 * Plans over several real processes. The node that is asked has no functions; `alpha`, `beta` and `gamma` have the same ones, and each
 * its name as a resource, by which steps say where they run; `pair` is a resource of the first two.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../src/engine/index.ts';
import { BUILT, type RunningNode, World } from '../cli/mpreg.ts';
import { until } from './until.ts';

const { connect }: typeof import('../../src/engine/index.ts') = await import('../../dist/engine/index.js' as string);

/** `slow` notes when it begins, ends, and is told to stop. */
const FUNCTIONS = `
import { appendFileSync } from 'node:fs';
const note = (log, what) => appendFileSync(log, what + ' ' + process.env.WHO + '\\n');
export const add = (value, more) => value + more;
export const fill = (bytes) => new Uint8Array(bytes).fill(7);
export const next = (bytes) => { const copy = bytes.slice(); copy[0]++; return copy; };
export const sizes = (...all) => all.map((bytes) => [bytes.length, bytes[0]]);
export async function slow(ms, value, log) {
  note(log, 'began');
  const { signal } = this;
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => { note(log, 'aborted'); clearTimeout(timer); resolve(); });
  });
  if (!signal.aborted) note(log, 'ended');
  return value;
}
`;

let world: World;
let front: RunningNode;
let workers: Readonly<Record<string, RunningNode>>;
let client: Client;
let log: string;

/** A mesh in which `front` knows what all workers have. */
async function mesh(names: readonly string[], ...args: string[]): Promise<void> {
  writeFileSync(world.path('functions.mjs'), FUNCTIONS);
  const resources = (name: string) =>
    (name === 'gamma' ? [name] : [name, 'pair']).flatMap((one) => ['--resource', one]);
  const start = (name: string) =>
    world.node(['--name', name, ...resources(name), '--functions', world.path('functions.mjs'), ...args], {
      env: { WHO: name },
    });
  front = await world.node(['--name', 'front']);
  const started = await Promise.all(names.map(async (name) => [name, await start(name)] as const));
  workers = Object.fromEntries(started);
  client = await connect({ reconnect: false, urls: [front.url] });
  await until(
    'front knows all functions',
    () => client.functions(),
    (functions) => functions.filter(({ name }) => name === 'slow').length === names.length,
  );
  await Promise.all(
    started.map(([, { url }]) =>
      until(
        'the workers know each other',
        async () => {
          const own = await connect({ reconnect: false, urls: [url] });
          const functions = await own.functions();
          await own.close();
          return functions;
        },
        (functions) => functions.filter(({ name }) => name === 'slow').length === names.length,
      ),
    ),
  );
}

beforeEach(() => {
  world = new World(BUILT);
  log = world.path('log');
  appendFileSync(log, '');
});

afterEach(async () => {
  await client?.close();
  await world.close();
});

const on = (node: string, name: string, fun: string, ...args: unknown[]) => ({ args, fun, locs: [node], name });
const noted = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []);
const began = (what: string) => until(what, noted, (lines) => lines.includes(what));
const heldBy = async ({ url }: RunningNode) => {
  const own = await connect({ reconnect: false, urls: [url] });
  const { calls } = await own.info();
  await own.close();
  return calls.held;
};
const nothingIsHeld = () =>
  until(
    'nothing is held',
    () =>
      Promise.all(
        Object.values(workers)
          .filter(({ child }) => child.exitCode === null && !child.killed)
          .map(heldBy),
      ),
    (held) => held.every((count) => count === 0),
  );

/** Bytes that a node has sent and received, its clients' included. */
async function bytesThrough({ url }: RunningNode): Promise<number> {
  const text = await (await fetch(`${url.replace('ws', 'http')}/metrics`)).text();
  const counted = [...text.matchAll(/^mpreg_wire_bytes_\w+_total (\d+)$/gm)].map(([, bytes]) => Number(bytes));
  expect(counted.length).toBe(2);
  return counted.reduce((sum, bytes) => sum + bytes, 0);
}

describe('a chain over two processes', () => {
  test('of ten steps gives its result, and the reply names the node of each step', async () => {
    await mesh(['alpha', 'beta']);
    const at = (i: number) => (i % 2 === 0 ? 'alpha' : 'beta');
    const steps = Array.from({ length: 10 }, (_, i) => on(at(i), `s${i}`, 'add', i === 0 ? 0 : `s${i - 1}`, i));
    writeFileSync(world.path('work', 'plan.json'), JSON.stringify(steps));
    const ran = await world.mpreg(['plan', 'run', 'plan.json', '--url', front.url]);
    expect(ran).toMatchObject({ code: 0, stdout: '{"s9":45}\n' });
    const reply = await client.run(steps);
    expect(reply.results).toEqual({ s9: 45 });
    expect(reply.steps.map(({ name, node, state }) => [name, node, state])).toEqual(
      steps.map(({ name }, i) => [name, at(i), 'done']),
    );
    for (const { startedMs, tookMs } of reply.steps)
      expect([startedMs, tookMs]).toEqual([expect.any(Number), expect.any(Number)]);
    expect((await client.run({ resumable: true, steps })).results).toEqual({ s9: 45 });
    await nothingIsHeld();
  });

  test('of eight steps carries a mebibyte, and none of it goes through the node that was asked', async () => {
    await mesh(['alpha', 'beta']);
    const at = (i: number) => (i % 2 === 0 ? 'alpha' : 'beta');
    const middle = Array.from({ length: 6 }, (_, i) => on(at(i + 1), `s${i + 1}`, 'next', `s${i}`));
    const steps = [on('alpha', 's0', 'fill', 1 << 20), ...middle, on('beta', 's7', 'sizes', 's6')];
    const fan = ['a', 'b', 'c', 'd'].map((name, i) => on(at(i), name, 'fill', 1 << 20));
    const join = [...fan, on('alpha', 'join', 'sizes', 'a', 'b', 'c', 'd')];
    await client.run(steps);
    const before = await bytesThrough(front);
    expect((await client.run(steps)).results).toEqual({ s7: [[1 << 20, 13]] });
    expect((await client.run(join)).results).toEqual({ join: Array.from({ length: 4 }, () => [1 << 20, 7]) });
    expect((await bytesThrough(front)) - before).toBeLessThan(200 * 1024);
    await nothingIsHeld();
  });

  test('that runs only as far as the memory of a node for plans says why it went no further', async () => {
    await mesh(['alpha', 'beta'], '--plan-memory', '1');
    const steps = [
      on('alpha', 'a', 'fill', 900_000),
      on('alpha', 'b', 'fill', 900_000),
      on('beta', 'join', 'sizes', 'a', 'b'),
    ];
    const { problem } = await client.run(steps);
    expect(problem).toMatchObject({ code: 'limit-exceeded', node: 'alpha' });
    expect(problem?.message).toMatch(
      /^the value of [ab] \(9000\d\d bytes\) does not fit beside the 9000\d\d bytes that plans keep on alpha already; the limit is 1048576$/,
    );
    expect(problem?.hint).toContain('--plan-memory');
    expect((await client.run([steps[0], on('beta', 'join', 'sizes', 'a')] as never)).results).toEqual({
      join: [[900_000, 7]],
    });
    await nothingIsHeld();
  });
});

describe('a node that has part of a chain is killed', () => {
  test('in the middle of its step: what may be repeated is done elsewhere', async () => {
    await mesh(['alpha', 'beta', 'gamma']);
    const plan = [
      on('gamma', 'first', 'add', 1, 1),
      on('pair', 'second', 'slow', 2_000, 'first', log),
      on('gamma', 'third', 'add', 'second', 1),
    ];
    const running = client.run(plan.map((step) => ({ ...step, idempotent: true })));
    await until('it has begun', noted, ([line]) => line?.startsWith('began') === true);
    const [killed = '', other = ''] = noted().includes('began alpha') ? ['alpha', 'beta'] : ['beta', 'alpha'];
    workers[killed]?.child.kill('SIGKILL');
    const { results, steps } = await running;
    expect(results).toEqual({ third: 3 });
    expect(steps.map(({ node }) => node)).toEqual(['gamma', other, 'gamma']);
    expect(noted()).toEqual([`began ${killed}`, `began ${other}`, `ended ${other}`]);
  });

  test('in the middle of its step: what may not be repeated is lost, and that is said before it would have ended', async () => {
    await mesh(['alpha', 'beta']);
    const began_ = performance.now();
    const running = client.run([
      on('alpha', 'first', 'add', 1, 1),
      on('beta', 'second', 'slow', 120_000, 'first', log),
      on('alpha', 'third', 'add', 'second', 1),
    ]);
    await began('began beta');
    await pause(500); // long enough for beta to have said that the chain is there
    workers['beta']?.child.kill('SIGKILL');
    const { problem, steps } = await running;
    expect(performance.now() - began_).toBeLessThan(100_000);
    expect(problem).toMatchObject({ code: 'link-lost' });
    expect(problem?.outcome).not.toBe('did-not-happen');
    expect(steps.map(({ name, state }) => [name, state])).toEqual([
      ['first', 'done'],
      ['second', 'failed'],
      ['third', 'failed'],
    ]);
  });

  test('after it has handed it on: nobody misses it', async () => {
    await mesh(['alpha', 'beta']);
    const running = client.run([on('alpha', 'first', 'add', 1, 1), on('beta', 'second', 'slow', 3_000, 'first', log)]);
    await began('began beta');
    workers['alpha']?.child.kill('SIGKILL');
    expect((await running).results).toEqual({ second: 2 });
    expect(noted()).toEqual(['began beta', 'ended beta']);
  });
});

describe('a chain that nobody wants any more', () => {
  const steps = () => [
    on('alpha', 'first', 'add', 1, 1),
    on('beta', 'second', 'slow', 20_000, 'first', log),
    on('alpha', 'third', 'slow', 0, 'second', log),
  ];
  const told = async () => {
    await until('beta was told to stop', noted, (lines) => lines.includes('aborted beta'));
    await pause(1_000);
    expect(noted()).toEqual(['began beta', 'aborted beta']);
  };

  test.each([
    ['at once', 0],
    ['after a while', 400],
  ])('because its client has gone %s is stopped where it is, and nothing of it starts', async (_, ms) => {
    await mesh(['alpha', 'beta']);
    void client.run(steps()).catch(() => undefined);
    await began('began beta');
    await pause(ms);
    await client.close();
    await told();
  });

  test('because of Ctrl-C is stopped where it is', async () => {
    await mesh(['alpha', 'beta']);
    writeFileSync(world.path('work', 'plan.json'), JSON.stringify(steps()));
    const child = world.spawn(['plan', 'run', 'plan.json', '--url', front.url, '--timeout', '30s']);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await began('began beta');
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    await told();
  });

  test('because its time is up is stopped where it is, and the reply says so', async () => {
    await mesh(['alpha', 'beta']);
    const reply = await client.run({ steps: steps(), timeoutMs: 1_500 });
    expect(reply.problem?.code).toBe('timed-out');
    expect(reply.steps.map(({ state }) => state)).not.toContain('failed');
    await told();
  });

  test('because the node of the plan was killed is stopped where it is', async () => {
    await mesh(['alpha', 'beta']);
    void client.run(steps()).catch(() => undefined);
    await began('began beta');
    await pause(300);
    front.child.kill('SIGKILL');
    await told();
    await nothingIsHeld();
  });
});

describe('a node that is told to stop while it has a chain', () => {
  test('ends its step first, and hands the rest on', async () => {
    await mesh(['alpha', 'beta']);
    const running = client.run([on('alpha', 'first', 'slow', 2_000, 1, log), on('beta', 'second', 'add', 'first', 1)]);
    await began('began alpha');
    workers['alpha']?.child.kill('SIGTERM');
    expect((await running).results).toEqual({ second: 2 });
    expect((await workers['alpha']?.ended)?.code).toBe(0);
  });

  test('waits for those who need a value that it holds', async () => {
    await mesh(['alpha', 'beta', 'gamma']);
    const running = client.run([
      on('alpha', 'value', 'fill', 200_000),
      on('beta', 'slow', 'slow', 2_000, 'x', log),
      on('gamma', 'join', 'sizes', 'value', 'slow'),
    ]);
    await began('began beta');
    await until(
      'alpha holds it',
      () => heldBy(workers['alpha'] as RunningNode),
      (held) => held === 1,
    );
    workers['alpha']?.child.kill('SIGTERM');
    expect((await running).results).toEqual({
      join: [
        [200_000, 7],
        [1, 'x'],
      ],
    });
    expect((await workers['alpha']?.ended)?.code).toBe(0);
  });
});
