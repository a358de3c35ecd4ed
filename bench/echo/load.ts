/**
 * The load that every side of the echo benchmark bears: a string of 16 bytes there and back, with 1, 64 and 256 requests
 * in flight. Prints the metrics as one line of JSON.
 */
import { bear, percentile } from '../load.ts';

const TEXT = 'sixteen bytes ok';
const WARM_MS = 1_000;
const MEASURE_MS = Number(process.env['BENCH_MEASURE_MS'] ?? 3_000);
/** For a profile of one of them alone. */
const FLIGHTS = (process.env['BENCH_FLIGHTS'] ?? '1,64,256').split(',').map(Number);

/** Measures, prints. */
export async function load(ask: (text: string) => Promise<unknown>): Promise<void> {
  const metrics: Record<string, number> = {};
  const questions = { ask: () => ask(TEXT), expected: () => TEXT };
  for (const flight of FLIGHTS) {
    await bear(questions, flight, WARM_MS);
    const { latencies, perSecond, cpuMsEach } = await bear(questions, flight, MEASURE_MS);
    const microseconds = (q: number) => Math.round(percentile(latencies, q) * 1_000);
    if (flight === 1) metrics['1 in flight, p50 µs'] = microseconds(0.5);
    if (flight === 1) metrics['1 in flight, p99 µs'] = microseconds(0.99);
    else metrics[`${flight} in flight, per second`] = Math.round(perSecond);
    if (flight === 64) metrics['64 in flight, p99 µs'] = microseconds(0.99);
    if (cpuMsEach !== undefined) metrics[`${flight} in flight, processor µs each`] = cpuMsEach * 1_000;
  }
  console.log(JSON.stringify(metrics));
}
