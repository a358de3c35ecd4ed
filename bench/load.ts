/**
 * Load: so many questions in flight for so long, each answer compared with the one that it must be. One wrong answer ends
 * the measurement. Processor time counts all processes of the side: it says what a question costs also on a machine that
 * has other things to do.
 */
import { cpuMs } from './processes.ts';

export interface Questions {
  /** Puts the question of this number, from 0 up. */
  ask(n: number): Promise<unknown>;
  /** The only right answer to it. */
  expected(n: number): unknown;
}

export interface Borne {
  /** In milliseconds, the shortest first. */
  readonly latencies: Float64Array;
  readonly perSecond: number;
  /** Processor time of each question, in milliseconds; undefined where there is no /proc. */
  readonly cpuMsEach: number | undefined;
}

/** Keeps so many questions in flight for so long. */
export async function bear({ ask, expected }: Questions, flight: number, forMs: number): Promise<Borne> {
  let latencies = new Float64Array(65_536);
  let asked = 0;
  let count = 0;
  const cpuBefore = cpuMs();
  const start = performance.now();
  const until = start + forMs;
  const lane = async () => {
    let sent = performance.now();
    while (sent < until) {
      const n = asked++;
      const answer = await ask(n);
      if (answer !== expected(n)) throw new Error(`question ${n}: expected ${expected(n)}, got ${String(answer)}`);
      const now = performance.now();
      if (count === latencies.length) latencies = grown(latencies);
      latencies[count++] = now - sent;
      sent = now;
    }
  };
  await Promise.all(Array.from({ length: flight }, lane));
  const elapsedMs = performance.now() - start;
  return {
    cpuMsEach: cpuBefore === undefined ? undefined : ((cpuMs() ?? 0) - cpuBefore) / count,
    latencies: latencies.subarray(0, count).sort(),
    perSecond: (count / elapsedMs) * 1_000,
  };
}

/** Of sorted latencies, in their unit. */
export function percentile(sorted: Float64Array, q: number): number {
  return sorted[Math.floor((sorted.length - 1) * q)] as number;
}

function grown(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const twice = new Float64Array(values.length * 2);
  twice.set(values);
  return twice;
}
