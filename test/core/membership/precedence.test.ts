import { describe, expect, test } from 'vitest';
import type { MemberState } from '../../../src/engine/core/membership/messages.ts';
import { INCARNATION_MAX, isMeaningful, supersedes } from '../../../src/engine/core/membership/precedence.ts';

const STATES: readonly MemberState[] = ['alive', 'suspect', 'dead', 'left'];

/** SWIM §4.2, written out as its paper lists it, with `left` as the last word of an incarnation. */
function overrides(news: MemberState, i: number, known: MemberState, j: number): boolean {
  if (news === 'alive') return i > j;
  if (news === 'suspect') return known === 'alive' ? i >= j : i > j;
  if (news === 'dead') return known === 'alive' || known === 'suspect' ? i >= j : i > j;
  return known === 'left' ? i > j : i >= j;
}

describe('which of two statements counts', () => {
  for (const news of STATES) {
    for (const known of STATES) {
      test.each([
        [3, 3],
        [4, 3],
        [3, 4],
      ])(`${news} %i over ${known} %i`, (i, j) => {
        const said = supersedes({ state: news, incarnation: i }, { state: known, incarnation: j });
        expect(said).toBe(overrides(news, i, known, j));
      });
    }
  }

  test.each([
    [0, true],
    [INCARNATION_MAX, true],
    [INCARNATION_MAX + 1, false],
    [-1, false],
    [0.5, false],
    [Number.NaN, false],
    [Number.POSITIVE_INFINITY, false],
  ])('incarnation %d means something: %s', (incarnation, expected) => {
    expect(isMeaningful({ state: 'alive', incarnation })).toBe(expected);
  });

  test('a state that nobody knows means nothing', () => {
    expect(isMeaningful({ state: 'happy' as MemberState, incarnation: 1 })).toBe(false);
    expect(isMeaningful({ state: 'constructor' as MemberState, incarnation: 1 })).toBe(false);
  });
});
