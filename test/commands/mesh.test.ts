/** The commands that speak to a mesh, against two real nodes with functions of their own. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ended, eventually, type Ran, type RunningNode, World } from '../cli/mpreg.ts';

const world = new World();
let alpha: RunningNode;
let beta: RunningNode;

const FUNCTIONS = `
export const add = (a: number, b: number): number => a + b;
export function shout(text: string, options: { mark?: string } = {}): string { return text.toUpperCase() + (options.mark ?? ''); }
export function fail(): never { throw new TypeError('not today'); }
export async function nap(ms: number): Promise<string> { await new Promise((done) => setTimeout(done, ms)); return 'awake'; }
export function nothing(): void {}
export async function* count(to: number): AsyncGenerator<number> { for (let i = 1; i <= to; i++) yield i; }
`;

beforeAll(async () => {
  const file = world.path('work', 'functions.ts');
  writeFileSync(file, FUNCTIONS);
  [alpha, beta] = await Promise.all([
    world.node(['--name', 'alpha', '--resource', 'gpu', '--region', 'north']),
    world.node(['--name', 'beta', '--functions', file, '--resource', 'disk', '--resource', 'data/1']),
  ]);
  await eventually(
    () => ask('function', 'list'),
    (rows) => rows.some(({ name, node }) => name === 'add' && node === 'beta'),
  );
});
afterAll(() => world.close());

type Row = Record<string, unknown>;

async function ask(...args: string[]): Promise<Row[]> {
  return JSON.parse((await at(alpha, ...args, '--json')).stdout) as Row[];
}

function at(node: RunningNode, ...args: string[]): Promise<Ran> {
  return world.mpreg(args, { env: { MPREG_URL: node.url } });
}

describe('node start', () => {
  test('says in one line of JSON who is ready and where', () => {
    const { child: _, ended: __, ...ready } = beta;
    expect(ready).toEqual({
      cluster: 'default',
      event: 'ready',
      functions: expect.arrayContaining(['add', 'echo', 'nap']),
      id: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
      name: 'beta',
      pid: beta.child.pid,
      resources: ['disk', 'data/1'],
      url: expect.stringMatching(/^ws:\/\/127\.0\.0\.1:\d+$/),
    });
  });
});

describe('call', () => {
  test.each([
    [['echo', 'hi'], 'hi\n'],
    [['echo', 'echo'], 'echo\n'],
    [['add', '1', '2'], '3\n'],
    [['add', '-1', '2'], '1\n'],
    [['echos', '1', 'one', 'null', '{"a":[true]}', '--', '-x'], '[1,"one",null,{"a":[true]},"-x"]\n'],
    [['echos', 'a', 'b', 'a'], '["a","b","a"]\n'],
    [['echo', '12', '--string'], '12\n'],
    [['echos', '12', '--string'], '["12"]\n'],
    [['echos', '@@home', '{"$date":"2026-01-01T00:00:00.000Z"}'], '["@home",{"$date":"2026-01-01T00:00:00.000Z"}]\n'],
    [['shout', 'hey', '--kwarg', 'mark=!'], 'HEY!\n'],
    [['nothing'], ''],
    [['echo', 'x', '--loc', 'gpu'], 'x\n'],
    [['add', '1', '1', '--loc', 'disk', '--loc', 'data/1'], '2\n'],
    [['count', '3', '--stream'], '1\n2\n3\n'],
    [['add', '1', '2', '--stream'], '3\n'],
  ])('%j prints %j', async (args, stdout) => {
    expect(await at(alpha, 'call', ...args)).toEqual({ code: 0, stderr: '', stdout });
  });

  test('with --json says who ran it and how long that took', async () => {
    const { stdout } = await at(alpha, 'call', 'add', '1', '2', '--json');
    expect(JSON.parse(stdout)).toEqual({ node: 'beta', tookMs: expect.any(Number), value: 3 });
    const on = await at(alpha, 'call', 'echo', 'hi', '--node', 'beta', '--json');
    expect(JSON.parse(on.stdout)).toMatchObject({ node: 'beta' });
  });

  test.each([
    [['no_such_function'], 3, 'function-unknown'],
    [['echo', 'x', '--loc', 'moon'], 3, 'resource-unknown'],
    [['echo', 'x', '--node', 'gamma'], 3, 'node-unknown'],
    [['fail'], 1, 'function-failed'],
    [['count', '3'], 2, 'usage-invalid'],
    [[''], 2, 'input-invalid'],
    [['nap', '60000', '--timeout', '300ms'], 6, 'timed-out'],
  ])('%j ends with exit code %d and %s', async (args, exit, code) => {
    const [text, json] = await Promise.all([at(alpha, 'call', ...args), at(alpha, 'call', ...args, '--json')]);
    expect(text).toMatchObject({ code: exit, stdout: '' });
    expect(text.stderr).toContain(code);
    expect(json).toMatchObject({ code: exit, stderr: '' });
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code, exitCode: exit } });
  });

  test('and a plan say, where nobody chose the limit, what it is and how to have another', async () => {
    writeFileSync(world.path('long.json'), '[{"name":"a","fun":"nap","args":[60000]}]');
    const late = await Promise.all([
      at(alpha, 'call', 'nap', '60000'),
      at(alpha, 'plan', 'run', world.path('long.json')),
      at(alpha, 'call', 'nap', '60000', '--timeout', '300ms'),
    ]);
    expect(late.map(({ code }) => code)).toEqual([6, 6, 6]);
    expect(late.map(({ stderr }) => /how long it may take, which is 10 s then.*\n.*--timeout 5m/.test(stderr))).toEqual(
      [true, true, false],
    );
  });

  test("shows a remote function's own error: name, message, stack and node", async () => {
    const { stderr } = await at(alpha, 'call', 'fail');
    expect(stderr).toContain('TypeError: not today');
    expect(stderr).toMatch(/functions\.ts:4/);
    expect(stderr).toMatch(/node: +beta/);
  });

  test('is cancelled by Ctrl-C: exit code 130, and the node goes on', async () => {
    const child = world.spawn(['call', 'nap', '60000', '--timeout', '0', '--url', alpha.url, '--verbose']);
    const all = ended(child);
    await new Promise((resolve) => child.stderr.once('data', resolve));
    await new Promise((resolve) => setTimeout(resolve, 100));
    child.kill('SIGINT');
    expect((await all).code).toBe(130);
    expect(await at(beta, 'call', 'add', '1', '1')).toMatchObject({ stdout: '2\n' });
  });

  test('needs no address where a node of yours runs here', async () => {
    expect(await world.mpreg(['call', 'echo', 'found'])).toEqual({ code: 0, stderr: '', stdout: 'found\n' });
  });
});

describe('what the mesh is made of', () => {
  const member = {
    address: expect.stringMatching(/^ws:/),
    cluster: 'default',
    forMs: expect.any(Number),
    functions: expect.arrayContaining(['echo']),
    id: expect.any(String),
    incarnation: expect.any(Number),
    linked: expect.any(Boolean),
    load: expect.any(Number),
    state: 'alive',
    version: '0.1.0',
  };

  test.each([[['cluster', 'status']], [['node', 'list']]])('%j has one object per node', async (args) => {
    const rows = await eventually(
      () => ask(...args),
      (all) => all.length === 2,
    );
    expect(rows).toEqual([
      { ...member, name: 'alpha', region: 'north', resources: ['gpu'], self: true },
      { ...member, name: 'beta', region: null, resources: ['disk', 'data/1'], self: false },
    ]);
  });

  test('as lines with tabs where nobody looks, and as a table on a terminal', async () => {
    const { stdout } = await at(alpha, 'cluster', 'status');
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split('\t').slice(0, 2)),
    ).toEqual([
      ['alpha', 'alive'],
      ['beta', 'alive'],
    ]);
    const { stdout: table } = await world.terminal(['node', 'list', '--url', alpha.url, '--no-color']);
    expect(table).toMatch(/^NAME +STATE +FOR +ADDRESS +REGION +RESOURCES +FUNCTIONS +ID\r\nalpha +alive /);
    expect(table).toContain('2 alive, as alpha sees it');
  });

  test('cluster status --exit-code ends with 0 while all are well', async () => {
    expect(await at(alpha, 'cluster', 'status', '--exit-code')).toMatchObject({ code: 0 });
  });

  test('node info shows this node or another, by name or id', async () => {
    const shown = async (...args: string[]) =>
      JSON.parse((await at(alpha, 'node', 'info', ...args, '--json')).stdout) as Row;
    expect(await shown()).toMatchObject({ id: alpha.id, phase: 'running', record: { name: 'alpha' } });
    expect(await shown('beta')).toMatchObject({ id: beta.id, record: { resources: ['disk', 'data/1'] } });
    expect(await shown(beta.id)).toMatchObject({ id: beta.id });
    expect((await at(alpha, 'node', 'info', 'beta')).stdout).toMatch(/^name\tbeta\n/);
    expect(await at(alpha, 'node', 'info', 'gamma')).toMatchObject({ code: 3 });
  });

  test('function list has one object per function and node', async () => {
    const rows = await ask('function', 'list', '--node', 'beta');
    expect(rows.map(({ name }) => name)).toEqual(['add', 'count', 'echo', 'echos', 'fail', 'nap', 'nothing', 'shout']);
    expect(rows[0]).toEqual({
      description: null,
      functionId: null,
      id: beta.id,
      idempotent: false,
      name: 'add',
      node: 'beta',
      ownResources: [],
      resources: ['disk', 'data/1'],
      timeoutMs: null,
      version: '1.0.0',
    });
    expect(await at(alpha, 'function', 'list', '--node', 'gamma')).toMatchObject({ code: 3, stdout: '' });
  });

  test('doctor finds nothing wrong with it', async () => {
    const { code, stdout } = await world.mpreg(['doctor', '--json', '--url', alpha.url]);
    const { checks, ok } = JSON.parse(stdout) as { readonly ok: boolean; readonly checks: readonly Row[] };
    expect({ code, ok }).toEqual({ code: 0, ok: true });
    expect(checks.map(({ name, state }) => [name, state])).toEqual([
      ['runtime', 'ok'],
      ['contexts', 'ok'],
      ['project file', 'ok'],
      ['runtime directory', 'ok'],
      ['key', 'ok'],
      [`node ${alpha.url}`, 'ok'],
      ['members', 'ok'],
      ['versions', 'ok'],
    ]);
  });

  test('names are offered to the shell', async () => {
    const offered = async (...words: string[]) =>
      (await world.mpreg(['complete', '--', ...words])).stdout.split('\n').map((line) => line.split('\t')[0]);
    expect(await offered('call', 'e')).toEqual(['echo', 'echos', '']);
    expect(await offered('node', 'info', '')).toEqual(['alpha', 'beta', '']);
    expect(await offered('call', 'echo', '--node', 'b')).toEqual(['beta', '']);
  });
});

describe('changes', () => {
  test('node drain takes its functions away, and --undo brings them back; cluster events tells both', async () => {
    const functions = beta.functions.length;
    const child = world.spawn([
      'cluster',
      'events',
      '--kind',
      'function',
      '--count',
      String(2 * functions),
      '--json',
      '--url',
      alpha.url,
    ]);
    const all = ended(child);
    await new Promise((resolve) => child.stderr.once('data', resolve));
    const state = async () => (await ask('node', 'list')).find(({ name }) => name === 'beta')?.['state'];

    const drained = await at(alpha, 'node', 'drain', 'beta', '--json');
    expect(JSON.parse(drained.stdout)).toEqual({ node: 'beta', state: 'draining' });
    await eventually(state, (now) => now === 'draining');
    expect(await at(alpha, 'call', 'add', '1', '1')).toMatchObject({ code: 5, stdout: '' });

    expect(await at(alpha, 'node', 'drain', 'beta', '--undo')).toMatchObject({ code: 0, stdout: 'beta\talive\n' });
    await eventually(state, (now) => now === 'alive');

    const { code, stdout } = await all;
    expect(code).toBe(0);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Row);
    expect(events.map(({ change }) => change)).toEqual([
      ...Array(functions).fill('removed'),
      ...Array(functions).fill('added'),
    ]);
    expect(events[0]).toMatchObject({ at: expect.stringMatching(/Z$/), kind: 'function', node: 'beta' });
  });

  test('node leave wants a yes where nobody can be asked', async () => {
    const { code, stderr, stdout } = await at(alpha, 'node', 'leave', 'beta');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('confirmation-missing');
    expect(stderr).toMatch(/^ {2}mpreg node leave beta .*--yes$/m);
    expect(beta.child.exitCode).toBeNull();
  });

  test('node leave asks a person, and does nothing where the answer is not yes', async () => {
    const { code, stdout } = await world.terminal(['node', 'leave', 'beta', '--url', alpha.url], { input: 'n\n' });
    expect(stdout).toContain(`Stop the node beta (${beta.id}) and end its process? [y/N]`);
    expect(stdout).toContain('not confirmed: nothing was done');
    expect(code).toBe(2);
    expect(beta.child.exitCode).toBeNull();
  });

  test('node leave ends the process of the node with 0, and the others know', async () => {
    const { code, stdout } = await at(alpha, 'node', 'leave', 'beta', '--yes', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ id: beta.id, name: 'beta', state: 'left' });
    expect(await beta.ended).toMatchObject({ code: 0 });
    await eventually(
      () => ask('cluster', 'status'),
      (rows) => rows.some(({ name, state }) => name === 'beta' && state === 'left'),
    );
    expect((await ask('node', 'list')).map(({ name }) => name)).toEqual(['alpha']);
  });

  test('a node that was killed is found dead, and cluster status --exit-code ends with 8', async () => {
    const gamma = await world.node(['--name', 'gamma', '--resource', 'lost']);
    const called = () => at(alpha, 'call', 'echo', 'x', '--loc', 'lost');
    await eventually(called, ({ code }) => code === 0);
    gamma.child.kill('SIGKILL');
    const { stderr, stdout } = await eventually(
      () => at(alpha, 'cluster', 'status', '--exit-code'),
      (ran) => ran.code === 8 && ran.stdout.includes('gamma\tdead'),
    );
    expect(stderr).toContain('not well: gamma is dead');
    expect(stderr).toContain('found-wanting');
    expect(stdout).toContain('alpha\talive');
    expect(await called()).toMatchObject({ code: 3, stdout: '' });
  });
});
