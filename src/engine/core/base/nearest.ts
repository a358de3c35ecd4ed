/** The known name nearest to what was typed, where one is near enough to be meant. */
export function nearest(
  typed: string,
  known: readonly string[],
  distanceMax = Math.max(2, Math.floor(typed.length / 3)),
): string | undefined {
  const ranked = known
    .map((name) => ({ distance: distance(typed, name), name }))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  const best = ranked[0];
  return best !== undefined && best.distance <= distanceMax ? best.name : undefined;
}

/** Damerau–Levenshtein, optimal string alignment: insertions, deletions, replacements, swaps of neighbours. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const at = (r: number, c: number): number => (r === i ? row : rows[r])?.[c] ?? Number.POSITIVE_INFINITY;
      let least = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, at(i - 2, j - 2) + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}
