/**
 * What a process weighs that waits: its resident memory five seconds after it said that it is ready.
 *
 *   node bench/idle.ts [--runs 5]
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compare, executable, has, markdown } from './harness.ts';
import { freePort, start } from './processes.ts';

const SETTLE_MS = 5_000;
const { values } = parseArgs({ options: { runs: { default: '5', type: 'string' }, side: { type: 'string' } } });
const here = fileURLToPath(import.meta.url);
const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const sides: Readonly<Record<string, { readonly command: readonly string[]; readonly ready: RegExp }>> = {
  'mpreg node start': {
    command: [process.execPath, file('../bin/run.js'), 'node', 'start', '--json'],
    ready: /"url":/,
  },
  ...(existsSync(executable()) && {
    'mpreg node start, executable': { command: [executable(), 'node', 'start', '--json'], ready: /"url":/ },
  }),
  ...(has('nats-server') && {
    'nats-server': {
      command: ['nats-server', '-a', '127.0.0.1', '-p', String(await freePort())],
      ready: /Server is ready/,
    },
  }),
  Moleculer: {
    command: [process.execPath, file('echo/moleculer.ts'), 'service', `${await freePort()},${await freePort()}`],
    ready: /ready/,
  },
  'Node alone': { command: [process.execPath, '-e', 'setInterval(() => {}, 1000); console.log("on")'], ready: /on/ },
};

if (values.side === undefined) {
  const commands = Object.keys(sides).map((side) => [side, [process.execPath, here, '--side', side]]);
  console.log(
    markdown(await compare({ name: 'idle', runs: Number(values.runs), sides: Object.fromEntries(commands) })),
  );
} else {
  const side = sides[values.side];
  if (!side) throw new Error(`no side ${values.side}`);
  const home = mkdtempSync(join(tmpdir(), 'mpreg-bench-'));
  process.on('exit', () => rmSync(home, { force: true, recursive: true }));
  const { pid } = await start(side.command, side.ready, { MPREG_CONFIG_DIR: home, MPREG_RUNTIME_DIR: home });
  await pause(SETTLE_MS);
  const kib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  console.log(JSON.stringify({ 'resident, MiB': kib / 1024 }));
  process.exit(0);
}
