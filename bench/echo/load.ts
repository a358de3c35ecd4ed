/**
 * The load that every side of the echo benchmark bears: a string of 16 bytes there and back, with 1, 64 and 256 requests
 * in flight. Prints the metrics as one line of JSON. Every answer is compared with what was sent.
 */

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
    const { latencies, elapsedMs } = await bear(ask, flight, MEASURE_MS);
    latencies.sort();
    const microseconds = (q: number) =>
      Math.round((latencies[Math.floor((latencies.length - 1) * q)] as number) * 1_000);
    if (flight === 1) metrics['1 in flight, p50 µs'] = microseconds(0.5);
    if (flight === 1) metrics['1 in flight, p99 µs'] = microseconds(0.99);
    else metrics[`${flight} in flight, per second`] = Math.round((latencies.length / elapsedMs) * 1_000);
    if (flight === 64) metrics['64 in flight, p99 µs'] = microseconds(0.99);
  }
  console.log(JSON.stringify(metrics));
}

/** Keeps so many requests in flight for so long; the time of each in milliseconds. */
async function bear(ask: Ask, flight: number, forMs: number): Promise<{ latencies: Float64Array; elapsedMs: number }> {
  let latencies = new Float64Array(65_536);
  let count = 0;
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
  return { elapsedMs: performance.now() - start, latencies: latencies.subarray(0, count) };
}

function grown(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const twice = new Float64Array(values.length * 2);
  twice.set(values);
  return twice;
}
