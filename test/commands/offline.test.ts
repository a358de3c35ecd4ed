/** Commands that need no node, and what every command must have. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Config } from '@oclif/core';
import { afterAll, describe, expect, test } from 'vitest';
import { PROBLEMS } from '../../src/engine/index.ts';
import { BIN, ended, World } from '../cli/mpreg.ts';

const world = new World();
afterAll(() => world.close());

const json = async (...args: string[]): Promise<unknown> => JSON.parse((await world.mpreg([...args, '--json'])).stdout);

describe('every command', async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const pjson = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
  pjson.oclif.commands = './src/commands';
  const config = await Config.load({ ignoreManifest: true, isRoot: true, pjson, root } as never);
  const commands = await Promise.all(
    config.commands.map(async (command) => ({ ...command, made: await command.load() })),
  );

  test('was found', () => expect(commands.length).toBeGreaterThan(20));

  test.each(commands.map((command) => [command.id.replaceAll(':', ' '), command] as const))(
    '%s says what it is for, shows how, reads no stdin behind our back, and describes every flag',
    (_, { made }) => {
      expect(made.summary).toMatch(/\.$/);
      expect(made.examples?.length).toBeGreaterThan(0);
      expect(Object.values(made.args ?? {}).filter(({ ignoreStdin }) => ignoreStdin !== true)).toEqual([]);
      for (const flag of Object.values(made.flags ?? {})) {
        expect(flag.summary, flag.name).toMatch(/\.$/);
        expect(flag.type === 'option' && flag.multiple && !flag.multipleNonGreedy, flag.name).toBeFalsy();
        expect(flag.type === 'option' && flag.allowStdin, flag.name).toBeFalsy();
      }
    },
  );
});

describe('errors', () => {
  test('lists every code of the catalogue, each with exit code, outcome, title and hint', async () => {
    const all = (await json('errors')) as { readonly code: string }[];
    expect(all.map(({ code }) => code).sort()).toEqual(Object.keys(PROBLEMS).sort());
    expect(await json('errors', 'nobody-there')).toEqual({
      code: 'nobody-there',
      exitCode: 5,
      hint: PROBLEMS['nobody-there'].hint,
      outcome: 'did-not-happen',
      title: 'no node can be reached',
    });
  });

  test('explains one, and offers the nearest where it does not know a code', async () => {
    expect((await world.mpreg(['errors', 'timed-out'])).stdout).toContain('exit code 6, outcome unknown');
    const { code, stderr } = await world.mpreg(['errors', 'timedout']);
    expect(code).toBe(3);
    expect(stderr).toContain('code-unknown');
    expect(stderr).toContain('mpreg errors timed-out');
  });
});

test('version says what runs', async () => {
  expect(await json('version')).toEqual({
    mpreg: '0.1.0',
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    protocols: ['mpreg.v1', 'mpreg.v1.json'],
  });
});

describe('contexts', () => {
  test('are added, listed, used, shown and deleted', async () => {
    expect(await json('context', 'list')).toEqual([]);
    const one = { name: 'one', urls: ['ws://10.0.0.7:7400', 'ws://10.0.0.8:7400'] };
    const args = ['context', 'add', 'one', '--url', '10.0.0.7:7400', '--url', 'ws://10.0.0.8:7400'];
    expect(await json(...args)).toEqual({ ...one, current: true });
    const two = {
      cluster: 'lab',
      keyFile: world.path('work', 'lab.key'),
      name: 'two',
      timeout: '2s',
      urls: ['wss://lab'],
    };
    const more = ['--url', 'wss://lab', '--cluster', 'lab', '--key-file', 'lab.key', '--timeout', '2s'];
    expect(await json('context', 'add', 'two', ...more)).toEqual({ ...two, current: false });
    expect(await json('context', 'use', 'two')).toEqual({ ...two, current: true });
    expect(await json('context', 'list')).toEqual([
      { ...one, current: false },
      { ...two, current: true },
    ]);
    expect((await world.mpreg(['context', 'list'])).stdout).toBe(
      ' \tone\t\tws://10.0.0.7:7400 ws://10.0.0.8:7400\n*\ttwo\tlab\twss://lab\n',
    );
    expect(await json('context', 'show')).toEqual({ ...two, current: true });
    expect(await json('context', 'show', 'one')).toEqual({ ...one, current: false });
    expect(await json('context', 'delete', 'two')).toEqual({ ...two, deleted: true });
    expect(await world.mpreg(['context', 'show'])).toMatchObject({ code: 3 });
    expect(await json('context', 'use', 'one')).toMatchObject({ current: true, name: 'one' });
    expect(await json('context', 'use', '--none')).toEqual({ name: null });
    expect(await json('context', 'list')).toEqual([{ ...one, current: false }]);
  });

  test.each([
    [['add', 'one', '--url', 'ws://h:1'], 7, 'exists-already'],
    [['add', 'three'], 2, 'a context needs at least one address'],
    [['add', 'a/b', '--url', 'ws://h:1'], 2, '"a/b" is no name'],
    [['use', 'four'], 3, 'context-unknown'],
    [['use'], 2, 'name a context, or say --none'],
    [['delete', '__proto__'], 3, 'context-unknown'],
  ])('%j ends with %d: %s', async (args, exit, says) => {
    const { code, stderr, stdout } = await world.mpreg(['context', ...args]);
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' });
    expect(stderr).toContain(says);
  });
});

describe('doctor', () => {
  test('warns where no node runs, and exits with 0', async () => {
    const { code, stderr } = await world.mpreg(['doctor']);
    expect(code).toBe(0);
    expect(stderr).toContain('nodes: mpreg node start');
  });

  test('finds a node that does not answer, a directory that others may write to, a key that cannot be read', async () => {
    const runtime = world.path('open');
    mkdirSync(runtime);
    chmodSync(runtime, 0o777);
    const env = { MPREG_KEY_FILE: '/nowhere/key', MPREG_RUNTIME_DIR: runtime, MPREG_URL: 'ws://127.0.0.1:1' };
    const { code, stdout } = await world.mpreg(['doctor', '--json'], { env });
    const { checks, ok } = JSON.parse(stdout) as { ok: boolean; checks: { name: string; state: string }[] };
    expect({ code, ok }).toEqual({ code: 8, ok: false });
    const failed = checks.filter(({ state }) => state === 'failed').map(({ name }) => name);
    expect(failed).toEqual(['runtime directory', 'key', 'node ws://127.0.0.1:1']);
  });
});

describe('completion', () => {
  test.each(['bash', 'zsh', 'fish', 'powershell'])('has a script for %s', async (shell) => {
    const { code, stdout } = await world.mpreg(['completion', shell]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ complete (--|@next)/);
  });

  test('has none for a shell that nobody uses', async () => {
    expect(await world.mpreg(['completion', 'tcl'])).toMatchObject({ code: 2, stdout: '' });
  });

  test.each([
    [
      ['sim', ''],
      ['replay', 'run'],
    ],
    [['con'], ['context']],
    [
      ['node', 'start', '--log-format', ''],
      ['text', 'json'],
    ],
    [['node', 'start', '--log-format', '=', 'j'], ['json']],
    [
      ['node', 'list', '--tls-c'],
      ['--tls-ca', '--tls-cert'],
    ],
    [['errors', 'nobody'], ['nobody-there']],
    [['completion', 'z'], ['zsh']],
    [['call', 'echo', ''], [':files']],
    [['node', 'start', '--functions', ''], [':files']],
    [['context', 'use', ''], ['one']],
    [['version', ''], []],
  ])('offers for %j: %j', async (words, offered) => {
    const { stdout } = await world.mpreg(['complete', '--', ...words]);
    expect(
      stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split('\t')[0]),
    ).toEqual(offered);
  });

  test('works in bash', async () => {
    const bin = world.path('work', 'mpreg');
    writeFileSync(bin, `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`, { mode: 0o755 });
    const script = [
      'source <("$1" completion bash)',
      'COMP_WORDS=("$1" context us); COMP_CWORD=2; _mpreg; declare -p COMPREPLY',
      'COMP_WORDS=("$1" node ""); COMP_CWORD=2; _mpreg; declare -p COMPREPLY',
      'complete -p mpreg',
    ].join('\n');
    const shell = spawn('bash', ['-c', script, 'bash', bin], { cwd: world.path('work'), env: world.env() });
    const { stderr, stdout } = await ended(shell);
    expect({ stderr, stdout }).toEqual({
      stderr: '',
      stdout: [
        'declare -a COMPREPLY=([0]="use")',
        'declare -a COMPREPLY=([0]="drain" [1]="info" [2]="leave" [3]="list" [4]="start")',
        'complete -F _mpreg mpreg\n',
      ].join('\n'),
    });
  });
});

describe('sim', () => {
  test('run is the same run for the same seed, whatever the machine', async () => {
    const args = ['sim', 'run', '--seed', '3', '--nodes', '3', '--duration', '5s'];
    const [first, second] = await Promise.all([json(...args), json(...args)]);
    expect(first).toEqual(second);
    expect(first).toMatchObject({ hash: expect.stringMatching(/^[\da-f]{8}$/), runs: 1 });
  });

  test('run takes a mesh of the user, and says where it is wrong', async () => {
    const file = world.path('work', 'mesh.yaml');
    writeFileSync(
      file,
      'nodes:\n  - {name: a, functions: [f]}\n  - {name: b}\ncalls:\n  - {atMs: 9000, node: b, fun: f}\n',
    );
    const report = (await json('sim', 'run', '--topology', file)) as { readonly calls: readonly unknown[] };
    expect(report).toMatchObject({ failure: null });
    expect(report.calls[0]).toMatchObject({ by: 'a', came: 'result', fun: 'f', node: 'b' });
    writeFileSync(file, 'nodes:\n  - {name: a}\nfaults:\n  - {atMs: 1, kind: pause, node: z}\n');
    expect(await world.mpreg(['sim', 'run', '--topology', file])).toMatchObject({ code: 3 });
    writeFileSync(file, 'nodes:\n  - {nam: a}\n');
    const { code, stderr } = await world.mpreg(['sim', 'run', '--topology', file]);
    expect(code).toBe(2);
    expect(stderr).toContain('nodes[0]');
  });

  test.each([
    [['run', '--nodes', 'many'], 2, '--nodes: "many"'],
    [['run', '--topology', 'nowhere.yaml'], 2, 'file-unreadable'],
    [['replay', 'nowhere.json'], 2, 'file-unreadable'],
  ])('%j ends with %d: %s', async (args, exit, says) => {
    const { code, stderr } = await world.mpreg(['sim', ...args]);
    expect(code).toBe(exit);
    expect(stderr).toContain(says);
  });

  test('replay repeats a seed', async () => {
    const [run, replay] = await Promise.all([
      json('sim', 'run', '--seed', '4', '--nodes', '3', '--duration', '5s'),
      json('sim', 'replay', '4', '--nodes', '3', '--duration', '5s'),
    ]);
    expect(replay).toMatchObject({ hash: (run as { readonly hash: string }).hash });
  });
});
