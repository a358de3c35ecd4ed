/** `mpreg up`: several nodes from one file that start, meet and end together. */
import { type ChildProcessWithoutNullStreams, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Board } from '../../src/cli/up/board.ts';
import { findUpFile, readUpFile } from '../../src/cli/up/up-file.ts';
import { until } from '../acceptance/until.ts';
import { BUILT, ended, firstLine, type Ran, type Ready, World } from '../cli/mpreg.ts';
import { isRunning } from '../processes.ts';

let world: World;
beforeEach(() => {
  world = new World(BUILT);
});
afterEach(() => world.close());

function write(name: string, content: unknown): string {
  const file = world.path('work', name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

describe('the file', () => {
  test('names nodes with what they have; paths are relative to it; keys may have underscores', async () => {
    const file = write(
      'mpreg.up.yaml',
      `cluster: blue
key_file: secret/key
nodes:
  - name: alpha
    functions: [a.ts, /abs/b.mjs]
    resources: gpu
    data_dir: data/alpha
    port: 7400
    env: { MODEL_NAME: small, LIMIT: 3 }
  - name: beta
`,
    );
    expect(await readUpFile(file)).toMatchObject({
      cluster: 'blue',
      folder: world.path('work'),
      keyFile: world.path('work', 'secret', 'key'),
      nodes: [
        {
          dataDir: world.path('work', 'data', 'alpha'),
          env: { LIMIT: '3', MODEL_NAME: 'small' },
          functions: [world.path('work', 'a.ts'), '/abs/b.mjs'],
          port: 7400,
          resources: ['gpu'],
        },
        { functions: [], name: 'beta', resources: [] },
      ],
    });
  });

  test('may be the project file, which says other things too', async () => {
    const file = write('mpreg.json', { nodes: [{ name: 'a' }], timeout: '5s', url: 'ws://h:1' });
    expect((await readUpFile(file)).nodes).toHaveLength(1);
  });

  test.each([
    ['a misspelt key', { nodes: [{ name: 'a', resource: ['x'] }] }, 'nodes[0].resource', 'did you mean "resources"'],
    ['a misspelt key at the top', { clutser: 'x', nodes: [{ name: 'a' }] }, 'clutser', 'did you mean "cluster"'],
    ['a port that is none', { nodes: [{ name: 'a' }, { name: 'b', port: 70_000 }] }, 'nodes[1].port', '65535'],
    ['a name with blanks', { nodes: [{ name: 'a b' }] }, 'nodes[0].name', 'letters, digits'],
    ['two nodes of one name', { nodes: [{ name: 'a' }, { name: 'a' }] }, 'nodes[1].name', 'two nodes are named "a"'],
    ['no nodes', { nodes: [] }, 'nodes', 'at least one'],
    ['no list of nodes', {}, 'nodes', 'array'],
  ])('is refused with %s, and with the place', async (_, content, path, says) => {
    const file = write('up.json', content);
    await expect(readUpFile(file)).rejects.toMatchObject({
      message: expect.stringContaining(says),
      problem: { code: 'input-invalid', path },
    });
  });

  test('is refused where it is no YAML or cannot be read', async () => {
    const broken = write('up.yaml', 'nodes: [a: b');
    await expect(readUpFile(broken)).rejects.toMatchObject({ problem: { code: 'input-invalid' } });
    await expect(readUpFile(`${broken}.gone`)).rejects.toMatchObject({ problem: { code: 'file-unreadable' } });
  });

  test('is found here, in a named folder, or in the nearest folder above', () => {
    const above = write('mpreg.yaml', 'nodes: []');
    mkdirSync(world.path('work', 'deep', 'deeper'), { recursive: true });
    expect(findUpFile(undefined, world.path('work', 'deep', 'deeper'))).toBe(above);
    const nearer = write('deep/mpreg.up.json', '{}');
    expect(findUpFile(undefined, world.path('work', 'deep', 'deeper'))).toBe(nearer);
    expect(findUpFile('deep', world.path('work'))).toBe(nearer);
    expect(() => findUpFile(undefined, '/')).toThrow('no mpreg.up.yaml');
  });
});

describe('the board', () => {
  function board(live: boolean) {
    let written = '';
    const write = (text: string): boolean => {
      written += text;
      return true;
    };
    const stream = { columns: 20, write };
    return { board: new Board({ color: false, live, names: ['a', 'beta'], stream }), written: () => written };
  }

  test('puts its name before every line, aligned', () => {
    const { board: plain, written } = board(false);
    plain.line('a', 'one');
    plain.line('beta', 'two\u001b[2J');
    plain.status('all is well');
    plain.status('all is well');
    expect(written()).toBe('a    │ one\nbeta │ two\\x1b[2J\nall is well\n');
  });

  test('keeps its status at the bottom of a terminal, cut to the width', () => {
    const { board: live, written } = board(true);
    live.status('this status is longer than the terminal');
    live.line('a', 'one');
    live.clear();
    const clear = '\r\u001b[K';
    expect(written()).toBe(`${clear}this status is long${clear}a    │ one\nthis status is long${clear}`);
  });
});

interface Up {
  readonly child: ChildProcessWithoutNullStreams;
  readonly nodes: readonly Ready[];
  readonly ended: Promise<Ran>;
}

const FUNCTIONS = `import { writeFileSync } from 'node:fs';
export const slow = (ms, mark) => {
  writeFileSync(mark, 'it has begun');
  return new Promise((done) => setTimeout(done, ms, 'finished'));
};
export const who = () => process.env.WHO;`;

/** Three nodes, of a cluster of their own. */
async function start(...args: string[]): Promise<Up> {
  write('functions.mjs', FUNCTIONS);
  const file = write('up.json', {
    cluster: 'three',
    nodes: [
      { env: { WHO: 'the first' }, functions: ['functions.mjs'], name: 'alpha', resources: ['gpu'] },
      { name: 'beta' },
      { name: 'gamma', region: 'eu' },
    ],
  });
  const child = world.spawn(['up', file, '--json', ...args], { cwd: world.folder });
  const all = ended(child);
  const line = await Promise.race([firstLine(child), all]);
  if (typeof line !== 'string') throw new Error(`no nodes: exit ${line.code}\n${line.stdout}${line.stderr}`);
  return { child, ended: all, nodes: (JSON.parse(line) as { nodes: Ready[] }).nodes };
}

/** Calls the slow function, and waits until it runs. */
async function callSlow(ms: number, url: string | undefined): Promise<{ readonly answer: Promise<Ran> }> {
  const mark = world.path('begun');
  const answer = world.mpreg(['call', 'slow', String(ms), mark, '--url', url ?? '', '--timeout', '30s']);
  await until('the function runs', () => existsSync(mark), Boolean);
  return { answer };
}

const allGone = (nodes: readonly Ready[]) =>
  until(
    'all are gone',
    () => nodes.filter(({ pid }) => isRunning(pid)),
    (left) => left.length === 0,
  );

describe('the nodes', () => {
  test('see each other as soon as they are said to be ready, have what the file says, and end in order', async () => {
    const up = await start();
    expect(up.nodes.map(({ name }) => name)).toEqual(['alpha', 'beta', 'gamma']);
    expect(up.nodes[0]).toMatchObject({ resources: ['gpu'] });
    for (const { url } of up.nodes) {
      const { stdout } = await world.mpreg(['cluster', 'status', '--json', '--url', url]);
      expect(JSON.parse(stdout)).toMatchObject(['alpha', 'beta', 'gamma'].map((name) => ({ name, state: 'alive' })));
    }
    expect(await world.mpreg(['call', 'who', '--loc', 'gpu', '--cluster', 'three'])).toMatchObject({
      stdout: 'the first\n',
    });
    const { answer } = await callSlow(1000, up.nodes[1]?.url);
    up.child.kill('SIGTERM');
    expect(await answer).toMatchObject({ code: 0, stdout: 'finished\n' });
    const { code, stderr, stdout } = await up.ended;
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/^alpha │ .*ready/m);
    expect(stderr).toMatch(/^gamma │ .*stopped/m);
    expect(stderr).toContain('up: 3 nodes ready after');
    await allGone(up.nodes);
  });

  test('end all together when one dies, which is named', async () => {
    const up = await start();
    process.kill(up.nodes[1]?.pid ?? 0, 'SIGKILL');
    const { code, stdout } = await up.ended;
    expect(code).toBe(1);
    const [, failure = ''] = stdout.trimEnd().split('\n');
    expect(JSON.parse(failure)).toMatchObject({
      error: { code: 'node-died', message: expect.stringMatching(/the node beta was ended by SIGKILL/), node: 'beta' },
    });
    await allGone(up.nodes);
  });

  test('go on without one that was asked to leave', async () => {
    const up = await start();
    const [, beta, gamma] = up.nodes;
    const left = await world.mpreg(['node', 'leave', 'beta', '--yes', '--url', gamma?.url ?? '']);
    expect(left.code).toBe(0);
    await until(
      'beta is gone',
      () => isRunning(beta?.pid ?? 0),
      (running) => !running,
    );
    await pause(200);
    expect(up.child.exitCode).toBeNull();
    expect(isRunning(gamma?.pid ?? 0)).toBe(true);
    up.child.kill('SIGINT');
    expect(await up.ended).toMatchObject({ code: 0 });
  });

  test('do not outlive the one who started them, however that ended', async () => {
    const up = await start();
    up.child.kill('SIGKILL');
    await allGone(up.nodes);
  });

  test('end at once at the second signal', async () => {
    const up = await start();
    const { answer } = await callSlow(100_000, up.nodes[0]?.url);
    const began = performance.now();
    up.child.kill('SIGINT');
    await pause(500);
    expect(up.nodes.map(({ pid }) => isRunning(pid))).toContain(true);
    up.child.kill('SIGINT');
    expect(await up.ended).toMatchObject({ code: 130 });
    await allGone(up.nodes);
    expect(performance.now() - began).toBeLessThan(90_000);
    expect((await answer).code).toBe(6);
  });

  test('end with a program that holds their stdin', async () => {
    const up = await start('--until-stdin-ends');
    up.child.stdin.end();
    expect(await up.ended).toMatchObject({ code: 0 });
    await allGone(up.nodes);
  });

  test('fail loudly when one cannot start, with what it said and how to look closer', async () => {
    write('up.yaml', 'nodes: [{ name: good }, { name: bad, functions: missing.ts }]');
    const { code, stderr, stdout } = await world.mpreg(['up']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /the node bad ended with exit code 2; the last that it said:\n[\s\S]*missing\.ts cannot be read/,
    );
    expect(stderr).toContain('mpreg node start --name bad');
  });

  test('say where nothing is described', async () => {
    const { code, stderr } = await world.mpreg(['up'], { cwd: '/' });
    expect(code).toBe(2);
    expect(stderr).toContain('mpreg init');
  });
});

test.skipIf(spawnSync('script', ['--version']).status !== 0)(
  'on a terminal there is a table, and a line of status that says how it ends',
  async () => {
    write('up.yaml', 'nodes: [{ name: only, resources: [gpu] }]');
    const running = world.terminal(['up'], { env: { COLUMNS: '120' } });
    const list = () => world.mpreg(['node', 'list', '--json']);
    await until('it serves', list, ({ code }) => code === 0);
    await pause(1500); // it has been told by then
    const { stdout } = await list();
    const [only] = JSON.parse(stdout) as { id: string }[];
    await world.mpreg(['node', 'leave', only?.id ?? '', '--yes']);
    const { code, stdout: screen } = await running;
    expect(code).toBe(0);
    expect(screen).toMatch(/NAME.*URL.*RESOURCES/);
    expect(screen).toMatch(/only.*ws:\/\/127\.0\.0\.1.*gpu/);
    expect(screen).toContain('up: 1 node ready after');
  },
);
