import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { spread, waysOf } from '../../../src/engine/core/federation/alternatives.ts';
import { disjointWays } from '../../../src/engine/core/federation/disjoint.ts';
import { HubGraph } from '../../../src/engine/core/federation/graph.ts';
import { everyWay, mapOf, type NaiveWay, smallMaps } from './maps.ts';

const searches = smallMaps.chain((map) =>
  fc.record({
    avoid: fc.subarray([...map.ids], { maxLength: 1 }),
    from: fc.constantFrom(...map.ids),
    hopsMax: fc.integer({ max: map.ids.length, min: 1 }),
    map: fc.constant(map),
    notFirst: fc.subarray([...map.ids], { maxLength: 1 }),
    slack: fc.constantFrom(0, 0.2, 0.5, 9),
    to: fc.subarray([...map.ids], { maxLength: 2, minLength: 1 }),
    waysMax: fc.integer({ max: 6, min: 0 }),
  }),
);

describe('the best ways, one after the other', () => {
  test('are the first of all ways there are, as far as they may be dearer', () => {
    fc.assert(
      fc.property(searches, ({ map, from, to, hopsMax, avoid, notFirst, slack, waysMax }) => {
        const graph = new HubGraph(mapOf(map.ids, map.edges));
        const ends = to.filter((id) => id === from || !avoid.includes(id));
        // A way leads past hubs of `to` that are to be avoided as little as past any other to be avoided.
        const all = everyWay(map, from, ends, hopsMax, avoid).filter(({ hubs }) => !notFirst.includes(hubs[0] ?? ''));
        const dearest = (all[0]?.cost ?? 0) * (1 + slack);
        const expected = all.filter(({ cost }) => cost <= dearest).slice(0, waysMax);
        const found = waysOf(graph, { avoid, from, hopsMax, notFirst, to }, { slack, waysMax });
        expect(found).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('messages over ways of equal cost', () => {
  const ways = ['B', 'C', 'D', 'E'].map((hub) => ({ cost: 7, hubs: [hub, 'Z'] }));
  const keys = Array.from({ length: 4_000 }, (_, i) => `message ${i}`);

  test('take the same way for the same key, in whatever order the ways are listed', () => {
    for (const key of keys.slice(0, 100)) expect(spread([...ways].reverse(), key)).toEqual(spread(ways, key));
    expect(spread([], 'key')).toBeUndefined();
  });

  test('spread evenly', () => {
    const counts = new Map<string, number>();
    for (const key of keys) {
      const [first = ''] = spread(ways, key)?.hubs ?? [];
      counts.set(first, (counts.get(first) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(['B', 'C', 'D', 'E']);
    // 1,000 are expected of each, and 27 the standard deviation.
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(135);
  });

  test('stay where they are when another way is gone', () => {
    const left = ways.slice(1);
    const moved = keys.filter((key) => spread(ways, key) !== spread(left, key));
    expect(moved).toEqual(keys.filter((key) => spread(ways, key) === ways[0]));
  });
});

/** Of all sets of so many ways that share nothing between their ends, what the cheapest costs. */
function cheapestSet(ways: readonly NaiveWay[], count: number, passed: readonly string[] = []): number {
  if (count === 0) return 0;
  let least = Number.POSITIVE_INFINITY;
  for (const [i, { hubs, cost }] of ways.entries()) {
    const between = hubs.slice(0, -1);
    if (cost >= least || between.some((hub) => passed.includes(hub))) continue;
    least = Math.min(least, cost + cheapestSet(ways.slice(i + 1), count - 1, [...passed, ...between]));
  }
  return least;
}

describe('disjoint ways', () => {
  test('are as cheap together as so many can be, as many as there are, and share only their ends', () => {
    fc.assert(
      fc.property(searches, ({ map, from, to, avoid, notFirst, waysMax }) => {
        const graph = new HubGraph(mapOf(map.ids, map.edges));
        const search = { avoid, from, hopsMax: map.ids.length, notFirst, to };
        const found = disjointWays(graph, { ...search, waysMax });
        const ends = to.filter((id) => !avoid.includes(id));
        const all = to.includes(from)
          ? []
          : everyWay(map, from, ends, map.ids.length, avoid).filter(({ hubs }) => !notFirst.includes(hubs[0] ?? ''));
        for (const way of found) expect(all).toContainEqual(way);
        expect(new Set(found.map(({ hubs }) => hubs.join())).size).toBe(found.length);
        const between = found.flatMap(({ hubs }) => hubs.slice(0, -1));
        expect(new Set(between).size).toBe(between.length);
        expect(found.reduce((sum, { cost }) => sum + cost, 0)).toBe(cheapestSet(all, found.length));
        if (found.length < waysMax) expect(cheapestSet(all, found.length + 1)).toBe(Number.POSITIVE_INFINITY);
      }),
      { numRuns: 1_000 },
    );
  });

  test('take back a piece of the best way where two are cheaper for it', () => {
    const map = {
      edges: [
        { a: 'A', b: 'B', cost: 1 },
        { a: 'B', b: 'C', cost: 1 },
        { a: 'C', b: 'D', cost: 1 },
        { a: 'A', b: 'C', cost: 9 },
        { a: 'B', b: 'D', cost: 9 },
      ],
      ids: ['A', 'B', 'C', 'D'],
    };
    const graph = new HubGraph(mapOf(map.ids, map.edges));
    const search = { from: 'A', hopsMax: 3, to: 'D' };
    expect(disjointWays(graph, { ...search, waysMax: 1 })).toEqual([{ cost: 3, hubs: ['B', 'C', 'D'] }]);
    expect(disjointWays(graph, { ...search, waysMax: 2 })).toEqual([
      { cost: 10, hubs: ['B', 'D'] },
      { cost: 10, hubs: ['C', 'D'] },
    ]);
  });

  test('take back several steps in a row', () => {
    const costs = { AB: 1, AX: 9, AZ: 33, BC: 1, BY: 9, CD: 4, DE: 1, EZ: 1, XE: 9, YZ: 9 };
    const edges = Object.entries(costs).map(([pair, cost]) => ({ a: pair.charAt(0), b: pair.charAt(1), cost }));
    const graph = new HubGraph(mapOf([...'ABCDEXYZ'], edges));
    expect(disjointWays(graph, { from: 'A', hopsMax: 9, to: 'Z', waysMax: 2 })).toEqual([
      { cost: 19, hubs: ['X', 'E', 'Z'] },
      { cost: 19, hubs: ['B', 'Y', 'Z'] },
    ]);
  });

  test('that are too long are left out', () => {
    const line = [
      { a: 'A', b: 'B', cost: 1 },
      { a: 'B', b: 'C', cost: 1 },
    ];
    const graph = new HubGraph(mapOf(['A', 'B', 'C'], line));
    expect(disjointWays(graph, { from: 'A', hopsMax: 1, to: 'C', waysMax: 2 })).toEqual([]);
    expect(disjointWays(graph, { from: 'nobody', hopsMax: 9, to: 'C', waysMax: 2 })).toEqual([]);
  });
});
