/**
 * mpreg: client → the node that has the queue, on disk. Two processes.
 *
 *   mpreg.ts [relay]    relay: the client is connected to another node
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, createNode } from '../../src/engine/index.ts';
import { startRole } from '../processes.ts';
import { load } from './load.ts';

const [role, dataDir = '', peer] = process.argv.slice(2);
const here = fileURLToPath(import.meta.url);

if (role === 'node') {
  const peers = peer === undefined ? [] : [peer];
  const node = await createNode({ discover: false, peers, workers: 1, ...(dataDir === 'none' ? {} : { dataDir }) });
  console.log(`ready ${node.url}`);
} else {
  const folder = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'mpreg-bench-'));
  process.on('exit', () => rmSync(folder, { force: true, recursive: true }));
  const far = await startRole(here, 'node', folder);
  const near = role === 'relay' ? await startRole(here, 'node', 'none', far) : far;
  const maker = await connect({ urls: [far] });
  const { durability } = await maker.queue('jobs').create();
  if (durability !== 'disk') throw new Error(`the queue is kept in ${durability}`);
  const client = await connect({ urls: [near] });
  const queue = client.queue('jobs');
  while ((await queue.info().catch(() => undefined)) === undefined) await new Promise((go) => setTimeout(go, 50));
  await load({
    receive: async (count, taken) => {
      for await (const { body } of queue.consume({ max: count, prefetch: 2_000 })) taken(body as string);
      const { counts } = await queue.info();
      if (counts.ready + counts.leased > 0) throw new Error('not all acknowledgements counted');
    },
    send: (body) => queue.send(body),
  });
  process.exit(0);
}
