import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { NEVER } from '../../../src/engine/core/base/instant.ts';
import type { ExecRunnerOptions } from '../../../src/engine/host/functions/exec-flight.ts';
import { ExecRunner } from '../../../src/engine/host/functions/exec-runner.ts';
import { plain } from '../../core/calls/values.ts';
import { type Caller, clock, deaf, Modules, pause, soon } from './harness.ts';

/** A program that does what its call says, in the words of the protocol and no others. */
const PROGRAM = `
import { createInterface } from 'node:readline';
const say = (what) => process.stdout.write(JSON.stringify(what) + '\\n');
const held = new Map();
const order = [];
const does = {
  echo: (id, args) => say({ id, result: args.length > 1 ? args : args[0] }),
  asked: (id, args, request) => say({ id, result: request }),
  pid: (id) => say({ id, result: process.pid }),
  later: (id, [ms]) => setTimeout(() => say({ id, result: ms }), ms),
  hold: (id) => held.set(id, true),
  stubborn: () => undefined,
  wedge: () => { process.on('SIGTERM', () => {}); while (true); },
  fails: (id) => say({ id, error: { name: 'ValueError', message: 'not today', stack: 'File "predict.py", line 7' } }),
  failsInWords: (id) => say({ id, error: 'just so' }),
  items: (id, [n]) => { for (let i = 0; i < n; i++) say({ id, item: i }); say({ id, result: 'end' }); },
  dies: (id, [code]) => { console.error('Traceback:'); console.error('  bad model'); setTimeout(() => process.exit(code), 50); },
  garbage: (id) => { process.stdout.write('loading model…\\n[1, 2]\\n'); say({ id, result: 1 }); },
  torn: (id) => process.stdout.write('{"id": ' + id + ', "result": [1, 2\\n'),
  nothing: (id) => say({ id }),
  badValue: (id) => say({ id, result: { $date: 'never' } }),
  twice: (id) => { say({ id, result: 1 }); say({ id, result: 2 }); say({ id: 999999, result: 3 }); },
  overlong: (id) => process.stdout.write('{"id":' + id + ',"result":"' + 'x'.repeat(17 * 1024 * 1024) + '"}\\n'),
  shout: (id) => { console.error('a word'); say({ id, result: null }); },
  deaf: () => process.stdout.end(),
  children: async (id) => { const { spawn } = await import('node:child_process');
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' }); say({ id, result: child.pid }); },
};
createInterface({ input: process.stdin }).on('line', (line) => {
  const request = JSON.parse(line);
  if ('cancel' in request) {
    if (held.delete(request.cancel)) say({ id: request.cancel, error: { name: 'Cancelled', message: 'as you wish' } });
    return;
  }
  const [what, ...args] = request.args;
  does[what](request.id, args, request);
}).on('close', () => process.exit(0));
`;

const modules = new Modules();
let program = '';
beforeAll(() => {
  program = modules.write('program.mjs', PROGRAM);
});
afterEach(() => modules.closeAll());
afterAll(() => modules.remove());

const command = (name: string | undefined, ...args: readonly string[]) => ({ args, name, program: process.execPath });

async function start(options: Partial<ExecRunnerOptions> = {}): Promise<Caller<ExecRunner>> {
  return modules.keep(await ExecRunner.start({ clock, command: command('f', program), log: modules.log, ...options }));
}

/** Whether a process is there. */
function alive(pid: unknown): boolean {
  try {
    return process.kill(Number(pid), 0);
  } catch {
    return false;
  }
}

describe('a program', () => {
  test('gets its arguments in one line, and its answer is the value', async () => {
    const caller = await start();
    expect(caller.runner.offers).toEqual([{ record: { name: 'f', resources: [], version: '1.0.0' } }]);
    expect(await caller.call('f', ['echo', { deep: [1, null, 'ü\n'] }])).toEqual({ deep: [1, null, 'ü\n'] });
    expect(await caller.call('f', ['asked'], { kwargs: { k: 1 }, step: 'clean' })).toEqual({
      args: ['asked'],
      fun: 'f',
      id: 2,
      kwargs: { k: 1 },
      step: 'clean',
    });
    expect(await caller.call('f', ['asked'], { deadline: NEVER })).not.toHaveProperty('deadlineMs');
    const { deadlineMs } = (await caller.call('f', ['asked'], { deadline: clock.now() + 5_000 })) as {
      deadlineMs: number;
    };
    expect(deadlineMs - Date.now()).toBeGreaterThan(3_000);
    expect(deadlineMs - Date.now()).toBeLessThanOrEqual(5_000);
  });

  test('values that JSON has no form for come back as they went', async () => {
    const caller = await start();
    const value = { at: new Date(7), big: 12n ** 20n, bytes: Uint8Array.of(1, 2), map: new Map([[1, Number.NaN]]) };
    expect(await caller.call('f', ['echo', value])).toEqual(value);
  });

  test('has several calls in flight, which end in any order', async () => {
    const caller = await start();
    const order: unknown[] = [];
    const calls = [300, 150, 10].map(async (ms) => order.push(await caller.call('f', ['later', ms])));
    await Promise.all(calls);
    expect(order).toEqual([10, 150, 300]);
  });

  test('that fails is quoted', async () => {
    const caller = await start();
    expect(await caller.problem('f', ['fails'], { step: 's' })).toEqual({
      cause: { message: 'not today', name: 'ValueError', stack: 'File "predict.py", line 7' },
      code: 'function-failed',
      fun: 'f',
      message: 'f threw ValueError: not today',
      step: 's',
    });
    expect(await caller.problem('f', ['failsInWords'])).toMatchObject({ cause: { message: 'just so', name: 'Error' } });
  });

  test('streams its items', async () => {
    const caller = await start();
    expect(await caller.call('f', ['items', 4])).toBe('end');
    expect(caller.items.get(caller.last)).toEqual([0, 1, 2, 3]);
  });

  test('writes its stderr to the log', async () => {
    const caller = await start();
    await caller.call('f', ['shout']);
    await vi.waitFor(() => expect(modules.lines).toContain('info a word {"from":"f"}'), soon);
  });
});

test('arguments that are nested too deep for others are too deep for a program', async () => {
  const caller = await start();
  const deep = JSON.parse(`${'['.repeat(210)}${']'.repeat(210)}`);
  const [problem, value] = await Promise.all([caller.problem('f', [deep]), caller.call('f', ['echo', 1])]);
  expect(problem).toMatchObject({ code: 'result-unencodable', fun: 'f', outcome: 'did-not-happen' });
  expect(value).toBe(1);
});

test('arguments of which no line can be made are refused without trying', async () => {
  const caller = await start();
  const payload = { ...plain({}), size: 2 ** 28 };
  const task = new Promise((resolve) => {
    caller.runner.own({ ...deaf, ran: (_task, outcome) => resolve(outcome) });
  });
  caller.runner.run({ deadline: NEVER, fun: 'f', payload, task: 1 });
  expect(await task).toMatchObject({
    problem: { code: 'limit-exceeded', message: expect.stringContaining('a line far too long') },
  });
});

describe('what a program says that it should not', () => {
  test('is logged, and harms no call', async () => {
    const caller = await start();
    expect(await caller.call('f', ['garbage'])).toBe(1);
    expect(modules.lines).toEqual([
      'warn what it wrote to its stdout is no JSON: loading model… {"from":"f"}',
      'warn what it wrote to its stdout is no JSON object: [1, 2] {"from":"f"}',
    ]);
    expect(await caller.call('f', ['twice'])).toBe(1);
    expect(await caller.call('f', ['echo', 'still here'])).toBe('still here');
    expect([...caller.answers.values()]).toEqual([1, 1, 1]);
  });

  test.each([
    ['torn', /a line that is no JSON/],
    ['nothing', /it has no "result", "item", "error" or "call"/],
    ['badValue', /its result: \$date wants a date/],
    ['overlong', /with a line of more than 16777216 bytes/],
  ])('as the answer of a call (%s) is the problem of that call', async (what, message) => {
    const caller = await start();
    const beside = caller.call('f', ['later', 100]);
    expect(await caller.problem('f', [what])).toMatchObject({
      code: 'function-failed',
      message: expect.stringMatching(message),
    });
    expect(await beside).toBe(100);
  });

  test('arguments that make too long a line never leave', async () => {
    const caller = await start();
    expect(await caller.problem('f', ['echo', 'x'.repeat(17 * 1024 * 1024)])).toMatchObject({ code: 'limit-exceeded' });
    expect(await caller.call('f', ['echo', 1])).toBe(1);
  });
});

describe('a program dies', () => {
  test('and its calls fail with its last words; later ones run in another process', async () => {
    const caller = await start();
    const before = await caller.call('f', ['pid']);
    const calls = [caller.problem('f', ['stubborn']), caller.problem('f', ['dies', 3])];
    for (const problem of await Promise.all(calls)) {
      expect(problem).toMatchObject({
        cause: { message: 'Traceback:\n  bad model', name: 'stderr' },
        code: 'worker-died',
        message: 'f was lost: its process exited with code 3; its last words: bad model',
      });
    }
    expect(await caller.call('f', ['pid'])).not.toBe(before);
    expect(modules.lines).toContain('warn its process exited with code 3 {"from":"f"}');
  });

  test('again and again: it is started again after growing pauses, and calls wait for it', async () => {
    const caller = await start();
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      const from = clock.now();
      await caller.problem('f', ['dies', i]);
      times.push(clock.now() - from);
    }
    expect(times.at(-1)).toBeGreaterThan(400);
    expect(await caller.call('f', ['echo', 1])).toBe(1);
  });

  test('by a signal from outside', async () => {
    const caller = await start();
    const pid = await caller.call('f', ['pid']);
    const call = caller.problem('f', ['stubborn']);
    await pause(20);
    process.kill(Number(pid), 'SIGKILL');
    expect(await call).toMatchObject({ message: 'f was lost: its process was ended by SIGKILL' });
  });

  test('for the node when it closes its stdout: nobody could hear its answers', async () => {
    const caller = await start();
    expect(await caller.problem('f', ['deaf'])).toMatchObject({
      message: 'f was lost: its process closed its stdout',
    });
  });

  test('a call that waits for it can be taken back', async () => {
    const caller = await start();
    for (let i = 0; i < 3; i++) await caller.problem('f', ['dies', i]);
    const call = caller.problem('f', ['echo', 1]);
    caller.runner.abort(caller.last, 'no more');
    expect(await call).toMatchObject({ code: 'cancelled', outcome: 'did-not-happen' });
  });
});

describe('a call is cancelled', () => {
  test('and its program is told, and stops', async () => {
    const caller = await start();
    const call = caller.problem('f', ['hold']);
    await pause(20);
    caller.runner.abort(caller.last, 'the caller went away');
    expect(await call).toMatchObject({
      cause: { message: 'as you wish', name: 'Cancelled' },
      code: 'cancelled',
      message: 'f was cancelled: the caller went away',
    });
    expect(modules.lines).toEqual([]);
  });

  test('and ignored: it is answered all the same, and the process is ended', async () => {
    const caller = await start({ ignoredMs: 200 });
    const pid = await caller.call('f', ['pid']);
    const call = caller.problem('f', ['stubborn']);
    await pause(20);
    caller.runner.abort(caller.last, 'stop');
    expect(await call).toMatchObject({ code: 'cancelled', message: 'f was cancelled (stop), and goes on' });
    expect(await caller.call('f', ['pid'])).not.toBe(pid);
    await vi.waitFor(() => expect(alive(pid)).toBe(false), soon);
    expect(modules.lines).toContain('warn its process ignored a cancellation, and was ended {"from":"f"}');
  });

  test('and ignored while another call runs in the process: that one is left to end', async () => {
    const caller = await start({ ignoredMs: 100 });
    const pid = await caller.call('f', ['pid']);
    const beside = caller.call('f', ['later', 3_000]);
    const call = caller.problem('f', ['stubborn']);
    await pause(20);
    caller.runner.abort(caller.last, 'stop');
    await call;
    expect(await caller.call('f', ['pid'])).not.toBe(pid); // a successor takes what comes
    expect(alive(pid)).toBe(true);
    expect(await beside).toBe(3_000);
    await vi.waitFor(() => expect(alive(pid)).toBe(false), soon);
  });

  test('in a program that does not even listen: SIGKILL ends it', async () => {
    const caller = await start({ ignoredMs: 100 });
    const pid = await caller.call('f', ['pid']);
    const call = caller.problem('f', ['wedge']);
    await pause(100);
    caller.runner.abort(caller.last, 'stop');
    await call;
    await vi.waitFor(() => expect(alive(pid)).toBe(false), soon);
    expect(await caller.call('f', ['echo', 1])).toBe(1);
  });
});

describe('a hello', () => {
  const hello = (functions: unknown, rest = "process.stdin.on('end', () => process.exit(0)).resume();") => {
    const said = JSON.stringify({ hello: { functions } });
    return modules.write(
      `hello-${modules.lines.length}-${Math.abs(said.length)}.mjs`,
      `import { createInterface } from 'node:readline';
       console.log(${JSON.stringify(said)});
       createInterface({ input: process.stdin }).on('line', (line) => {
         const { id, fun } = JSON.parse(line);
         console.log(JSON.stringify({ id, result: fun }));
       });
       ${rest}`,
    );
  };
  const two = [
    {
      args: { prefixItems: [{ type: 'string' }], type: 'array' },
      concurrency: 2,
      description: 'one',
      name: 'one',
      version: '1.2.0',
    },
    { idempotent: true, name: 'two', resources: ['gpu'], timeoutMs: 500 },
  ];

  test('declares several functions', async () => {
    const caller = await start({ command: command(undefined, hello(two)) });
    expect(caller.runner.offers).toEqual([
      {
        argsSchema: two[0]?.args,
        concurrency: 2,
        record: { description: 'one', name: 'one', resources: [], signature: '(string?)', version: '1.2.0' },
      },
      { record: { idempotent: true, name: 'two', resources: ['gpu'], timeoutMs: 500, version: '1.0.0' } },
    ]);
    expect(await Promise.all([caller.call('one'), caller.call('two')])).toEqual(['one', 'two']);
  });

  test('says more about a function that was named before, and adds others; the node is told', async () => {
    const caller = await start({ command: command('two', hello([two[0], { ...two[1], name: undefined }])) });
    await vi.waitFor(() => expect(caller.changes).toBe(1), soon);
    expect(caller.runner.offers.map(({ record }) => `${record.name} ${record.resources}`)).toEqual(['one ', 'two gpu']);
  });

  const refused: readonly (readonly [string, () => string, RegExp])[] = [
    [
      'that never comes',
      () => modules.write('silent.mjs', 'setInterval(() => {}, 1000)'),
      /did not say within 700 ms which/,
    ],
    ['with a field that nobody knows', () => hello([{ colour: 'red', name: 'a' }]), /did not say within 700 ms/],
    [
      'from a program that ends',
      () => modules.write('ends.mjs', "console.error('no model'); process.exit(4)"),
      /exited with code 4; its last words: no model/,
    ],
  ];
  test.each(refused)('%s, where there is no name: the program is refused', async (_, file, message) => {
    await expect(start({ command: command(undefined, file()), helloMs: 700 })).rejects.toMatchObject({
      message: expect.stringMatching(message),
      problem: { code: 'module-invalid' },
    });
  });

  test('a program that is not there is refused', async () => {
    const absent = { args: [], name: 'f', program: join(modules.root, 'absent') };
    await expect(start({ command: absent })).rejects.toMatchObject({
      message: expect.stringMatching(/absent could not be started: ENOENT/),
      problem: { code: 'module-invalid' },
    });
  });
});

describe('closing', () => {
  test('lets calls end, then ends the process and what it has started', async () => {
    const caller = await start();
    const [pid, child] = [await caller.call('f', ['pid']), await caller.call('f', ['children'])];
    const call = caller.call('f', ['later', 200]);
    const closing = caller.runner.close(5_000);
    expect(await caller.problem('f', ['echo', 1])).toMatchObject({ code: 'node-stopping' });
    expect(await call).toBe(200);
    await closing;
    expect(alive(pid)).toBe(false);
    await vi.waitFor(() => expect(alive(child)).toBe(false), soon);
  });

  test('does not wait for ever for a program that ignores everything', async () => {
    const caller = await start();
    const pid = await caller.call('f', ['pid']);
    void caller.call('f', ['wedge']);
    await pause(100);
    await caller.runner.close(100);
    expect(alive(pid)).toBe(false);
  });
});

test('a program is asked to end by the end of its stdin', async () => {
  const mark = join(modules.root, 'ended');
  const file = modules.write(
    'marks.mjs',
    `import { writeFileSync } from 'node:fs';
     process.stdin.on('end', () => { writeFileSync(${JSON.stringify(mark)}, 'ended'); process.exit(0); }).resume();`,
  );
  const caller = await start({ command: command('f', file) });
  await caller.runner.close(0);
  expect(existsSync(mark) && readFileSync(mark, 'utf8')).toBe('ended');
});
