import { readFileSync } from 'node:fs';

/** The seeds of `seeds.txt`, without their stories. */
export function pastSeeds(): number[] {
  return seedsIn('seeds.txt', /^\d+/);
}

/** Those of federations; `plain`: of those that were drawn before there were queues, groups and rules. */
export function pastFederations(): { readonly all: number[]; readonly plain: number[] } {
  const file = 'federation-seeds.txt';
  return { all: seedsIn(file, /^\d+/), plain: seedsIn(file, /(?<=^plain )\d+/) };
}

function seedsIn(file: string, pattern: RegExp): number[] {
  const lines = readFileSync(new URL(file, import.meta.url), 'utf8').split('\n');
  return lines.flatMap((line) => pattern.exec(line) ?? []).map(Number);
}
