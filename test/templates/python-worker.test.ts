/** The protocol as the Python template speaks it, without a mesh around. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Client, MpregNode } from '../../src/engine/api.ts';
import { createNode } from '../../src/engine/create-node.ts';
import { ExecRunner } from '../../src/engine/host/functions/exec-runner.ts';
import { type Caller, clock, Modules, pause } from '../host/functions/harness.ts';

const FUNCTIONS = `
import time
from mpreg_worker import CallFailed, call, context, function, serve

@function
def same(value):
    """Gives back what it gets.

    More about it."""
    return value

@function(name="all.of.it", version="2.1.0", resources=["gpu"], idempotent=True)
def everything(*args, **kwargs):
    print("to the log")
    return {"args": args, "kwargs": kwargs, "step": context().step, "left": context().deadline and context().deadline - time.time()}

@function
def fails():
    return {}["absent"]

@function
def sleeps(seconds):
    time.sleep(seconds)
    return seconds

@function
def until_cancelled():
    while True:
        context().check()
        time.sleep(0.01)

@function
def counts(n):
    try:
        for i in range(n):
            yield i
        return "end"
    finally:
        print("closed")

@function
def bad():
    return object()

@function
def leaves():
    import os
    os._exit(7)

@function
def asks(fun, *args, **kwargs):
    return call(fun, *args, **kwargs)

@function
def asks_here(fun):
    return call(fun, _options={"locs": ["gpu"], "timeoutMs": 5000})

@function
def catches(fun):
    try:
        return call(fun)
    except CallFailed as error:
        return [error.code, error.node, str(error)]

serve(threads=4)
`;

import { soon } from '../soon.ts';

const modules = new Modules();
let caller: Caller<ExecRunner>;
beforeEach(async ({ skip }) => {
  if (spawnSync('python3', ['--version']).status !== 0) skip('there is no python3 here');
  const library = readFileSync(new URL('../../templates/python-worker/mpreg_worker.py', import.meta.url), 'utf8');
  modules.write('mpreg_worker.py', library);
  const program = modules.write('functions.py', FUNCTIONS);
  const command = { args: [program], name: undefined, program: 'python3' };
  caller = modules.keep(await ExecRunner.start({ clock, command, log: modules.log }));
});
afterEach(() => modules.closeAll());
afterAll(() => modules.remove());

test('functions are declared as their decorators say', () => {
  const records = caller.runner.offers.map(({ record }) => record);
  expect(records.slice(0, 2)).toEqual([
    { description: 'Gives back what it gets.', name: 'same', resources: [], version: '1.0.0' },
    { idempotent: true, name: 'all.of.it', resources: ['gpu'], version: '2.1.0' },
  ]);
});

const values: readonly unknown[] = [
  ['ü\u2028', true, null, 1.5, -7, 2 ** 52],
  { nested: { deep: [[]] } },
  Uint8Array.of(0, 255),
  new Date('2026-01-02T03:04:05.678Z'),
  12n ** 30n,
  Number.NaN,
  Number.NEGATIVE_INFINITY,
  new Map([[1, new Set(['a'])]]),
  new Float32Array([1.5, -2.25]),
  { $bytes: 'not bytes' },
  '\ud800',
];
test('values of all kinds come back as they went', async () => {
  for (const value of values) expect(await caller.call('same', [value])).toEqual(value);
});

test('a function gets arguments, kwargs and its call; what it prints goes to the log', async () => {
  const about = { deadline: clock.now() + 5_000, kwargs: { k: [1] }, step: 'clean' };
  const got = await caller.call('all.of.it', [1, 'two'], about);
  expect(got).toEqual({ args: [1, 'two'], kwargs: { k: [1] }, left: expect.closeTo(5, 0), step: 'clean' });
  expect(await caller.call('all.of.it')).toEqual({ args: [], kwargs: {}, left: null, step: null });
  await vi.waitFor(() => expect(modules.lines).toContain('info to the log {"from":"python3"}'), soon);
});

test('an exception arrives with its name, message and traceback', async () => {
  const { cause } = await caller.problem('fails');
  expect(cause).toMatchObject({ message: "'absent'", name: 'KeyError' });
  expect(cause?.stack).toMatch(/functions\.py", line \d+, in fails/);
  expect(await caller.problem('bad')).toMatchObject({
    cause: { message: expect.stringMatching(/a object cannot be sent/) },
  });
  expect(await caller.problem('same')).toMatchObject({ cause: { name: 'TypeError' } });
});

test('calls run beside each other', async () => {
  const from = clock.now();
  expect(await Promise.all([2, 2, 2].map((seconds) => caller.call('sleeps', [seconds])))).toEqual([2, 2, 2]);
  expect(clock.now() - from).toBeLessThan(5_900);
});

test('a function that looks for it stops when it is cancelled', async () => {
  const call = caller.problem('until_cancelled');
  await pause(100);
  caller.runner.abort(caller.last, 'the caller went away');
  expect(await call).toMatchObject({ cause: { name: 'Cancelled' }, code: 'cancelled' });
});

test("a generator's items are sent as they come, and it is closed when nobody wants more", async () => {
  expect(await caller.call('counts', [3])).toBe('end');
  expect(caller.items.get(caller.last)).toEqual([0, 1, 2]);
  const stream = caller.problem('counts', [100_000_000]);
  const task = caller.last;
  await vi.waitFor(() => expect(caller.items.get(task)?.length).toBeGreaterThan(10), soon);
  caller.runner.abort(task, 'enough');
  expect(await stream).toMatchObject({ code: 'cancelled' });
  await vi.waitFor(() => expect(modules.lines.filter((line) => line.startsWith('info closed'))).toHaveLength(2), soon);
});

test('a generator waits while nobody takes what it yields', async () => {
  void caller.call('counts', [100_000_000], { paced: true });
  const task = caller.last;
  const before = await vi.waitFor(async () => {
    const count = caller.items.get(task)?.length ?? 0;
    expect(count).toBeGreaterThan(100);
    await pause(300);
    expect(caller.items.get(task)?.length).toBe(count);
    return count;
  }, soon);
  caller.runner.more(task, before);
  await vi.waitFor(() => expect(caller.items.get(task)?.length).toBeGreaterThan(before), soon);
  caller.runner.abort(task, 'enough');
});

test('a program that leaves is started again', async () => {
  expect(await caller.problem('leaves')).toMatchObject({
    code: 'worker-died',
    message: expect.stringMatching(/exited with code 7/),
  });
  expect(await caller.call('same', [1])).toBe(1);
});

describe('on a node', () => {
  let node: MpregNode;
  let client: Client;
  beforeEach(async () => {
    const exec = [`python3 '${modules.root}/functions.py'`];
    node = await createNode({ discover: false, exec, log: modules.log, name: 'snake' });
    client = await node.client();
  });
  afterEach(async () => {
    await client.close();
    await node.kill();
  });

  test('functions call others, which get what they are given and give what they have', async () => {
    const value = { at: new Date(0), bytes: Uint8Array.of(1), many: [1n << 70n, null] };
    expect(await client.call('asks', 'echo', value)).toEqual(value);
    expect(await client.call.with({ kwargs: { k: 2 } })('asks', 'echos', 1)).toEqual([1, { k: 2 }]);
    await expect(client.call('asks_here', 'echo')).rejects.toMatchObject({
      problem: { cause: { message: expect.stringContaining('none with all of "gpu"'), name: 'CallFailed' } },
    });
    expect(await client.call('catches', 'fails')).toEqual([
      'function-failed',
      'snake',
      "fails threw KeyError: 'absent'",
    ]);
  });

  test('functions that wait for others leave them threads to run in', async () => {
    const all = Array.from({ length: 8 }, (_, i) => client.call('asks', 'asks', 'asks', 'same', i));
    expect(await Promise.all(all)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});
