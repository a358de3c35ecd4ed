import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { payloadFrom } from '../../../src/engine/wire/payload.ts';
import { soon } from '../../soon.ts';
import { type Caller, clock, Modules, pause } from './harness.ts';

const modules = new Modules();
let file = '';
/** For all tests that leave it as it was. */
let caller: Caller;
afterAll(async () => {
  await modules.closeAll();
  modules.remove();
});

beforeAll(async () => {
  file = modules.write(
    'functions.ts',
    `import { context } from 'mpreg';
     export const echo = (x: unknown) => x;
     export const all = (...args: unknown[]) => args;
     export const wait = async (ms: number) => { await new Promise((r) => setTimeout(r, ms)); return ms; };
     export const spin = (ms: number) => { const end = performance.now() + ms; while (performance.now() < end); return ms; };
     export const fails = (how: string) => {
       if (how === 'error') throw new RangeError('too far');
       if (how === 'text') throw 'just text';
       if (how === 'undefined') throw undefined;
       if (how === 'because') throw new Error('outer', { cause: new TypeError('inner', { cause: 'deep text' }) });
       if (how === 'all') throw new AggregateError([new RangeError('first'), { second: 2 }], 'several');
       if (how === 'circle') { const e: Error = new Error('round'); e.cause = e; throw e; }
       if (how === 'trap') throw new Proxy({}, { get() { throw 1; }, has() { throw 2; }, getPrototypeOf() { throw 3; } });
       return Promise.reject(new Error('later'));
     };
     export const returns = (what: string) => {
       if (what === 'function') return { list: [1, () => 2] };
       if (what === 'cycle') { const a: unknown[] = []; a.push(a); return a; }
       if (what === 'class') return new (class Thing { go() {} })();
       if (what === 'nothing') return undefined;
       if (what === 'date') return new Date(7);
       return { then: (f: (x: unknown) => void) => f(Symbol('s')) };
     };
     export const rejectsLater = () => { Promise.reject(new Error('forgotten')); return 1; };
     export function untilAbort(this: { signal: AbortSignal }) {
       const { signal } = this;
       return new Promise((_, no) => signal.addEventListener('abort', () => no(signal.reason)));
     }
     export const ignores = () => new Promise(() => {});
     export async function asked(this: any, kw: object) {
       await null;
       const { step, deadline } = context();
       context().log('hello', { a: 1 });
       return { same: context() === this, step, left: deadline === undefined ? null : deadline - Date.now(), kw };
     }
     export function* count(n: number) { for (let i = 1; i <= n; i++) yield i; return 'end'; }
     export async function* forever(this: any) { try { for (let i = 0; ; i++) yield i; } finally { console.log('closed'); } }
     export async function* slow() { yield 1; await new Promise(() => {}); }
     export function* bad() { yield 1; yield () => 2; }
     export const speaks = () => { console.log('to stdout'); console.error('to stderr'); process.stdout.write('no end'); };
     export const big = (bytes: Uint8Array) => bytes.length;`,
  );
  caller = await start();
});

const start = (options = {}) => modules.start([file], options);

describe('a function in a worker', () => {
  test('gets its arguments, kwargs last, and its value comes back', async () => {
    expect(
      await caller.call('all', [1, 'two', { three: [4n, new Date(5)] }, undefined], { kwargs: { k: 'v' } }),
    ).toEqual([1, 'two', { three: [4n, new Date(5)] }, undefined, { k: 'v' }]);
    expect(await caller.call('returns', ['nothing'])).toBeUndefined();
    expect(await caller.call('returns', ['date'])).toEqual(new Date(7));
    expect(await caller.call('big', [new Uint8Array(5_000_000)])).toBe(5_000_000);
  });

  test('sees its call through this and through context()', async () => {
    const got = await caller.call('asked', [{ k: 1 }], { deadline: clock.now() + 5_000, step: 'clean' });
    expect(got).toMatchObject({ kw: { k: 1 }, same: true, step: 'clean' });
    const { left } = got as { left: number };
    expect(left).toBeGreaterThan(3_000);
    expect(left).toBeLessThanOrEqual(5_000);
    expect(await caller.call('asked', [])).toMatchObject({ left: null, step: undefined });
    expect(modules.lines).toContain('info hello {"a":1,"fun":"asked"}');
  });

  test('what is no list of arguments, and an unknown function, are refused', async () => {
    expect(await caller.problem('echo', [], { payload: payloadFrom(Uint8Array.of(0xc1)) })).toMatchObject({
      code: 'value-undecodable',
    });
    expect(await caller.problem('echo', [], { payload: payloadFrom(Uint8Array.of(1)) })).toMatchObject({
      code: 'value-undecodable',
    });
    expect(await caller.problem('nothing')).toMatchObject({ code: 'not-here' });
  });

  const thrown: readonly (readonly [string, object])[] = [
    ['error', { message: 'too far', name: 'RangeError' }],
    ['later', { message: 'later', name: 'Error' }],
    ['text', { message: 'just text', name: 'String' }],
    ['undefined', { message: 'undefined', name: 'undefined' }],
    [
      'because',
      {
        message: 'outer',
        stack: expect.stringMatching(/^Error: outer\n.*\n\[cause\]: TypeError: inner\n.*\n\[cause\]: deep text/s),
      },
    ],
    [
      'all',
      {
        name: 'AggregateError',
        stack: expect.stringMatching(/\n\[errors\[0\]\]: RangeError: first\n.*\n\[errors\[1\]\]: { second: 2 }/s),
      },
    ],
    ['circle', { message: 'round' }],
    ['trap', { message: 'what it threw cannot be shown' }],
  ];
  test.each(thrown)('that throws (%s) fails with what it threw', async (how, cause) => {
    const problem = await caller.problem('fails', [how], { step: 's' });
    expect(problem).toMatchObject({ cause, code: 'function-failed', fun: 'fails', step: 's' });
    if (how === 'error') expect(problem.cause?.stack).toContain('functions.ts:');
  });

  test.each([
    ['function', 'result.list[1]'],
    ['cycle', 'result'],
    ['class', 'result'],
    ['symbol', 'result'],
  ])('that returns a %s says which part cannot be sent', async (what, path) => {
    const problem = await caller.problem('returns', [what]);
    expect([problem.code, problem.outcome]).toEqual(['result-unencodable', 'unknown']);
    expect(`${problem.path} ${problem.message}`).toContain(path);
  });

  test('writes to the log, not to the standard output of its node', async () => {
    await caller.call('speaks');
    await pause(50);
    expect(modules.lines).toContain('info to stdout {"from":"functions"}');
    expect(modules.lines).toContain('warn to stderr {"from":"functions"}');
  });

  test('that forgets a rejected promise is logged, and harms nobody', async () => {
    expect(await caller.call('rejectsLater')).toBe(1);
    expect(await caller.call('echo', [2])).toBe(2);
    await vi.waitFor(
      () => expect(modules.lines).toContainEqual(expect.stringMatching(/^warn a promise was rejected.*forgotten/)),
      soon,
    );
  });

  test('a thousand at once all come back, each with its own value', async () => {
    const got = await Promise.all(
      Array.from({ length: 3_000 }, (_, i) => caller.call(i % 2 ? 'echo' : 'wait', [i % 5])),
    );
    expect(got).toEqual(Array.from({ length: 3_000 }, (_, i) => i % 5));
    expect([...caller.answers.values()].every((times) => times === 1)).toBe(true);
  });
});

describe('a stream', () => {
  test('gives its items in order, then the value it returned', async () => {
    expect(await caller.call('count', [5])).toBe('end');
    expect(caller.items.get(caller.last)).toEqual([1, 2, 3, 4, 5]);
  });

  test('without end stops when it is aborted, and runs its finally', async () => {
    const caller = await start({ workers: 1 });
    const stream = caller.problem('forever');
    const task = caller.last;
    await vi.waitFor(() => expect(caller.items.get(task)?.length).toBeGreaterThan(10), soon);
    expect(await caller.call('echo', ['beside it'])).toBe('beside it');
    caller.runner.abort(task, 'enough');
    expect(await stream).toMatchObject({ code: 'cancelled', message: 'forever was cancelled: enough' });
    const count = caller.items.get(task)?.length ?? 0;
    await pause(30);
    expect(caller.items.get(task)?.length).toBe(count);
    expect(modules.lines).toContain('info closed {"from":"functions"}');
  });

  test('with an item that cannot be sent ends with the problem', async () => {
    expect(await caller.problem('bad')).toMatchObject({ code: 'result-unencodable', outcome: 'unknown' });
    expect(caller.items.get(caller.last)).toEqual([1]);
  });
});

describe('time and cancellation', () => {
  test('a deadline aborts the signal', async () => {
    const before = clock.now();
    const problem = await caller.problem('untilAbort', [], { deadline: before + 80 });
    expect(problem).toMatchObject({ cause: { name: 'TimeoutError' }, code: 'timed-out' });
    expect(clock.now() - before).toBeGreaterThanOrEqual(70);
  });

  test('an abort reaches a running function with its reason', async () => {
    const call = caller.problem('untilAbort');
    await pause(20);
    caller.runner.abort(caller.last, 'the caller went away');
    expect(await call).toMatchObject({ cause: { message: 'the caller went away' }, code: 'cancelled' });
  });

  test('an abort before the function began certainly prevents it', async () => {
    const call = caller.problem('echo', [1]);
    caller.runner.abort(caller.last, 'changed my mind');
    expect(await call).toMatchObject({ code: 'cancelled', outcome: 'did-not-happen' });
    expect(caller.answers.get(caller.last)).toBe(1);
  });

  test('who waits behind a blocked worker until its time is up never began', async () => {
    const caller = await start({ workers: 1 });
    const block = caller.call('spin', [2_000]);
    await pause(20);
    expect(await caller.problem('echo', [1], { deadline: clock.now() + 60 })).toMatchObject({
      code: 'timed-out-before-start',
    });
    expect(await block).toBe(2_000);
  });

  test('a function that ignores its abort is answered all the same, and its thread goes on for others', async () => {
    const caller = await start({ ignoredMs: 500, workers: 1 });
    const call = caller.problem('ignores');
    await pause(20);
    const from = clock.now();
    caller.runner.abort(caller.last, 'stop');
    expect(await call).toMatchObject({ code: 'cancelled', message: 'ignores was cancelled (stop), and goes on' });
    expect(clock.now() - from).toBeGreaterThanOrEqual(500);
    await pause(1_500);
    expect(await caller.call('echo', ['alive'])).toBe('alive');
    expect(modules.lines.filter((line) => line.startsWith('warn a worker'))).toEqual([]);
  });
});
