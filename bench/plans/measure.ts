/**
 * What every side of a plan benchmark bears: one plan in flight, then several. Prints the metrics as one line of JSON, with
 * the bytes that each plan moved through whoever coordinates it.
 */
import { bear, percentile } from '../load.ts';
import { socketBytes } from '../socket-bytes.ts';
import { atHome, type Run, type Workload } from './workloads.ts';

const WARM_MS = Number(process.env['BENCH_WARM_MS'] ?? 1_000);
const MEASURE_MS = Number(process.env['BENCH_MEASURE_MS'] ?? 2_000);
/** Beside one. `BENCH_FLIGHTS`, as `1` or `1,64`, is for a profile. */
const FLIGHT: Readonly<Record<Workload, number>> = { chain: 16, fan: 16, megabyte: 4 };
/** How many plans differ. */
const SEEDS = 64;

/** `moved`: the coordinator's bytes so far; by default those of this process, where the client itself coordinates. */
export async function measure(
  workload: Workload,
  run: Run,
  moved: () => number | Promise<number> = socketBytes,
): Promise<void> {
  const answers = Array.from({ length: SEEDS }, (_, seed) => atHome(workload, seed));
  const questions = { ask: (n: number) => run(workload, n % SEEDS), expected: (n: number) => answers[n % SEEDS] };
  const flights = process.env['BENCH_FLIGHTS']?.split(',').map(Number) ?? [1, FLIGHT[workload]];
  const metrics: Record<string, number> = {};
  let bytes = 0;
  let plans = 0;
  for (const flight of flights) {
    await bear(questions, flight, WARM_MS);
    const before = await moved();
    const { latencies, perSecond, cpuMsEach } = await bear(questions, flight, MEASURE_MS);
    bytes += (await moved()) - before;
    plans += latencies.length;
    if (flight === 1) metrics['1 in flight, p50 ms'] = percentile(latencies, 0.5);
    if (flight === 1) metrics['1 in flight, p99 ms'] = percentile(latencies, 0.99);
    else metrics[`${flight} in flight, plans per second`] = perSecond;
    if (cpuMsEach !== undefined) metrics[`${flight} in flight, processor ms each`] = cpuMsEach;
  }
  console.log(JSON.stringify({ ...metrics, 'through the coordinator, KiB each': bytes / plans / 1024 }));
}
