import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { soon } from '../../soon.ts';
import { clock, Modules, pause } from './harness.ts';

const modules = new Modules();
let file = '';
afterEach(() => modules.closeAll());
afterAll(() => modules.remove());

beforeAll(() => {
  file = modules.write(
    'trouble.ts',
    `import { appendFileSync, existsSync } from 'node:fs';
     export const echo = (x: unknown) => x;
     export const spin = (ms: number) => { const end = performance.now() + ms; while (performance.now() < end); return ms; };
     export const wedge = (told?: string) => { if (told) appendFileSync(told, 'x'); while (true); };
     export const until = (file: string) => { while (!existsSync(file)); return 'released'; };
     export const exits = () => process.exit(7);
     export const never = () => new Promise(() => {});
     export const throwsLater = () => { setTimeout(() => { throw new Error('stray'); }, 1); return new Promise(() => {}); };
     export const eats = () => { const all: unknown[] = []; for (;;) all.push(new Array(10_000).fill(all.length)); };
     const kept: Uint8Array[] = [];
     export const hoards = () => { for (let i = 0; i < 40; i++) kept.push(new Uint8Array(4_000_000).fill(1)); while (true); };
     export const leaks = async () => { for (;;) { kept.push(new Uint8Array(4_000_000).fill(1)); await new Promise((r) => setTimeout(r, 5)); } };
     export const deep = (): number => 1 + deep();
     export const shouts = () => { for (let i = 0; i < 5_000; i++) console.log('line', i); };`,
  );
});

const start = (options = {}) => modules.start([file], options);

describe('a worker dies', () => {
  const deaths: readonly (readonly [string, RegExp])[] = [
    ['exits', /exits was lost: its worker exited with code 7/],
    ['throwsLater', /its worker crashed: Error: stray/],
    ['eats', /its worker ran out of memory/],
    ['hoards', /its worker ran out of memory: its buffers took more than 64 MiB/],
    ['leaks', /its worker ran out of memory: its buffers took more than 64 MiB/],
  ];
  test.each(deaths)('by %s: its call fails with the reason, and later calls run', async (fun, message) => {
    const caller = await start({ heapMbMax: 32 });
    expect(await caller.problem(fun)).toMatchObject({
      code: 'worker-died',
      fun,
      message: expect.stringMatching(message),
    });
    expect(await caller.call('echo', ['again'])).toBe('again');
  });

  test('not by endless recursion, which is an error like others', async () => {
    const caller = await start();
    expect(await caller.problem('deep')).toMatchObject({ cause: { name: 'RangeError' }, code: 'function-failed' });
  });

  test('those behind it that had not begun run elsewhere', async () => {
    const caller = await start({ workers: 1 });
    const dying = caller.problem('exits');
    const behind = Array.from({ length: 20 }, (_, i) => caller.call('echo', [i]));
    expect(await dying).toMatchObject({ code: 'worker-died' });
    expect(await Promise.all(behind)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect([...caller.answers.values()].every((times) => times === 1)).toBe(true);
  });

  test('those beside it that had begun fail with it', async () => {
    const caller = await start({ workers: 1 });
    const beside = caller.problem('never');
    await pause(20);
    await caller.problem('exits');
    expect(await beside).toMatchObject({ code: 'worker-died', fun: 'never' });
  });

  test('again and again: it is started again after growing pauses', async () => {
    const caller = await start({ workers: 1 });
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      const from = clock.now();
      await caller.problem('exits');
      times.push(clock.now() - from);
    }
    expect(times.at(-1)).toBeGreaterThan(400); // the fourth death costs 400 ms of rest
    expect(await caller.call('echo', [1])).toBe(1);
  });
});

describe('a function blocks its thread', () => {
  test('and others run meanwhile, also those that were sent behind it', async () => {
    const caller = await start({ workers: 2 });
    const file = modules.write('released/first', '');
    rmSync(file);
    const blocked = caller.call('until', [file]);
    const others = Array.from({ length: 200 }, (_, i) => caller.call('echo', [i]));
    expect(await Promise.all(others)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    writeFileSync(file, '');
    expect(await blocked).toBe('released');
  });

  test('work that keeps threads busy is shared between them', async () => {
    const caller = await start({ workers: 2 });
    await Promise.all([caller.call('spin', [30]), caller.call('spin', [30])]);
    const file = modules.write('released/second', '');
    rmSync(file);
    const blocked = caller.call('until', [file]);
    await Promise.all(Array.from({ length: 12 }, () => caller.call('spin', [40])));
    writeFileSync(file, '');
    expect(await blocked).toBe('released');
  });

  test('all threads, for ever: more are started, and those that nobody waits for are ended', async () => {
    const caller = await start({ ignoredMs: 3_000, workers: 1 });
    const wedged = caller.problem('wedge', [], { deadline: clock.now() + 300 });
    await pause(50);
    expect(await caller.call('echo', ['through'])).toBe('through');
    expect(await wedged).toMatchObject({ code: 'timed-out' });
    const ended = expect.stringMatching(/^warn a worker was blocked, and nobody waited/);
    await vi.waitFor(() => expect(modules.lines).toContainEqual(ended), soon);
    expect(await caller.call('echo', ['after'])).toBe('after');
  });

  test('all that there may be: others wait, and those that are too many are refused at once', async () => {
    const caller = await start({ waitingMax: 5, workers: 1 });
    const told = modules.write('wedged', '');
    const wedged = (count: number) => vi.waitFor(() => expect(readFileSync(told, 'utf8')).toHaveLength(count), soon);
    void caller.call('wedge', [told]);
    await wedged(1);
    void caller.call('wedge', [told]);
    await wedged(2);
    const waiting = Array.from({ length: 5 }, (_, i) => caller.problem('echo', [i], { deadline: clock.now() + 3_000 }));
    expect(await caller.problem('echo', [6])).toMatchObject({ code: 'overloaded' });
    for (const one of waiting) expect(await one).toMatchObject({ code: 'timed-out-before-start' });
  });
});

test('a function that says too much is cut short in the log, and the number of lost lines is told', async () => {
  const caller = await start({ workers: 1 });
  await caller.call('shouts');
  await pause(1_100);
  await caller.call('shouts');
  await vi.waitFor(
    () => expect(modules.lines).toContainEqual(expect.stringMatching(/^info \d+ lines were too many, and are lost/)),
    soon,
  );
  expect(modules.lines.length).toBeLessThan(4_000);
});

describe('closing', () => {
  test('waits for what runs, takes nothing new, and ends', async () => {
    const caller = await start();
    const running = caller.call('spin', [150]);
    await pause(20);
    const closing = caller.runner.close(5_000);
    expect(await caller.problem('echo', [1])).toMatchObject({ code: 'node-stopping' });
    expect(await running).toBe(150);
    await closing;
  });

  test('cuts off after its grace', async () => {
    const caller = await start();
    void caller.call('wedge');
    await pause(20);
    await caller.runner.close(100);
  });
});

describe('arguments that cannot be encoded', () => {
  const nested = (depth: number) => {
    let value: unknown = 'core';
    for (let i = 0; i < depth; i++) value = [value];
    return value;
  };

  test('are refused as a call that did not happen, and the thread goes on with what others ask', async () => {
    const caller = await start();
    const [problem, value] = await Promise.all([caller.problem('echo', [nested(210)]), caller.call('echo', ['next'])]);
    expect(problem).toMatchObject({ code: 'result-unencodable', fun: 'echo', outcome: 'did-not-happen' });
    expect(problem.message).toMatch(/^the arguments of echo cannot be sent: value\.args.*deeper than/);
    expect(value).toBe('next');
  });
});
