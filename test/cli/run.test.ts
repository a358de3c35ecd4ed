/** What the process does as a whole: exit codes, how errors are told, broken pipes, Ctrl-C. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { BIN, ended, firstLine, World } from './mpreg.ts';

const world = new World();
const servers: Server[] = [];

afterAll(async () => {
  for (const server of servers) server.close();
  await world.close();
});

/** The port that the server listens on. */
async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

describe('wrong usage', () => {
  test.each([
    [['nod', 'lst'], 'there is no command "nod lst"', 'mpreg node list'],
    [['node', 'strat'], 'there is no command "node strat"', 'mpreg node start'],
    [['frobnicate'], 'there is no command "frobnicate"', 'mpreg --help'],
    [['nod', '--help'], 'there is no command "nod"', 'mpreg node'],
    [
      ['node', 'list', '--no-colour'],
      'there is no flag --no-colour: did you mean --no-color?',
      'mpreg node list --help',
    ],
    [
      ['call', 'f', '--frob'],
      'there is no flag --frob: words that begin with a dash come after --',
      'mpreg call --help',
    ],
    [['node', 'drain'], 'missing 1 required arg', 'mpreg node drain --help'],
    [['node', 'drain', 'a', 'b'], 'unexpected argument: b', 'mpreg node drain --help'],
    [['node', 'start', '--port', 'http'], '--port', 'mpreg node start --help'],
    [['node', 'start', '--port', '70000'], '--port', 'mpreg node start --help'],
    [['node', 'start', '--latitude', '91', '--longitude', '0'], '--latitude: "91"', 'mpreg node start --help'],
    [['node', 'start', '--peer', 'nonsense'], '--peer: "nonsense" is no address', 'mpreg node start --help'],
    [['node', 'start', '--log-format', 'xml'], '--log-format', 'mpreg node start --help'],
    [['node', 'list', '--url'], '--url expects a value', 'mpreg node list --help'],
    [['call', 'f', '--kwarg', 'novalue'], '--kwarg wants KEY=VALUE', 'mpreg call --help'],
    [['call', '-', 'x'], '"call -" takes no arguments', 'mpreg call --help'],
    [['--json'], 'no command is named', 'mpreg --help'],
  ])('%j ends with 2 and the command that helps', async (args, says, command) => {
    const { code, stderr, stdout } = await world.mpreg(args);
    if (args[0] === '--json') expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'usage-invalid' } });
    else {
      expect(stdout).toBe('');
      expect(stderr.split('\n')[0]).toContain(says);
      expect(stderr).not.toMatch(/\n\s+at /);
      expect(stderr.trimEnd().split('\n').at(-1)?.trim()).toBe(command);
    }
    expect(code).toBe(2);
  });

  test('under --json is one document on stdout, with code, hint and outcome', async () => {
    const { code, stderr, stdout } = await world.mpreg(['node', 'drain', '--json']);
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'usage-invalid',
        exitCode: 2,
        hint: 'Look at its help.\nmpreg node drain --help',
        message: 'missing 1 required arg:\nnode  Name or id.',
        outcome: 'did-not-happen',
      },
    });
  });

  test('under MPREG_JSON is JSON too', async () => {
    const { stdout } = await world.mpreg(['frobnicate'], { env: { MPREG_JSON: '1' } });
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'usage-invalid' } });
  });
});

describe('where no node can be reached', () => {
  test.each([
    [['node', 'list']],
    [['cluster', 'status']],
    [['cluster', 'events']],
    [['function', 'list']],
    [['call', 'echo', 'hi']],
    [['node', 'info']],
    [['node', 'leave', 'a', '--yes']],
  ])('%j says so, with what to start, and exits with 5', async (args) => {
    const { code, stderr, stdout } = await world.mpreg(args);
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
    expect(stderr).toContain('nobody-there');
    expect(stderr.trimEnd().split('\n').at(-1)?.trim()).toBe('mpreg node start');
  });

  test('a command says so without waiting for its time limit', async () => {
    const began = performance.now();
    expect(await world.mpreg(['call', 'echo', 'hi', '--timeout', '5m'])).toMatchObject({ code: 5 });
    expect(performance.now() - began).toBeLessThan(150_000);
  });

  test('a plan that is never written does not hide it', async () => {
    const child = world.spawn(['call', '-']);
    const { code, stderr } = await ended(child);
    expect(code).toBe(5);
    expect(stderr).toContain('nobody-there');
  });

  test('a closed port, a web server and a mute listener are told by their address', async () => {
    const web = await listening(createServer((_, response) => response.end('hello')));
    const mute = await listening(createTcpServer(() => {}));
    const tried = async (to: number, ...more: string[]) => {
      const ran = await world.mpreg(['node', 'list', '--url', `ws://127.0.0.1:${to}`, ...more]);
      expect(ran).toMatchObject({ code: 5, stdout: '' });
      expect(ran.stderr).toContain(`ws://127.0.0.1:${to}`);
    };
    await tried(1);
    await tried(web);
    await tried(mute, '--timeout', '300ms');
  });
});

describe('a reader that goes away', () => {
  test('ends the command without a word', async () => {
    const script = `"${process.execPath}" "${BIN}" errors | head -1; echo "\${PIPESTATUS[0]}"`;
    const shell = spawn('bash', ['-c', script], { cwd: world.path('work'), env: world.env() });
    const { stderr, stdout } = await ended(shell);
    expect(stderr).toBe('');
    expect(stdout.split('\n')[1]).toBe('0');
  });

  test('or a disk that is full is an error, told in one line', async () => {
    const shell = spawn('bash', ['-c', `"${process.execPath}" "${BIN}" errors > /dev/full`], { env: world.env() });
    const { code, stderr } = await ended(shell);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: stdout cannot be written: ENOSPC.*\n$/);
  });

  test('ends a command that streams, as soon as there is something to say', async () => {
    const node = await world.node(['--name', 'alpha']);
    const child = world.spawn(['cluster', 'events', '--url', node.url]);
    const all = ended(child);
    await new Promise((resolve) => child.stderr.once('data', resolve));
    child.stdout.destroy();
    const beta = await world.node(['--name', 'beta']);
    expect(await all).toMatchObject({ code: 0 });
    for (const { child, ended: gone } of [node, beta]) {
      child.kill('SIGTERM');
      await gone;
    }
  });
});

describe('a node that no longer answers', () => {
  test('is nobody there after --timeout, and Ctrl-C gets away from it', async () => {
    const node = await world.node(['--name', 'frozen', '--no-discover']);
    const url = ['--url', node.url];
    const events = world.spawn(['cluster', 'events', ...url]);
    const gone = ended(events);
    await new Promise((resolve) => events.stderr.once('data', resolve));
    node.child.kill('SIGSTOP');
    expect(await world.mpreg(['call', 'echo', 'x', ...url, '--timeout', '300ms'])).toMatchObject({ code: 5 });
    events.kill('SIGINT');
    expect(await gone).toMatchObject({ code: 130 });
    node.child.kill('SIGKILL');
    await node.ended;
  });
});

describe('Ctrl-C', () => {
  test('ends a call that runs with 130 and says that its outcome is unknown', async () => {
    const mute = createTcpServer(() => {});
    const port = await listening(mute);
    const child = world.spawn(['node', 'list', '--url', `ws://127.0.0.1:${port}`, '--timeout', '5m']);
    const all = ended(child);
    await new Promise((resolve) => mute.once('connection', resolve));
    const began = performance.now();
    child.kill('SIGINT');
    const { code, stderr } = await all;
    expect(code).toBe(130);
    expect(stderr).toContain('interrupted');
    expect(performance.now() - began).toBeLessThan(150_000);
  });

  test('twice ends a command at once', async () => {
    const mute = createTcpServer(() => {});
    const port = await listening(mute);
    const child = world.spawn(['node', 'list', '--url', `ws://127.0.0.1:${port}`, '--timeout', '5m']);
    const all = ended(child);
    await new Promise((resolve) => mute.once('connection', resolve));
    child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const began = performance.now();
    child.kill('SIGINT');
    expect(await all).toMatchObject({ code: 130 });
    expect(performance.now() - began).toBeLessThan(150_000);
  });

  test('ends a stream with 130, SIGTERM with 143', async () => {
    const node = await world.node(['--name', 'gamma']);
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const child = world.spawn(['cluster', 'events', '--url', node.url]);
      const all = ended(child);
      child.stderr.once('data', () => child.kill(signal));
      expect(await all).toMatchObject({ code, stdout: '' });
    }
    node.child.kill('SIGTERM');
    await node.ended;
  });
});

describe('the first words', () => {
  test('--version answers on one line, with nothing loaded', async () => {
    for (const flag of ['--version', '-V']) {
      const { code, stdout } = await world.mpreg([flag]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^mpreg\/\d+\.\d+\.\d+ \S+ node-v\d+\.\d+\.\d+\n$/);
    }
  });

  test('help and the words of a command are the help of that command', async () => {
    const help = async (...args: string[]) => (await world.mpreg(args)).stdout;
    expect(await help('help')).toBe(await help('--help'));
    expect(await help('help', 'plan', 'run')).toBe(await help('plan', 'run', '--help'));
    expect(await world.mpreg(['help', 'nod'])).toMatchObject({ code: 2, stdout: '' });
  });

  test.each([[[]], [['--help']], [['node']], [['node', '--help']], [['call', '-h']]])(
    '%j shows help on stdout',
    async (args) => {
      const { code, stderr, stdout } = await world.mpreg(args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('USAGE');
    },
  );

  test('output has no escapes where nobody looks, nor where colours are not wanted', async () => {
    const piped = await world.mpreg(['errors']);
    expect(piped.stdout).not.toContain('\u001b');
    const args = ['errors', 'timed-out'];
    expect((await world.terminal(args)).stdout).toContain('\u001b[');
    const plain = await Promise.all([
      world.terminal(args, { env: { NO_COLOR: '1' } }),
      world.terminal(args, { env: { TERM: 'dumb' } }),
      world.terminal([...args, '--no-color']),
    ]);
    for (const { stdout } of plain) expect(stdout).not.toContain('\u001b[');
  });
});

test('a first line comes without waiting for the end', async () => {
  const child = world.spawn(['errors']);
  expect(await firstLine(child)).toContain('\t');
});
