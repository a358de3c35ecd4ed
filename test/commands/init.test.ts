/** `mpreg init`: writes a project, and never over anything. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { World } from '../cli/mpreg.ts';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());

const template = (name: string) => readFileSync(new URL(`../../templates/${name}`, import.meta.url), 'utf8');

test('writes the files of a template, prints them, and says what to do next', async () => {
  const { code, stderr, stdout } = await world.mpreg(['init', 'my project', '--template', 'workflow']);
  expect(code).toBe(0);
  const files = stdout.trimEnd().split('\n');
  expect(files).toContain('my project/workflow.json');
  for (const file of files) {
    const written = readFileSync(world.path('work', file), 'utf8');
    expect(written).toBe(template(file.replace('my project', 'workflow')));
  }
  expect(stderr).toContain("cd 'my project' && mpreg up");
  expect(stderr).toContain('mpreg call - < workflow.json');
});

test('begins here, with functions, where nothing else is said', async () => {
  const { code, stdout, stderr } = await world.mpreg(['init', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ folder: world.path('work'), template: 'functions' });
  expect(existsSync(world.path('work', 'functions', 'words.ts'))).toBe(true);
  expect(stderr).not.toContain('cd ');
});

test('overwrites nothing, unless it is forced to', async () => {
  writeFileSync(world.path('work', 'README.md'), 'mine');
  writeFileSync(world.path('work', 'notes'), 'mine too');
  const refused = await world.mpreg(['init', '--json']);
  expect(refused.code).toBe(7);
  expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'exists-already' } });
  expect(refused.stdout).toContain('README.md already; nothing was written');
  expect(existsSync(world.path('work', 'mpreg.yaml'))).toBe(false);
  expect(readFileSync(world.path('work', 'README.md'), 'utf8')).toBe('mine');

  expect((await world.mpreg(['init', '--force'])).code).toBe(0);
  expect(readFileSync(world.path('work', 'README.md'), 'utf8')).toBe(template('functions/README.md'));
  expect(readFileSync(world.path('work', 'notes'), 'utf8')).toBe('mine too');
});

test('knows no other templates', async () => {
  const { code, stderr } = await world.mpreg(['init', '--template', 'castle']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/functions.*workflow/);
});
