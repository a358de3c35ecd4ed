// Brings the benchmarks' own needs: the peers' packages, and nats-server and redis-server where this may install them.
// Does nothing where all is there. Plain JavaScript for any Node.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const stamp = join(here, 'node_modules', '.lock-that-was-installed');
const lock = readFileSync(join(here, 'package-lock.json'), 'utf8');

const run = (command, ...args) => spawnSync(command, args, { cwd: here, stdio: ['ignore', 2, 2] }).status === 0;
const has = (command) => spawnSync('which', [command], { stdio: 'ignore' }).status === 0;

run(process.execPath, join(here, '../scripts/setup.mjs')) || process.exit(1);
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  // Why not ci: a peer has optional packages for systems that not every registry holds, and ci wants all of them in the lock.
  run('npm', 'install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error') || process.exit(1);
  writeFileSync(stamp, lock);
}
const missing = ['nats-server', 'redis-server'].filter((command) => !has(command));
if (missing.length > 0 && process.getuid?.() === 0 && has('apt-get')) {
  run('apt-get', 'update', '-qq') && run('apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...missing);
}
for (const command of missing.filter((one) => !has(one))) {
  console.error(`${command} is not installed: the comparisons run without it`);
}
