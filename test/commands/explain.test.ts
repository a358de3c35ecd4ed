/** `explain` and `call --explain`, as processes, against two real nodes. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, type Ran, type RunningNode, World } from '../cli/mpreg.ts';

const world = new World();
let alpha: RunningNode;

const FUNCTIONS = `
import { defineFunction } from 'mpreg';
export const predict = defineFunction({ name: 'predict', version: '2.1.0', resources: ['gpu'], run: () => 7 });
`;

beforeAll(async () => {
  const file = world.path('work', 'functions.ts');
  writeFileSync(file, FUNCTIONS);
  [alpha] = await Promise.all([
    world.node(['--name', 'alpha']),
    world.node(['--name', 'beta', '--functions', file, '--workers', '1']),
  ]);
  await eventually(
    () => at('function', 'list'),
    ({ stdout }) => stdout.includes('predict'),
  );
});
afterAll(() => world.close());

function at(...args: string[]): Promise<Ran> {
  return world.mpreg(args, { env: { MPREG_URL: alpha.url } });
}

const document = ({ stdout }: Ran): unknown => JSON.parse(stdout);

describe('explain', () => {
  test('says where a call would go and why, one candidate per line', async () => {
    const { code, stdout } = await at('explain', 'predict', '--loc', 'gpu');
    expect([code, stdout.split('\t').slice(0, 4)]).toEqual([0, ['beta', '2.1.0', 'chosen', '100%']]);
    expect(stdout).toMatch(/\thas gpu; nobody else has it\n$/);
    expect(await at('call', 'predict', '--loc', 'gpu', '--explain')).toMatchObject({ code: 0, stdout });
  });

  test('as JSON, as another node sees it, as if one had been tried', async () => {
    const here = await at('explain', 'echo', '--json');
    const there = await at('explain', 'echo', '--by', 'beta', '--tried', 'alpha', '--json'); // is a call of its own meanwhile
    const costs = { cost: expect.any(Number), failures: expect.any(Number), inFlight: 0, share: expect.any(Number) };
    const candidate = { id: expect.any(String), version: '0.0.0', why: 'no higher version fits', ...costs };
    const [seen] = [document(here)] as { candidates: { node: string }[] }[];
    expect(seen).toMatchObject({ candidates: [candidate, candidate], fun: 'echo', seenBy: 'alpha' });
    expect(seen?.candidates.map(({ node }) => node).sort()).toEqual(['alpha', 'beta']);
    expect([document(there)]).toMatchObject([
      {
        candidates: [
          { node: 'beta', verdict: 'chosen' },
          { node: 'alpha', verdict: 'tried' },
        ],
        seenBy: 'beta',
      },
    ]);
  });

  test.each([
    ['lacks-resources', ['predict', '--loc', 'moon'], 'lacks moon', 'none with all of "moon"'],
    [
      'other-version',
      ['predict', '--version', '^3'],
      '2.1.0 is not in ^3',
      'no node in reach offers predict in version ^3',
    ],
    ['other-node', ['predict', '--node', 'alpha'], 'not alpha, which is asked for', 'offers predict on node alpha'],
  ])('where nobody fits, says %s, exit code 3', async (verdict, args, why, error) => {
    const [{ code, stderr, stdout }, json] = await Promise.all([
      at('explain', ...args),
      at('explain', ...args, '--json'),
    ]);
    expect(code).toBe(3);
    expect(stdout).toContain(`beta\t2.1.0\t${verdict}\t0%\t0\t`);
    expect(stdout).toContain(why);
    expect(stderr).toContain(error);
    expect(json).toMatchObject({ code: 3, stderr: '' });
    expect([document(json)]).toMatchObject([
      { candidates: [{ verdict }], problem: { message: expect.stringContaining(error) } },
    ]);
  });

  test('of a plan makes no sense', async () => {
    expect(await at('call', '-', '--explain')).toMatchObject({ code: 2 });
  });
});
