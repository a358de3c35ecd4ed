import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareVersions, isSemver } from '../../../src/engine/core/base/semver.ts';

/** Each is older than the next. */
const ASCENDING = [
  '',
  'latest',
  '0.0.0',
  '0.0.10',
  '0.2.0',
  '1.0.0-0',
  '1.0.0-2',
  '1.0.0-11',
  '1.0.0-9007199254740993',
  '1.0.0-9007199254740994',
  '1.0.0-alpha',
  '1.0.0-alpha.1',
  '1.0.0-alpha.beta',
  '1.0.0-beta.2',
  '1.0.0-beta.11',
  '1.0.0-rc-1.x',
  '1.0.0',
  '1.0.1',
  '2.0.0',
  '10.0.0',
];

describe('versions', () => {
  test.each(ASCENDING.map((version, i) => [version, ASCENDING.slice(i + 1)] as const))(
    '%j is older than %j',
    (a, newer) => {
      expect(compareVersions(a, a)).toBe(0);
      for (const b of newer) {
        expect(compareVersions(a, b), b).toBeLessThan(0);
        expect(compareVersions(b, a), b).toBeGreaterThan(0);
      }
    },
  );

  test('do not differ by their build', () => {
    expect(compareVersions('1.2.3+linux.5', '1.2.3')).toBe(0);
    expect(compareVersions('1.2.3-rc.1+a', '1.2.3-rc.1+b')).toBe(0);
  });

  test.each(['1.2', '1.2.3.4', 'v1.2.3', '01.2.3', '1.2.3-', '1.2.3-a..b', '1.2.3-01', '1.2.3+', ' 1.2.3', '1.2.3\n'])(
    '%j is none',
    (text) => {
      expect(isSemver(text)).toBe(false);
    },
  );

  test.each(['0.0.0', '1.2.3', '1.2.3-0a', '1.2.3--', '1.2.3+001', '1.2.3-a.b+c.d'])('%j is one', (text) => {
    expect(isSemver(text)).toBe(true);
  });

  test('have one order, whatever the texts are', () => {
    const part = fc.constantFrom('0', '1', '2', '10', 'a', 'b', '-');
    const version = fc.oneof(
      fc.tuple(part, part, part, fc.option(part)).map(([a, b, c, d]) => `${a}.${b}.${c}${d === null ? '' : `-${d}`}`),
      fc.string({ maxLength: 4 }),
    );
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(0 - Math.sign(compareVersions(b, a)));
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});
