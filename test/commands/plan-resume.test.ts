/** `plan run --resume`, as processes, against real nodes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ended, eventually, type Ran, type RunningNode, World } from '../cli/mpreg.ts';

/** Why: some ten processes for one test, on machines that are busy. */
vi.setConfig({ testTimeout: 60_000 });

const world = new World();
let alpha: RunningNode;

const FUNCTIONS = `
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
export function noted(path: string, name: string, value: unknown): unknown { appendFileSync(path, name); return value; }
export function needing(path: string, value: unknown): unknown {
  if (!existsSync(path)) throw new Error('not there yet');
  return value;
}
export const kinds = (values: unknown[]): string[] => values.map((value) => Object.prototype.toString.call(value));
export function nap(this: { readonly signal: AbortSignal }, ms: number): Promise<number> {
  return setTimeout(ms, ms, { signal: this.signal });
}
`;

beforeAll(async () => {
  const functions = world.path('work', 'functions.ts');
  writeFileSync(functions, FUNCTIONS);
  alpha = await world.node(['--name', 'alpha', '--functions', functions, '--workers', '1']);
  await eventually(
    () => at('function', 'list'),
    ({ stdout }) => stdout.includes('needing'),
  );
});
afterAll(() => world.close());

function at(...args: string[]): Promise<Ran> {
  return world.mpreg(args, { env: { MPREG_URL: alpha.url } });
}

let count = 0;

/** Paths of one story: what ran is written to `ran`, and the plan fails for as long as `gate` is not there. */
function story() {
  const of = (name: string) => world.path('work', `${name}-${count}`);
  count++;
  const ran = of('ran');
  writeFileSync(ran, '');
  return {
    gate: of('gate'),
    noted: (name: string, ...args: unknown[]) => ({ args: [ran, { $lit: name }, ...args], fun: 'noted', name }),
    ran: () => readFileSync(ran, 'utf8'),
    save: (name: string, content: unknown) => {
      writeFileSync(of(name), typeof content === 'string' ? content : JSON.stringify(content));
      return of(name);
    },
  };
}

interface Reply {
  readonly results: Record<string, unknown>;
  readonly values?: Record<string, unknown>;
  readonly plan?: unknown;
  readonly steps: readonly { readonly name: string; readonly state: string; readonly reused?: boolean }[];
}

const replyOf = ({ stdout }: Ran): Reply => JSON.parse(stdout) as Reply;
const reusedIn = ({ steps }: Reply): string[] => steps.flatMap(({ name, reused }) => (reused ? [name] : []));

describe('a plan that failed goes on', () => {
  test('from its reply alone: what is done is not run again, and says so', async () => {
    const { gate, noted, ran, save } = story();
    const steps = [
      noted('a', 1),
      noted('b', 'a'),
      { args: [gate, 'b'], fun: 'needing', name: 'c' },
      noted('d', { $ref: 'c' }),
    ];
    const first = await at('plan', 'run', save('plan.json', steps), '--json');
    expect(first.code).toBe(1);
    expect(replyOf(first)).toMatchObject({ error: { step: 'c' }, plan: steps, results: {}, values: { a: 1, b: 1 } });
    expect(ran()).toBe('ab');
    const reply = save('reply.json', first.stdout);

    const still = await at('plan', 'run', '--resume', reply, '--json');
    expect(still.code).toBe(1);
    expect(replyOf(still)).toMatchObject({ plan: { steps }, values: { a: 1, b: 1 } });
    writeFileSync(gate, '');

    const second = await at('plan', 'run', '--resume', save('still.json', still.stdout));
    expect(second).toEqual({
      code: 0,
      stderr: 'line 1: re-uses 2 of 4 steps; runs c (failed), d (skipped)\n',
      stdout: '{"d":1}\n',
    });
    expect(ran()).toBe('abd');
    const json = await at('plan', 'run', '--resume', reply, '--json', '--quiet');
    expect([reusedIn(replyOf(json)), json.stderr]).toEqual([['a', 'b'], '']);
  });

  test('with values of every type, as they were', async () => {
    const { gate, save } = story();
    const values = [
      { $bytes: 'AQID' },
      { $date: '2026-01-01T00:00:00.000Z' },
      { $bigint: '12345678901234567890' },
      { $number: 'NaN' },
      { $undefined: true },
      { $map: [[{ $bigint: '1' }, { $set: [{ $undefined: true }] }]] },
      { $numbers: ['Float32Array', 'AACAPw=='] },
      'values',
    ];
    const literal = { $lit: { $date: 'mine' } };
    const steps = [
      { args: [values], fun: 'echo', name: 'some' },
      { args: [literal], fun: 'echo', name: 'odd' },
      { args: [], fun: 'echo', name: 'nothing' },
      { args: [gate, 'some'], fun: 'needing', name: 'gate' },
      { args: ['gate'], fun: 'kinds', name: 'kinds' },
      { args: ['odd', 'nothing', 'gate'], fun: 'echos', name: 'all' },
    ];
    const first = await at('plan', 'run', save('plan.json', steps), '--json');
    expect(replyOf(first).values).toEqual({ nothing: { $undefined: true }, odd: literal, some: values });
    writeFileSync(gate, '');
    const { results, ...second } = replyOf(
      await at('plan', 'run', '--resume', save('reply.json', first.stdout), '--json'),
    );
    expect(reusedIn({ results, ...second })).toEqual(['some', 'odd', 'nothing']);
    expect(results['all']).toEqual([literal, { $undefined: true }, values]);
    expect(results['kinds']).toEqual(
      ['Uint8Array', 'Date', 'BigInt', 'Number', 'Undefined', 'Map', 'Float32Array', 'String'].map(
        (name) => `[object ${name}]`,
      ),
    );
  });

  test('with the plan as it is now: what was changed, and all behind it, runs again', async () => {
    const { gate, noted, ran, save } = story();
    const plan = (more: object) => ({
      onError: 'continue',
      steps: [
        noted('a', 1),
        { ...noted('b', 'a'), ...more },
        noted('c', 'b', { x: 1, y: 2 }),
        noted('d', 4),
        { args: [gate, 'd'], fun: 'needing', name: 'e' },
      ],
    });
    const first = await at('plan', 'run', save('plan.json', plan({})), '--json');
    expect([first.code, ran().length]).toEqual([1, 4]);
    const reply = save('reply.json', first.stdout);
    writeFileSync(gate, '');
    const resumed = await at(
      'plan',
      'run',
      save('mended.json', plan({ timeoutMs: 9_000 })),
      '--resume',
      reply,
      '--json',
    );
    expect([resumed.code, reusedIn(replyOf(resumed))]).toEqual([0, ['a', 'b', 'c', 'd']]);
    const mended = save('mended.json', plan({ locs: [], version: '^1' }));
    const changed = await at('plan', 'run', mended, '--resume', reply, '--json');
    expect(changed.stderr).toContain('re-uses 2 of 5 steps; runs b (changed), c (needs b), e (failed)');
    expect(reusedIn(replyOf(changed))).toEqual(['a', 'd']);
    expect(ran().slice(4)).toBe('bc');
  });

  test('as one of many: those that succeeded are passed over', async () => {
    const { gate, noted, ran, save } = story();
    const plans = ['x', 'y', 'z'].map((name) => [
      noted(name, name.toUpperCase()),
      { args: [name === 'y' ? world.path('work') : gate, { $ref: name }], fun: 'needing', name: `gate ${name}` },
    ]);
    const many = plans.map((plan) => JSON.stringify(plan)).join('\n');
    const first = await at('plan', 'run', save('many.ndjson', many), '--json', '--ordered');
    expect([first.code, ran().length]).toEqual([1, 3]);
    writeFileSync(gate, '');
    const replies = save('replies.ndjson', first.stdout);
    const second = await at('plan', 'run', '--resume', replies, '--ordered');
    expect([second.code, second.stdout]).toEqual([0, '{"gate x":"X"}\n{"gate z":"Z"}\n']);
    expect(second.stderr).toContain('passed over 1 of 3 plans: they had succeeded');
    expect(ran().length).toBe(3);
    const one = await at('plan', 'run', save('one.json', plans[0]), '--resume', replies);
    expect([one.code, one.stderr]).toEqual([2, expect.stringContaining('holds several replies')]);
  });

  test('where it was interrupted, or its time was up: the node says what was done', async () => {
    const { noted, save } = story();
    const plan = save('plan.json', [noted('a', 1), { args: [60_000], fun: 'nap', name: 'b' }, noted('c', 'a', 'b')]);
    const late = await at('plan', 'run', plan, '--json', '--timeout', '400ms');
    expect([late.code, replyOf(late)]).toMatchObject([6, { error: { code: 'timed-out' }, values: { a: 1 } }]);

    const running = async () => {
      const { stdout } = await at('node', 'info', '--json');
      return (JSON.parse(stdout) as { calls: { running: number } }).calls.running;
    };
    await eventually(running, (count) => count === 0);
    const child = world.spawn(['plan', 'run', plan, '--json', '--url', alpha.url]);
    const all = ended(child);
    await eventually(running, (count) => count > 0);
    child.kill('SIGINT');
    const interrupted = await all;
    expect(interrupted.code).toBe(130);
    expect(replyOf(interrupted)).toMatchObject({
      error: { code: 'cancelled' },
      steps: [{ name: 'a', state: 'done' }, { name: 'b', state: 'cancelled' }, { state: 'skipped' }],
      values: { a: 1 },
    });
  });
});

describe('it refuses', () => {
  const failedReply = { error: { code: 'x' }, plan: [{ fun: 'echo', name: 'a' }], results: {}, steps: [], values: {} };
  test.each<[string, unknown, unknown, string]>([
    ['a reply that succeeded', { results: { a: 1 }, steps: [], tookMs: 1 }, undefined, 'its plan has succeeded'],
    ['a file that holds nothing', '', undefined, 'holds no reply'],
    ['text', 'hello', undefined, 'the reply is no JSON'],
    ['what is no reply', { a: 1 }, undefined, 'it holds no reply of a plan, but something else'],
    ['an error', { error: { code: 'nobody-there' } }, undefined, 'an error before the plan was begun'],
    ['a reply without its plan', { ...failedReply, plan: undefined }, undefined, 'name the plan, too'],
    [
      'a reply of another plan',
      { ...failedReply, steps: [{ fun: 'echo', name: 'a', state: 'done' }], values: { a: 1 } },
      [{ fun: 'echo', name: 'b' }],
      'the reply is of another plan',
    ],
    ['a plan that is not valid', failedReply, [], 'the plan has no steps'],
  ])('%s, exit code 2', async (_, reply, plan, says) => {
    const { save } = story();
    const files = plan === undefined ? [] : [save('plan.json', plan)];
    const { code, stderr, stdout } = await at('plan', 'run', ...files, '--resume', save('reply.json', reply));
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(says);
  });

  test('to read both from stdin, and neither from anywhere', async () => {
    expect((await at('plan', 'run', '-', '--resume', '-')).stderr).toContain('cannot both be read from stdin');
    expect(await at('plan', 'run')).toMatchObject({ code: 2, stderr: expect.stringContaining('no plan is named') });
  });
});

test('a reply that came over HTTP goes on with its plan beside it', async () => {
  const { gate, noted, ran, save } = story();
  const steps = [noted('a', 1), { args: [gate, 'a'], fun: 'needing', name: 'b' }];
  const answer = await fetch(`${alpha.url.replace('ws', 'http')}/v1/plan`, {
    body: JSON.stringify({ resumable: true, steps }),
    headers: { 'content-type': 'application/json' },
    method: 'POST',
  });
  const reply = save('reply.json', await answer.text());
  writeFileSync(gate, '');
  const resumed = await at('plan', 'run', save('plan.json', steps), '--resume', reply);
  expect([resumed.code, resumed.stdout, ran()]).toEqual([0, '{"b":1}\n', 'a']);
});
