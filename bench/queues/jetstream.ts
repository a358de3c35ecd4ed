/** NATS JetStream with file storage: client → nats-server. Its publishes wait for the server's acknowledgement; acknowledgements of messages do not wait. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { freePort, start } from '../processes.ts';
import { load } from './load.ts';

/** What a pull asks for: of 500, 2,000, 5,000 and 10,000 the fastest here. */
const PULLED_MAX = Number(process.env['BENCH_PULLED_MAX'] ?? 2_000);

const folder = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'mpreg-bench-'));
process.on('exit', () => rmSync(folder, { force: true, recursive: true }));
const port = await freePort();
await start(['nats-server', '-js', '-sd', folder, '-a', '127.0.0.1', '-p', String(port)], /Server is ready/);
const connection = await connect({ servers: `nats://127.0.0.1:${port}` });
const manager = await jetstreamManager(connection);
const retention = RetentionPolicy.Workqueue;
await manager.streams.add({ name: 'JOBS', retention, storage: StorageType.File, subjects: ['jobs'] });
await manager.consumers.add('JOBS', { ack_policy: AckPolicy.Explicit, durable_name: 'worker', max_ack_pending: -1 });
const stream = jetstream(connection);
const encoder = new TextEncoder();
await load({
  receive: async (count, taken) => {
    const consumer = await stream.consumers.get('JOBS', 'worker');
    const messages = await consumer.consume({ max_messages: PULLED_MAX });
    let seen = 0;
    for await (const message of messages) {
      taken(message.string());
      message.ack();
      if (++seen === count) break;
    }
    await connection.flush();
  },
  send: (body) => stream.publish('jobs', encoder.encode(body)),
});
process.exit(0);
