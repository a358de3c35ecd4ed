import { readFileSync } from 'node:fs';

/** The seeds of `seeds.txt`, without their stories. */
export function pastSeeds(): number[] {
  const lines = readFileSync(new URL('seeds.txt', import.meta.url), 'utf8').split('\n');
  return lines.flatMap((line) => /^\d+/.exec(line) ?? []).map(Number);
}
