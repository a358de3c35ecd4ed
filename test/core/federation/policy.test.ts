import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitsGlob, fitsPattern } from '../../../src/engine/core/federation/globs.ts';
import type { PolicyRule } from '../../../src/engine/core/federation/options.ts';
import { audienceOf, type Crossing, isMeant, mayCross } from '../../../src/engine/core/federation/policy.ts';
import { matches, patterns, topics } from '../topics/naive.ts';

const words = (alphabet: string, maxLength: number) =>
  fc.array(fc.constantFrom(...alphabet), { maxLength }).map((letters) => letters.join(''));

/** By a regular expression, with every other character taken as it is. */
function naiveGlob(glob: string, text: string): boolean {
  const parts = glob.split('*').map((part) => part.replace(/[^\w]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^]*')}$`).test(text);
}

describe('a glob', () => {
  test('fits what the regular expression fits that it stands for', () => {
    fc.assert(
      fc.property(words('ab.*', 8), words('ab.', 8), (glob, text) => {
        expect(fitsGlob(glob, text)).toBe(naiveGlob(glob, text));
      }),
      { numRuns: 5_000 },
    );
  });

  test('of many stars is judged at once, also where it does not fit', () => {
    expect(fitsGlob('a*'.repeat(200).concat('b'), 'a'.repeat(5_000))).toBe(false);
  });
});

test('a pattern of a rule fits the topics that a subscription with it would get', () => {
  fc.assert(
    fc.property(patterns, topics, (text, topic) => {
      expect(fitsPattern(text, topic)).toBe(matches(text, topic));
    }),
    { numRuns: 5_000 },
  );
});

const partner = { cluster: 'partner', region: 'us-east', tags: ['paid', 'new'] };
const berlin = { cluster: 'prod-berlin', region: 'eu-central', tags: [] };
const rules: readonly PolicyRule[] = [
  { clusters: ['tag:paid'], functions: ['price.*'], topics: ['offer.#'] },
  { clusters: ['region:eu-*', 'lab'], functions: ['*'], queues: ['order*'] },
];

describe('the rules of a cluster', () => {
  test.each([
    [partner, 'functions', 'price.of', true],
    [partner, 'functions', 'price', false],
    [partner, 'queues', 'orders', false],
    [partner, 'topics', 'offer.new.today', true],
    [partner, 'topics', 'order.new', false],
    [berlin, 'functions', 'price.of', true],
    [berlin, 'queues', 'orders', true],
    [berlin, 'queues', 'mail', false],
    [berlin, 'topics', 'offer.new', false],
    [{ ...berlin, tags: ['paid'] }, 'queues', 'orders', false],
    [{ cluster: 'lab', region: 'us-east', tags: [] }, 'functions', 'anything', true],
    [{ cluster: 'lab2', region: 'us-east', tags: [] }, 'functions', 'anything', false],
  ] as const)('say for %o, %s, %s: %s', (other, what, name, expected) => {
    expect(mayCross(rules, other, what, name)).toBe(expected);
  });

  test('let everything cross where there are none, and nothing where the list is empty', () => {
    expect(mayCross(undefined, partner, 'queues', 'q')).toBe(true);
    expect(mayCross([], partner, 'queues', 'q')).toBe(false);
    expect([audienceOf(undefined, 'queues', 'q'), audienceOf([], 'queues', 'q')]).toEqual([undefined, []]);
  });

  test('are told as audiences, as short as they can be', () => {
    expect(audienceOf(rules, 'functions', 'price.of')).toEqual(['tag:paid', 'region:eu-*', 'lab']);
    expect(audienceOf(rules, 'functions', 'other')).toEqual(['!tag:paid', 'region:eu-*', 'lab']);
    expect(audienceOf(rules, 'queues', 'mail')).toEqual([]);
    const all = [{ clusters: ['a', '*', 'b'], functions: ['*'] }];
    expect(audienceOf(all, 'functions', 'f')).toBeUndefined();
    expect(audienceOf([{ clusters: ['a'] }, ...all], 'functions', 'f')).toEqual(['!a', 'a', '*']);
  });
});

const someRules = fc.array(
  fc.record(
    {
      clusters: fc.array(fc.constantFrom('*', 'a', 'b', 'a*', '*b', 'region:r', 'region:*', 'tag:t', 'tag:u*'), {
        maxLength: 3,
      }),
      functions: fc.array(fc.constantFrom('f', 'g*', '*'), { maxLength: 2 }),
      queues: fc.array(fc.constantFrom('f', 'g*', '*'), { maxLength: 2 }),
      topics: fc.array(fc.constantFrom('f', 'g.*', '#'), { maxLength: 2 }),
    },
    { requiredKeys: ['clusters'] },
  ),
  { maxLength: 5 },
);
const clusters = fc.record({
  cluster: fc.constantFrom('a', 'b', 'ab', 'c'),
  region: fc.constantFrom('r', 's'),
  tags: fc.subarray(['t', 'u', 'uu']),
});

/** Every rule is looked at, and of those that fit the first one is asked. */
function naive(
  all: readonly PolicyRule[],
  other: { cluster: string; region: string; tags: string[] },
  what: Crossing,
  name: string,
) {
  const selectors = [other.cluster, `region:${other.region}`, ...other.tags.map((tag) => `tag:${tag}`)];
  const isAbout = ({ clusters: globs }: PolicyRule) =>
    globs.some((glob) =>
      selectors.some((is, i) => (i === 0 || glob.split(':')[0] === is.split(':')[0]) && naiveGlob(glob, is)),
    );
  const [first] = all.filter(isAbout);
  return (first?.[what] ?? []).some((glob) => (what === 'topics' ? matches(glob, name) : naiveGlob(glob, name)));
}

test('rules and audiences say of every cluster what looking at all of them says', () => {
  const crossings = fc.constantFrom<Crossing>('functions', 'queues', 'topics');
  fc.assert(
    fc.property(someRules, clusters, crossings, fc.constantFrom('f', 'g.x', 'h'), (all, other, what, name) => {
      const expected = naive(all as readonly PolicyRule[], other, what, name);
      expect(mayCross(all as readonly PolicyRule[], other, what, name)).toBe(expected);
      expect(isMeant(audienceOf(all as readonly PolicyRule[], what, name), other)).toBe(expected);
    }),
    { numRuns: 5_000 },
  );
});
