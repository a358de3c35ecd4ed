/**
 * Topics, side by side with NATS: publishers → node → subscribers, each in a process of their own, over sockets.
 *
 *   node bench/topics.ts [--only '64 B'] [--runs 5] [--pin 0,1] [side…]
 *
 * It refuses to run without its peer.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chosen, compare, has, table } from './harness.ts';
import { WORKLOADS } from './topics/workloads.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    only: { multiple: true, type: 'string' },
    pin: { default: '0,1', type: 'string' },
    runs: { default: '5', type: 'string' },
  },
});

if (!has('nats-server')) throw new Error('nats-server is not installed: there is nothing to compare with');
const wanted = values.only ?? Object.keys(WORKLOADS);
for (const workload of wanted) {
  if (!(workload in WORKLOADS))
    throw new Error(`no workload ${workload}; there are: ${Object.keys(WORKLOADS).join(' · ')}`);
  const run = (side: string) => [
    process.execPath,
    fileURLToPath(new URL('topics/run.ts', import.meta.url)),
    side,
    workload,
  ];
  const sides = chosen({ mpreg: run('mpreg'), NATS: run('NATS') }, positionals);
  const name = `topics, ${workload}`;
  console.log(table(await compare({ name, pin: values.pin, runs: Number(values.runs), sides })));
}
