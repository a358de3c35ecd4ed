/**
 * Echo, side by side: a string of 16 bytes there and back on one connection, 1, 64 and 256 requests in flight.
 *
 *   node bench/echo.ts [--runs 5] [--pin 0,1] [side…]
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
  fileURLToPath(new URL(`echo/${file}.ts`, import.meta.url)),
  ...args,
];
const all: Readonly<Record<string, readonly string[]>> = {
  mpreg: program('mpreg'),
  'mpreg, worker threads': program('mpreg', 'workers'),
  'mpreg, direct': program('mpreg', 'direct'),
  ...(has('nats-server') && { NATS: program('nats') }),
  Moleculer: program('moleculer'),
  capnweb: program('capnweb'),
  'grpc-js': program('grpc'),
};
const sides = chosen(all, positionals);
console.log(markdown(await compare({ name: 'echo', pin: values.pin, runs: Number(values.runs), sides })));
