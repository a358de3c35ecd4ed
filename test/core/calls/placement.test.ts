import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { candidates, choose, ownPlace, type Place, type Wish } from '../../../src/engine/core/calls/placement.ts';
import { chiSquare, unlikely } from './evenness.ts';
import { type Terms, TestPlaces } from './places.ts';

const wish = (more: Partial<Wish> = {}): Wish => ({ fun: 'f', locs: [], ...more });

/** `b` stands for a place of node b; the words after it are its terms. */
function found(offers: readonly (readonly [string, Terms?])[], wanted: Wish, tried: readonly string[] = []) {
  const places = new TestPlaces();
  for (const [id, terms] of offers) places.offer(id, 'f', terms);
  places.offer('z', 'g');
  const outcome = candidates(places, wanted, tried);
  if (!outcome.ok) return `${outcome.problem.code}: ${outcome.problem.message}`;
  return outcome.value.map(({ id, fn }) => (fn.version === '1.0.0' ? id : `${id} ${fn.version}`)).join(', ');
}

const gpu = { resources: ['gpu', 'eu'] };

describe('a call may go to', () => {
  test.each<[string, Parameters<typeof found>[0], Wish, string]>([
    ['every node that has the function', [['b'], ['c']], wish(), 'b, c'],
    [
      'those with all resources; they may have more',
      [
        ['b', gpu],
        ['c', { resources: ['gpu'] }],
      ],
      wish({ locs: ['eu', 'gpu'] }),
      'b',
    ],
    [
      'those with the highest version',
      [['b'], ['c', { version: '1.2.0' }], ['d', { version: '1.2.0' }]],
      wish(),
      'c 1.2.0, d 1.2.0',
    ],
    ['the higher of two versions on one node', [['b'], ['b', { version: '2.0.0' }]], wish(), 'b 2.0.0'],
    [
      'the highest version that has the resources',
      [
        ['b', gpu],
        ['c', { version: '2.0.0' }],
      ],
      wish({ locs: ['gpu'] }),
      'b',
    ],
    [
      'a release rather than a preview of it',
      [
        ['b', { version: '2.0.0-rc.1' }],
        ['c', { version: '2.0.0' }],
      ],
      wish(),
      'c 2.0.0',
    ],
    ['exactly the version asked for', [['b'], ['c', { version: '2.0.0' }]], wish({ version: '1.0.0' }), 'b'],
    [
      'the highest in the range asked for',
      [['b'], ['c', { version: '1.4.0' }], ['d', { version: '2.0.0' }]],
      wish({ version: '^1' }),
      'c 1.4.0',
    ],
    ['a version whatever its build', [['b', { version: '1.0.0+7' }]], wish({ version: '1.0.0' }), 'b 1.0.0+7'],
    [
      'a version that is none, by its text',
      [
        ['b', { version: 'dev' }],
        ['c', { version: 'prod' }],
      ],
      wish({ version: 'dev' }),
      'b dev',
    ],
    [
      'the implementation asked for, though it is older',
      [
        ['b', { functionId: 'x' }],
        ['c', { version: '2.0.0' }],
      ],
      wish({ functionId: 'x' }),
      'b',
    ],
    ['the node asked for, by id', [['b'], ['c']], wish({ node: 'c' }), 'c'],
    ['the node asked for, by name', [['b'], ['c']], wish({ node: 'C' }), 'c'],
    [
      'sound nodes rather than suspects, though these are newer',
      [['b'], ['c', { suspect: true, version: '2.0.0' }]],
      wish(),
      'b',
    ],
    ['suspects where nobody else is left', [['b', { suspect: true }]], wish(), 'b'],
    [
      'suspects where only they have what is asked for',
      [['b'], ['c', { ...gpu, suspect: true }]],
      wish({ locs: ['gpu'] }),
      'c',
    ],
  ])('%s', (_, offers, wanted, expected) => {
    expect(found(offers, wanted)).toBe(expected);
  });

  test('those that have not been tried; then to older versions, then to suspects', () => {
    const offers = [['b'], ['c', { version: '2.0.0' }], ['d', { suspect: true }]] as const;
    expect(found(offers, wish(), ['c'])).toBe('b');
    expect(found(offers, wish(), ['c', 'b'])).toBe('d');
    expect(found(offers, wish(), ['c', 'b', 'd'])).toBe(
      'nobody-there: all 3 that offer f were tried, and none could take the call',
    );
  });

  test.each<[string, Wish, string]>([
    ['the function', wish({ fun: 'h' }), 'function-unknown: no node in reach offers h'],
    ['that version', wish({ version: '3.0.0' }), 'function-unknown: no node in reach offers f in version 3.0.0'],
    ['it on that node', wish({ node: 'z' }), 'function-unknown: no node in reach offers f on node z'],
    ['that name', wish({ node: 'nobody' }), 'node-unknown: no node in reach is named nobody'],
    ['that implementation', wish({ functionId: 'y' }), 'function-unknown: no node in reach offers f with the id y'],
    [
      'the resources',
      wish({ locs: ['gpu', 'moon'] }),
      'resource-unknown: 2 nodes offer f, but none with all of "gpu", "moon"',
    ],
    [
      'the resources there',
      wish({ locs: ['moon'], node: 'b' }),
      'resource-unknown: one node offers f on node b, but none with all of "moon"',
    ],
  ])('nobody where nobody has %s, and says so', (_, wanted, says) => {
    expect(found([['b', gpu], ['c']], wanted)).toBe(says);
  });

  test('the node itself, or one that is named, for what every node does', () => {
    const places = new TestPlaces();
    places.offer('b', 'f');
    const own = (node?: string, tried: readonly string[] = []) => {
      const outcome = ownPlace(
        places,
        { fun: 'mpreg.info', locs: [], ...(node === undefined ? {} : { node }) },
        'self',
        tried,
      );
      return outcome.ok ? outcome.value.map(({ id }) => id) : outcome.problem.code;
    };
    expect([own(), own('B'), own('b'), own('nobody')]).toEqual([['self'], ['b'], ['b'], 'node-unknown']);
    expect([own('b', ['self']), own('b', ['b'])]).toEqual([['b'], []]);
  });
});

describe('of several places', () => {
  const places = (count: number): Place[] => {
    const all = new TestPlaces();
    return Array.from({ length: count }, (_, i) => all.offer(`n${i}`, 'f'));
  };
  const tie = () => 0;
  const by = (cost: (id: string) => number) => (a: string, b: string) => cost(a) - cost(b);

  test('none and one leave no choice', () => {
    const [only] = places(1);
    expect(choose([], 'self', tie, new Prng(1))).toBeUndefined();
    expect(choose([only as Place], 'self', tie, new Prng(1))).toBe(only);
  });

  test.each([2, 3, 7, 40])('%i that cost the same are drawn evenly', (count) => {
    const all = places(count);
    const prng = new Prng(11);
    const drawn = new Map<string, number>();
    const draws = 1_000 * count;
    for (let i = 0; i < draws; i++) {
      const { id } = choose(all, 'self', tie, prng) as Place;
      drawn.set(id, (drawn.get(id) ?? 0) + 1);
    }
    expect(chiSquare([...drawn.values()], count)).toBeLessThan(unlikely(count - 1));
  });

  test('the cheaper of two is asked, always; the cheapest of many twice as often as by chance', () => {
    const prng = new Prng(3);
    const dearExcept = (cheap: string) => by((id) => (id === cheap ? 2 : 5));
    for (let i = 0; i < 200; i++) expect(choose(places(2), 'self', dearExcept('n1'), prng)?.id).toBe('n1');
    let hits = 0;
    for (let i = 0; i < 10_000; i++) if (choose(places(10), 'self', dearExcept('n4'), prng)?.id === 'n4') hits++;
    expect(hits / 10_000).toBeCloseTo(0.2, 1);
  });

  test('no node gets far ahead of the others when calls take long', () => {
    const busy = new Map<string, number>();
    const prng = new Prng(7);
    const all = places(20);
    for (let i = 0; i < 20_000; i++) {
      const { id } = choose(
        all,
        'self',
        by((one) => busy.get(one) ?? 0),
        prng,
      ) as Place;
      busy.set(id, (busy.get(id) ?? 0) + 1);
    }
    const loads = [...busy.values()];
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(10);
  });

  test('this node is asked on a tie where it is one of the two, and not where it costs more', () => {
    const prng = new Prng(5);
    const dear = by((id) => (id === 'n0' ? 4 : 3));
    for (let i = 0; i < 200; i++) {
      expect(choose(places(2), 'n0', tie, prng)?.id).toBe('n0');
      expect(choose(places(2), 'n1', tie, prng)?.id).toBe('n1');
      expect(choose(places(2), 'n0', dear, prng)?.id).toBe('n1');
    }
  });
});
