/**
 * mpreg: the client sends one plan; a coordinator without any of the functions (a third node) has nodes A and B run it.
 *
 *   mpreg.ts WORKLOAD            the functions run on their nodes' own loops, as those of the peers do
 *   mpreg.ts WORKLOAD workers    they are a module's, and run in worker threads, as users' functions do
 *   mpreg.ts WORKLOAD near       node A is the coordinator: the client is connected to it
 */
import { fileURLToPath } from 'node:url';
import { connect, createNode } from '../../src/engine/index.ts';
import { startRole } from '../processes.ts';
import { socketBytes } from '../socket-bytes.ts';
import { FUNS, functionsOf, type Place } from './functions.ts';
import { measure } from './measure.ts';
import { planOf, type Run, type Workload } from './workloads.ts';

const here = fileURLToPath(import.meta.url);
const bytes = { name: 'bench_bytes', run: socketBytes };

/** A node: a place whose functions run `inline` or in `workers`, or neither: the coordinator. */
async function serve(name: string, kind: string, peers: readonly string[]): Promise<void> {
  const functions = functionsOf(name as Place);
  process.env['BENCH_PLACE'] = name; // worker threads inherit it
  const node = await createNode({
    discover: false,
    functions: kind === 'workers' ? [fileURLToPath(new URL('mpreg-functions.ts', import.meta.url))] : [],
    inline: [bytes, ...(kind === 'inline' ? FUNS.map((fun) => ({ name: fun, run: functions[fun] })) : [])],
    name,
    peers,
    resources: [name],
    workers: 1,
  });
  console.log(`ready ${node.url}`);
}

async function drive(workload: Workload, how: string): Promise<void> {
  const kind = how === 'workers' ? 'workers' : 'inline';
  const a = await startRole(here, 'node', 'a', kind);
  const b = await startRole(here, 'node', 'b', kind, a);
  const coordinator = how === 'near' ? a : await startRole(here, 'node', 'coordinator', 'neither', a, b);
  const client = await connect({ urls: [coordinator] });
  const places = async () => (await client.functions()).filter(({ name }) => name === 'step').length;
  while ((await places()) < 2) await new Promise((go) => setTimeout(go, 20));
  const run: Run = async (_, seed) => {
    const { problem, results } = await client.run(planOf(workload, seed));
    if (problem !== undefined) throw new Error(`the plan failed: ${problem.message}`);
    return Object.values(results)[0];
  };
  const moved = async () => (await client.call.with({ node: client.node.name })(bytes.name)) as number;
  await measure(workload, run, moved);
  process.exit(0);
}

const [first = '', second = '', third = '', ...peers] = process.argv.slice(2);
if (first === 'node') await serve(second, third, peers);
else await drive(first as Workload, second);
