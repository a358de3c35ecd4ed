/**
 * The order of semantic versions (semver.org §11). A text that is no version sorts before all that are, by code units.
 *
 * Two different texts may be equal in this order: what follows a `+` does not count.
 */

const NUMBER = '(0|[1-9]\\d{0,14})';
const IDENTIFIER = '(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)';
const SEMVER = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-(${IDENTIFIER}(?:\\.${IDENTIFIER})*))?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`,
);

export function isSemver(text: string): boolean {
  return SEMVER.test(text);
}

/** Negative where `a` is older, positive where it is newer, 0 where neither takes precedence. */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const left = SEMVER.exec(a);
  const right = SEMVER.exec(b);
  if (left === null && right === null) return compareTexts(a, b);
  if (left === null || right === null) return Number(left !== null) - Number(right !== null);
  for (let part = 1; part <= 3; part++) {
    const order = Number(left[part]) - Number(right[part]);
    if (order !== 0) return order;
  }
  return comparePreRelease(left[4], right[4]);
}

/** A pre-release is older than its release; identifiers are compared one by one, numbers below words. */
function comparePreRelease(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const left = a.split('.');
  const right = b.split('.');
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = compareIdentifier(left[i] ?? '', right[i] ?? '');
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function compareIdentifier(a: string, b: string): number {
  const numeric = /^\d+$/;
  const aIsNumber = numeric.test(a);
  const bIsNumber = numeric.test(b);
  // Why not Number(): it has no leading zeros and may have any length, so the longer one is the larger.
  if (aIsNumber && bIsNumber) return a.length - b.length || compareTexts(a, b);
  if (aIsNumber !== bIsNumber) return aIsNumber ? -1 : 1;
  return compareTexts(a, b);
}

function compareTexts(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
