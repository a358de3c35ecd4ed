/**
 * How long a command takes that says its version: from the start of the process to its end.
 *
 *   node bench/startup.ts [--runs 5]
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compare, executable, has, markdown, quantile } from './harness.ts';

const STARTS = 20;
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { runs: { default: '5', type: 'string' }, time: { type: 'boolean' } },
});
const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

if (values.time) {
  const [program = '', ...args] = positionals;
  const times = Array.from({ length: STARTS }, () => {
    const start = performance.now();
    const { status } = spawnSync(program, args, { stdio: 'ignore' });
    if (status !== 0) throw new Error(`${positionals.join(' ')} ended with ${status}`);
    return performance.now() - start;
  });
  console.log(JSON.stringify({ 'start to end, ms': quantile(times, 0.5) }));
} else {
  const commands: Readonly<Record<string, readonly string[]>> = {
    'Node alone': [process.execPath, '-e', '0'],
    ...(existsSync(executable()) && { 'mpreg --version, executable': [executable(), '--version'] }),
    'mpreg --version, checkout': [process.execPath, file('../bin/run.js'), '--version'],
    ...(has('nats-server') && { 'nats-server --version': ['nats-server', '--version'] }),
  };
  const timed = (command: readonly string[]) => [process.execPath, file('startup.ts'), '--time', '--', ...command];
  const sides = Object.fromEntries(Object.entries(commands).map(([side, command]) => [side, timed(command)]));
  console.log(markdown(await compare({ name: 'startup', pin: '0,1', runs: Number(values.runs), sides })));
}
