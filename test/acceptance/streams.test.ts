/** Streams over processes: a function on one node, its asker at another, and a reader that stops or stands still. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { until } from './until.ts';

const bin = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'mpreg-streams-'));
const cluster = ['--cluster', `streams-${randomUUID()}`];
const processes: ChildProcess[] = [];

const SOURCE = `
const made = { count: 0, ended: 0 };
export async function* endless(size) {
  try { for (made.count = 0; ; ) { made.count++; yield 'x'.repeat(size); } }
  finally { made.ended++; }
}
export const far = () => ({ ...made });
export async function counts(from) { return from === 0 ? [0] : [from, ...(await this.call('counts', from - 1))]; }
`;

let relay = '';

vi.setConfig({ testTimeout: 60_000 });

async function startNode(...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [bin, 'node', 'start', '--json', ...cluster, ...args], { cwd: folder });
  processes.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return (JSON.parse(line.toString()) as { readonly url: string }).url;
}

beforeAll(async () => {
  writeFileSync(join(folder, 'streams.mjs'), SOURCE);
  relay = await startNode('--name', 'relay');
  await startNode('--name', 'runner', '--workers', '1', '--functions', './streams.mjs', '--peer', relay);
  await until('the relay knows the function', made, (there) => there !== undefined);
});
afterEach(() => {
  for (const child of processes.splice(2)) child.kill('SIGKILL');
});
afterAll(() => {
  for (const child of processes) child.kill('SIGKILL');
  rmSync(folder, { force: true, recursive: true });
});

async function mpreg(...args: readonly string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [bin, ...args, '--url', relay], { cwd: folder });
  return JSON.parse(stdout);
}

async function made(): Promise<{ readonly count: number; readonly ended: number } | undefined> {
  return mpreg('call', 'far').catch(() => undefined) as Promise<{ count: number; ended: number } | undefined>;
}

/** How far the function has come, once it goes no further. */
async function standstill(): Promise<number> {
  for (let before = -1; ; ) {
    const count = (await made())?.count ?? -2;
    if (count === before) return count;
    before = count;
    await pause(300);
  }
}

test('the first line is enough for whoever wants no more, and the function ends', async () => {
  const ended = (await made())?.ended ?? 0;
  const line = `'${process.execPath}' '${bin}' call --stream endless 100 --url '${relay}' | head -1`;
  const { stdout } = await promisify(execFile)('sh', ['-c', line], { cwd: folder, timeout: 120_000 });
  expect(stdout).toBe(`${'x'.repeat(100)}\n`);
  await until('the generator has ended', made, (now) => now?.ended === ended + 1);
});

test('a pipe that nobody reads stops the function, and it goes on when somebody does, however late', {
  timeout: 180_000,
}, async () => {
  const longerThanAnAnswer = pause(11_000);
  const reader = spawn(process.execPath, [bin, 'call', '--stream', 'endless', '1000', '--url', relay], { cwd: folder });
  processes.push(reader);
  reader.stdout.pause();
  await until('it has begun', made, (now) => (now?.count ?? 0) > 100);
  const first = await standstill();
  await longerThanAnAnswer;
  expect((await made())?.count).toBe(first);
  let bytes = 0;
  reader.stdout.on('data', (data: Buffer) => {
    bytes += data.length;
  });
  reader.stdout.resume();
  await until('it went on', made, (now) => (now?.count ?? 0) > 2 * first);
  expect(bytes).toBeGreaterThan(0);
});

test('a stream ends when the time that it was given is up', async () => {
  const args = ['call', '--stream', 'endless', '10', '--timeout', '1s', '--url', relay];
  const ended = promisify(execFile)('sh', ['-c', '"$@" >/dev/null', 'sh', process.execPath, bin, ...args]);
  await expect(ended).rejects.toMatchObject({
    code: 6,
    stderr: expect.stringContaining('endless did not end in time'),
  });
});

test('a function on another process calls itself there and back', async () => {
  expect(await mpreg('call', 'counts', '5')).toEqual([5, 4, 3, 2, 1, 0]);
});
