import { getOrMake } from './maps.ts';
import { compareVersions, isSemver } from './semver.ts';

/**
 * Ranges of versions, as npm has them: `^1.2`, `~2.0.1`, `1.x`, `>=1.2 <3`, `1.0 - 2.4`, `^1 || ^2`.
 *
 * Every form is brought down to comparisons with whole versions:
 *
 *     ^1.2.3 │ >=1.2.3 <2.0.0-0      ~1.2.3 │ >=1.2.3 <1.3.0-0      1.2 │ >=1.2.0 <1.3.0-0
 *     ^0.2.3 │ >=0.2.3 <0.3.0-0      >1.2   │ >=1.3.0               *   │ any
 *
 * A pre-release is taken only by a comparison with a pre-release of the very same version: who asks for `^1.0.0` gets no
 * `1.1.0-beta`. What is no range at all means exactly that text. Source: the README of npm's `semver`.
 *
 * The range is read once, and each version is judged once.
 */
export function within(range: string): (version: string) => boolean {
  const alternatives = readRange(range);
  const known = new Map<string, boolean>();
  return (version) => getOrMake(known, version, () => isIn(version, range, alternatives));
}

function isIn(version: string, range: string, alternatives: ReturnType<typeof readRange>): boolean {
  if (alternatives === undefined) return version === range;
  if (!isSemver(version)) return false;
  return alternatives.some((comparisons) => {
    if (!comparisons.every((comparison) => holds(version, comparison))) return false;
    const core = coreOf(version);
    return core === version.split('+')[0] || comparisons.some(({ to }) => to.includes('-') && coreOf(to) === core);
  });
}

interface Comparison {
  readonly sign: '<' | '<=' | '>' | '>=' | '=';
  readonly to: string;
}

const PART = '(0|[1-9]\\d{0,14}|[xX*])';
const PARTIAL = `v?${PART}(?:\\.${PART}(?:\\.${PART}(-[0-9A-Za-z.-]+)?(?:\\+[0-9A-Za-z.-]+)?)?)?`;
const TERM = new RegExp(`^(<=|>=|<|>|=|~>?|\\^)?${PARTIAL}$`);
const HYPHEN = new RegExp(`^(${PARTIAL})\\s+-\\s+(${PARTIAL})$`);
const NOTHING: Comparison = { sign: '<', to: '0.0.0-0' };

/** Alternatives, each a list of comparisons that must all hold; undefined where the text is no range. */
function readRange(range: string): readonly (readonly Comparison[])[] | undefined {
  const alternatives: (readonly Comparison[])[] = [];
  for (const text of range.split('||')) {
    const comparisons = readAll(text.trim());
    if (comparisons === undefined) return undefined;
    alternatives.push(comparisons);
  }
  return alternatives;
}

function readAll(text: string): readonly Comparison[] | undefined {
  const hyphen = HYPHEN.exec(text);
  if (hyphen !== null) return [...read(`>=${hyphen[1]}`), ...read(`<=${hyphen[6]}`)];
  const comparisons: Comparison[] = [];
  for (const term of text.replace(/(<=|>=|<|>|=|~>?|\^)\s+/g, '$1').split(/\s+/)) {
    if (term === '') continue;
    if (!TERM.test(term)) return undefined;
    comparisons.push(...read(term));
  }
  return comparisons;
}

/** One term; the text is known to be one. */
function read(term: string): readonly Comparison[] {
  const [, sign = '', ...parts] = TERM.exec(term) ?? [];
  const given = parts.slice(0, 3).map((part) => (part === undefined || /[xX*]/.test(part) ? undefined : Number(part)));
  const open = given.indexOf(undefined);
  const known = open < 0 ? 3 : open;
  const [major = 0, minor = 0, patch = 0] = given.slice(0, known);
  const low = `${major}.${minor}.${patch}${known === 3 ? (parts[3] ?? '') : ''}`;
  if (known === 0) return sign === '<' || sign === '>' ? [NOTHING] : [];
  /** The first version beyond all that agree with this one in its first `count` parts. */
  const beyond = (count: number) =>
    count === 1 ? `${major + 1}.0.0` : count === 2 ? `${major}.${minor + 1}.0` : `${major}.${minor}.${patch + 1}`;
  const below = (count: number): Comparison => ({ sign: '<', to: `${beyond(count)}-0` });
  switch (sign) {
    case '^': {
      const fixed = major > 0 || known === 1 ? 1 : minor > 0 || known === 2 ? 2 : 3;
      return [{ sign: '>=', to: low }, below(fixed)];
    }
    case '~':
    case '~>':
      return [{ sign: '>=', to: low }, below(Math.min(known, 2))];
    case '<':
      return [{ sign, to: known < 3 ? `${low}-0` : low }];
    case '>=':
      return [{ sign, to: low }];
    case '>':
      return [known < 3 ? { sign: '>=', to: beyond(known) } : { sign, to: low }];
    case '<=':
      return [known < 3 ? below(known) : { sign, to: low }];
    default:
      return known < 3 ? [{ sign: '>=', to: low }, below(known)] : [{ sign: '=', to: low }];
  }
}

function holds(version: string, { sign, to }: Comparison): boolean {
  if (sign === '>=' && to === '0.0.0') return true; // npm takes it for "any", also of pre-releases
  const order = compareVersions(version, to);
  if (order === 0) return sign === '=' || sign === '<=' || sign === '>=';
  return order < 0 ? sign === '<' || sign === '<=' : sign === '>' || sign === '>=';
}

/** `1.2.3` of `1.2.3-beta+7`. */
function coreOf(version: string): string {
  return version.split(/[-+]/, 1)[0] ?? version;
}
