import { expect, test } from 'vitest';
import { MemoryNetwork, MemoryTransport } from '../../src/engine/host/transports/memory.ts';
import { transportContract } from '../contract/transport.ts';

transportContract('memory', () => ({ host: 'a', transport: new MemoryTransport(new MemoryNetwork()) }));

test('transports of one network reach each other, those of two do not', async () => {
  const network = new MemoryNetwork();
  const limits = { connectionsMax: 1, messageBytesMax: 1, upgradeMsMax: 1 };
  const accept = () => undefined;
  const listener = await new MemoryTransport(network).listen({ ...limits, accept, host: 'h', port: 0 });
  const how = { messageBytesMax: 1, protocol: 'mpreg.v1', timeoutMs: 1 } as const;
  await expect(new MemoryTransport(network).dial(listener.url, how)).resolves.toBeDefined();
  await expect(new MemoryTransport(new MemoryNetwork()).dial(listener.url, how)).rejects.toMatchObject({
    refused: true,
  });
});
