/** Each tidy rule against a tiny planted violation, and against the nearest thing that is allowed. */
import { describe, expect, test } from 'vitest';
import { checkArrows } from './arrows.ts';
import { checkCommands, checkOptions, checkProblems } from './catalogue.ts';
import { checkCode } from './code.ts';
import { type Complaint, parse, print } from './source.ts';

type Files = Readonly<Record<string, string>>;

const sources = (files: Files) => Object.entries(files).map(([path, text]) => parse(path, text));
const lines = (count: number) => 'let a = 1;\n'.repeat(count);
const seen = (complaints: readonly Complaint[]) => complaints.map((c) => `${c.rule}: ${c.what}`);
/** Words of unfinished work, in two parts: this file must pass the rule that it tests. */
const word = (a: string, b: string) => a + b;

describe('an import is refused', () => {
  const table: readonly [name: string, from: string, imports: string, complaint: string][] = [
    ['of a file outside the core', 'src/engine/core/calls/a.ts', '../../wire/b.ts', 'core is blind'],
    ['of a built-in module by the core', 'src/engine/core/base/a.ts', 'node:fs', 'core is blind'],
    ['of a package by the core', 'src/engine/core/calls/a.ts', 'zod', 'core is blind'],
    ['of a domain by the base', 'src/engine/core/base/a.ts', '../calls/b.ts', 'base is the floor'],
    ['of one domain by another', 'src/engine/core/calls/a.ts', '../links/b.ts', 'domains are strangers'],
    ['of the node by a domain', 'src/engine/core/calls/a.ts', '../node/b.ts', 'domains are strangers'],
    ['of a machine by the wire', 'src/engine/wire/a.ts', '../core/calls/calls.ts', 'wire sees only messages'],
    ['of the host by the wire', 'src/engine/wire/a.ts', '../host/b.ts', 'wire sees only messages'],
    ['of a built-in module by the simulator', 'src/engine/sim/a.ts', 'node:crypto', 'sim is deterministic'],
    ['of the host by the simulator', 'src/engine/sim/a.ts', '../host/b.ts', 'sim is deterministic'],
    ['of a built-in module by what moves messages', 'src/engine/flow/a.ts', 'node:fs', 'flow belongs to no world'],
    ['of the host by what moves messages', 'src/engine/flow/a.ts', '../host/b.ts', 'flow belongs to no world'],
    ['of the simulator by the host', 'src/engine/host/a.ts', '../sim/b.ts', 'host never simulates'],
    ['of a command by the engine', 'src/engine/a.ts', '../commands/b.ts', 'the engine has no face'],
    ['of the command framework by the engine', 'src/engine/a.ts', '@oclif/core', 'the engine has no face'],
    ['of the terminal framework by the host', 'src/engine/host/a.ts', 'ink', 'the engine has no face'],
    ['past the front door by a command', 'src/commands/a.ts', '../engine/api.ts', 'faces use the front door'],
    ['past the front door by a view', 'src/tui/views/a.tsx', '../../engine/host/b.ts', 'faces use the front door'],
    ['of a test by the source', 'src/cli/a.ts', '../../test/b.ts', 'src stands alone'],
  ];
  test.each(table)('%s', (_, from, imports, rule) => {
    const { complaints } = checkArrows(sources({ [from]: `import { b } from '${imports}';` }));
    expect(seen(complaints).filter((c) => c.startsWith(`${rule}: must not import`))).toHaveLength(1);
  });

  test.each([
    ['type import', "import type { B } from 'node:fs';"],
    ['re-export', "export * from 'node:fs';"],
    ['named re-export', "export { b } from 'node:fs';"],
    ['dynamic import', "const b = import('node:fs');"],
    ['import in a type', "type B = import('node:fs').Stats;"],
  ])('also as %s', (_, text) => {
    const { complaints } = checkArrows(sources({ 'src/engine/core/base/a.ts': text }));
    expect(seen(complaints)).toContain('core is blind: must not import node:fs');
  });

  test('of a file that nobody saw', () => {
    const { complaints } = checkArrows(sources({ 'src/cli/a.ts': "import './b.ts';" }));
    expect(print(complaints)).toBe('src/cli/a.ts:1 imports lead somewhere: src/cli/b.ts was not seen');
  });

  test('in a circle, which is shown', () => {
    const { complaints } = checkArrows(
      sources({
        'src/cli/a.ts': "import './b.ts';",
        'src/cli/b.ts': "import './c.ts';",
        'src/cli/c.ts': "import './a.ts';",
      }),
    );
    expect(print(complaints)).toBe(
      'src/cli/c.ts:1 no cycles: src/cli/a.ts → src/cli/b.ts → src/cli/c.ts → src/cli/a.ts',
    );
  });

  test('but not where the arrow points the right way; every module is counted', () => {
    const files = {
      'src/cli/a.ts': "import '../engine/index.ts';",
      'src/engine/core/base/e.ts': '',
      'src/engine/core/calls/d.ts': "import '../base/e.ts';",
      'src/engine/core/calls/messages.ts': '',
      'src/engine/core/node/c.ts': "import '../calls/d.ts';",
      'src/engine/host/ports.ts': "import 'node:http';",
      'src/engine/index.ts': "import './core/node/c.ts';",
      'src/engine/sim/f.ts': "import '../host/ports.ts';",
      'src/engine/wire/g.ts': "import '../core/calls/messages.ts'; import 'msgpackr';",
    };
    expect(checkArrows(sources(files))).toEqual({ complaints: [], modules: 9 });
  });
});

describe('a file is refused', () => {
  const core = 'src/engine/core/base/a.ts';
  const table: readonly [name: string, path: string, text: string, complaint: string][] = [
    ['over 400 lines', core, lines(401), 'a file is one idea: 401 lines; at most 400'],
    [
      'with a function over 70 lines',
      core,
      `function f() {\n${lines(69)}}`,
      'a function fits on a screen: 71 lines; at most 70',
    ],
    [
      'with a long arrow',
      core,
      `const f = () => {\n${lines(69)}}`,
      'a function fits on a screen: 71 lines; at most 70',
    ],
    [
      'with a long method',
      core,
      `class A { m() {\n${lines(69)}} }`,
      'a function fits on a screen: 71 lines; at most 70',
    ],
    ['with an async function in the core', core, 'async function f() {}', 'the core is synchronous: async function'],
    ['with an async method in the core', core, 'class A { async m() {} }', 'the core is synchronous: async function'],
    ['that waits in the core', core, 'await 1;', 'the core is synchronous: await'],
    ['that promises in the core', core, 'type A = Promise<1>;', 'the core is synchronous: Promise'],
    ['with any', 'src/cli/a.ts', 'let a: any;', 'no any: any'],
    ['with a default export', 'src/cli/a.ts', 'export default 1;', 'no default exports but commands: export default'],
    ['that reads the clock', core, 'Date.now();', 'no clock, chance or locale where all must repeat: Date'],
    [
      'that makes a date',
      'src/engine/sim/a.ts',
      'new Date();',
      'no clock, chance or locale where all must repeat: Date',
    ],
    ['that sets a timer', core, 'setTimeout(f, 1);', 'no clock, chance or locale where all must repeat: setTimeout'],
    ['that rolls dice', core, 'Math.random();', 'no clock, chance or locale where all must repeat: Math.random'],
    [
      'that draws ids',
      core,
      'crypto.randomUUID();',
      'no clock, chance or locale where all must repeat: crypto.randomUUID',
    ],
    [
      'that knows a country',
      core,
      "'a'.localeCompare('b');",
      'no clock, chance or locale where all must repeat: localeCompare',
    ],
    [
      'that walks over keys',
      core,
      'for (const k in o) f(k);',
      'no clock, chance or locale where all must repeat: for … in: iterate Map, Set or array',
    ],
    [
      'that reads the environment',
      'src/engine/sim/a.ts',
      'process.env;',
      'no clock, chance or locale where all must repeat: process.env',
    ],
    ['with a private field', 'src/cli/a.ts', 'class A { private a = 1; }', 'private is spelled #: private'],
    ['with work left over', 'src/cli/a.ts', word('// TO', 'DO it'), word('nothing unfinished: TO', 'DO')],
    ['with an excuse', 'src/cli/a.ts', word('// Good enough for', ' now.'), word('nothing unfinished: for', ' now')],
    ['that leaves a test out', 'test/a.test.ts', "test.skip('a', f);", 'no test is left out: test.skip'],
    ['that leaves the others out', 'test/a.test.ts', "describe.only('a', f);", 'no test is left out: describe.only'],
    ['that promises a test', 'test/a.test.ts', "it.todo('a');", 'no test is left out: it.todo'],
    ['that silences the compiler', 'src/cli/a.ts', '// @ts-ignore\na();', 'the compiler is not silenced: @ts-ignore'],
    ['named in camel case', 'src/cli/aB.ts', '', 'files are named in kebab-case: aB.ts'],
  ];
  test.each(table)('%s', (_, path, text, complaint) => {
    expect(seen(checkCode(sources({ [path]: text })))).toEqual([complaint]);
  });

  test('but not at the limit, nor for what only looks alike', () => {
    const files = {
      'src/cli/c.ts': 'export async function f() { await 1; return Date.now(); }',
      'src/commands/d.ts': 'export default class D { private constructor() {} }',
      'src/engine/core/base/a.ts': lines(400),
      'src/engine/core/base/b.ts': `function f() {\n${lines(68)}}\nconst o = { Date: 1 }; o.Date; task.process; // "random", "anything"`,
      'test/e.test.ts': `describe('a chapter', () => {\n${lines(80)}test('one', () => {});\n});\ntest.skipIf(!tmux)('two', f);`,
    };
    expect(print(checkCode(sources(files)))).toBe('');
  });

  test('over its own exception, and when it no longer needs one', () => {
    const files = sources({ 'src/cli/a.ts': lines(450) });
    expect(seen(checkCode(files, { 'src/cli/a.ts': 450 }))).toEqual([]);
    expect(seen(checkCode(files, { 'src/cli/a.ts': 449 }))).toEqual(['a file is one idea: 450 lines; at most 449']);
    expect(seen(checkCode(sources({ 'src/cli/a.ts': lines(9) }), { 'src/cli/a.ts': 450 }))).toEqual([
      'a file is one idea: short enough: strike it from the exceptions',
    ]);
  });

  test('that cannot be read at all', () => {
    expect(() => parse('src/cli/a.ts', 'let = = 1')).toThrow('src/cli/a.ts');
  });
});

describe('a problem of the catalogue', () => {
  const none = { unraised: [], untested: [] };
  const files = sources({
    'src/cli/a.ts': "problem('timed-out', 'x');",
    'test/a.test.ts': "expect(code).toBe('timed-out');",
    'test/b.test.ts': 'timed-out-before-start',
  });

  test('is raised and tested', () => {
    expect(checkProblems(['timed-out'], files, none)).toEqual([]);
  });

  test('is missed where nothing raises it or no test names it', () => {
    const untested = sources({
      'src/cli/a.ts': "problem('timed-out', 'x');",
      'test/b.test.ts': "'timed-out-before-start'",
    });
    expect(seen(checkProblems(['timed-out'], untested, none))).toEqual(['a problem is named by some test: timed-out']);
    expect(seen(checkProblems(['key-wrong'], files, none))).toEqual([
      'a problem is raised somewhere: key-wrong',
      'a problem is named by some test: key-wrong',
    ]);
  });

  test('may be an exception only as long as it is needed', () => {
    const exceptions = { unraised: ['key-wrong', 'timed-out'], untested: ['key-wrong'] };
    expect(seen(checkProblems(['key-wrong', 'timed-out'], files, exceptions))).toEqual([
      'a problem is raised somewhere: timed-out is: strike it from the exceptions',
    ]);
  });
});

describe('a command', () => {
  const good = "export default class A { static override summary = 'Does.'; static override examples = ['a']; }";

  test('is run by a test, however the test spells it', () => {
    const path = 'src/commands/node/start.ts';
    for (const text of ["run(['node', 'start'])", 'run("node start")', "run('node:start')"]) {
      expect(checkCommands(sources({ [path]: good, 'test/a.test.ts': text }))).toEqual([]);
    }
    expect(seen(checkCommands(sources({ [path]: good, 'test/a.test.ts': "'node', 'starting'" })))).toEqual([
      'a command is run by some test: node start',
    ]);
  });

  test('says what it does and shows how', () => {
    const files = {
      'src/commands/a.ts': 'export default class A { static examples = []; }',
      'test/a.test.ts': "run(['a'])",
    };
    expect(seen(checkCommands(sources(files)))).toEqual([
      'a command says what it does: no static summary',
      'a command shows how: no static examples',
    ]);
  });
});

test('an option has a unit and says what moves with it', () => {
  const path = 'src/engine/core/calls/options.ts';
  const text = `export interface O {
  /** A pause. Longer: less traffic. Shorter: sooner. */
  readonly pauseMs: number;
  /** Silent. */
  readonly quietMs: number;
  /** More: faster. */
  readonly speed: number;
  readonly name: string;
}`;
  expect(seen(checkOptions(sources({ [path]: text })))).toEqual([
    'an option says what it costs: quietMs: no trade-off in its comment',
    'an option says what it costs: speed: no unit',
  ]);
});
