/** Moleculer over its TCP transporter: caller → service, two processes. */
import { fileURLToPath } from 'node:url';
import { ServiceBroker } from 'moleculer';
import { freePort, startRole } from '../processes.ts';
import { load } from './load.ts';

const [role, ports] = process.argv.slice(2);

function broker(nodeID: 'caller' | 'service', [caller, service]: readonly string[]): ServiceBroker {
  const urls = [`127.0.0.1:${caller}/caller`, `127.0.0.1:${service}/service`];
  const port = Number(nodeID === 'caller' ? caller : service);
  return new ServiceBroker({
    logger: false,
    nodeID,
    // Its type knows one URL; its manual and its code take a list.
    transporter: { options: { port, udpDiscovery: false, urls: urls as unknown as string }, type: 'TCP' },
  });
}

if (role === 'service') {
  const service = broker('service', ports?.split(',') ?? []);
  service.createService({
    actions: { say: (context: { params: { text: string } }) => context.params.text },
    name: 'echo',
  });
  await service.start();
  console.log('ready');
} else {
  const both = [String(await freePort()), String(await freePort())];
  await startRole(fileURLToPath(import.meta.url), 'service', both.join(','));
  const caller = broker('caller', both);
  await caller.start();
  await caller.waitForServices('echo');
  await load((text) => caller.call('echo.say', { text }));
  process.exit(0);
}
