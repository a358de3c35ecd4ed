/**
 * The load that every side of the queues benchmark bears, with bodies of 200 bytes:
 *
 * 1. sends that are acknowledged when they are stored, from one connection, 500 in flight;
 * 2. all that was sent is received and acknowledged, by one consumer.
 *
 * Prints the metrics as one line of JSON.
 */
import { bear, percentile } from '../load.ts';
import { cpuMs } from '../processes.ts';

const WARM_MS = Number(process.env['BENCH_WARM_MS'] ?? 1_000);
const MEASURE_MS = Number(process.env['BENCH_MEASURE_MS'] ?? 4_000);
const FLIGHT = 500;

export const BODY = 'b'.repeat(200);

export interface Side {
  /** Resolves when it is stored. */
  readonly send: (body: string) => Promise<unknown>;
  /** Receives `count` messages and acknowledges them; resolves when all acknowledgements are sent, and where there are answers, have come. */
  readonly receive: (count: number, taken: (body: string) => void) => Promise<void>;
}

/** Measures, prints. */
export async function load({ send, receive }: Side): Promise<void> {
  let sent = 0;
  const questions = {
    ask: async () => {
      await send(BODY);
      sent++;
      return '';
    },
    expected: () => '',
  };
  await bear(questions, FLIGHT, WARM_MS);
  const { latencies, perSecond, cpuMsEach } = await bear(questions, FLIGHT, MEASURE_MS);
  const cpuBefore = cpuMs();
  const began = performance.now();
  let taken = 0;
  await receive(sent, (body) => {
    if (body !== BODY) throw new Error('a message came back that is none of those that were sent');
    taken++;
  });
  if (taken < sent) throw new Error(`${sent} were sent, and ${taken} received`);
  const receivedPerSecond = taken / ((performance.now() - began) / 1_000);
  const receiveUs = cpuBefore === undefined ? undefined : (((cpuMs() ?? 0) - cpuBefore) / taken) * 1_000;
  console.log(
    JSON.stringify({
      'sent, per second': Math.round(perSecond),
      'sent, p50 ms': percentile(latencies, 0.5),
      'sent, p99 ms': percentile(latencies, 0.99),
      ...(cpuMsEach === undefined ? {} : { 'sent, processor µs each': cpuMsEach * 1_000 }),
      'received and acknowledged, per second': Math.round(receivedPerSecond),
      ...(receiveUs === undefined ? {} : { 'received, processor µs each': receiveUs }),
    }),
  );
}
