import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HubGraph } from '../../../src/engine/core/federation/graph.ts';
import { compareWays, findWay, Tree } from '../../../src/engine/core/federation/paths.ts';
import { everyWay, hub, mapOf, smallMaps } from './maps.ts';

const searches = smallMaps.chain((map) =>
  fc.record({
    avoid: fc.subarray([...map.ids], { maxLength: 2 }),
    from: fc.constantFrom(...map.ids),
    hopsMax: fc.integer({ max: map.ids.length + 1, min: 0 }),
    map: fc.constant(map),
    to: fc.subarray([...map.ids], { minLength: 1 }),
  }),
);

describe('the best way', () => {
  test('goes round by a longer way where the cheapest has too many hops', () => {
    const graph = new HubGraph(
      mapOf(
        ['A', 'B', 'C', 'D'],
        [
          { a: 'A', b: 'B', cost: 1 },
          { a: 'B', b: 'C', cost: 1 },
          { a: 'A', b: 'C', cost: 5 },
          { a: 'C', b: 'D', cost: 1 },
        ],
      ),
    );
    const way = (hopsMax: number) => findWay(graph, { from: 'A', hopsMax, to: 'D' }).way;
    expect(way(3)).toEqual({ cost: 3, hubs: ['B', 'C', 'D'] });
    expect(way(2)).toEqual({ cost: 6, hubs: ['C', 'D'] });
    expect(way(1)).toBeUndefined();
  });

  test('is the first of all ways there are, for every limit, aim and hub to avoid', () => {
    fc.assert(
      fc.property(searches, ({ map, from, to, hopsMax, avoid }) => {
        const graph = new HubGraph(mapOf(map.ids, map.edges));
        const aims = to.filter((id) => id === from || !avoid.includes(id));
        const [best] = everyWay(map, from, aims, hopsMax, avoid);
        expect(findWay(graph, { avoid, from, hopsMax, to }).way).toEqual(best);
      }),
      { numRuns: 1_000 },
    );
  });

  test('may be kept from beginning with some hubs', () => {
    fc.assert(
      fc.property(searches, ({ map, from, to, hopsMax, avoid }) => {
        const graph = new HubGraph(mapOf(map.ids, map.edges));
        const best = everyWay(map, from, to, hopsMax).find(({ hubs }) => !avoid.includes(hubs[0] ?? ''));
        expect(findWay(graph, { from, hopsMax, notFirst: avoid, to }).way).toEqual(best);
      }),
    );
  });

  test('is agreed upon by the hubs on it: what is left of it is the best way of each', () => {
    fc.assert(
      fc.property(searches, ({ map, from, to: [to = 'A'] }) => {
        const graph = new HubGraph(mapOf(map.ids, map.edges));
        const hopsMax = map.ids.length;
        const hubs = findWay(graph, { from, hopsMax, to }).way?.hubs ?? [];
        for (const [i, relay] of hubs.entries()) {
          expect(findWay(graph, { from: relay, hopsMax, to }).way?.hubs).toEqual(hubs.slice(i + 1));
        }
      }),
    );
  });

  test('to where it begins is empty, and there is none from or to a hub that nobody knows', () => {
    const graph = new HubGraph([hub('A')]);
    expect(findWay(graph, { from: 'A', hopsMax: 0, to: 'A' }).way).toEqual({ cost: 0, hubs: [] });
    expect(findWay(graph, { from: 'A', hopsMax: 9, to: 'Z' }).way).toBeUndefined();
    expect(findWay(graph, { from: 'Z', hopsMax: 9, to: 'A' }).way).toBeUndefined();
    expect(findWay(graph, { from: 'A', hopsMax: 9, to: [] }).way).toBeUndefined();
  });
});

describe('a tree of ways', () => {
  test('has the best way to every hub', () => {
    fc.assert(
      fc.property(searches, ({ map, from, hopsMax, avoid }) => {
        const graph = new HubGraph(mapOf(map.ids, map.edges));
        const tree = new Tree(graph, { avoid, from, hopsMax });
        for (const to of map.ids) {
          const { way } = findWay(graph, { avoid, from, hopsMax, to });
          expect(tree.way(to)).toEqual(way);
          expect(tree.cost(to)).toBe(way?.cost);
          expect(tree.next(to)).toBe(way?.hubs[0]);
        }
        expect(tree.way('nobody')).toBeUndefined();
      }),
    );
  });

  test('tells the nearest hubs first, without those that no way leads to', () => {
    fc.assert(
      fc.property(searches, ({ map, from, hopsMax, to }) => {
        const tree = new Tree(new HubGraph(mapOf(map.ids, map.edges)), { from, hopsMax });
        const ways = to.flatMap((id) => tree.way(id) ?? []).sort(compareWays);
        expect(tree.nearest([...to, ...to])).toEqual(ways.map(({ hubs }) => hubs.at(-1) ?? from));
      }),
    );
  });
});
