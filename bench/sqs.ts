/**
 * The SQS endpoint, beside a server that answers nothing but 200: `@aws-sdk/client-sqs` with batches of ten at both.
 *
 *   node bench/sqs.ts [--runs 5] [--pin 0,1]
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compare, table } from './harness.ts';

const { values } = parseArgs({
  options: { pin: { default: '0,1', type: 'string' }, runs: { default: '5', type: 'string' } },
});
const program = (role: string) => [
  process.execPath,
  fileURLToPath(new URL('queues/sqs-load.ts', import.meta.url)),
  role,
];
const sides = { mpreg: program('mpreg'), 'a server that answers 200': program('bare') };
console.log(table(await compare({ name: 'sqs', pin: values.pin, runs: Number(values.runs), sides })));
