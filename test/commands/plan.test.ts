/** `plan run`, `plan check` and `plan show`, and `function info`, as processes, against two real nodes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ended, eventually, type Ran, type RunningNode, World } from '../cli/mpreg.ts';

const world = new World();
let alpha: RunningNode;

const FUNCTIONS = `
import { defineFunction } from 'mpreg';
let running = 0;
let peak = 0;
export async function nap(ms: number, value: unknown): Promise<unknown> { await new Promise((r) => setTimeout(r, ms)); return value; }
export async function crowd(ms: number): Promise<number> {
  peak = Math.max(peak, ++running);
  await new Promise((r) => setTimeout(r, ms));
  running--;
  return peak;
}
export const kind = (value: unknown): string => Object.prototype.toString.call(value);
export const predict = defineFunction({ name: 'predict', version: '2.1.0', resources: ['gpu'], description: 'guesses', run: () => 7 });
`;

beforeAll(async () => {
  const file = world.path('work', 'functions.ts');
  writeFileSync(file, FUNCTIONS);
  [alpha] = await Promise.all([
    world.node(['--name', 'alpha']),
    world.node(['--name', 'beta', '--functions', file, '--workers', '1']),
  ]);
  await eventually(
    () => at('function', 'list'),
    ({ stdout }) => stdout.includes('predict'),
  );
});
afterAll(() => world.close());

function at(...args: string[]): Promise<Ran> {
  return world.mpreg(args, { env: { MPREG_URL: alpha.url } });
}

function file(name: string, ...plans: unknown[]): string {
  const path = world.path('work', name);
  writeFileSync(path, plans.map((plan) => JSON.stringify(plan)).join('\n'));
  return path;
}

const step = (name: string, fun: string, ...args: unknown[]) => ({ args, fun, name });
const lines = ({ stdout }: Ran): unknown[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

const CHAIN = [step('a', 'echo', 'hi'), step('b', 'echos', 'a', 'there')];

describe('plan run', () => {
  test('prints exactly the results object, and with --json the whole reply', async () => {
    const path = file('chain.json', CHAIN);
    expect(await at('plan', 'run', path)).toEqual({ code: 0, stderr: '', stdout: '{"b":["hi","there"]}\n' });
    expect(lines(await at('plan', 'run', path, '--json'))).toEqual([
      {
        line: 1,
        results: { b: ['hi', 'there'] },
        steps: [expect.objectContaining({ name: 'a', state: 'done' }), expect.objectContaining({ name: 'b' })],
        tookMs: expect.any(Number),
      },
    ]);
  });

  test('gives the values of the steps that no other refers to', async () => {
    const first = step('|first', 'echo', 'hi there!');
    const second = step('|second', 'echo', '|first');
    const third = step('|third', 'echos', '|first', 'AND ME TOO');
    const joined = step('|third', 'echos', '|first', '|second', 'AND ME TOO');
    const all = ['hi there!', 'hi there!', 'AND ME TOO'];
    const plans = file(
      'examples.ndjson',
      [step('first', 'echo', 'hi there!')],
      [first, second, third],
      [first, second, joined],
      [first, second, joined, step('|4th', 'echo', '|third')],
    );
    const results = [
      '{"first":"hi there!"}',
      '{"|second":"hi there!","|third":["hi there!","AND ME TOO"]}',
      JSON.stringify({ '|third': all }),
      JSON.stringify({ '|4th': all }),
    ];
    const printed = { code: 0, stdout: `${results.join('\n')}\n` };
    expect(await at('plan', 'run', plans, '--ordered')).toMatchObject(printed);
    expect(await world.mpreg(['call', '-', '--ordered'], { input: readFileSync(plans, 'utf8') })).toMatchObject(
      printed,
    );
  });

  test('reads stdin where the file is -', async () => {
    expect(await world.mpreg(['plan', 'run', '-'], { input: JSON.stringify(CHAIN) })).toMatchObject({
      code: 0,
      stdout: '{"b":["hi","there"]}\n',
    });
  });

  test('takes values that JSON lacks in the form that calls have, and leaves alone what stands under $lit', async () => {
    const date = { $date: '2026-01-01T00:00:00.000Z' };
    const path = file('values.json', [
      step('date', 'kind', date),
      step('text', 'kind', { $lit: 'date' }),
      step('object', 'echo', { $lit: date }),
      step('ref', 'kind', { $ref: 'date' }),
    ]);
    expect(lines(await at('plan', 'run', path))).toEqual([
      { object: { $lit: date }, ref: '[object String]', text: '[object String]' },
    ]);
    const bad = await at('plan', 'run', file('bad-value.json', [step('a', 'echo', { $date: 'soon' })]), '--json');
    expect(bad.code).toBe(2);
    expect(lines(bad)).toMatchObject([{ error: { code: 'plan-invalid', path: 'steps[0].args[0]', step: 'a' } }]);
  });

  test('answers each plan as soon as it is done, or with --ordered in the order of the input', async () => {
    const path = file('two.ndjson', [step('slow', 'nap', 700, 1)], [step('fast', 'nap', 1, 2)]);
    expect(lines(await at('plan', 'run', path))).toEqual([{ fast: 2 }, { slow: 1 }]);
    expect(lines(await at('plan', 'run', path, '--ordered'))).toEqual([{ slow: 1 }, { fast: 2 }]);
    expect(lines(await at('plan', 'run', path, '--json'))).toMatchObject([{ line: 2 }, { line: 1 }]);
  });

  test('has no more plans under way than --concurrency allows, and that many', async () => {
    const plans = Array.from({ length: 24 }, () => [step('n', 'crowd', 60)]);
    const ran = await at('plan', 'run', file('crowd.ndjson', ...plans), '--concurrency', '3');
    const peaks = (lines(ran) as { readonly n: number }[]).map(({ n }) => n);
    expect(peaks).toHaveLength(24);
    expect(Math.max(...peaks)).toBe(3);
  });

  test('goes on after a plan that failed, and its exit code is that of the failure that stands first', async () => {
    const path = file('mixed.ndjson', CHAIN, [step('x', 'no_such_function')], CHAIN, []);
    const ran = await at('plan', 'run', path, '--ordered');
    expect(ran.code).toBe(3);
    expect(lines(ran)).toMatchObject([
      { b: ['hi', 'there'] },
      { error: { code: 'function-unknown' } },
      { b: ['hi', 'there'] },
      { error: { code: 'plan-invalid' } },
    ]);
    expect(ran.stderr).toContain('2 of 4 plans failed; the first, on line 2');
  });

  test('goes on after lines that are no plans, which are lines of the answer', async () => {
    const path = file('broken.ndjson', [step('a', 'echo', 1)], 0, [step('b', 'echo', 2)], 0, [step('c', 'echo', 3)]);
    const [cut, good] = ['[{"name":"cut', JSON.stringify([step('d', 'echo', 4)])];
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace('\n0\n', '\nhello\n').replace('\n0\n', `\n${cut}\n${good}\n`),
    );
    const ran = await at('plan', 'run', path, '--ordered');
    expect(ran.code).toBe(2);
    const wrong = (line: number) => ({
      error: { code: 'input-invalid', message: expect.stringContaining(`line ${line}, `) },
    });
    expect(lines(ran)).toMatchObject([{ a: 1 }, wrong(2), { b: 2 }, wrong(4), { d: 4 }, { c: 3 }]);
    expect(ran.stderr).toContain('2 of 6 plans failed; the first, on line 2');
    const told = await at('plan', 'run', path, '--ordered', '--json');
    expect(lines(told)).toMatchObject([1, 2, 3, 4, 5, 6].map((line) => ({ line, results: {} })));
    const checked = await at('plan', 'check', path);
    expect(checked).toMatchObject({
      code: 2,
      stdout: expect.stringMatching(/^line 1: ok.*\nline 2: not valid: .*\nline 3: ok/),
    });
  });

  test('ends a plan at --timeout with exit code 6', async () => {
    const ran = await at('plan', 'run', file('nap.json', [step('nap', 'nap', 600_000)]), '--timeout', '3s');
    expect(ran).toMatchObject({ code: 6, stdout: '' });
    expect(ran.stderr).toContain('timed-out');
  });

  test('says on a terminal, unless it shall be quiet, what it waits for, once that takes longer than a second', async () => {
    const slow = await world.terminal(['plan', 'run', file('slow.json', [step('x', 'nap', 1_600, 'end')])]);
    expect(slow.stdout).toContain('running the plan … 1 s');
    const path = file('slow.json', [step('x', 'nap', 1_600, 'end')]);
    const quiet = await world.terminal(['plan', 'run', path, '--quiet']);
    expect(quiet.stdout).toBe('{"x":"end"}\r\n');
    expect(await at('plan', 'run', path)).toEqual({ code: 0, stderr: '', stdout: '{"x":"end"}\n' });
    const fast = await world.terminal(['plan', 'run', file('fast.json', [step('x', 'nap', 5, 'end')])]);
    expect(fast.stdout).not.toContain('running the plan');
  });

  test('refuses a file that is not there or holds nothing, and flags that it does not have', async () => {
    expect(await at('plan', 'run', 'nowhere.json')).toMatchObject({ code: 2, stdout: '' });
    expect((await at('plan', 'run', 'nowhere.json')).stderr).toContain('file-unreadable');
    expect((await at('plan', 'run', file('empty.json'))).stderr).toContain('empty.json holds no plan');
    expect(await at('plan', 'run', 'nowhere.json', '--concurrency', '0')).toMatchObject({ code: 2 });
    expect((await at('call', 'echo', 'x', '--ordered')).stderr).toContain('are for many plans');
  });

  test.skipIf(process.platform !== 'linux')('takes no more memory for many plans than for a few', async () => {
    const child = world.spawn(['plan', 'run', '-', '--url', alpha.url]);
    const { pid = 0, stdin } = child;
    const all = ended(child);
    const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
    const padding = 'x'.repeat(2_000);
    let before = 0;
    for (let i = 0; i < 40_000; i++) {
      const line = `${JSON.stringify([step('n', 'echo', i, padding)])}\n`;
      if (!stdin.write(line)) await new Promise((resolve) => stdin.once('drain', resolve));
      if (i === 10_000) before = memory();
    }
    const after = memory();
    stdin.end();
    const { code, stdout } = await all;
    expect(code).toBe(0);
    expect(stdout.split('\n')).toHaveLength(40_001);
    expect(after - before).toBeLessThan(40); // MiB; the 30 000 plans between are 60 MB
  });
});

describe('plan check', () => {
  const offline = (...args: string[]): Promise<Ran> => world.mpreg(args, { env: { MPREG_RUNTIME_DIR: world.path() } });

  test('says of a valid plan how many steps it has and what it will answer, with no node in reach', async () => {
    const path = file('chain.json', CHAIN);
    expect(await offline('plan', 'check', path)).toEqual({
      code: 0,
      stderr: '',
      stdout: 'line 1: ok, 2 steps, results: b\n',
    });
    expect(lines(await offline('plan', 'check', path, '--json'))).toEqual([
      { line: 1, ok: true, results: ['b'], steps: 2 },
    ]);
  });

  test.each([
    ['a circle', [step('a', 'echo', 'b'), step('b', 'echo', 'a')], 'steps[0]', 'a → b → a'],
    ['two of a name', [step('a', 'echo'), step('a', 'echo')], 'steps[1].name', 'two steps are named "a"'],
    ['an unknown field', [{ ...step('a', 'echo'), where: 'here' }], 'steps[0].where', 'unknown field "where"'],
    ['a reference to nothing', [step('a', 'echo', { $ref: 'b' })], 'steps[0].args[0]', 'no step has that name'],
    ['no steps', [], 'steps', 'no steps'],
  ])('refuses %s with its place, exit code 2', async (_, plan, path, says) => {
    const { code, stderr, stdout } = await offline('plan', 'check', file('wrong.json', plan));
    expect(code).toBe(2);
    expect(stdout).toContain(path);
    expect(stderr).toContain(says);
    expect(stderr).toContain('plan-invalid');
  });

  test('tells all that is wrong, each with its place and step, a line for each', async () => {
    const wrong = [
      { ...step('a', 'echo', { $date: 'soon' }), timeout: 1 },
      step('b', 'echo', [{ $ref: 'aa' }]),
      { ...step('c', 'echo'), retries: -1 },
    ];
    const path = file('very-wrong.ndjson', { retrun: 'all', steps: wrong }, CHAIN);
    const { code, stderr, stdout } = await offline('plan', 'check', path);
    expect(code).toBe(2);
    expect(stdout.split('\n')).toEqual([
      'line 1: not valid: steps[0].args[0]: $date wants a date in ISO 8601 (step a)',
      expect.stringMatching(/^line 1: not valid: retrun: a plan has no field "retrun"; .*; did you mean "return"\?$/),
      expect.stringMatching(/^line 1: not valid: steps\[0\].* unknown field "timeout"; .*"timeoutMs"\? \(step a\)$/),
      'line 1: not valid: steps[2].retries must be a whole number from 0 to 100 (step c)',
      'line 1: not valid: steps[1].args[0][0] refers to "aa", and no step has that name; did you mean "a"? (step b)',
      'line 2: ok, 2 steps, results: b',
      '',
    ]);
    expect(stderr).toContain('5 things are wrong with one plan; the first, on line 1: steps[0].args[0]: $date');
    const [document] = lines(await offline('plan', 'check', path, '--json')) as {
      readonly problems: readonly { readonly path: string; readonly step?: string }[];
    }[];
    expect(document?.problems.map((problem) => [problem.path, problem.step])).toEqual([
      ['steps[0].args[0]', 'a'],
      ['retrun', undefined],
      ['steps[0].timeout', 'a'],
      ['steps[2].retries', 'c'],
      ['steps[1].args[0][0]', 'b'],
    ]);
    const ran = await at('plan', 'run', path, '--ordered');
    expect(lines(ran)).toMatchObject([{ error: { code: 'plan-invalid' } }, { b: ['hi', 'there'] }]);
    expect(ran.stdout).toContain('5 things are wrong with the plan:\\n  steps[0].args[0]: $date');
  });

  test('looks at every plan of a file', async () => {
    const ran = await offline(
      'plan',
      'check',
      file('some.ndjson', CHAIN, [], CHAIN, [step('a', 'echo', 'a')]),
      '--json',
    );
    expect(ran.code).toBe(2);
    expect(lines(ran)).toMatchObject([
      { line: 1, ok: true },
      { error: { path: 'steps' }, line: 2, ok: false },
      { line: 3, ok: true },
      { error: { code: 'plan-invalid' }, line: 4, ok: false },
    ]);
  });
});

describe('plan show', () => {
  const DIAMOND = [
    step('rows', 'echo', [1, 2]),
    { ...step('guess', 'predict'), locs: ['gpu'], version: '^2' },
    { ...step('lost', 'predict'), locs: ['moon'] },
    step('sum', 'echos', 'rows', 'guess'),
  ];

  test('draws what runs first and what waits for what, with no node in reach', async () => {
    const path = file('diamond.json', DIAMOND);
    const { code, stderr, stdout } = await world.mpreg(['plan', 'show', path], {
      env: { MPREG_RUNTIME_DIR: world.path() },
    });
    expect(code).toBe(0);
    expect(stderr).toContain('drawn without places');
    expect(stdout).toBe(
      [
        'first',
        '├─ rows = echo([1,2])',
        '├─ guess = predict@^2() with gpu',
        '└─ lost = predict() with moon   → result',
        'then',
        '└─ sum = echos("rows", "guess")   after rows, guess   → result',
        '',
      ].join('\n'),
    );
  });

  test('says where each step could run now, and why there or nowhere', async () => {
    const { stdout } = await at('plan', 'show', file('diamond.json', DIAMOND));
    expect(stdout).toContain('on alpha (0.0.0): no higher version fits');
    expect(stdout).toContain('on beta (2.1.0): has gpu; nobody else has it');
    expect(stdout).toContain('nowhere: one node offers predict, but none with all of "moon"');
    expect(stdout).toContain('not on beta (2.1.0): lacks moon');
    const [document] = lines(await at('plan', 'show', file('diamond.json', DIAMOND), '--json'));
    expect(document).toMatchObject({
      seenBy: 'alpha',
      steps: [
        { after: [], depth: 0, name: 'rows', where: { places: [{ node: 'alpha' }, { node: 'beta' }] } },
        { name: 'guess', where: { places: [{ node: 'beta', version: '2.1.0' }] } },
        { name: 'lost', result: true, where: { problem: { code: 'resource-unknown' } } },
        { after: ['rows', 'guess'], depth: 1, name: 'sum', result: true },
      ],
    });
  });

  test('refuses what is no plan, exit code 2', async () => {
    expect(await at('plan', 'show', file('wrong.json', []))).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('function info', () => {
  test('shows versions, nodes, resources and description', async () => {
    const { stdout } = await at('function', 'info', 'predict');
    expect(stdout).toContain('version\t2.1.0\ndescription\tguesses\n');
    expect(stdout).toContain('node\tbeta gpu\n');
    expect(lines(await at('function', 'info', 'echo', '--json'))).toMatchObject([
      {
        name: 'echo',
        versions: [{ idempotent: true, nodes: [{ node: 'alpha' }, { node: 'beta' }], version: '0.0.0' }],
      },
    ]);
  });

  test('of a function that nobody has ends with exit code 3, and offers the nearest', async () => {
    const { code, stderr } = await at('function', 'info', 'predicct');
    expect(code).toBe(3);
    expect(stderr).toMatch(/mpreg function info predict\n$/);
  });
});
