import fc from 'fast-check';
import semver from 'semver';
import { describe, expect, test } from 'vitest';
import { within } from '../../../src/engine/core/base/version-range.ts';

describe('a version', () => {
  test.each<[string, string, boolean]>([
    ['1.2.3', '^1', true],
    ['2.0.0', '^1', false],
    ['0.2.9', '^0.2.3', true],
    ['0.3.0', '^0.2.3', false],
    ['0.0.4', '^0.0.3', false],
    ['1.2.9', '~1.2.3', true],
    ['1.3.0', '~1.2.3', false],
    ['1.4.0', '>1.3', true],
    ['1.3.9', '>1.3', false],
    ['2.4.9', '1.0 - 2.4', true],
    ['3.1.0', '^1 || ^3', true],
    ['1.1.0-beta', '^1.0.0', false],
    ['1.1.0-beta.2', '>=1.1.0-beta.1', true],
    ['1.2.3', '*', true],
    ['latest', 'latest', true],
    ['1.0.0', 'latest', false],
    ['latest', '*', false],
  ])('%s in %s: %s', (version, range, expected) => {
    expect(within(range)(version)).toBe(expected);
  });

  test('is in a range exactly where npm says so', () => {
    const number = fc.constantFrom(0, 1, 2, 3);
    const pre = fc.constantFrom('', '', '-0', '-alpha', '-alpha.1', '-beta.2');
    const full = fc.tuple(number, number, number, pre).map(([a, b, c, d]) => `${a}.${b}.${c}${d}`);
    const shape = fc.constantFrom('n', 'n.n', 'x', '*', 'n.x', 'n.*', 'n.n.x', 'n.x.x');
    const cut = fc
      .tuple(shape, number, number)
      .map(([form, ...numbers]) => form.replace(/n/g, () => `${numbers.pop()}`));
    const partial = fc.oneof(full, cut);
    const sign = fc.constantFrom('', '=', '<', '<=', '>', '>=', '~', '^', '>= ', '^ ');
    const term = fc.tuple(sign, partial).map((words) => words.join(''));
    const all = fc.oneof(
      term,
      fc.tuple(term, term).map((terms) => terms.join(' ')),
      fc.tuple(partial, partial).map((ends) => ends.join(' - ')),
    );
    const range = fc.oneof(
      all,
      fc.tuple(all, all).map((either) => either.join(' || ')),
    );
    fc.assert(
      fc.property(full, range, (version, asked) => {
        // Beside `*`, npm forgets all other alternatives; here each one counts.
        fc.pre(!asked.includes('||') || asked.split('||').every((one) => semver.validRange(one) !== '*'));
        expect(within(asked)(version), `${version} in ${asked}`).toBe(semver.satisfies(version, asked));
      }),
      { numRuns: 20_000 },
    );
  });
});
