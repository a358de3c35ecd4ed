/**
 * Plans, side by side: a chain over two nodes, many steps and a join, and a chain that carries a mebibyte.
 *
 *   node bench/plans.ts [--only chain|fan|megabyte] [--runs 5] [--pin 0,1] [side…]
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Comparison, chosen, compare, has, table } from './harness.ts';
import { WORKLOADS, type Workload } from './plans/workloads.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    pin: { default: '0,1', type: 'string' },
    runs: { default: '5', type: 'string' },
  },
});

function sidesOf(workload: Workload): Comparison['sides'] {
  const program = (file: string, ...how: string[]) => [
    process.execPath,
    fileURLToPath(new URL(`plans/${file}.ts`, import.meta.url)),
    workload,
    ...how,
  ];
  return {
    mpreg: program('mpreg'),
    'mpreg, worker threads': program('mpreg', 'workers'),
    // Why not there: its bytes would be those of a node that takes part.
    ...(workload !== 'megabyte' && { 'mpreg, A coordinates': program('mpreg', 'near') }),
    ...(has('nats-server') && { NATS: program('nats') }),
    Moleculer: program('moleculer'),
    capnweb: program('capnweb'),
    'capnweb, pipelined': program('capnweb', 'pipelined'),
    'grpc-js': program('grpc'),
  };
}

const wanted = WORKLOADS.filter((workload) => values.only === undefined || workload === values.only);
if (wanted.length === 0) throw new Error(`no workload ${values.only}; there are: ${WORKLOADS.join(' · ')}`);
for (const workload of wanted) {
  const sides = chosen(sidesOf(workload), positionals);
  console.log(table(await compare({ name: workload, pin: values.pin, runs: Number(values.runs), sides })));
}
