/**
 * What every side of a plan benchmark bears: one plan in flight, then several. Prints the metrics as one line of JSON, with
 * the bytes that each plan moved through whoever coordinates it.
 */
import { bear, percentile } from '../load.ts';
import { socketBytes } from '../socket-bytes.ts';
import { atHome, type Run, type Workload } from './workloads.ts';

const WARM_MS = Number(process.env['BENCH_WARM_MS'] ?? 1_000);
const MEASURE_MS = Number(process.env['BENCH_MEASURE_MS'] ?? 2_000);
const FLIGHT: Readonly<Record<Workload, number>> = { chain: 16, fan: 16, megabyte: 4 };
/** Plans that differ. */
const SEEDS = 64;

/** `moved`: the coordinator's bytes so far; by default those of this process, where the client itself coordinates. */
export async function measure(
  workload: Workload,
  run: Run,
  moved: () => number | Promise<number> = socketBytes,
): Promise<void> {
  const answers = Array.from({ length: SEEDS }, (_, seed) => atHome(workload, seed));
  const questions = { ask: (n: number) => run(workload, n % SEEDS), expected: (n: number) => answers[n % SEEDS] };
  const many = FLIGHT[workload];

  await bear(questions, 1, WARM_MS);
  const before = await moved();
  const alone = await bear(questions, 1, MEASURE_MS);
  const bytes = ((await moved()) - before) / alone.latencies.length;
  await bear(questions, many, WARM_MS);
  const together = await bear(questions, many, MEASURE_MS);

  const metrics = {
    '1 in flight, p50 ms': percentile(alone.latencies, 0.5),
    '1 in flight, p99 ms': percentile(alone.latencies, 0.99),
    [`${many} in flight, plans per second`]: together.perSecond,
    ...(together.cpuMsEach !== undefined && { [`${many} in flight, processor ms each`]: together.cpuMsEach }),
    'through the coordinator, KiB each': bytes / 1024,
  };
  console.log(JSON.stringify(metrics));
}
