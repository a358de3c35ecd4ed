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
