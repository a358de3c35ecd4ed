/** gRPC (grpc-js): client → server, two processes, one connection. The codec is plain UTF-8: no schema to blame. */
import { fileURLToPath } from 'node:url';
import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { startRole } from '../processes.ts';
import { load } from './load.ts';

const encode = (text: string) => Buffer.from(text);
const decode = (bytes: Buffer) => bytes.toString();
const path = '/bench.Echo/Say';

if (process.argv[2] === 'server') {
  const server = new Server();
  const say = {
    path,
    requestDeserialize: decode,
    requestSerialize: encode,
    requestStream: false,
    responseDeserialize: decode,
    responseSerialize: encode,
    responseStream: false,
  } as const;
  server.addService(
    { say },
    { say: (call: { request: string }, done: (error: null, text: string) => void) => done(null, call.request) },
  );
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    console.log(`ready ${port}`);
  });
} else {
  const port = await startRole(fileURLToPath(import.meta.url), 'server');
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  await load(
    (text) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, encode, decode, text, (error, answer) =>
          error ? reject(error) : resolve(answer),
        );
      }),
  );
  process.exit(0);
}
