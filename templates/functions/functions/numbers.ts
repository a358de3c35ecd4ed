/** Functions that say more about themselves: a version, what they need, whether they may run twice. */
import { defineFunction } from 'mpreg';

export const describeNumbers = defineFunction({
  description: 'count, mean, median and sample standard deviation of a list of numbers',
  idempotent: true,
  name: 'numbers.describe',
  run: (numbers: readonly number[]) => {
    if (numbers.length === 0) throw new Error('there are no numbers to describe');
    const sorted = numbers.toSorted((a, b) => a - b);
    const half = sorted.length >> 1;
    const at = (i: number) => sorted[i] ?? Number.NaN;
    const mean = sorted.reduce((sum, n) => sum + n, 0) / sorted.length;
    const squares = sorted.reduce((sum, n) => sum + (n - mean) ** 2, 0);
    return {
      count: sorted.length,
      deviation: sorted.length === 1 ? 0 : Math.sqrt(squares / (sorted.length - 1)),
      mean,
      median: sorted.length % 2 === 1 ? at(half) : (at(half - 1) + at(half)) / 2,
    };
  },
  version: '1.0.0',
});

/** Sieve of Eratosthenes; it runs in a thread of its own and keeps nobody waiting. */
export const primes = defineFunction({
  description: 'how many primes there are below a limit',
  idempotent: true,
  name: 'numbers.primes',
  resources: ['cpu'],
  run: (limit: number) => {
    if (!Number.isInteger(limit) || limit < 0 || limit > 1e8) throw new Error('the limit must be 0 to 100,000,000');
    const composite = new Uint8Array(limit);
    let count = 0;
    for (let n = 2; n < limit; n++) {
      if (composite[n] === 1) continue;
      count++;
      for (let multiple = n * n; multiple < limit; multiple += n) composite[multiple] = 1;
    }
    return count;
  },
  timeoutMs: 10_000,
  version: '1.1.0',
});
