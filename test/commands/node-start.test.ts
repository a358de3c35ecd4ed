/** How a node begins and ends: readiness, refusals, keys, signals. */
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { ended, eventually, firstLine, type Ran, World } from '../cli/mpreg.ts';

const world = new World();
afterAll(() => world.close());

function key(name: string, text: string): string {
  const file = world.path('work', name);
  writeFileSync(file, `${text}\n`);
  chmodSync(file, 0o600);
  return file;
}

test('a command finds a node that is only just being started, at the latest at the tenth try on a busy machine', async () => {
  const tried: Ran[] = [];
  while (tried.length < 10 && tried.at(-1)?.code !== 0) {
    const child = world.spawn(['node', 'start', '--cluster', 'soon']);
    const gone = ended(child);
    tried.push(await world.mpreg(['call', 'echo', 'hi', '--cluster', 'soon']));
    child.kill('SIGKILL');
    await gone;
  }
  expect(tried.at(-1)).toMatchObject({ code: 0, stdout: 'hi\n' });
});

describe('a node that starts', () => {
  test('wants a name that is one', async () => {
    const { code, stderr } = await world.mpreg(['node', 'start', '--name', '', '--no-discover']);
    expect(code).toBe(2);
    expect(stderr).toContain('must not be empty');
  });

  test('prints its address on stdout and nothing else; the log is on stderr', async () => {
    const child = world.spawn(['node', 'start', '--no-discover']);
    const all = ended(child);
    const url = await firstLine(child);
    expect(await world.mpreg(['call', 'echo', 'hi', '--url', url])).toMatchObject({ code: 0, stdout: 'hi\n' });
    child.kill('SIGTERM');
    const { code, stderr, stdout } = await all;
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${url}\n` });
    expect(stderr).toContain('no key: listening on loopback only');
    expect(stderr).toMatch(/info +stopping/);
  });

  test('does not serve without TLS where it should want certificates', async () => {
    const started = await world.mpreg(['node', 'start', '--no-discover', '--tls-client-certs']);
    expect(started).toMatchObject({ code: 2, stdout: '' });
    expect(started.stderr).toContain('it was given no certificate and no private key');
  });

  test('writes its log as JSON where it is asked to, one object per line', async () => {
    const node = await world.node(['--name', 'logs', '--no-discover', '--verbose']);
    node.child.kill('SIGINT');
    const { code, stderr } = await node.ended;
    expect(code).toBe(0);
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.at(-1)).toMatchObject({ level: 'info', message: 'stopped', time: expect.stringMatching(/Z$/) });
  });

  test('keeps its identity in its data directory', async () => {
    const args = ['--no-discover', '--data-dir', world.path('data')];
    const first = await world.node(args);
    const second = await world.mpreg(['node', 'start', ...args]);
    expect(second).toMatchObject({ code: 7, stdout: '' });
    expect(second.stderr).toContain('data-in-use');
    first.child.kill('SIGTERM');
    await first.ended;
    const again = await world.node(args);
    expect(again.id).toBe(first.id);
    again.child.kill('SIGTERM');
    await again.ended;
  });

  test('finds the settings of its project', async () => {
    writeFileSync(world.path('work', 'mpreg.json'), JSON.stringify({ cluster: 'lab' }));
    const node = await world.node(['--no-discover']);
    writeFileSync(world.path('work', 'mpreg.json'), '{}');
    expect(node.cluster).toBe('lab');
    node.child.kill('SIGTERM');
    await node.ended;
  });
});

describe('a node that cannot start', () => {
  test('on a port that is taken says so: exit code 7', async () => {
    const node = await world.node(['--name', 'first', '--no-discover']);
    const port = new URL(node.url).port;
    const { code, stderr, stdout } = await world.mpreg(['node', 'start', '--port', port]);
    expect({ code, stdout }).toEqual({ code: 7, stdout: '' });
    expect(stderr).toContain('address-in-use');
    node.child.kill('SIGTERM');
    await node.ended;
  });

  test('for others to reach without a key is refused: exit code 4', async () => {
    const { code, stderr, stdout } = await world.mpreg(['node', 'start', '--host', '0.0.0.0']);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toContain('bind-refused');
    expect(stderr).toContain('--key-file');
  });

  test('with functions that cannot be loaded names the file: exit code 2', async () => {
    const file = world.path('work', 'broken.ts');
    writeFileSync(file, 'export const a = ;\n');
    const { code, stderr } = await world.mpreg(['node', 'start', '--functions', file]);
    expect(code).toBe(2);
    expect(stderr).toContain('module-invalid');
    expect(stderr).toContain('broken.ts');
  });

  test('because nobody was met within --join-timeout exits with 5, and says nothing on stdout', async () => {
    const args = ['node', 'start', '--no-discover', '--peer', 'ws://127.0.0.1:1', '--join-timeout', '300ms', '--json'];
    const { code, stdout } = await world.mpreg(args);
    expect(code).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'nobody-there' } });
  });
});

describe('a key', () => {
  test('lets in who has it, from a file or the environment, and nobody else', async () => {
    const right = key('right.key', 'correct horse battery staple');
    const wrong = key('wrong.key', 'incorrect horse battery staple');
    const node = await world.node(['--name', 'locked', '--no-discover', '--key-file', right, '--host', '127.0.0.1']);
    const call = (args: string[], env = {}) => world.mpreg(['call', 'echo', 'in', '--url', node.url, ...args], { env });
    expect(await call(['--key-file', right])).toEqual({ code: 0, stderr: '', stdout: 'in\n' });
    expect(await call([], { MPREG_KEY: 'correct horse battery staple' })).toMatchObject({ code: 0 });
    expect(await call([], { MPREG_KEY_FILE: right })).toMatchObject({ code: 0 });
    const refused = await call(['--key-file', wrong]);
    expect(refused).toMatchObject({ code: 4, stdout: '' });
    expect(refused.stderr).toContain('key-wrong');
    const keyless = await call([]);
    expect(keyless).toMatchObject({ code: 4, stdout: '' });
    expect(keyless.stderr).toContain('key-missing');
    node.child.kill('SIGTERM');
    await node.ended;
  });
});

describe('a node that is told to stop', () => {
  const started = world.path('work', 'started');
  const slow = `import { writeFileSync } from 'node:fs';
  export async function nap(ms: number): Promise<string> {
    writeFileSync(${JSON.stringify(started)}, '');
    await new Promise((done) => setTimeout(done, ms));
    return 'awake';
  }\n`;

  /** A node with a call that runs. */
  async function busy(ms: number) {
    rmSync(started, { force: true });
    writeFileSync(world.path('work', 'slow.ts'), slow);
    const node = await world.node(['--no-discover', '--functions', 'slow.ts']);
    const call = world.mpreg(['call', 'nap', String(ms), '--timeout', '0', '--url', node.url]);
    await eventually(
      async () => existsSync(started),
      (there) => there,
    );
    return { call, node };
  }

  test('finishes the calls that run, then exits with 0', async () => {
    const { call, node } = await busy(1000);
    node.child.kill('SIGTERM');
    expect(await call).toMatchObject({ code: 0, stdout: 'awake\n' });
    expect(await node.ended).toMatchObject({ code: 0 });
  });

  test('ends at once when it is told twice', async () => {
    const { call, node } = await busy(100_000);
    node.child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(node.child.exitCode).toBeNull();
    const began = performance.now();
    node.child.kill('SIGINT');
    expect(await node.ended).toMatchObject({ code: 130 });
    expect(performance.now() - began).toBeLessThan(90_000);
    expect(await call).toMatchObject({ code: 6, stdout: '' });
  });
});
