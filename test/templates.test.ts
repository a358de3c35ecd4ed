/**
 * Every template as a user has it: written by `mpreg init` into an empty folder, started by `mpreg up`, run as its README
 * says. The workflow's figures are worked out a second time here, in another way, from the same file.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BUILT, eventually, firstLine, type Ran, World } from './cli/mpreg.ts';
import { FILE, measurements } from './templates/measurements.ts';
import { figures, summary } from './templates/second-opinion.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

let world: World;
beforeEach(() => {
  world = new World(BUILT);
});
afterEach(() => world.close());

/** Writes the template into `work/project` and starts its nodes. */
async function project(template: string): Promise<(words: readonly string[], input?: string) => Promise<Ran>> {
  const cwd = world.path('work', 'project');
  const written = await world.mpreg(['init', 'project', '--template', template]);
  expect(written).toMatchObject({ code: 0 });
  const up = world.spawn(['up', '--json'], { cwd });
  let stderr = '';
  up.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const failed = new Promise<never>((_, reject) => {
    up.once('exit', (code) => reject(new Error(`mpreg up ended with ${code}\n${stderr}`)));
  });
  failed.catch(() => {}); // it may end when the test does
  await Promise.race([firstLine(up), failed]);
  return (words, input) => world.mpreg(words, { cwd, ...(input !== undefined && { input }) });
}

test('every template can be chosen, and every choice is a template', () => {
  expect(readdirSync(`${root}templates`).sort()).toEqual(['functions', 'python-worker', 'queue', 'workflow']);
});

test('the template of a queue does what is sent to it, and buries what it cannot do', async () => {
  const run = await project('queue');
  const created = await run([
    'queue',
    'create',
    'mails',
    '--place',
    'keeper',
    '--max-receives',
    '2',
    '--retry-base',
    '100ms',
  ]);
  expect(created).toMatchObject({ code: 0, stdout: 'mails\tkeeper\tstandard\tdisk\n' });
  await run(['queue', 'send', 'mails', '{"to": "ann@example.org", "text": "hello"}']);
  await run(['queue', 'send', 'mails', '{"to": "nobody", "text": "hello?"}']);
  const counts = async () => (await run(['queue', 'info', 'mails'])).stdout;
  await eventually(counts, (text) => text.includes('done\t1\n') && text.includes('dead\t1\n'));
  expect((await run(['queue', 'peek', 'mails.dead'])).stdout).toContain('"nobody" is no address');
});

test('the template of functions answers as its README says', async () => {
  const run = await project('functions');
  expect(await run(['call', 'countWords', 'to be or not to be'])).toMatchObject({
    stdout: '[["be",2],["to",2],["not",1],["or",1]]\n',
  });
  const described = await run(['call', 'numbers.describe', '[3, 1, 4, 1, 5, 9, 2, 6]']);
  expect(JSON.parse(described.stdout)).toEqual({
    count: 8,
    deviation: expect.closeTo(Math.sqrt(52.875 / 7), 12),
    mean: 3.875,
    median: 3.5,
  });
  expect(await run(['call', 'numbers.primes', '1000000', '--loc', 'cpu'])).toMatchObject({ stdout: '78498\n' });
  expect(await run(['call', 'words', 'one at a time', '--stream'])).toMatchObject({ stdout: 'one\nat\na\ntime\n' });
  const plan = readFileSync(`${root}templates/functions/workflow.json`, 'utf8');
  const { stdout } = await run(['call', '-', '--json'], plan);
  const reply = JSON.parse(stdout);
  expect(reply.results).toMatchObject({ lengths: { count: 4, mean: 1.5 }, primes: 168 });
  expect(reply.steps.map(({ node }: { node: string }) => node)).toEqual(['words', 'numbers', 'numbers']);
});

test('the template in Python answers as its README says', async ({ skip }) => {
  if (spawnSync('python3', ['--version'], { env: world.env() }).status !== 0) skip('there is no python3 here');
  const run = await project('python-worker');
  expect(await run(['call', 'forecast', '[1, 2, 3]'])).toMatchObject({ stdout: '[4,5,6]\n' });
  expect(await run(['call', 'forecast', '[1, 2, 3]', '--kwarg', 'days=1'])).toMatchObject({ stdout: '[4]\n' });
  const walk = (await run(['call', 'simulate', '7', '--stream'])).stdout.trim().split('\n').map(Number);
  expect(walk.map((place, i) => Math.abs(place - (walk[i - 1] ?? 0)))).toEqual(Array.from({ length: 10 }, () => 1));
  const plan = readFileSync(`${root}templates/python-worker/workflow.json`, 'utf8');
  expect(JSON.parse((await run(['call', '-'], plan)).stdout)).toEqual({ further: [8.43, 8.97, 9.51] });
  const failed = await run(['call', 'forecast', '[1]']);
  expect(failed).toMatchObject({ code: 1 });
  expect(failed.stderr).toContain('ValueError: a line takes two values at least, and there are 1');
});

describe('the template of a workflow', () => {
  test('has the data that its maker makes', () => {
    expect(readFileSync(FILE, 'utf8')).toBe(measurements());
    expect(measurements().split('\n').length).toBeGreaterThan(1500);
  });

  test('runs every step on the node that has what it asks for, and comes to the right figures', async () => {
    const run = await project('workflow');
    const plan = readFileSync(world.path('work', 'project', 'workflow.json'), 'utf8');
    const { code, stdout } = await run(['call', '-', '--json'], plan);
    expect(code).toBe(0);
    const { results, steps } = JSON.parse(stdout);
    const where = steps.map(({ name, node }: { name: string; node: string }) => [name, node]);
    expect(Object.fromEntries(where)).toEqual({
      checked: 'quality',
      cleaned: 'quality',
      figures: 'compute',
      summary: 'archive',
      table: 'archive',
    });

    const text = readFileSync(FILE, 'utf8');
    const opinion = summary(text);
    expect(opinion.read).toBeGreaterThan(1500);
    expect(results.summary.rows).toEqual({
      duplicates: opinion.duplicates,
      read: opinion.read,
      rejected: opinion.rejected,
    });
    expect(results.summary.repairs).toMatchObject({ converted: opinion.converted, missing: opinion.missing });
    expect(opinion).toMatchObject({ missing: 11, rejected: 31 }); // so that both are not wrong in the same way
    for (const station of results.summary.stations) {
      const second = figures(text, station.station);
      expect(station.hours).toBe(second.hours);
      for (const figure of ['mean', 'deviation', 'min', 'median', 'max', 'trend', 'correlation'] as const) {
        expect(station[figure], `${station.station} ${figure}`).toBeCloseTo(second[figure], 8);
      }
    }
    expect(results.summary.stations).toHaveLength(4);
    expect(results.summary.warmest).toBe('Harbour');
    const unusual = results.summary.anomalies.map(({ time }: { time: number }) => new Date(time).toISOString());
    expect(unusual).toEqual(['2025-03-11T11:00:00.000Z', '2025-03-11T12:00:00.000Z', '2025-03-11T13:00:00.000Z']);
  });

  test('says what is wrong with a file that is not there, and with a path out of the archive', async () => {
    const run = await project('workflow');
    const missing = await run(['call', 'ingest', 'nothing.csv']);
    expect(missing).toMatchObject({ code: 1 });
    expect(missing.stderr).toContain('ENOENT');
    const outside = await run(['call', 'ingest', '../mpreg.yaml']);
    expect(outside.stderr).toContain('../mpreg.yaml is not the name of a file in the archive');
  });
});

test('the types in the templates are right', () => {
  const config = world.path('tsconfig.json');
  const compilerOptions = {
    incremental: false,
    noEmit: true,
    paths: { mpreg: [`${root}src/index.ts`] },
    rootDir: '/',
    typeRoots: [`${root}node_modules/@types`],
  };
  const include = [`${root}templates/**/*.ts`, `${root}src/**/*.d.ts`];
  writeFileSync(config, JSON.stringify({ compilerOptions, extends: `${root}tsconfig.json`, include }));
  const { status, stdout } = spawnSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', config], {
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
});
