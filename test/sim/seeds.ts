import { readFileSync } from 'node:fs';

/** The seeds of `seeds.txt`, without their stories. */
export function pastSeeds(): number[] {
  return seedsIn('seeds.txt');
}

/** Those of federations. */
export function pastFederations(): number[] {
  return seedsIn('federation-seeds.txt');
}

function seedsIn(file: string): number[] {
  const lines = readFileSync(new URL(file, import.meta.url), 'utf8').split('\n');
  return lines.flatMap((line) => /^\d+/.exec(line) ?? []).map(Number);
}
