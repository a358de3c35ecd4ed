/** Where a setting comes from: flag, environment, project file, context, default, in this order. */
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { World } from './mpreg.ts';

const world = new World();
const project = world.path('work', 'project');
const inside = world.path('work', 'project', 'deep', 'inside');
const file = `${project}/mpreg.yaml`;
const contexts = world.path('config', 'contexts.json');

beforeEach(() => {
  mkdirSync(inside, { recursive: true });
  writeFileSync(file, 'url: ws://127.0.0.1:3\nnodes: {}\n');
  writeFileSync(
    contexts,
    JSON.stringify({
      contexts: { far: { urls: ['ws://127.0.0.1:5'] }, near: { urls: ['ws://127.0.0.1:4'] } },
      current: 'near',
    }),
    { mode: 0o600 },
  );
});
afterAll(() => world.close());

/** The address that a command tries, as its failure names it. */
async function tried(args: readonly string[], env: Record<string, string> = {}, cwd = inside): Promise<string> {
  const { code, stderr } = await world.mpreg(['node', 'list', ...args], { cwd, env });
  expect(code).toBe(5);
  return /ws:\/\/127\.0\.0\.1:\d+/.exec(stderr)?.[0] ?? stderr;
}

describe('the address of a node', () => {
  test('comes from the flag, else the environment, else the project file above, else the current context', async () => {
    const env = { MPREG_URL: 'ws://127.0.0.1:2' };
    expect(await tried(['--url', 'ws://127.0.0.1:1'], env)).toBe('ws://127.0.0.1:1');
    expect(await tried([], env)).toBe('ws://127.0.0.1:2');
    expect(await tried([])).toBe('ws://127.0.0.1:3');
    expect(await tried([], {}, world.path('work'))).toBe('ws://127.0.0.1:4');
  });

  test('comes from a context that was asked for by name before it comes from the project file', async () => {
    expect(await tried(['--context', 'far'])).toBe('ws://127.0.0.1:5');
    expect(await tried([], { MPREG_CONTEXT: 'far' })).toBe('ws://127.0.0.1:5');
    writeFileSync(file, 'context: far\n');
    expect(await tried([])).toBe('ws://127.0.0.1:5');
  });

  test('may be several, separated by commas in the environment', async () => {
    const { stderr } = await world.mpreg(['node', 'list'], { env: { MPREG_URL: 'ws://127.0.0.1:1,ws://127.0.0.1:2' } });
    expect(stderr).toContain('ws://127.0.0.1:1');
    expect(stderr).toContain('ws://127.0.0.1:2');
  });
});

describe('what is wrong with settings', () => {
  test.each([
    [['--context', 'nowhere'], {}, 3, 'there are far, near'],
    [['--url', 'http://127.0.0.1:1'], {}, 2, 'write ws://127.0.0.1:1'],
    [['--timeout', '5'], {}, 2, 'has no unit'],
    [['--key-file', 'missing.key'], {}, 2, 'the key file missing.key cannot be read'],
    [['--tls-cert', 'a.pem'], {}, 2, '--tls-cert and --tls-key belong together'],
    [[], { MPREG_TIMEOUT: 'soon' }, 2, '"soon" is no duration'],
  ])('%j %j ends with exit code %d: %s', async (args, env, exit, says) => {
    const { code, stderr, stdout } = await world.mpreg(['node', 'list', ...args], { env });
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' });
    expect(stderr).toContain(says);
  });

  test.each([
    ['url: [', 'mpreg.yaml'],
    ['- a list', 'it must hold keys and values'],
    ['cluster: {}', 'cluster must be text'],
    ['timeout: 5', 'has no unit'],
  ])('a project file with %j is told by name', async (content, says) => {
    writeFileSync(file, content);
    const { code, stderr } = await world.mpreg(['node', 'list'], { cwd: inside });
    expect(code).toBe(2);
    expect(stderr).toContain(says);
  });

  test('a contexts file that is damaged is told by name and left alone', async () => {
    writeFileSync(contexts, '{"contexts":');
    const { code, stderr } = await world.mpreg(['context', 'add', 'new', '--url', 'ws://h:1']);
    expect(code).toBe(2);
    expect(stderr).toContain(contexts);
    expect(readFileSync(contexts, 'utf8')).toBe('{"contexts":');
  });

  test('none of that keeps a command from working that needs no node', async () => {
    writeFileSync(file, 'url: [');
    writeFileSync(contexts, '{"contexts":');
    expect(await world.mpreg(['errors', 'timed-out', '--quiet'], { cwd: inside })).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  test('a key file that others can read is warned about, and an empty one refused', async () => {
    const key = world.path('work', 'key');
    writeFileSync(key, 'secret\n');
    chmodSync(key, 0o644);
    const open = await world.mpreg(['node', 'list', '--url', 'ws://127.0.0.1:1', '--key-file', key]);
    expect(open.stderr).toContain(`warning: ${key} can be read by others (mode 644); run: chmod 600 ${key}`);
    writeFileSync(key, '\n');
    chmodSync(key, 0o600);
    const empty = await world.mpreg(['node', 'list', '--url', 'ws://127.0.0.1:1', '--key-file', key]);
    expect(empty).toMatchObject({ code: 2, stdout: '' });
    expect(empty.stderr).toContain('holds no key');
  });
});

test('contexts are kept in a file that only their owner can read, in a folder that is made for it', async () => {
  const env = { MPREG_CONFIG_DIR: world.path('fresh', 'config') };
  const { code } = await world.mpreg(['context', 'add', 'one', '--url', 'ws://h:1'], { env });
  expect(code).toBe(0);
  expect(statSync(world.path('fresh', 'config', 'contexts.json')).mode & 0o777).toBe(0o600);
  expect(statSync(world.path('fresh', 'config')).mode & 0o777).toBe(0o700);
});
