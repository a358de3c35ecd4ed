/** gRPC (grpc-js): the client calls servers A and B in turn, one connection to each. Bytes are bytes, the rest is JSON. */
import { fileURLToPath } from 'node:url';
import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { startRole } from '../processes.ts';
import { FUNS, type Fun, type Place, runnerOf, type Value } from './functions.ts';
import { measure } from './measure.ts';
import { answerOf, argumentOf, encoded } from './payloads.ts';
import { inTurn, type Workload } from './workloads.ts';

/** By itself it takes no more than four mebibytes, and waits after each 64 KiB. */
const OPTIONS = {
  'grpc-node.flow_control_window': 4 * 1024 * 1024,
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
};
/** Its server takes a message that is falsy, as 0 is, for none. */
interface Message {
  readonly it: Value;
}
const serialize = ({ it }: Message) => encoded(it);
const pathOf = (fun: Fun) => `/bench.Plans/${fun}`;

function serve(place: Place): void {
  const run = runnerOf(place);
  const server = new Server(OPTIONS);
  for (const fun of FUNS) {
    const method = {
      path: pathOf(fun),
      requestDeserialize: (bytes: Buffer): Message => ({ it: argumentOf(fun, bytes) }),
      requestSerialize: serialize,
      requestStream: false,
      responseDeserialize: (bytes: Buffer): Message => ({ it: answerOf(fun, bytes) }),
      responseSerialize: serialize,
      responseStream: false,
    } as const;
    const answer = (call: { request: Message }, done: (error: null, value: Message) => void) =>
      done(null, { it: run(fun, call.request.it) });
    server.addService({ [fun]: method }, { [fun]: answer });
  }
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    console.log(`ready ${port}`);
  });
}

const [first = '', place = ''] = process.argv.slice(2);
if (first === 'server') serve(place as Place);
else {
  const open = async (one: Place) => {
    const port = await startRole(fileURLToPath(import.meta.url), 'server', one);
    return new Client(`127.0.0.1:${port}`, credentials.createInsecure(), OPTIONS);
  };
  const clients = { a: await open('a'), b: await open('b') };
  const call = (at: Place, fun: Fun, argument: Value) =>
    new Promise<Value>((resolve, reject) => {
      const deserialize = (bytes: Buffer): Message => ({ it: answerOf(fun, bytes) });
      clients[at].makeUnaryRequest(pathOf(fun), serialize, deserialize, { it: argument }, (error, answer) => {
        if (error) reject(error);
        else resolve((answer as Message).it);
      });
    });
  await measure(first as Workload, inTurn(call));
  process.exit(0);
}
