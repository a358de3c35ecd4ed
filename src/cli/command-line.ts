/**
 * What can be told from the words of a command line alone, before and beside the command framework's parsing.
 */
import { globalFlags } from './global-flags.ts';

const TAKES_VALUE = new Set(
  Object.entries(globalFlags).flatMap(([name, { type }]) => (type === 'option' ? [`--${name}`] : [])),
);

/**
 * Global flags may stand before the command (`mpreg --json node list`), where the command framework does not look for
 * them: they are moved behind its words, but not behind `--`.
 */
export function globalFlagsLast(argv: readonly string[]): string[] {
  let first = 0;
  while (first < argv.length && isGlobal(argv[first] ?? '')) first += TAKES_VALUE.has(argv[first] ?? '') ? 2 : 1;
  if (first === 0 || first >= argv.length) return [...argv];
  const words = argv.slice(first);
  const end = words.includes('--') ? words.indexOf('--') : words.length;
  return [...words.slice(0, end), ...argv.slice(0, first), ...words.slice(end)];
}

function isGlobal(word: string): boolean {
  const name = word.replace(/^--/, '').replace(/=.*/s, '');
  if (word.startsWith('--')) return Object.hasOwn(globalFlags, name);
  return Object.values(globalFlags).some((flag) => flag.char !== undefined && word === `-${flag.char}`);
}

/** Whether a boolean flag was given, or its variable set: for errors that come before the flags are parsed. */
export function flagGiven(argv: readonly string[], name: 'json' | 'quiet' | 'verbose' | 'no-color'): boolean {
  const { char, env } = globalFlags[name];
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const words = argv.slice(0, end);
  const said = env === undefined ? undefined : process.env[env];
  return words.includes(`--${name}`) || words.includes(`-${char}`) || /^(1|true|yes|y|on)$/i.test(said ?? '');
}

/** The known name nearest to what was typed, where one is near enough to be meant. */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((name) => ({ distance: distance(typed, name), name }))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, Math.floor(typed.length / 3)) ? best.name : undefined;
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
