/**
 * What a call costs in processor time, with client and nodes in one process. No core is woken for it, so the least of many
 * short intervals is far steadier than a rate on a machine with other work: for comparing two versions of the code.
 *
 *   node bench/call-cost.ts [two|direct] [calls in flight] [seconds]
 */
import { connect, createNode } from '../src/engine/index.ts';
import { quantile } from './harness.ts';

const TEXT = 'sixteen bytes ok';
const WARM_MS = 1_500;
const INTERVAL_MS = 250;

const [where = 'two', flight = '64', seconds = '6'] = process.argv.slice(2);
const fun = 'bench_echo';
const far = await createNode({ discover: false, inline: [{ name: fun, run: (text: string) => text }], workers: 1 });
const near = where === 'direct' ? far : await createNode({ discover: false, peers: [far.url], workers: 1 });
const client = await connect({ urls: [near.url] });
const pause = (ms: number) => new Promise((go) => setTimeout(go, ms));
while (!(await client.functions()).some(({ name }) => name === fun)) await pause(20);

let answered = 0;
for (let lane = 0; lane < Number(flight); lane++) void bear();
await pause(WARM_MS);
const costs: number[] = [];
for (const until = performance.now() + Number(seconds) * 1_000; performance.now() < until; ) {
  const before = answered;
  const start = process.cpuUsage();
  await pause(INTERVAL_MS);
  const { user, system } = process.cpuUsage(start);
  costs.push((user + system) / (answered - before));
}
const [least, median] = [quantile(costs, 0), quantile(costs, 0.5)].map((cost) => cost.toFixed(2));
console.log(`${where}, ${flight} in flight: ${least} µs of processor time each at least, ${median} in the median`);
process.exit(0);

async function bear(): Promise<never> {
  for (;;) {
    const answer = await client.call(fun, TEXT);
    if (answer !== TEXT) throw new Error(`asked for ${TEXT}, got ${String(answer)}`);
    answered++;
  }
}
