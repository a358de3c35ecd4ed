/** The fences that other programs keep, each against a planted violation: the linter's rules, and the blind core's type-check. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'mpreg-fences-'));

const FILES: Readonly<Record<string, string>> = {
  'package.json': '{ "type": "module" }\n',
  'src/cli/output.ts': "console.log('the result');\n",
  'src/engine/core/base/blind.ts':
    "import 'node:fs';\n\nexport const late = [setTimeout, Buffer, process, performance, fetch];\n",
  'src/engine/core/base/clock.ts': 'export const now = Date.now();\n',
  'src/engine/core/base/fine.ts': 'export const one = 1;\n',
  'src/engine/host/float.ts':
    'async function work(): Promise<void> {\n  await 1;\n}\n\nexport function start(): void {\n  work();\n}\n',
  'src/engine/host/loud.ts': "console.log('leaked');\n",
};

/** What a program of this project says of the planted files. */
function say(program: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, [join(root, 'node_modules', program), ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return stdout + stderr;
}

beforeAll(() => {
  for (const name of ['biome.json', 'tsconfig.json', 'tsconfig.core.json'])
    cpSync(join(root, name), join(folder, name));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
});

afterAll(() => rmSync(folder, { force: true, recursive: true }));

test('the linter finds what leaks, what floats, and nothing else', () => {
  const found = say('@biomejs/biome/bin/biome', 'lint', '--reporter=github', '.')
    .split('\n')
    .flatMap((line) => /title=lint\/(\w+\/\w+),file=[^,]*?(src\/[^,]+)/.exec(line)?.slice(1, 3).join(' ') ?? []);
  expect([...new Set(found)].sort()).toEqual([
    'nursery/noFloatingPromises src/engine/host/float.ts',
    'style/noRestrictedGlobals src/engine/core/base/blind.ts',
    'style/noRestrictedGlobals src/engine/core/base/clock.ts',
    'suspicious/noConsole src/engine/host/loud.ts',
  ]);
});

test('in the core there is no Node and no browser', () => {
  const said = say('typescript/bin/tsc', '-p', 'tsconfig.core.json', '--pretty', 'false');
  for (const name of ['node:fs', 'setTimeout', 'Buffer', 'process', 'performance', 'fetch']) {
    expect(said).toMatch(new RegExp(`blind\\.ts.*'${name}'`));
  }
  expect(said.split('\n').filter((line) => line.includes('error') && !line.includes('blind.ts'))).toEqual([]);
});
