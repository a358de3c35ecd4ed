/** Processes of one side: started, waited for until they say that they are ready, and ended with the side. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Linux counts processor time for programs in hundredths of a second. */
const TICK_MS = 10;

const started: ChildProcess[] = [];
process.on('exit', () => {
  for (const child of started) child.kill('SIGTERM');
});
process.once('SIGTERM', () => process.exit(0)); // in order, so that a profiler can write what it saw

export interface Started {
  readonly pid: number;
  /** What it said when it was ready: the first group of the pattern, or all of it. */
  readonly said: string;
}

/** Starts a command; resolves as soon as its output matches `ready`. */
export function start(command: readonly string[], ready: RegExp, env: NodeJS.ProcessEnv = {}): Promise<Started> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  return new Promise((resolve, reject) => {
    let output = '';
    const hear = (text: string) => {
      output += text;
      const found = ready.exec(output);
      if (found) resolve({ pid: child.pid as number, said: found[1] ?? found[0] });
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${command.join(' ')} ended with ${code}:\n${output}`)));
  });
}

/** Starts another role of the same file; resolves with what follows its `ready`. `BENCH_NODE_ARGS`: for a profiler. */
export async function startRole(file: string, ...args: string[]): Promise<string> {
  const nodeArgs = process.env['BENCH_NODE_ARGS']?.split(' ') ?? [];
  const { said } = await start([process.execPath, ...nodeArgs, file, ...args], /ready ?(.*)\n/);
  return said;
}

/** Processor time of this process and all that it started, in milliseconds; undefined where there is no /proc. */
export function cpuMs(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const ticks = [process.pid, ...started.flatMap(({ pid }) => pid ?? [])].map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]); // utime, stime
  });
  return ticks.reduce((a, b) => a + b, 0) * TICK_MS;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
