// The fast fences, side by side: format and lint, types of source and tests, the blind core, the command manifest.
// Prints one line for each, and the whole output of those that fail.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = 'node_modules/typescript/bin/tsc';
const checks = {
  'format and lint': ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'],
  'types of source and tests': [tsc, '-p', 'tsconfig.test.json'],
  'the core is blind': [tsc, '-p', 'tsconfig.core.json'],
  'command manifest': ['scripts/manifest.mjs', '--check'],
};

const failed = (await Promise.all(Object.entries(checks).map(([title, args]) => check(title, args)))).filter(
  (ok) => !ok,
);
process.exitCode = failed.length ? 1 : 0;

function check(title, args) {
  return new Promise((done) => {
    const start = performance.now();
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('close', (code) => {
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      console.log(`${code === 0 ? '✓' : '✗'} ${title} (${seconds} s)${code === 0 ? '' : `\n${output}`}`);
      done(code === 0);
    });
  });
}
