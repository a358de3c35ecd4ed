import { afterEach, describe, expect, test } from 'vitest';
import type { CallContext, FunctionDefinition } from '../../../src/engine/api.ts';
import { context } from '../../../src/engine/define-function.ts';
import { createRunner } from '../../../src/engine/host/functions/create-runner.ts';
import { InlineRunner } from '../../../src/engine/host/functions/inline-runner.ts';
import { Runners } from '../../../src/engine/host/functions/runners.ts';
import { payloadOf } from '../../../src/engine/wire/payload.ts';
import { Caller, clock, deaf, Modules, nobody, pause } from './harness.ts';

const modules = new Modules();
afterEach(() => modules.remove());

const inline = (definitions: readonly FunctionDefinition[]) =>
  new InlineRunner({ clock, definitions, log: () => undefined });

function untilAbort(this: CallContext) {
  return new Promise((_, reject) => this.signal.addEventListener('abort', () => reject(this.signal.reason)));
}

describe('functions on the loop', () => {
  const runner = inline([
    { name: 'add', run: (a: number, b: number) => a + b },
    { name: 'step', run: () => context().step, version: '2.0.0' },
    { name: 'fails', run: () => Promise.reject(new Error('no')) },
    { name: 'untilAbort', run: untilAbort },
    {
      name: 'count',
      run: async function* () {
        yield 1;
        yield 2;
      },
    },
    { name: 'add', run: () => 'never: the first of a name counts' },
  ]);
  const caller = new Caller(runner);

  test('are offered once each', () => {
    expect(runner.offers.map(({ record: { name, version } }) => `${name} ${version}`)).toEqual([
      'add 1.0.0',
      'step 2.0.0',
      'fails 1.0.0',
      'untilAbort 1.0.0',
      'count 1.0.0',
    ]);
  });

  test('answer, stream and fail as in a worker', async () => {
    expect(await caller.call('add', [1, 2])).toBe(3);
    expect(await caller.call('step', [], { step: 'one' })).toBe('one');
    expect(await caller.problem('fails')).toMatchObject({ cause: { message: 'no' }, code: 'function-failed' });
    expect(await caller.problem('absent')).toMatchObject({ code: 'not-here' });
    expect(await caller.call('count')).toBeUndefined();
    expect(caller.items.get(caller.last)).toEqual([1, 2]);
  });

  test('stop for a deadline and for an abort', async () => {
    expect(await caller.problem('untilAbort', [], { deadline: clock.now() + 20 })).toMatchObject({ code: 'timed-out' });
    const call = caller.problem('untilAbort');
    await pause(5);
    caller.runner.abort(caller.last, 'gone');
    expect(await call).toMatchObject({ code: 'cancelled' });
  });

  test('never answer while their question is still being put', async () => {
    const answers: number[] = [];
    const own = inline([{ name: 'now', run: () => 1 }]);
    own.own({ ...deaf, ran: () => void answers.push(1) });
    own.run({ deadline: Number.MAX_SAFE_INTEGER, fun: 'now', payload: payloadOf({ args: [] }), task: 1 });
    expect(answers).toEqual([]);
    await pause(1);
    expect(answers).toEqual([1]);
  });

  test('closing waits for them, and then aborts them', async () => {
    let reason: unknown;
    const own = inline([
      {
        name: 'long',
        run(this: CallContext) {
          return new Promise((resolve) => {
            this.signal.addEventListener('abort', () => {
              reason = this.signal.reason;
              resolve(1);
            });
          });
        },
      },
    ]);
    void new Caller(own).call('long');
    await pause(5);
    const from = clock.now();
    await own.close(50);
    expect(clock.now() - from).toBeGreaterThanOrEqual(45);
    expect(reason).toMatchObject({ message: 'the node is closing', name: 'AbortError' });
  });
});

describe('several runners', () => {
  test('each function belongs to the first that offers it', async () => {
    const parts = [
      inline([{ name: 'a', run: () => 'first' }]),
      inline([
        { name: 'a', run: () => 'second' },
        { name: 'b', run: () => 'only' },
      ]),
    ];
    const runners = new Runners({ node: 'alpha', now: () => clock.now(), open: nobody, parts });
    const caller = new Caller(runners);
    expect(runners.functions.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(await caller.call('a')).toBe('first');
    expect(await caller.call('b')).toBe('only');
    expect(await caller.problem('c')).toMatchObject({ code: 'not-here' });
    expect([...caller.answers.values()]).toEqual([1, 1, 1]);
    await runners.close(0);
  });

  test("a module's function takes the place of a sample, not of the node's own", async () => {
    const file = modules.write('echo.ts', "export const echo = () => 'mine'; export const own = () => 'mine';");
    const sample = { name: 'echo', run: () => 'sample', version: '0.0.0' };
    const own = { name: 'own', run: () => 'the node' };
    const runner = await createRunner({
      exec: [],
      inline: [own, sample],
      log: () => undefined,
      modules: [file],
      node: 'alpha',
      open: nobody,
      watch: false,
      workers: 1,
    });
    try {
      const caller = new Caller(runner);
      expect(await caller.call('echo')).toBe('mine');
      expect(await caller.call('own')).toBe('the node');
      expect(runner.functions.find(({ name }) => name === 'echo')?.version).toBe('1.0.0');
    } finally {
      await runner.close(0);
    }
  });
});
