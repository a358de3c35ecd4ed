/**
 * Cap'n Web over WebSockets.
 *
 *   capnweb.ts WORKLOAD              the client has a session with A and one with B, and calls them in turn
 *   capnweb.ts WORKLOAD pipelined    it has one with A, which hands out B, and writes the whole plan at once: promises of
 *                                    values are arguments of the next calls, and only the last one is waited for
 */
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { newWebSocketRpcSession, RpcTarget } from 'capnweb';
import { WebSocketServer } from 'ws';
import { startRole } from '../processes.ts';
import { type Fun, type Place, runnerOf, type Value } from './functions.ts';
import { measure } from './measure.ts';
import { flow, inTurn, type Run, type Workload } from './workloads.ts';

/** What A and B are for others. Its library's types know no promises as arguments of functions that they cannot name. */
interface Remote {
  run(fun: Fun, argument: unknown): Promise<Value> & Disposable;
  other(): Promise<Remote>;
  dup(): Remote;
}

class Target extends RpcTarget {
  readonly #run: ReturnType<typeof runnerOf>;
  readonly #other: Remote | undefined;

  constructor(place: Place, other: Remote | undefined) {
    super();
    this.#run = runnerOf(place);
    this.#other = other;
  }

  run(fun: Fun, argument: Value): Value {
    return this.#run(fun, argument);
  }

  other(): Remote {
    if (this.#other === undefined) throw new Error('there is no other');
    return this.#other.dup();
  }
}

const session = (port: string) => newWebSocketRpcSession(`ws://127.0.0.1:${port}`) as unknown as Remote;

function serve(place: Place, other: string | undefined): void {
  const target = new Target(place, other === undefined ? undefined : session(other));
  const http = createServer();
  new WebSocketServer({ server: http }).on('connection', (socket) => {
    void newWebSocketRpcSession(socket as unknown as WebSocket, target);
  });
  http.listen(0, '127.0.0.1', () => console.log(`ready ${(http.address() as { port: number }).port}`));
}

/** Writes all calls down and waits for the last. The promises are let go when it is over: else both ends keep them. */
function pipelined(places: Readonly<Record<Place, Remote>>): Run {
  return async (workload, seed) => {
    using held = new DisposableStack();
    return await flow<Promise<Value>>(workload, seed, (at, fun, argument) => held.use(places[at].run(fun, argument)));
  };
}

const here = fileURLToPath(import.meta.url);
const [first = '', second = '', port] = process.argv.slice(2);
if (first === 'server') serve(second as Place, port);
else {
  const portOfB = await startRole(here, 'server', 'b');
  const a = session(await startRole(here, 'server', 'a', portOfB));
  const places = { a, b: second === 'pipelined' ? await a.other() : session(portOfB) };
  const turns = inTurn((at, fun, argument) => places[at].run(fun, argument));
  await measure(first as Workload, second === 'pipelined' ? pipelined(places) : turns);
  process.exit(0);
}
