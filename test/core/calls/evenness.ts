/** How far counts are from being equal: Pearson's statistic. `kinds`: how many there could have been. */
export function chiSquare(counts: readonly number[], kinds: number): number {
  let all = 0;
  for (const count of counts) all += count;
  const mean = all / kinds;
  let sum = (kinds - counts.length) * mean;
  for (const count of counts) sum += (count - mean) ** 2 / mean;
  return sum;
}

/** The 99.9 % quantile of chi-square, by Wilson and Hilferty (1931). */
export function unlikely(freedom: number): number {
  return freedom * (1 - 2 / (9 * freedom) + 3.09 * Math.sqrt(2 / (9 * freedom))) ** 3;
}
