/** `mpreg federation generate-config` and `validate-config`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { TEMPLATES } from '../../src/cli/federation/templates.ts';
import { BUILT, World } from '../cli/mpreg.ts';

let world: World;
beforeEach(() => {
  world = new World(BUILT);
});
afterEach(() => world.close());

const generate = (...args: string[]) => world.mpreg(['federation', 'generate-config', ...args]);
const validate = (args: string[], input?: string) =>
  world.mpreg(['federation', 'validate-config', ...args], input === undefined ? {} : { input });

describe('generate-config', () => {
  test('writes each template, as JSON or YAML by the name of the file', async () => {
    expect(await generate('a.json')).toMatchObject({ code: 0, stdout: 'a.json\n' });
    expect(JSON.parse(readFileSync(world.path('work', 'a.json'), 'utf8'))).toEqual(TEMPLATES.basic);
    await generate('b.yaml', '--template', 'production');
    expect(parse(readFileSync(world.path('work', 'b.yaml'), 'utf8'))).toEqual(TEMPLATES.production);
    const { stdout } = await generate('--template', 'development');
    expect(JSON.parse(stdout)).toEqual(TEMPLATES.development);
  });

  test('does not overwrite a file, unless it is told to', async () => {
    writeFileSync(world.path('work', 'a.json'), 'mine');
    const refused = await generate('a.json', '--json');
    expect(refused.code).toBe(7);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'exists-already' } });
    expect(readFileSync(world.path('work', 'a.json'), 'utf8')).toBe('mine');
    expect((await generate('a.json', '--force', '--json')).stdout).toBe(
      '{"file":"a.json","template":"basic","clusters":["west","east"]}\n',
    );
  });
});

describe('validate-config', () => {
  test('says of a valid file what it comes to, also of one on stdin', async () => {
    await generate('a.json');
    expect(await validate(['a.json'])).toMatchObject({
      code: 0,
      stdout: 'a.json: valid, 2 clusters, 1 link planned\n',
    });
    const { code, stdout } = await validate(['-', '--json'], JSON.stringify(TEMPLATES.development));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ clusters: 3, file: 'stdin', links: 3, problems: [], valid: true });
  });

  test('says everything that is wrong, with file, line and path, and exits with 2', async () => {
    const file = world.path('work', 'bad.json');
    writeFileSync(file, '{"version": "1.0",\n"federation": {},\n"clusters": [{"cluster_id": "a", "server_url": "x"}]}');
    const { code, stderr, stdout } = await validate(['bad.json']);
    expect(code).toBe(2);
    expect(stdout).toContain('bad.json:3: clusters[0].region: is missing\n    Where it runs');
    expect(stdout).toContain('bad.json:3: clusters[0].server_url: "x" is no address\n');
    expect(stderr).toContain('2 things are wrong with bad.json');
    const json = await validate(['bad.json', '--json']);
    expect(json.code).toBe(2);
    expect(JSON.parse(json.stdout)).toMatchObject({
      problems: [{ line: 3, path: 'clusters[0].region', severity: 'error' }, { path: 'clusters[0].server_url' }, {}],
      valid: false,
    });
  });

  test('says that a file is not there', async () => {
    expect(await validate(['none.json'])).toMatchObject({ code: 2, stderr: expect.stringContaining('none.json') });
  });
});
