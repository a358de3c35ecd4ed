/**
 * One side under one workload, each role in a process of its own; prints the metrics as one line of JSON.
 *
 *   node bench/topics/run.ts mpreg '64 B'
 *
 * Counted is what the subscribers' functions were called with, over all subscriptions, between two moments in the middle of
 * the run. At the end publishers stop, and all that they published must have arrived, each once and in its order.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort, start } from '../processes.ts';
import type { Told } from './roles.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

const WARM_MS = Number(process.env['BENCH_WARM_MS'] ?? 1_000);
const MEASURE_MS = Number(process.env['BENCH_MEASURE_MS'] ?? 3_000);
/** What is on its way when publishers stop must arrive within this. */
const ARRIVE_MS = 20_000;

const [side = 'mpreg', name = '64 B'] = process.argv.slice(2);
const workload = WORKLOADS[name] as Workload;
const roles: ChildProcess[] = [];
process.on('exit', () => {
  for (const child of roles) child.kill('SIGTERM');
});

interface Servers {
  /** Of the first and the last. */
  readonly urls: readonly [string, string];
  /** Processor time so far, in microseconds, and the loops' worst lag, where they have one. */
  told(): Promise<{ readonly cpuUs: number; readonly lagP99Ms?: number; readonly rssMb?: number }>;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function roleOf(kind: string, where: string): ChildProcess {
  const file = fileURLToPath(new URL('roles.ts', import.meta.url));
  const execArgv = process.env['BENCH_NODE_ARGS']?.split(' ') ?? [];
  const child = fork(file, [kind, side, name, where], { execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  child.once('exit', (code) => {
    if (code !== 0 && code !== null) throw new Error(`${side}, ${kind}: ended with ${code}`);
  });
  roles.push(child);
  return child;
}

function said<Answer>(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve) => child.once('message', (answer) => resolve(answer as Answer)));
}

function ask<Answer>(child: ChildProcess, what: string): Promise<Answer> {
  const answer = said<Answer>(child);
  child.send(what);
  return answer;
}

async function nodes(): Promise<Servers> {
  const children: ChildProcess[] = [];
  const urls: string[] = [];
  for (let i = 0; i < workload.nodes; i++) {
    const child = roleOf('node', urls[0] ?? '');
    urls.push((await said<{ url: string }>(child)).url);
    children.push(child);
  }
  return {
    told: async () => {
      const all = await Promise.all(children.map((child) => ask<Told>(child, 'tell')));
      return {
        cpuUs: all.reduce((sum, { cpuUs }) => sum + cpuUs, 0),
        lagP99Ms: Math.max(...all.map(({ lagP99Ms }) => lagP99Ms)),
        rssMb: Math.max(...all.map(({ rssMb }) => rssMb)),
      };
    },
    urls: [urls[0] as string, urls.at(-1) as string],
  };
}

async function natsServers(): Promise<Servers> {
  const urls: string[] = [];
  const pids: number[] = [];
  const routes = [await freePort(), await freePort()];
  for (let i = 0; i < workload.nodes; i++) {
    const port = await freePort();
    const mesh = ['--cluster_name', 'bench', '--cluster', `nats://127.0.0.1:${routes[i]}`];
    const route = i === 0 ? [] : ['--routes', `nats://127.0.0.1:${routes[0]}`];
    const command = ['nats-server', '-a', '127.0.0.1', '-p', `${port}`, ...(workload.nodes > 1 ? mesh : []), ...route];
    pids.push((await start(command, /Server is ready/)).pid);
    urls.push(`nats://127.0.0.1:${port}`);
  }
  const told = async () => ({ cpuUs: pids.reduce((sum, pid) => sum + cpuUsOf(pid), 0) });
  return { told, urls: [urls[0] as string, urls.at(-1) as string] };
}

/** Linux counts in hundredths of a second. */
function cpuUsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

const servers = side === 'mpreg' ? await nodes() : await natsServers();
if (workload.nodes > 1) await pause(1_000);
const subscriber = roleOf('subscribe', servers.urls[1]);
await said(subscriber);
const publisher = roleOf('publish', servers.urls[0]);
await said(publisher);
if (workload.nodes > 1) await pause(500);

const look = async () => {
  const at = performance.now();
  const [heard, told, own] = await Promise.all([
    ask<Told>(subscriber, 'tell'),
    servers.told(),
    ask<Told>(publisher, 'tell'),
  ]);
  return { at, heard, own, told };
};
publisher.send('go');
await pause(WARM_MS);
const before = await look();
await pause(MEASURE_MS);
const after = await look();
const stopped = await ask<{ sent: number }>(publisher, 'stop');
const wanted = stopped.sent * workload.subscribers;
for (const from = performance.now(); ; await pause(20)) {
  const { count } = await ask<Told>(subscriber, 'tell');
  if (count === wanted) break;
  if (count > wanted || performance.now() - from > ARRIVE_MS) throw new Error(`${count} of ${wanted} have arrived`);
}

const count = after.heard.count - before.heard.count;
const cpuUs = (one: { cpuUs: number }, two: { cpuUs: number }) => (two.cpuUs - one.cpuUs) / count;
const node = cpuUs(before.told, after.told);
const metrics = {
  ...(workload.rate === 0
    ? { 'per second': (count / (after.at - before.at)) * 1_000 }
    : { 'p50 µs': after.heard.latencyUs?.p50, 'p99 µs': after.heard.latencyUs?.p99 }),
  'processor µs each': node + cpuUs(before.own, after.own) + cpuUs(before.heard, after.heard),
  'of the node': node,
  'of publishers': cpuUs(before.own, after.own),
  'of subscribers': cpuUs(before.heard, after.heard),
  ...(after.told.lagP99Ms !== undefined && { 'loop lag p99 of the node, ms': after.told.lagP99Ms }),
  ...(after.told.rssMb !== undefined && { 'memory of the node, MB': after.told.rssMb }),
};
console.log(JSON.stringify(metrics));
process.exit(0);
