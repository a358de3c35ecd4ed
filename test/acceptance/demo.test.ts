/** `npm start`, as somebody meets it: from any folder, started by whatever Node is there, and nothing is left of it. */
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ended } from '../cli/mpreg.ts';
import { processesWith } from '../processes.ts';
import { until } from './until.ts';

const DEMO = fileURLToPath(new URL('../../scripts/demo.mjs', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mpreg-demo-test-'));
});
afterEach(() => rmSync(folder, { force: true, recursive: true }));

/** The Nodes that a user may start it with: ours, and another one that the system has. */
const others = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((entry) => !entry.includes('node_modules'))
  .map((entry) => join(entry, 'node'))
  .filter((file) => spawnSync(file, ['--version']).status === 0);
const starters = [process.execPath, ...others.slice(0, 1)].map((file) => {
  const version = spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout.trim();
  return [version, file] as const;
});

function start(node: string) {
  const mark = randomUUID();
  const env = {
    DEMO_MARK: mark,
    HOME: folder,
    MPREG_URL: 'ws://127.0.0.1:1',
    PATH: process.env['PATH'] ?? '',
    TMPDIR: folder,
  };
  const child = spawn(node, [DEMO], { cwd: folder, env });
  return { child, ended: ended(child), left: () => processesWith('DEMO_MARK', mark) };
}

test.each(starters)('the demonstration started by Node %s tells who did what, and leaves nothing', async (_, node) => {
  const demo = start(node);
  const { code, stdout, stderr } = await demo.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const [step, fun, node] of [
    ['table', 'ingest', 'archive'],
    ['checked', 'validate', 'quality'],
    ['cleaned', 'clean', 'quality'],
    ['figures', 'analyse', 'compute'],
    ['summary', 'summarise', 'archive'],
  ]) {
    expect(stdout).toMatch(new RegExp(`${step} +${fun} +\\S+ +${node} +done +\\d+`));
  }
  expect(stdout).toMatch(/compute +ws:\/\/127\.0\.0\.1:\d+ +fast-cpu +analyse/);
  expect(stdout).toContain('measurements.csv: 1540 rows');
  expect(stdout).toContain('31 rejected');
  expect(stdout).toContain('warmest: Harbour with 11.80 °C on average');
  expect(demo.left()).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
});

test('interrupted or killed in the middle, it leaves no process behind', async () => {
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    const demo = start(process.execPath);
    await until('its nodes run', demo.left, (pids) => process.platform !== 'linux' || pids.length >= 4);
    demo.child.kill(signal);
    const { code } = await demo.ended;
    expect(code).toBe(signal === 'SIGINT' ? 130 : null);
    await until('all are gone', demo.left, (pids) => pids.length === 0);
  }
});
