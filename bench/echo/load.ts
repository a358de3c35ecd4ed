/**
 * The load that every side of the echo benchmark bears: a string of 16 bytes there and back, with 1, 64 and 256 requests
 * in flight. Prints the metrics as one line of JSON. Every answer is compared with what was sent. Processor time counts all
 * processes of the side: it says what a request costs also on a machine that has other things to do.
 */
import { cpuMs } from './processes.ts';

const TEXT = 'sixteen bytes ok';
const WARM_MS = 1_000;
const MEASURE_MS = Number(process.env['BENCH_MEASURE_MS'] ?? 3_000);
/** For a profile of one of them alone. */
const FLIGHTS = (process.env['BENCH_FLIGHTS'] ?? '1,64,256').split(',').map(Number);

type Ask = (text: string) => Promise<unknown>;

/** Measures, prints. */
export async function load(ask: Ask): Promise<void> {
  const metrics: Record<string, number> = {};
  for (const flight of FLIGHTS) {
    await ask(TEXT);
    await bear(ask, flight, WARM_MS);
    const { latencies, elapsedMs, cpu } = await bear(ask, flight, MEASURE_MS);
    latencies.sort();
    const microseconds = (q: number) =>
      Math.round((latencies[Math.floor((latencies.length - 1) * q)] as number) * 1_000);
    if (flight === 1) metrics['1 in flight, p50 µs'] = microseconds(0.5);
    if (flight === 1) metrics['1 in flight, p99 µs'] = microseconds(0.99);
    else metrics[`${flight} in flight, per second`] = Math.round((latencies.length / elapsedMs) * 1_000);
    if (flight === 64) metrics['64 in flight, p99 µs'] = microseconds(0.99);
    if (cpu !== undefined) metrics[`${flight} in flight, processor µs each`] = (cpu * 1_000) / latencies.length;
  }
  console.log(JSON.stringify(metrics));
}

interface Borne {
  /** In milliseconds. */
  readonly latencies: Float64Array;
  readonly elapsedMs: number;
  readonly cpu: number | undefined;
}

/** Keeps so many requests in flight for so long. */
async function bear(ask: Ask, flight: number, forMs: number): Promise<Borne> {
  let latencies = new Float64Array(65_536);
  let count = 0;
  const cpuBefore = cpuMs();
  const start = performance.now();
  const until = start + forMs;
  const lane = async () => {
    let sent = performance.now();
    while (sent < until) {
      const answer = await ask(TEXT);
      if (answer !== TEXT) throw new Error(`asked for ${TEXT}, got ${String(answer)}`);
      const now = performance.now();
      if (count === latencies.length) latencies = grown(latencies);
      latencies[count++] = now - sent;
      sent = now;
    }
  };
  await Promise.all(Array.from({ length: flight }, lane));
  const elapsedMs = performance.now() - start;
  const cpu = cpuBefore === undefined ? undefined : (cpuMs() ?? 0) - cpuBefore;
  return { cpu, elapsedMs, latencies: latencies.subarray(0, count) };
}

function grown(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const twice = new Float64Array(values.length * 2);
  twice.set(values);
  return twice;
}
