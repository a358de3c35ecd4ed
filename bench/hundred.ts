/**
 * A hundred real nodes on this machine, each a process of its own, started by `mpreg up`: how long until all see all, what
 * they take, whether they stay together for minutes, and one call to each.
 *
 *   node bench/hundred.ts [--nodes 100] [--minutes 5] [--into docs/scale.md]
 *
 * Every node is asked what it says of the others, all the time: one that takes another for suspect or dead is counted.
 * Unlike `scale.ts`, the figures depend on this machine and on what else it does; both are told with them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Client, connect } from '../src/engine/index.ts';

const BIN = fileURLToPath(new URL('../bin/run.js', import.meta.url));

/** What a node may take at most, so that the machine is not asked for more than it has. */
const NODE_MIB = 130;
const SPARE_MIB = 1_500;

interface Ready {
  readonly nodes: readonly { readonly name: string; readonly url: string; readonly pid: number }[];
}

/** `total` is what the processes take together: what they share counts once. `largest` is a node's own, shared or not. */
interface Memory {
  readonly totalMib: number;
  readonly medianMib: number;
  readonly largestMib: number;
}

function number(file: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(readFileSync(file, 'utf8'))?.[1]) / 1024;
}

function memoryOf(pids: readonly number[]): Memory {
  const resident = pids.map((pid) => number(`/proc/${pid}/smaps_rollup`, 'Rss')).sort((a, b) => a - b);
  const shares = pids.map((pid) => number(`/proc/${pid}/smaps_rollup`, 'Pss'));
  const totalMib = shares.reduce((sum, one) => sum + one, 0);
  return { largestMib: resident.at(-1) ?? 0, medianMib: middle(resident), totalMib };
}

/** Processor time of all so far, in milliseconds: Linux counts hundredths of a second. */
function cpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return sum + 10 * (Number(fields[11]) + Number(fields[12]));
  }, 0);
}

function middle(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** `mpreg up` with so many nodes, in a world of its own. */
function up(count: number, folder: string): { readonly child: ChildProcess; readonly ready: Promise<Ready> } {
  for (const name of ['config', 'runtime']) mkdirSync(join(folder, name), { mode: 0o700 });
  writeFileSync(join(folder, 'functions.mjs'), 'export const who = () => process.env.WHO;\n');
  const names = Array.from({ length: count }, (_, i) => `n${i + 1}`);
  const nodes = names.map((name) => ({ env: { WHO: name }, functions: 'functions.mjs', name }));
  writeFileSync(join(folder, 'up.json'), JSON.stringify({ cluster: 'hundred', nodes }));
  const args = ['up', folder, '--json', '--quiet', '--until-stdin-ends', '--timeout', '20m'];
  const env = {
    HOME: folder,
    MPREG_CONFIG_DIR: join(folder, 'config'),
    MPREG_RUNTIME_DIR: join(folder, 'runtime'),
    PATH: process.env['PATH'] ?? '',
  };
  const child = spawn(process.execPath, [BIN, ...args], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const ready = new Promise<Ready>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line) as Ready));
    child.once('exit', (code) => reject(new Error(`mpreg up ended with ${code}`)));
  });
  return { child, ready };
}

interface Word {
  readonly by: string;
  readonly of: string;
  readonly state: string;
}

/** Notes who is taken for suspect or dead by whom. */
function listen(client: Client, by: string, heard: Word[]): void {
  void (async () => {
    for await (const event of client.events()) {
      if (event.kind === 'member' && (event.state === 'suspect' || event.state === 'dead')) {
        heard.push({ by, of: event.name, state: event.state });
      }
    }
  })().catch(() => undefined);
}

async function seeAll(clients: readonly Client[], count: number): Promise<number> {
  const seen = await Promise.all(clients.map((client) => client.members()));
  return seen.filter((members) => members.filter(({ state }) => state === 'alive').length === count).length;
}

interface Calls {
  /** Milliseconds, sorted. The first of each starts its thread. */
  readonly first: readonly number[];
  readonly second: readonly number[];
  readonly allMs: number;
}

/** One call to each through one node, one after the other, twice, and then all at once. */
async function callEach(client: Client, names: readonly string[]): Promise<Calls> {
  const call = async (node: string) => {
    const from = performance.now();
    const answer = await client.call.with({ node, timeoutMs: 60_000 })('who');
    if (answer !== node) throw new Error(`${node} answered ${String(answer)}`);
    return performance.now() - from;
  };
  const inTurn = async () => {
    const times: number[] = [];
    for (const name of names) times.push(await call(name));
    return times.sort((a, b) => a - b);
  };
  const [first, second] = [await inTurn(), await inTurn()];
  const from = performance.now();
  await Promise.all(names.map(call));
  return { allMs: performance.now() - from, first, second };
}

async function measure(count: number, minutes: number, folder: string): Promise<string> {
  const [load] = loadavg();
  const from = performance.now();
  const { child, ready } = up(count, folder);
  const clients: Client[] = [];
  try {
    const { nodes } = await ready;
    const formedS = (performance.now() - from) / 1000;
    const pids = nodes.map(({ pid }) => pid);
    const formedCpu = cpuMs(pids);
    process.stderr.write(`${count} nodes see each other after ${formedS.toFixed(1)} s\n`);
    const heard: Word[] = [];
    for (const { name, url } of nodes) {
      const client = await connect({ urls: [url] });
      clients.push(client);
      listen(client, name, heard);
    }
    const before = memoryOf(pids);
    const calmFrom = performance.now();
    const calmCpu = cpuMs(pids);
    await pause(minutes * 60_000);
    const calmS = (performance.now() - calmFrom) / 1000;
    const restCpu = (cpuMs(pids) - calmCpu) / calmS / 10;
    const after = memoryOf(pids);
    const seeing = await seeAll(clients, count);
    const { allMs, first, second } = await callEach(
      clients[0] as Client,
      nodes.map(({ name }) => name),
    );
    for (const { by, of, state } of heard) process.stderr.write(`${by}: ${of} ${state}\n`);
    const mib = ({ largestMib, medianMib, totalMib }: Memory) =>
      `${Math.round(totalMib).toLocaleString('en')} MiB; ${medianMib.toFixed(0)} / ${largestMib.toFixed(0)} MiB`;
    return table([
      ['from the start of `mpreg up` until all see all and know what they have', `${formedS.toFixed(1)} s`],
      ['processor time until then, per node', `${(formedCpu / count / 1000).toFixed(2)} s`],
      ['memory then: all together; one, median / largest', mib(before)],
      [`memory after ${(calmS / 60).toFixed(1)} minutes`, mib(after)],
      ['processor at rest: all together; one', `${restCpu.toFixed(1)} %; ${(restCpu / count).toFixed(2)} % of a core`],
      [
        'nodes that were suspected meanwhile; that were taken for dead',
        `${named(heard, 'suspect')}; ${named(heard, 'dead')}`,
      ],
      [`nodes that see all ${count} alive in the end`, `${seeing}`],
      ['the first call to each, in turn, which starts its thread: median / slowest', slow(first)],
      ['a second call to each, in turn', slow(second)],
      [`${count} calls at once, one to each`, `${allMs.toFixed(0)} ms`],
      ['the machine', machine(load)],
    ]);
  } finally {
    await Promise.allSettled(clients.map((client) => client.close()));
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.stdin?.end();
    if (child.exitCode === null && child.signalCode === null) await gone;
  }
}

/** How many different nodes were said to be in a state. */
function named(heard: readonly Word[], state: string): number {
  return new Set(heard.filter((word) => word.state === state).map(({ of }) => of)).size;
}

function slow(times: readonly number[]): string {
  return `${middle(times).toFixed(1)} / ${(times.at(-1) ?? 0).toFixed(1)} ms`;
}

function machine(load: number | undefined): string {
  const gib = (number('/proc/meminfo', 'MemTotal') / 1024).toFixed(0);
  const cores = cpus();
  return `${cores.length} cores (${cores[0]?.model ?? '?'}), ${gib} GiB; load before it began ${load?.toFixed(1) ?? '?'}`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  return ['| | |', '| --- | ---: |', ...rows.map(([what, is]) => `| ${what} | ${is} |`)].join('\n');
}

const { values } = parseArgs({
  options: {
    into: { type: 'string' },
    minutes: { default: '5', type: 'string' },
    nodes: { default: '100', type: 'string' },
  },
});
const nodes = Number(values.nodes);
const freeMib = number('/proc/meminfo', 'MemAvailable');
if (freeMib < nodes * NODE_MIB + SPARE_MIB) {
  throw new Error(
    `${nodes} nodes may take ${nodes * NODE_MIB + SPARE_MIB} MiB, and only ${Math.round(freeMib)} are free`,
  );
}
const folder = mkdtempSync(join(tmpdir(), 'mpreg-hundred-'));
try {
  const text = await measure(nodes, Number(values.minutes), folder);
  if (values.into === undefined) process.stdout.write(`${text}\n`);
  else {
    const page = readFileSync(values.into, 'utf8');
    const part = /(<!-- hundred -->\n)[\s\S]*?(\n<!-- end -->)/;
    if (!part.test(page)) throw new Error(`${values.into} has no place <!-- hundred -->`);
    writeFileSync(
      values.into,
      page.replace(part, (_, start: string, end: string) => `${start}${text}${end}`),
    );
  }
} finally {
  rmSync(folder, { force: true, recursive: true });
}
