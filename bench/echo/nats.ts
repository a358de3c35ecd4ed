/** NATS request/reply: requester → nats-server → responder, three processes. */
import { fileURLToPath } from 'node:url';
import { connect } from '@nats-io/transport-node';
import { freePort, start, startRole } from '../processes.ts';
import { load } from './load.ts';

const [role, url = ''] = process.argv.slice(2);

if (role === 'responder') {
  const connection = await connect({ servers: url });
  connection.subscribe('echo', { callback: (_, message) => void message.respond(message.data) });
  await connection.flush();
  console.log('ready');
} else {
  const port = await freePort();
  await start(['nats-server', '-a', '127.0.0.1', '-p', String(port)], /Server is ready/);
  const servers = `nats://127.0.0.1:${port}`;
  await startRole(fileURLToPath(import.meta.url), 'responder', servers);
  const connection = await connect({ servers });
  await load(async (text) => (await connection.request('echo', text)).string());
  process.exit(0);
}
