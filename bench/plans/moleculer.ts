/**
 * Moleculer over its TCP transporter: the caller calls services A and B in turn. It speaks JSON, its default, but for the
 * mebibyte, which JSON would write as a list of numbers: there it speaks MessagePack, by the library that mpreg uses, too.
 */
import { fileURLToPath } from 'node:url';
import { Serializers, ServiceBroker } from 'moleculer';
import { Packr } from 'msgpackr';
import { freePort, startRole } from '../processes.ts';
import { FUNS, type Place, runnerOf, type Value } from './functions.ts';
import { measure } from './measure.ts';
import { inTurn, type Workload } from './workloads.ts';

/** By itself it takes no more than a mebibyte. */
const PACKET_BYTES_MAX = 16 * 1024 * 1024;

class MessagePack extends Serializers.Base {
  readonly #packr = new Packr({ useRecords: false });

  override serialize(value: object): Buffer {
    return this.#packr.pack(value);
  }

  override deserialize(bytes: Buffer): object {
    return this.#packr.unpack(bytes) as object;
  }
}

/** `ports`: the caller's, A's and B's. */
function broker(nodeID: 'caller' | Place, workload: Workload, ports: readonly string[]): ServiceBroker {
  const names = ['caller', 'a', 'b'];
  const urls = names.map((name, i) => `127.0.0.1:${ports[i]}/${name}`);
  return new ServiceBroker({
    logger: false,
    nodeID,
    ...(workload === 'megabyte' && { serializer: new MessagePack() }),
    transporter: {
      options: {
        maxPacketSize: PACKET_BYTES_MAX,
        port: Number(ports[names.indexOf(nodeID)]),
        udpDiscovery: false,
        urls: urls as unknown as string, // its type knows one URL; its manual and its code take a list
      },
      type: 'TCP',
    },
  });
}

async function serve(place: Place, workload: Workload, ports: readonly string[]): Promise<void> {
  const service = broker(place, workload, ports);
  const run = runnerOf(place);
  const actions = FUNS.map((fun) => [fun, (context: { params: { it: Value } }) => run(fun, context.params.it)]);
  service.createService({ actions: Object.fromEntries(actions), name: place });
  await service.start();
  console.log('ready');
}

const [first = '', place = '', workload = '', ports = ''] = process.argv.slice(2);
if (first === 'service') await serve(place as Place, workload as Workload, ports.split(','));
else {
  const three = [String(await freePort()), String(await freePort()), String(await freePort())];
  for (const one of ['a', 'b']) await startRole(fileURLToPath(import.meta.url), 'service', one, first, three.join(','));
  const caller = broker('caller', first as Workload, three);
  await caller.start();
  await caller.waitForServices(['a', 'b']);
  await measure(
    first as Workload,
    inTurn((at, fun, it) => caller.call(`${at}.${fun}`, { it })),
  );
  process.exit(0);
}
