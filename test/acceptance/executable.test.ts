/**
 * The standalone executable, as somebody has it who downloaded it: in an empty folder, with an empty environment, and
 * nothing of this repository near. Only the name of the cluster is its own, so that it meets no other node of this user.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { executable } from '../../bench/harness.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'mpreg-executable-'));
const cluster = ['--cluster', `executable-${randomUUID()}`];
const nodes: ChildProcess[] = [];

const FILES: Readonly<Record<string, string>> = {
  'beta.mjs': `import { add } from 'adder';
    export const sum = (...numbers) => numbers.reduce(add, 0);`,
  'gamma.cjs': `const { defineFunction } = require('mpreg');
    exports.backwards = defineFunction({ name: 'backwards', run: (text) => [...text].reverse().join('') });`,
  'loud.ts': `export const loud = (text: string): string => text.toUpperCase();`,
  'node_modules/adder/index.js': 'exports.add = (a, b) => a + b;',
  'alpha.ts': `import { threadId } from 'node:worker_threads';
    import { defineFunction } from 'mpreg';
    import { loud } from './loud.ts';
    export const shout = defineFunction({ name: 'shout', run: (text: string): string => \`\${loud(text)}!\` });
    export function thread(): number { return threadId; }`,
};

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the executable to its end. */
function mpreg(args: readonly string[], input = ''): Ended {
  const { status, stdout, stderr } = spawnSync(executable(), args, {
    cwd: folder,
    encoding: 'utf8',
    env: {},
    input,
  });
  return { code: status, stderr, stdout };
}

/** Starts a node; resolves with the line of JSON that says that it is ready. */
async function startNode(
  ...args: string[]
): Promise<{ readonly child: ChildProcess; readonly id: string; readonly url: string }> {
  const child = spawn(executable(), ['node', 'start', '--json', ...cluster, ...args], { cwd: folder, env: {} });
  nodes.push(child);
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.includes('\n')) resolve(stdout.slice(0, stdout.indexOf('\n')));
    });
    child.once('exit', (code) => reject(new Error(`node start ${args.join(' ')} ended with ${code}:\n${stderr}`)));
  });
  return { child, ...(JSON.parse(await ready) as { id: string; url: string }) };
}

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  return ended;
}

/** Asks again until the answer satisfies, and gives the last answer in any case. */
async function eventually<T>(ask: () => T, satisfies: (answer: T) => boolean, withinMs = 60_000): Promise<T> {
  const until = Date.now() + withinMs;
  let answer = ask();
  while (!satisfies(answer) && Date.now() < until) {
    await pause(200);
    answer = ask();
  }
  return answer;
}

beforeAll(() => {
  execFileSync(process.execPath, [join(root, 'scripts/package.mjs'), '--if-stale'], { stdio: 'pipe' });
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}, 180_000);

afterAll(() => {
  for (const child of nodes) child.kill('SIGKILL');
  rmSync(folder, { force: true, recursive: true });
});

test('it says its version, in a folder of nobody and with an empty environment', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const said = `mpreg/${version} ${process.platform}-${process.arch} node-${process.version}\n`;
  expect(mpreg(['--version'])).toEqual({ code: 0, stderr: '', stdout: said });
});

test('it shows help, and refuses nonsense with exit code 2', () => {
  expect(mpreg(['--help']).stdout).toContain('COMMANDS');
  expect(mpreg(['node', 'start', '--port', 'many'])).toMatchObject({ code: 2, stdout: '' });
});

describe('two nodes of it, which were told nothing of each other', () => {
  let alpha: Awaited<ReturnType<typeof startNode>>;
  let beta: Awaited<ReturnType<typeof startNode>>;
  const names = () => mpreg(['function', 'list', '--json', '--url', beta.url]).stdout;

  beforeAll(async () => {
    alpha = await startNode(
      '--name',
      'alpha',
      '--functions',
      'alpha.ts',
      '--functions',
      'gamma.cjs',
      '--data-dir',
      'alpha',
    );
    beta = await startNode('--name', 'beta', '--functions', 'beta.mjs', '--resource', 'abacus');
    await eventually(names, (list) => list.includes('shout') && list.includes('sum'));
  });

  test.each([
    ['of a .ts file, through the other node', ['shout', 'hello'], 'HELLO!\n'],
    ['of a .mjs file, on the node that was asked', ['sum', '17', '4'], '21\n'],
    ['of a .cjs file, through the other node', ['backwards', 'abc'], 'cba\n'],
  ])('run a function %s', (_, args, stdout) => {
    expect(mpreg(['call', ...args, '--url', beta.url])).toEqual({ code: 0, stderr: '', stdout });
  });

  test('run functions in worker threads, never in the main one', () => {
    expect(Number(mpreg(['call', 'thread', '--url', beta.url]).stdout)).toBeGreaterThan(0);
  });

  test('run a plan from stdin, each step where its function is, found with no address given', () => {
    const plan = [
      { args: ['abc'], fun: 'backwards', name: 'first' },
      { args: ['first'], fun: 'shout', name: 'second' },
      { args: [20, 1], fun: 'sum', locs: ['abacus'], name: 'third' },
    ];
    const ended = mpreg(['call', '-', ...cluster], JSON.stringify(plan));
    expect(ended).toEqual({ code: 0, stderr: '', stdout: '{"second":"CBA!","third":21}\n' });
  });

  test('are watched in a real terminal', async ({ skip }) => {
    const hasTmux = spawnSync('tmux', ['-V']).status === 0;
    if (!hasTmux && process.getuid?.() !== 0) skip('there is no tmux, and only root may install it');
    const tmux = (...args: string[]) =>
      spawnSync('tmux', ['-L', `mpreg-${process.pid}`, '-f', '/dev/null', ...args], { encoding: 'utf8' });
    const watch = `env -i TERM=xterm-256color ${executable()} cluster status --watch --url ${beta.url}; echo "ended with $?"; sleep 30`;
    try {
      expect(tmux('new-session', '-d', '-x', '100', '-y', '30', watch)).toMatchObject({ status: 0 });
      const screen = () => tmux('capture-pane', '-p').stdout;
      const shown = await eventually(screen, (text) => /alpha\b.*alive/.test(text) && /beta\b.*alive/.test(text));
      expect(shown).toMatch(/alpha\b.*alive/);
      expect(shown).toMatch(/beta\b.*alive/);
      tmux('send-keys', 'q');
      expect(await eventually(screen, (text) => text.includes('ended with'))).toContain('ended with 0');
    } finally {
      tmux('kill-server');
    }
  });

  test('leave when they are told to, and one with a data directory comes back as itself', async () => {
    expect(await stop(alpha.child)).toBe(0);
    expect(existsSync(join(folder, 'alpha'))).toBe(true);
    const again = await startNode('--name', 'alpha', '--data-dir', 'alpha');
    expect(again.id).toBe(alpha.id);
    expect(await stop(again.child)).toBe(0);
    expect(await stop(beta.child)).toBe(0);
  });
});
