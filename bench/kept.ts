/**
 * Kept topics: messages that are stored with a sync to the disk before their publisher is answered, and read again.
 *
 *   node bench/kept.ts [--seconds 5] [--size 200] [--dir DIR] [--memory]
 *
 * Node, publisher and reader are processes of their own. A figure counts messages that were confirmed, or handed to
 * `onMessage`, over so many seconds; the reader checks that none is missing or out of order. Processor time is that of the
 * two nodes, their threads included. `DIR` should be on the disk that is meant.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Client, connect, createNode } from '../src/engine/index.ts';
import { cpuMs, startRole } from './processes.ts';

const here = fileURLToPath(import.meta.url);
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    dir: { default: tmpdir(), type: 'string' },
    memory: { default: false, type: 'boolean' },
    seconds: { default: '5', type: 'string' },
    size: { default: '200', type: 'string' },
  },
});
const [role, ...given] = positionals;
const ms = Number(values.seconds) * 1_000;

/** The node says where it is; its loop's lag it tells as a function. */
async function node(dataDir = '', peer = ''): Promise<void> {
  const lag = monitorEventLoopDelay({ resolution: 1 });
  lag.enable();
  const run = () => {
    const p99 = lag.percentile(99) / 1e6;
    lag.reset();
    return p99;
  };
  const started = await createNode({
    discover: false,
    inline: [{ name: 'lag', run }],
    peers: peer === '' ? [] : [peer],
    ...(dataDir === '' ? {} : { dataDir }),
  });
  console.log(`ready ${started.url}`);
}

/** Publishes for so long; a line for the coordinator. */
async function publisher(how = '', url = ''): Promise<void> {
  const client = await connect({ reconnect: false, urls: [url] });
  const payload = Buffer.alloc(Number(values.size), 7);
  console.log('ready');
  const began = performance.now();
  const counts = { published: 0 };
  if (how === 'confirmed') await confirmed(client, payload, began + ms, counts);
  else await unconfirmed(client, payload, began + ms, counts);
  console.log(`done ${counts.published} ${performance.now() - began}`);
}

async function confirmed(client: Client, payload: Uint8Array, until: number, counts: { published: number }) {
  const run = async () => {
    while (performance.now() < until) {
      await client.publish('kept.bench', payload);
      counts.published++;
    }
  };
  await Promise.all(Array.from({ length: Number(process.env['BENCH_OPEN'] ?? 2_000) }, run));
}

async function unconfirmed(client: Client, payload: Uint8Array, until: number, counts: { published: number }) {
  while (performance.now() < until) {
    for (let i = 0; i < 500; i++) {
      const sent = client.publish('kept.bench', payload, { confirm: false });
      counts.published++;
      if (i === 499) await sent;
    }
  }
  await client.publish('kept.bench', payload);
  counts.published++;
}

async function reader(url = '', through = ''): Promise<void> {
  const client = await connect({ reconnect: false, urls: [url] });
  console.log('ready');
  const began = performance.now();
  let next = 0;
  await new Promise<void>((resolve, reject) => {
    const onMessage = ({ missed, sequence = 0 }: { missed: number; sequence?: number }) => {
      if (next === 0) next = sequence;
      if (missed > 0 || sequence !== next)
        reject(new Error(`${sequence} came where ${next} should have, ${missed} missed`));
      next++;
      if (next > Number(through)) resolve();
    };
    client.subscribe('kept.#', { from: 'first', onMessage }).then(({ closed }) => closed.catch(reject), reject);
  });
  console.log(`done ${through} ${performance.now() - began}`);
}

async function measure(): Promise<void> {
  const directory = mkdtempSync(join(values.dir, 'mpreg-bench-kept-'));
  process.once('exit', () => rmSync(directory, { force: true, recursive: true }));
  const keeper = await startRole(here, 'node', directory);
  const other = await startRole(here, 'node', '', keeper);
  const client = await connect({ reconnect: false, urls: [keeper] });
  const more = values.memory ? { memory: true } : {};
  const rows: string[][] = [];
  const show = async (name: string, file: string, args: readonly string[]) => {
    await client.keep('kept.#', { bytesMax: 20e9, countMax: 50_000_000, ...more });
    await client.call('lag');
    const before = cpuMs() ?? 0;
    const { count, tookMs, stop } = await roleDone(file, args);
    const cpuUs = (((cpuMs() ?? 0) - before) * 1_000) / count;
    const p99 = (await client.call('lag')) as number;
    await stop();
    rows.push([name, `${Math.round((count / tookMs) * 1_000)}`, cpuUs.toFixed(2), p99.toFixed(1)]);
  };
  const common = ['--seconds', values.seconds, '--size', values.size];
  const fresh = () => client.unkeep('kept.#').catch(() => undefined);
  await show('confirmed, on the keeper', 'publisher', ['confirmed', keeper, ...common]);
  await fresh();
  await show('confirmed, over another node', 'publisher', ['confirmed', other, ...common]);
  await fresh();
  await show('without confirmation', 'publisher', ['unconfirmed', keeper, ...common]);
  const [keep] = (await client.keeps()).flatMap(({ found }) => found);
  const last = `${keep?.last ?? 0}`;
  await show('read again', 'reader', [keeper, last, ...common]);
  await show('read again over another node', 'reader', [other, last, ...common]);
  const heads = ['', 'messages/s', 'CPU of the nodes, µs each', 'loop lag p99, ms'];
  for (const row of [heads, ['---', '---:', '---:', '---:'], ...rows]) console.log(`| ${row.join(' | ')} |`);
  await client.close();
  process.exit(0);
}

/** Starts a role, and hears when it is done. */
function roleDone(name: string, args: readonly string[]) {
  const child = spawn(process.execPath, [here, name, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  return new Promise<{ count: number; tookMs: number; stop: () => Promise<void> }>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const done = /done (\d+) ([\d.]+)/.exec(output);
      if (done === null) return;
      const stop = async () => void child.kill('SIGTERM');
      resolve({ count: Number(done[1]), stop, tookMs: Number(done[2]) });
    });
    child.once('exit', (code) => reject(new Error(`the ${name} ended with ${code}: ${output}`)));
  });
}

if (role === 'node') await node(...given);
else if (role === 'publisher') await publisher(...given);
else if (role === 'reader') await reader(...given);
else await measure();
