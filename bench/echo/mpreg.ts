/**
 * mpreg: client → the node it is connected to → the node that has the function, three processes.
 *
 *   mpreg.ts            the function runs on its node's own loop, as NATS' responder and Moleculer's service do
 *   mpreg.ts workers    the function is one of a module, and runs in worker threads, as users' functions do
 *   mpreg.ts direct     the client is connected to the node that has the function
 */
import { fileURLToPath } from 'node:url';
import { connect, createNode } from '../../src/engine/index.ts';
import { startRole } from '../processes.ts';
import { load } from './load.ts';

const [role, where = '', peer] = process.argv.slice(2);
const here = fileURLToPath(import.meta.url);
const fun = 'bench_echo'; // not `echo`: every node has that one

if (role === 'node') {
  const node = await createNode({
    discover: false,
    peers: peer === undefined ? [] : [peer],
    workers: 1,
    ...(where === 'inline' ? { inline: [{ name: fun, run: (text: string) => text }] } : {}),
    ...(where === 'workers' ? { functions: [fileURLToPath(new URL('mpreg-functions.ts', import.meta.url))] } : {}),
  });
  console.log(`ready ${node.url}`);
} else {
  const far = await startRole(here, 'node', role === 'workers' ? 'workers' : 'inline');
  const near = role === 'direct' ? far : await startRole(here, 'node', 'none', far);
  const client = await connect({ urls: [near] });
  while (!(await client.functions()).some(({ name }) => name === fun)) await new Promise((go) => setTimeout(go, 20));
  await load((text) => client.call(fun, text));
  process.exit(0);
}
