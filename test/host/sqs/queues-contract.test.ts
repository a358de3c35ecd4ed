import { sqsQueuesContract } from '../../contract/sqs-queues.ts';
import { MemoryQueues } from './memory-queues.ts';

sqsQueuesContract('in memory', async () => ({ close: async () => undefined, queues: new MemoryQueues() }));
