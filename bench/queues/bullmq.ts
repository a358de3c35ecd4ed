/**
 * BullMQ: client → redis-server, which syncs its file of appends every second. Jobs that are done are removed, as all others do.
 *
 *   bullmq.ts [bulk]    bulk: what is sent in one turn goes in one `addBulk`, as mpreg's client does by itself
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { freePort, start } from '../processes.ts';
import { load } from './load.ts';

const folder = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'mpreg-bench-'));
process.on('exit', () => rmSync(folder, { force: true, recursive: true }));
const port = await freePort();
const durable = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', '', '--maxmemory-policy', 'noeviction'];
const where = ['--dir', folder, '--bind', '127.0.0.1', '--port', String(port)];
await start(['redis-server', ...where, ...durable], /Ready to accept connections/);
const connect = () => new Redis({ host: '127.0.0.1', maxRetriesPerRequest: null, port });
const connection = connect();
const queue = new Queue('jobs', { connection, defaultJobOptions: { removeOnComplete: true } });
await queue.waitUntilReady();
const inBulk = process.argv[2] === 'bulk';
let waiting: { readonly body: string; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
const flush = () => {
  const sent = waiting;
  waiting = [];
  queue.addBulk(sent.map(({ body }) => ({ data: body, name: 'job' }))).then(
    () => {
      for (const { resolve } of sent) resolve();
    },
    (error: unknown) => {
      for (const { reject } of sent) reject(error);
    },
  );
};
const coalesced = (body: string) =>
  new Promise<void>((resolve, reject) => {
    if (waiting.push({ body, reject, resolve }) === 1) setImmediate(flush);
  });
await load({
  receive: (count, taken) =>
    new Promise((resolve) => {
      let seen = 0;
      const worker = new Worker('jobs', async (job) => taken(job.data as string), {
        concurrency: 500,
        connection: connect(),
      });
      worker.on('completed', () => {
        if (++seen === count) resolve();
      });
    }),
  send: inBulk ? coalesced : (body) => queue.add('job', body),
});
process.exit(0);
