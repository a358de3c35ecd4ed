import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { defineFunction } from '../../../src/engine/define-function.ts';
import { functionsOf } from '../../../src/engine/host/functions/module-functions.ts';
import { Modules } from './harness.ts';

const modules = new Modules();
afterEach(() => modules.closeAll());
afterAll(() => modules.remove());

const named = (exports: Record<string, unknown>) =>
  functionsOf(exports, '/dir/file-name.ts').definitions.map((d) => d.name);
const defined = defineFunction({ name: 'defined', run: () => 1, version: '2.3.4' });

describe('what a module exports', () => {
  const table: readonly (readonly [string, Record<string, unknown>, readonly string[]])[] = [
    ['functions', { a: () => 1, async b() {}, *c() {} }, ['a', 'b', 'c']],
    ['a definition by its own name', { other: defined }, ['defined']],
    ['a default function by its name', { default: function main() {} }, ['main']],
    [
      'a default function without one by its file',
      { default: Object.defineProperty(() => 1, 'name', { value: 'default' }) },
      ['file-name'],
    ],
    ['a default definition', { default: defined }, ['defined']],
    ['a list of both', { all: [defined, function one() {}] }, ['defined', 'one']],
    ['an object of both', { all: { one: () => 1, two: defined } }, ['one', 'defined']],
    [
      'the same twice, as CommonJS has it',
      { a: defined, default: { a: defined }, 'module.exports': { a: defined } },
      ['defined'],
    ],
    ['constants, classes and mixed lists', { a: 1, B: class {}, c: [1, () => 1], d: null, e: {}, f: 'x' }, []],
  ];
  test.each(table)('%s', (_, exports, expected) => {
    expect(named(exports)).toEqual(expected);
  });

  test('what became nothing is noted', () => {
    expect(functionsOf({ LIMIT: 7, run: () => 1 }, '/m.ts').notes).toEqual(['/m.ts: the export LIMIT is no function']);
  });

  test('a name with spaces is refused', () => {
    expect(() => named({ 'a b': () => 1 })).toThrow(/has spaces/);
  });
});

describe('a definition', () => {
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ name: '', run: () => 1 }, /1 to 128 characters/],
    [{ name: 'a b', run: () => 1 }, /spaces/],
    [{ name: 'a' }, /run must be a function/],
    [{ name: 'a', run: () => 1, version: '1' }, /version must be like/],
    [{ name: 'a', run: () => 1, version: '1.0.0-rc.1+7', timeoutMs: 0 }, /timeoutMs/],
    [{ name: 'a', run: () => 1, resources: 'gpu' }, /resources/],
    [{ name: 'a', run: () => 1, colour: 'red' }, /no field colour/],
  ];
  test.each(wrong)('%j is refused', (definition, message) => {
    expect(() => defineFunction(definition as never)).toThrow(message);
  });
});

describe('modules are loaded', () => {
  const sources: readonly (readonly [string, string])[] = [
    ['typed.ts', 'interface N { n: number }\nexport const twice = ({ n }: N): number => n * 2;'],
    ['typed.mts', 'export function twice(x: { n: number }): number { return x.n * 2; }'],
    ['plain.js', 'export const twice = ({ n }) => n * 2;'],
    ['plain.mjs', 'export const twice = ({ n }) => n * 2;'],
    ['common.cjs', 'module.exports = { twice: ({ n }) => n * 2 };'],
    ['common-names.cjs', 'exports.twice = ({ n }) => n * 2;'],
    ['twice.ts', 'export default ({ n }: { n: number }) => n * 2;'],
    [
      'own.ts',
      "import { defineFunction } from 'mpreg';\nexport default defineFunction({ name: 'twice', run: (x: { n: number }) => x.n * 2 });",
    ],
    [
      'own.cjs',
      "const { defineFunction } = require('mpreg');\nexports.it = defineFunction({ name: 'twice', run: ({ n }) => n * 2 });",
    ],
  ];
  test.each(sources)('from %s', async (name, source) => {
    const { runner, call } = await started([modules.write(name, source)]);
    expect(runner.offers.map(({ record }) => record.name)).toEqual(['twice']);
    expect(await call('twice', [{ n: 21 }])).toBe(42);
  });

  test('from a folder: in the order of names, without tests, declarations and what is below', async () => {
    modules.write('folder/b.ts', "export { b } from './helpers/more.ts';");
    modules.write('folder/a.mjs', 'export const a = () => 1;');
    modules.write('folder/constants.ts', 'export const LIMIT = 1;');
    modules.write('folder/a.test.ts', 'throw new Error();');
    modules.write('folder/types.d.ts', 'export declare const x: 1;');
    modules.write('folder/helpers/more.ts', 'export const b = () => 2;');
    const { runner } = await started([`${modules.root}/folder`]);
    expect(runner.offers.map(({ record }) => record.name)).toEqual(['a', 'b']);
    expect(modules.lines).toContainEqual(expect.stringMatching(/^debug .*constants\.ts exports no function/));
  });

  test('with all that a definition says', async () => {
    const file = modules.write(
      'full.ts',
      `import { defineFunction } from 'mpreg';
       export const f = defineFunction({ name: 'full', version: '2.0.0', functionId: 'id-7', resources: ['gpu'],
         description: 'does', idempotent: true, timeoutMs: 500, run: () => 1 });
       export const plain = () => 2;`,
    );
    const { runner } = await started([file]);
    expect(runner.offers.map(({ record }) => record)).toEqual([
      {
        description: 'does',
        functionId: 'id-7',
        idempotent: true,
        name: 'full',
        resources: ['gpu'],
        timeoutMs: 500,
        version: '2.0.0',
      },
      { name: 'plain', resources: [], version: '1.0.0' },
    ]);
  });

  const refused: readonly (readonly [string, string, string, RegExp])[] = [
    ['empty.ts', 'export const LIMIT = 1;', 'module-invalid', /empty\.ts exports no function/],
    [
      'throws.ts',
      "\n\nthrow new TypeError('not today');",
      'module-invalid',
      /throws\.ts:3:7 cannot be loaded: TypeError: not today/,
    ],
    [
      'syntax.mjs',
      'export const a = 1;\nexport const = 2;',
      'module-invalid',
      /syntax\.mjs:2 cannot be loaded: SyntaxError/,
    ],
    ['enum.ts', 'export enum Colour { red }', 'module-invalid', /enum\.ts.* cannot be loaded: .*enum/],
    ['missing.ts', "import './nowhere.ts';", 'module-invalid', /missing\.ts cannot be loaded: .*nowhere/],
    ['exits.ts', 'process.exit(3);', 'module-invalid', /exited with code 3 while it loaded/],
    ['data.json', '{}', 'module-invalid', /data\.json is no module/],
  ];
  test.each(refused)('%s is refused', async (name, source, code, message) => {
    await expect(modules.start([modules.write(name, source)])).rejects.toMatchObject({
      message: expect.stringMatching(message),
      problem: { code },
    });
  });

  test('a path that is not there is refused', async () => {
    await expect(modules.start([`${modules.root}/absent.ts`])).rejects.toMatchObject({
      problem: { code: 'file-unreadable' },
    });
  });

  test('two functions of one name are refused, with both files', async () => {
    const one = modules.write('one.ts', 'export const same = () => 1;');
    const two = modules.write('two.ts', 'export const same = () => 2;');
    await expect(modules.start([one, two])).rejects.toThrow(/the name same: in .*one\.ts and .*two\.ts/);
  });
});

async function started(paths: readonly string[]) {
  const caller = await modules.start(paths);
  return { call: caller.call.bind(caller), runner: caller.runner };
}
