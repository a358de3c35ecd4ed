/** The one reader of stdin, against pipes as they are in life: slow, stalled, huge, binary, never closing, a terminal. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ended, firstLine, type RunningNode, World } from './mpreg.ts';

const world = new World();
let node: RunningNode;

beforeAll(async () => {
  node = await world.node(['--name', 'alpha']);
});
afterAll(() => world.close());

const PLAN = '[{"name":"first","fun":"echo","args":["hi there!"]},\n {"name":"second","fun":"echo","args":["first"]}]';
const RESULT = '{"second":"hi there!"}\n';

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a plan on stdin', () => {
  test('is run, and exactly its results are printed', async () => {
    expect(await world.mpreg(['call', '-'], { input: PLAN })).toEqual({ code: 0, stderr: '', stdout: RESULT });
  });

  test('with --json is answered with the whole reply', async () => {
    const { code, stdout } = await world.mpreg(['call', '-', '--json'], { input: PLAN });
    const step = {
      fun: 'echo',
      node: 'alpha',
      startedMs: expect.any(Number),
      state: 'done',
      tookMs: expect.any(Number),
    };
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      line: 1,
      results: { second: 'hi there!' },
      steps: [
        { ...step, name: 'first' },
        { ...step, name: 'second' },
      ],
      tookMs: expect.any(Number),
    });
  });

  test('may come slowly, a few characters at a time', async () => {
    const child = world.spawn(['call', '-']);
    const all = ended(child);
    for (const part of PLAN.match(/.{1,9}/gs) ?? []) {
      child.stdin.write(part);
      await wait(20);
    }
    child.stdin.end();
    expect(await all).toEqual({ code: 0, stderr: '', stdout: RESULT });
  });

  test('may stall in the middle: the command waits, says so, and goes on', async () => {
    const child = world.spawn(['call', '-']);
    const all = ended(child);
    child.stdin.write(PLAN.slice(0, 30));
    await wait(3500);
    child.stdin.end(PLAN.slice(30));
    expect(await all).toEqual({
      code: 0,
      stderr: 'waiting for a plan on stdin (30 bytes so far); Ctrl-C ends\n',
      stdout: RESULT,
    });
  });

  test('is answered though the writer never closes, and Ctrl-C then ends the command with 130', async () => {
    const child = world.spawn(['call', '-']);
    const all = ended(child);
    child.stdin.write(`${PLAN}\n`);
    expect(`${await firstLine(child)}\n`).toBe(RESULT);
    child.kill('SIGINT');
    expect((await all).code).toBe(130);
  });

  test('that is not all there yet when Ctrl-C comes is told to have done nothing', async () => {
    const child = world.spawn(['call', 'echo', '-']);
    const all = ended(child);
    child.stdin.write('"half');
    await new Promise((resolve) => child.stderr.once('data', resolve)); // it says that it waits
    child.kill('SIGINT');
    const { code, stderr } = await all;
    expect(code).toBe(130);
    expect(stderr).toMatch(/nothing was done/);
    expect(stderr).not.toContain('unknown');
  });

  test('may be followed by others: one line of results for each, in their order where that is asked for', async () => {
    const plans = Array.from({ length: 50 }, (_, i) => JSON.stringify([{ name: `p${i}`, fun: 'echo', args: [i] }]));
    const { code, stdout } = await world.mpreg(['call', '-', '--ordered'], { input: plans.join('\n') });
    expect(code).toBe(0);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(plans.map((_, i) => ({ [`p${i}`]: i })));
  });

  test('of 15 MB arrives whole, and one that no frame can hold is refused by its limit', async () => {
    const plan = (bytes: number): string =>
      JSON.stringify([
        { name: 'big', fun: 'echo', args: ['x'.repeat(bytes)] },
        { name: 'all', fun: 'echos', args: ['big', 'end'] },
      ]);
    const whole = await world.mpreg(['call', '-', '--timeout', '1m'], { input: plan(15_000_000) });
    expect(whole).toMatchObject({ code: 0, stderr: '' });
    expect(whole.stdout.length).toBeGreaterThan(15_000_000);
    const large = await world.mpreg(['call', '-'], { input: plan(20_000_000) });
    expect(large).toMatchObject({ code: 1, stdout: '' });
    expect(large.stderr).toContain('limit-exceeded');
  });
});

describe('what is no plan', () => {
  test.each([
    ['text', 'hello\n', 'line 1, column 1: the plan is no JSON: it begins with { or [, not with "hello"'],
    ['broken JSON', '[{"name": "a",\n  "fun": }]', 'line 2, column 10: the plan is no JSON: "}]" cannot stand there'],
    ['half a plan', '[{"name"', 'line 1, column 9: the input ends inside the plan that begins at line 1, column 1'],
    ['nothing', '', 'stdin holds no plan'],
    ['binary', Buffer.from([0, 255, 1, 254]), 'the plan is not text'],
  ])('%s is refused with its place, exit code 2', async (_, input, says) => {
    const { code, stderr, stdout } = await world.mpreg(['call', '-'], { input });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`error: ${says}`);
    expect(stderr).toContain('input-invalid');
  });

  test('under --json is one document on stdout and nothing on stderr', async () => {
    const { code, stderr, stdout } = await world.mpreg(['call', '-', '--json'], { input: 'hello' });
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'input-invalid', outcome: 'did-not-happen' } });
  });

  test('among good plans is a line of its own, and they are answered', async () => {
    const input = `${PLAN}\nrubbish\n${PLAN}`;
    const { code, stderr, stdout } = await world.mpreg(['call', '-', '--ordered'], { input });
    const [first, second, third] = stdout.split('\n');
    expect({ code, first, third }).toEqual({ code: 2, first: RESULT.trim(), third: RESULT.trim() });
    expect(JSON.parse(second ?? '')).toMatchObject({ error: { code: 'input-invalid' } });
    expect(stderr).toContain('1 of 3 plans failed; the first, on line 3: line 3, column 1');
  });
});

describe('a plan that fails', () => {
  const bad = '[{"name":"only","fun":"nothing_of_that_name"}]';

  test('alone is told like any error, with the exit code of its problem', async () => {
    const { code, stderr, stdout } = await world.mpreg(['call', '-'], { input: bad });
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toContain('function-unknown');
    expect(stderr).toMatch(/\n {2}mpreg function list\n$/);
  });

  test('alone under --json is one reply with its error', async () => {
    const { code, stdout } = await world.mpreg(['call', '-', '--json'], { input: bad });
    expect(code).toBe(3);
    const reply = JSON.parse(stdout) as { readonly steps: readonly unknown[] };
    expect(reply).toMatchObject({ error: { code: 'function-unknown' }, results: {} });
  });

  test('among others is a line of its own; the others go on; the exit code is that of the first failure', async () => {
    const input = `${PLAN}\n${bad}\n${PLAN}\n`;
    const { code, stderr, stdout } = await world.mpreg(['call', '-', '--ordered'], { input });
    expect(code).toBe(3);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toMatchObject([
      { second: 'hi there!' },
      { error: { code: 'function-unknown' } },
      { second: 'hi there!' },
    ]);
    expect(stderr).toContain('1 of 3 plans failed; the first, on line 3');
  });

  test('on an empty list of steps is refused before anything runs', async () => {
    const { code, stderr } = await world.mpreg(['call', '-'], { input: '[]' });
    expect(code).toBe(2);
    expect(stderr).toContain('plan-invalid');
  });
});

describe('an argument on stdin', () => {
  test.each([
    ['text', 'plain words\n', 'plain words\n\n'],
    ['JSON', '{"a": [1, 2]}\n', '{"a":[1,2]}\n'],
  ])('is %s', async (_, input, stdout) => {
    expect(await world.mpreg(['call', 'echo', '-'], { input })).toEqual({ code: 0, stderr: '', stdout });
  });

  test('of bytes that are no text arrives as bytes, and bytes are printed as they are', async () => {
    const bytes = Buffer.from([0, 1, 0xff, 0xfe, 0x80]);
    writeFileSync(world.path('work', 'bytes'), bytes);
    const child = world.spawn(['call', 'echo', '@bytes']);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    await new Promise((resolve) => child.once('close', resolve));
    expect(Buffer.concat(chunks)).toEqual(bytes);
    const json = await world.mpreg(['call', 'echo', '-', '--json'], { input: bytes });
    expect(JSON.parse(json.stdout)).toMatchObject({ value: { $bytes: bytes.toString('base64') } });
  });

  test('can be read only once', async () => {
    const { code, stderr } = await world.mpreg(['call', 'echos', '-', '-'], { input: 'x' });
    expect(code).toBe(2);
    expect(stderr).toContain('can be read only once');
  });

  test('beyond the limit of 256 MiB is refused by name, without taking it all', async () => {
    const child = world.spawn(['call', 'echo', '-']);
    const all = ended(child);
    const chunk = Buffer.alloc(4 * 2 ** 20, 0x61);
    let sent = 0;
    while (sent < 300 && child.exitCode === null) {
      await new Promise((resolve) => child.stdin.write(chunk, resolve));
      sent += 4;
    }
    child.stdin.end();
    const { code, stderr } = await all;
    expect(code).toBe(1);
    expect(stderr).toContain('an argument is larger than 256 MiB');
    expect(stderr).toContain('limit-exceeded');
  });
});

describe('a terminal where data is required', () => {
  test('gets the help of the command and exit code 2, at once', async () => {
    const { code, stderr } = await world.terminal(['call', '-']);
    expect(code).toBe(2);
    expect(stderr).toContain('a plan is read from stdin, and stdin is a terminal');
    expect(stderr).toContain('USAGE');
  });
});

test('the node is still there after all that', async () => {
  expect(await world.mpreg(['call', 'echo', 'hi', '--url', node.url])).toEqual({ code: 0, stderr: '', stdout: 'hi\n' });
});
