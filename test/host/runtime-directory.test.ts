import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Announcement, RuntimeDirectory, runtimeDirectoryPath } from '../../src/engine/host/runtime-directory.ts';

let root = '';
let path = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mpreg-run-'));
  path = join(root, 'mpreg');
});
afterEach(() => rmSync(root, { force: true, recursive: true }));

const id = (n: number) => `01ARYZ6S41TSV4RRFFQ69G5FA${n}`;
const about = (n: number): Announcement => ({
  cluster: 'default',
  id: id(n),
  name: `node ${n}`,
  software: '0.1.0',
  startedAt: 1_000 - n,
  url: `ws://127.0.0.1:${7_000 + n}`,
});

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid as number;
}

describe('the runtime directory', () => {
  const places: readonly (readonly [NodeJS.ProcessEnv, string])[] = [
    [{ MPREG_RUNTIME_DIR: '/a', XDG_RUNTIME_DIR: '/b' }, '/a'],
    [{ XDG_RUNTIME_DIR: '/b' }, '/b/mpreg'],
    [{ MPREG_RUNTIME_DIR: '', XDG_RUNTIME_DIR: '' }, join(tmpdir(), `mpreg-${process.getuid?.()}`)],
  ];
  test.each(places)('with %j it is %s', (env, expected) => {
    expect(runtimeDirectoryPath(env)).toBe(expected);
  });

  test('lists what was announced, oldest first, until it is withdrawn', async () => {
    const directory = new RuntimeDirectory(path);
    expect(directory.list()).toEqual([]);
    expect(await directory.announce(about(1))).toBeUndefined();
    expect(await directory.announce(about(2))).toBeUndefined();
    expect(statSync(path).mode & 0o777).toBe(0o700);
    const listed = new RuntimeDirectory(path).list();
    expect(listed).toMatchObject([about(2), about(1)]);
    expect(listed[0]?.pid).toBe(process.pid);
    await directory.announce({ ...about(2), url: 'ws://127.0.0.1:9' });
    expect(directory.list()[0]?.url).toBe('ws://127.0.0.1:9');
    directory.withdrawSync(id(2));
    await directory.withdraw(id(1));
    await directory.withdraw(id(1));
    expect(readdirSync(path)).toEqual([]);
  });

  test('entries of processes that are gone are ignored and removed', async () => {
    const directory = new RuntimeDirectory(path);
    await directory.announce(about(1));
    const pid = await deadPid();
    writeFileSync(join(path, `${id(3)}.json`), JSON.stringify({ ...about(3), pid }));
    writeFileSync(join(path, `${id(3)}.${pid}.tmp`), 'half');
    expect(directory.list().map((entry) => entry.id)).toEqual([id(1)]);
    expect(readdirSync(path)).toEqual([`${id(1)}.json`]);
  });

  test.runIf(process.platform === 'linux')('a process number that was given away again is told apart', async () => {
    const directory = new RuntimeDirectory(path);
    await directory.announce(about(1));
    const file = join(path, `${id(1)}.json`);
    const entry = JSON.parse(readFileSync(file, 'utf8')) as { pidStart: number };
    writeFileSync(file, JSON.stringify({ ...entry, pidStart: entry.pidStart - 1 }));
    expect(directory.list()).toEqual([]);
  });

  const garbage: readonly (readonly [string, unknown])[] = [
    ['no JSON', undefined],
    ['null', null],
    ['the id of another file', { ...about(5), pid: process.pid }],
    ['a url of another kind', { ...about(4), pid: process.pid, url: 'http://127.0.0.1' }],
    ['no name', { ...about(4), name: 7, pid: process.pid }],
    ['a process number that would mean a whole group', { ...about(4), pid: -1 }],
    ['too much', { ...about(4), name: 'x'.repeat(20_000), pid: process.pid }],
  ];
  test.each(garbage)('a file with %s is ignored and left alone', (_, content) => {
    mkdirSync(path);
    writeFileSync(join(path, `${id(4)}.json`), content === undefined ? '{' : JSON.stringify(content));
    expect(new RuntimeDirectory(path).list()).toEqual([]);
    expect(readdirSync(path)).toEqual([`${id(4)}.json`]);
  });

  test('what the dead left and nobody can remove is passed over', () => {
    mkdirSync(join(path, `${id(4)}.999999999.tmp`, 'inside'), { recursive: true });
    expect(new RuntimeDirectory(path).list()).toEqual([]);
    expect(readdirSync(path)).toHaveLength(1);
  });

  test('a directory that others may write to, a link, or a file is refused with a reason', async () => {
    mkdirSync(path);
    chmodSync(path, 0o770);
    symlinkSync(root, join(root, 'link'));
    writeFileSync(join(root, 'file'), '');
    for (const [place, reason] of [
      [path, /others may write/],
      [join(root, 'link'), /symbolic link/],
      [join(root, 'file'), /cannot be written|not a directory/],
    ] as const) {
      const directory = new RuntimeDirectory(place);
      expect(await directory.announce(about(1))).toMatch(reason);
      expect(directory.list()).toEqual([]);
      directory.withdrawSync(id(1));
    }
  });

  test.runIf(process.getuid?.() === 0)('a directory of somebody else is refused', async () => {
    mkdirSync(path);
    const { chownSync } = await import('node:fs');
    chownSync(path, 12_345, 12_345);
    expect(await new RuntimeDirectory(path).announce(about(1))).toMatch(/belongs to somebody else/);
  });
});
