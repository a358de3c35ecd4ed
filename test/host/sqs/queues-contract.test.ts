import { MeshQueues } from '../../../src/engine/host/gateway/sqs/mesh-queues.ts';
import { createNode } from '../../../src/engine/index.ts';
import { sqsQueuesContract } from '../../contract/sqs-queues.ts';
import { MemoryQueues } from './memory-queues.ts';

sqsQueuesContract('in memory', async () => ({ close: async () => undefined, queues: new MemoryQueues() }));

sqsQueuesContract('of the mesh', async () => {
  const node = await createNode({ discover: false });
  const client = await node.client();
  const close = async () => {
    await client.close();
    await node.kill();
  };
  return { close, queues: new MeshQueues(async () => client) };
});
