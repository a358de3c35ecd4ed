/**
 * How long a frame takes: calls and results with a payload of 16 bytes, in batches as one turn of the loop makes them.
 *
 *   node bench/wire.ts [--json]
 *
 * Prints nanoseconds per frame, the median of several runs. Encoding takes a payload that is there as bytes, as a node
 * has it that passes a call on; decoding leaves it as bytes. The last rows are what the two ends add: the value itself,
 * of 16 bytes, and of a hundred records (counted as one hundred frames).
 */
import { codecOf } from '../src/engine/wire/codecs.ts';
import { payloadFrom, payloadOf } from '../src/engine/wire/payload.ts';
import { DEFAULT_LIMITS, type WireMessage } from '../src/engine/wire/wire.ts';

const FRAMES = 100;
const ROUNDS = 3_000;
const RUNS = 9;

const value = { args: ['hello'] };
const bytes = payloadOf({ args: ['abcdefgh'] }).bytes();
if (bytes.length !== 16) throw new Error(`the payload has ${bytes.length} bytes`);

const call: WireMessage = {
  fun: 'echo',
  id: 1_234,
  idempotent: false,
  kind: 'call',
  locs: [],
  payload: payloadFrom(bytes),
  routed: true,
  timeoutMs: 30_000,
};
const result: WireMessage = { by: 'alpha', id: 1_234, kind: 'result', payload: payloadFrom(bytes) };

const records = Array.from({ length: FRAMES }, (_, i) => {
  const name = `item number ${i} of the list`;
  return { id: i, name, price: i * 1.5, tags: ['new', 'blue'], when: new Date(1_700_000_000_000 + i) };
});
const recordBytes = payloadOf(records).bytes();

function encode(protocol: 'mpreg.v1' | 'mpreg.v1.json', message: WireMessage): () => number {
  const batch = codecOf(protocol).batch(DEFAULT_LIMITS);
  return () => {
    for (let i = 0; i < FRAMES; i++) batch.add(message);
    return batch.take()?.length ?? 0;
  };
}

function decode(protocol: 'mpreg.v1' | 'mpreg.v1.json', message: WireMessage): () => number {
  const codec = codecOf(protocol);
  const batch = codec.batch(DEFAULT_LIMITS);
  for (let i = 0; i < FRAMES; i++) batch.add(message);
  const data = batch.take() ?? '';
  return () => {
    const decoded = codec.decode(data, DEFAULT_LIMITS);
    return decoded.ok ? decoded.value.length : 0;
  };
}

function each(work: () => number): () => number {
  return () => {
    let sum = 0;
    for (let i = 0; i < FRAMES; i++) sum += work();
    return sum;
  };
}

const cases: Readonly<Record<string, () => number>> = {
  'mpreg.v1 call encode': encode('mpreg.v1', call),
  'mpreg.v1 call decode': decode('mpreg.v1', call),
  'mpreg.v1 result encode': encode('mpreg.v1', result),
  'mpreg.v1 result decode': decode('mpreg.v1', result),
  'mpreg.v1.json call encode': encode('mpreg.v1.json', call),
  'mpreg.v1.json call decode': decode('mpreg.v1.json', call),
  'payload encode': each(() => payloadOf(value).bytes().length),
  'payload decode': each(() => (payloadFrom(bytes).value().ok ? 1 : 0)),
  'record encode': () => payloadOf(records).bytes().length,
  'record decode': () => (payloadFrom(recordBytes).value().ok ? 1 : 0),
};

function nanosecondsPerFrame(work: () => number): number {
  const runs = Array.from({ length: RUNS }, () => {
    const from = process.hrtime.bigint();
    for (let i = 0; i < ROUNDS; i++) work();
    return Number(process.hrtime.bigint() - from) / (ROUNDS * FRAMES);
  });
  return runs.toSorted((a, b) => a - b)[RUNS >> 1] as number;
}

const rows = Object.entries(cases).map(([name, work]) => {
  const ns = nanosecondsPerFrame(work);
  return { case: name, framesPerSecond: Math.round(1e9 / ns), nsPerFrame: Math.round(ns) };
});
if (process.argv.includes('--json')) console.log(JSON.stringify(rows));
else console.table(rows);
