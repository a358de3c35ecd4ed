/** NATS request/reply: the requester calls responders A and B in turn, all through one nats-server. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '@nats-io/transport-node';
import { freePort, start, startRole } from '../processes.ts';
import { FUNS, type Fun, type Place, runnerOf, type Value } from './functions.ts';
import { measure } from './measure.ts';
import { answerOf, argumentOf, encoded } from './payloads.ts';
import { inTurn, type Workload } from './workloads.ts';

const TIMEOUT_MS = 30_000;
/** By itself the server takes no more than a mebibyte. */
const PAYLOAD_MAX = '8MB';

async function respond(place: Place, servers: string): Promise<void> {
  const connection = await connect({ servers });
  const run = runnerOf(place);
  for (const fun of FUNS) {
    connection.subscribe(`${place}.${fun}`, {
      callback: (_, message) => void message.respond(encoded(run(fun, argumentOf(fun, message.data)))),
    });
  }
  await connection.flush();
  console.log('ready');
}

async function startServer(): Promise<string> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'mpreg-bench-'));
  process.on('exit', () => rmSync(folder, { force: true, recursive: true }));
  const file = join(folder, 'nats.conf');
  writeFileSync(file, `max_payload: ${PAYLOAD_MAX}\n`);
  await start(['nats-server', '-c', file, '-a', '127.0.0.1', '-p', String(port)], /Server is ready/);
  return `nats://127.0.0.1:${port}`;
}

const [first = '', place = '', url = ''] = process.argv.slice(2);
if (first === 'responder') await respond(place as Place, url);
else {
  const servers = await startServer();
  for (const one of ['a', 'b']) await startRole(fileURLToPath(import.meta.url), 'responder', one, servers);
  const connection = await connect({ servers });
  const call = async (at: Place, fun: Fun, argument: Value) => {
    const { data } = await connection.request(`${at}.${fun}`, encoded(argument), { timeout: TIMEOUT_MS });
    return answerOf(fun, data);
  };
  await measure(first as Workload, inTurn(call));
  process.exit(0);
}
