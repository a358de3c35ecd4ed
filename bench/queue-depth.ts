/**
 * A queue with many waiting messages: memory of its node, time to start again, and how fast it gives messages at that depth.
 *
 *   node bench/queue-depth.ts [10000 10000000]
 *
 * For each depth: a node with an empty data directory, filled over one connection with bodies of 200 bytes; its memory; then it
 * is killed and started on the same data. A second queue warms node and client up: `WARM` messages are sent there, received and
 * acknowledged. Then, `TURNS` times and the depths in turn, `TAKEN` messages of the deep queue are received and acknowledged,
 * and as many sent again, so that each turn finds the depth that the row names; the median of the turns is reported.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, connect, createNode } from '../src/engine/index.ts';
import { quantile } from './harness.ts';

/** The same number at every depth: what a row costs to begin and end is the same. */
const TAKEN = 10_000;
const TURNS = 25;
const WARM = 100_000;
const BODY = 'b'.repeat(200);
const here = fileURLToPath(import.meta.url);

interface Running {
  readonly child: ChildProcess;
  readonly client: Client;
  /** From the start of the process until the queue answered. */
  readonly startedMs: number;
}

async function startNode(dataDir: string): Promise<Running> {
  const began = performance.now();
  const child = spawn(process.execPath, [here, 'node', dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill('SIGKILL'));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => resolve(text.trim()));
    child.once('exit', (code) => reject(new Error(`the node ended with ${code}`)));
  });
  const client = await connect({ reconnect: false, urls: [url] });
  await client.queue('jobs').create({ messagesMax: null });
  return { child, client, startedMs: performance.now() - began };
}

async function stop({ child }: Running): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function memoryMb({ child }: Running): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024);
}

function bytesOf(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.reduce((sum, { name, parentPath }) => sum + statSync(join(parentPath, name)).size, 0);
}

async function fill({ client }: Running, depth: number, name = 'jobs'): Promise<number> {
  const queue = client.queue(name);
  const began = performance.now();
  let sending: Promise<unknown>[] = [];
  for (let i = 0; i < depth; i++) {
    sending.push(queue.send(BODY));
    if (sending.length < 10_000) continue;
    await Promise.all(sending);
    sending = [];
  }
  await Promise.all(sending);
  return depth / ((performance.now() - began) / 1_000);
}

async function receive({ client }: Running, count: number, name = 'jobs'): Promise<number> {
  const began = performance.now();
  let seen = 0;
  for await (const { body } of client.queue(name).consume({ max: count, prefetch: 2_000 })) {
    if (body === BODY) seen++;
  }
  if (seen !== count) throw new Error(`${seen} of ${count} came back`);
  return count / ((performance.now() - began) / 1_000);
}

/** A deep queue on a node that was started again. */
interface Prepared {
  readonly depth: number;
  readonly running: Running;
  readonly folder: string;
  /** The cells that are known. */
  readonly row: readonly number[];
  readonly rates: number[];
}

async function prepare(depth: number): Promise<Prepared> {
  const folder = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'mpreg-bench-'));
  process.once('exit', () => rmSync(folder, { force: true, recursive: true }));
  const first = await startNode(folder);
  const filled = await fill(first, depth);
  const full = memoryMb(first);
  const disk = Math.round(bytesOf(folder) / 2 ** 20);
  await stop(first);
  const running = await startNode(folder);
  const { counts } = await running.client.queue('jobs').info();
  if (counts.ready !== depth) throw new Error(`${counts.ready} of ${depth} are there after the start`);
  const row = [depth, Math.round(filled), full, disk, Math.round(running.startedMs), memoryMb(running)];
  await running.client.queue('warm').create();
  await fill(running, WARM, 'warm');
  await receive(running, WARM, 'warm');
  return { depth, folder, rates: [], row, running };
}

/** All depths in turns, so that what else the machine does befalls them alike. */
async function measure(depths: readonly number[]): Promise<void> {
  const all: Prepared[] = [];
  for (const depth of depths) all.push(await prepare(depth));
  for (let turn = 0; turn < TURNS; turn++) {
    for (const { depth, rates, running } of all) {
      const taken = Math.min(TAKEN, depth);
      rates.push(await receive(running, taken));
      await fill(running, taken);
    }
  }
  for (const { folder, rates, row, running } of all) {
    const cells = [...row, Math.round(quantile(rates, 0.5)), memoryMb(running)];
    console.log(`| ${cells.map((value) => value.toLocaleString('en')).join(' | ')} |`);
    await stop(running);
    rmSync(folder, { force: true, recursive: true });
  }
}

const [role, dataDir = ''] = process.argv.slice(2);
if (role === 'node') {
  const node = await createNode({ dataDir, discover: false, workers: 1 });
  console.log(node.url);
} else {
  console.log(
    '| waiting | sent, per s | node, MiB | disk, MiB | start again, ms | node then, MiB | received and acknowledged, per s | node then, MiB |',
  );
  console.log('| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
  const depths = process.argv.slice(2).map(Number);
  await measure(depths.length > 0 ? depths : [10_000, 10_000_000]);
  process.exit(0);
}
