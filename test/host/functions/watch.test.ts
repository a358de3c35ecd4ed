import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { WatchedRunner } from '../../../src/engine/host/functions/watched-runner.ts';
import { soon } from '../../soon.ts';
import { type Caller, clock, Modules, pause } from './harness.ts';

const modules = new Modules();
afterEach(() => modules.closeAll());
afterAll(() => modules.remove());

async function start(...paths: readonly string[]): Promise<Caller<WatchedRunner>> {
  const options = { clock, log: modules.log, modules: paths, workers: 1 };
  return modules.keep(await WatchedRunner.start(options));
}

const answers = (caller: Caller, fun: string, value: unknown) =>
  vi.waitFor(async () => expect(await caller.call(fun)).toBe(value), soon);
const logged = (line: RegExp) =>
  vi.waitFor(() => expect(modules.lines).toContainEqual(expect.stringMatching(line)), soon);

describe('a module that is edited', () => {
  test('is loaded again: calls that run end on the old code, new ones run on the new', async () => {
    const slow = 'await new Promise((resolve) => setTimeout(resolve, 1_500));';
    const file = modules.write(
      'edited.ts',
      `export const f = async (wait?: number) => { if (wait) ${slow} return 'old'; };`,
    );
    const caller = await start(file);
    const running = caller.call('f', [1]);
    await pause(50);
    modules.write('edited.ts', "export const f = () => 'new'; export const g = () => 1;");
    await answers(caller, 'f', 'new');
    expect(caller.changes).toBe(1);
    expect(caller.runner.offers.map(({ record }) => record.name)).toEqual(['f', 'g']);
    expect(await running).toBe('old');
    expect(modules.lines).toContain('info the modules changed, and are loaded again; new: g');
  });

  test('and broken keeps its old code and says why; mended it is loaded', async () => {
    const file = modules.write('broken.ts', "export const f = () => 'old';");
    const caller = await start(file);
    modules.write('broken.ts', "export const f = () => 'new;");
    await logged(/^error the modules changed, and cannot be loaded; the old ones stay: .*broken\.ts/);
    expect(await caller.call('f')).toBe('old');
    expect(caller.changes).toBe(0);
    modules.write('broken.ts', "export const f = () => 'mended';");
    await answers(caller, 'f', 'mended');
  });

  test('together with what it imports, also what was missing at first', async () => {
    modules.write('parts/words.ts', "export const word = 'one';");
    const file = modules.write('whole.ts', "import { word } from './parts/words.ts'; export const f = () => word;");
    const caller = await start(file);
    modules.write('parts/words.ts', "export const word = 'two';");
    await answers(caller, 'f', 'two');
    modules.write('parts/words.ts', "export { word } from './absent.ts';");
    await logged(/^error .*absent\.ts/);
    modules.write('parts/absent.ts', "export const word = 'three';");
    await answers(caller, 'f', 'three');
  });

  test('in a folder, where modules come and go', async () => {
    modules.write('folder/a.ts', 'export const a = () => 1;');
    const caller = await start(join(modules.root, 'folder'));
    modules.write('folder/b.ts', 'export const b = () => 2;');
    await logged(/loaded again; new: b$/);
    expect(await caller.call('b')).toBe(2);
    rmSync(join(modules.root, 'folder/a.ts'));
    await logged(/loaded again; gone: a$/);
    expect(await caller.problem('a')).toMatchObject({ code: 'not-here' });
  });

  test('again while it is being loaded is loaded once more', async () => {
    const file = modules.write('busy.ts', 'export const f = () => 0;');
    const caller = await start(file);
    const slow = 'await new Promise((resolve) => setTimeout(resolve, 600));';
    modules.write('busy.ts', `${slow} export const f = () => 1;`);
    await pause(700); // it was seen to be at rest, and is being loaded
    modules.write('busy.ts', 'export const f = () => 22;');
    await answers(caller, 'f', 22);
  });
});

test('of many old versions with calls in them the oldest is ended', async () => {
  const source = (n: number) => `export const f = (wait) => wait ? new Promise(() => {}) : ${n};`;
  const file = modules.write('often.mjs', source(10));
  const caller = await start(file);
  const calls: Promise<unknown>[] = [];
  for (let n = 11; n <= 15; n++) {
    calls.push(caller.problem('f', [true]));
    await pause(20);
    modules.write('often.mjs', source(n));
    await answers(caller, 'f', n);
  }
  expect(await calls[0]).toMatchObject({
    code: 'worker-died',
    message: 'f was ended: its code has been replaced 5 times since it began',
  });
  const others = Promise.race(calls.slice(1));
  expect(await Promise.race([others, pause(300).then(() => 'they go on')])).toBe('they go on');
});
