/** `bin/run.js` on a Node that is too old for mpreg: a process before the process, which nobody should notice. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { ended, eventually, firstLine, type Ready, World } from './mpreg.ts';

const RUN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const old = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'node'))
  .find(
    (node) =>
      existsSync(node) && Number.parseInt(execFileSync(node, ['-p', 'process.versions.node']).toString(), 10) < 26,
  );

const world = new World();
afterAll(() => world.close());

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.runIf(old !== undefined)('with an old Node', () => {
  const launch = () =>
    spawn(old ?? '', [RUN, 'node', 'start', '--json', '--no-discover'], { env: world.env(), stdio: 'pipe' });

  test('a command runs as it should, exit code and all', async () => {
    const ran = ended(spawn(old ?? '', [RUN, 'errors', 'nothing'], { env: world.env() }));
    expect(await ran).toMatchObject({ code: 3, stdout: '' });
    const version = await ended(spawn(old ?? '', [RUN, '--version'], { env: world.env() }));
    expect(version.stdout).toContain(process.version);
  });

  test('a node drains when its launcher is told to stop', async () => {
    const launcher = launch();
    const all = ended(launcher);
    await firstLine(launcher);
    launcher.kill('SIGTERM');
    expect(await all).toMatchObject({ code: 0, stderr: expect.stringContaining('stopped') });
  });

  test('a node dies with a launcher that is killed', async () => {
    const launcher = launch();
    const { pid } = JSON.parse(await firstLine(launcher)) as Ready;
    expect(pid).not.toBe(launcher.pid);
    launcher.kill('SIGKILL');
    await eventually(
      async () => isRunning(pid),
      (still) => !still,
    );
  });

  test.runIf(process.platform === 'linux')(
    'a node stops with a launcher that is stopped, and goes on with it',
    async () => {
      const launcher = launch();
      const { pid } = JSON.parse(await firstLine(launcher)) as Ready;
      const state = async () => /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
      launcher.kill('SIGSTOP');
      await eventually(state, (is) => is === 'T');
      launcher.kill('SIGCONT');
      await eventually(state, (is) => is !== 'T');
      launcher.kill('SIGKILL');
    },
  );

  test('Ctrl-C on a terminal, which both of them get, counts once: the node drains', async () => {
    const command = `exec "${old}" "${RUN}" node start --no-discover`;
    const terminal = spawn('script', ['-qefc', command, '/dev/null'], {
      env: world.env({ TERM: 'xterm' }),
      stdio: 'pipe',
    });
    const all = ended(terminal);
    terminal.stdout.on('data', (text: string) => {
      if (text.includes('ready')) terminal.stdin.write('\u0003');
    });
    const { code, stdout } = await all;
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/stopping[\s\S]*stopped/) });
  });
});
