/**
 * Queues, side by side: acknowledged durable sends of 200 bytes with 500 in flight, then all of it received and acknowledged.
 *
 *   node bench/queues.ts [--runs 5] [--pin 0,1] [side…]
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chosen, compare, has, markdown } from './harness.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { pin: { default: '0,1', type: 'string' }, runs: { default: '5', type: 'string' } },
});

const program = (file: string, ...args: string[]) => [
  process.execPath,
  fileURLToPath(new URL(`queues/${file}.ts`, import.meta.url)),
  ...args,
];
const all: Readonly<Record<string, readonly string[]>> = {
  mpreg: program('mpreg'),
  'mpreg, over another node': program('mpreg', 'relay'),
  ...(has('nats-server') && { 'NATS JetStream': program('jetstream') }),
  ...(has('redis-server') && { 'BullMQ on Redis': program('bullmq'), 'BullMQ, in bulk': program('bullmq', 'bulk') }),
};
const sides = chosen(all, positionals);
console.log(markdown(await compare({ name: 'queues', pin: values.pin, runs: Number(values.runs), sides })));
