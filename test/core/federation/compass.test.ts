import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { waysOf } from '../../../src/engine/core/federation/alternatives.ts';
import { Compass } from '../../../src/engine/core/federation/compass.ts';
import { HubGraph } from '../../../src/engine/core/federation/graph.ts';
import { findWay } from '../../../src/engine/core/federation/paths.ts';
import type { HubRecord } from '../../../src/engine/core/federation/records.ts';
import { worldMap } from './cities.ts';
import { hub } from './maps.ts';

/** Few places, some twice, one at the antipodes of another, and some that are none. */
const PLACES = [
  { latitude: 50, longitude: 8 },
  { latitude: 50, longitude: 9 },
  { latitude: 52, longitude: 0 },
  { latitude: 0, longitude: 100 },
  { latitude: -50, longitude: -172 },
  { latitude: 99, longitude: 0 },
];

const placedMaps: fc.Arbitrary<readonly HubRecord[]> = fc.integer({ max: 9, min: 2 }).chain((size) => {
  const ids = Array.from({ length: size }, (_, i) => String.fromCharCode(65 + i));
  const pairs = ids.flatMap((a, i) => ids.slice(i + 1).map((b) => ({ a, b })));
  const cost = fc.oneof(
    fc.integer({ max: 4, min: 1 }),
    fc.integer({ max: 60, min: 50 }).map((c) => c * 1_000),
  );
  return fc
    .tuple(
      fc.tuple(...ids.map(() => fc.option(fc.constantFrom(...PLACES), { freq: 6, nil: undefined }))),
      fc.tuple(...pairs.map(() => fc.option(cost, { freq: 1 }))),
    )
    .map(([places, costs]) =>
      ids.map((id, at) => {
        const own = pairs.flatMap(({ a, b }, i) =>
          costs[i] == null || (a !== id && b !== id) ? [] : [{ cost: costs[i], life: 1, to: a === id ? b : a }],
        );
        const coordinates = places[at];
        return hub(id, {}, { edges: own, ...(coordinates && { coordinates }) });
      }),
    );
});

describe('a search with a compass', () => {
  test('finds the very ways that one without finds, and never looks at more', () => {
    const cases = placedMaps.chain((map) =>
      fc.tuple(
        fc.constant(map),
        fc.integer({ max: map.length, min: 1 }),
        fc.subarray(
          map.map(({ hub: id }) => id),
          { maxLength: Math.min(3, map.length), minLength: 1 },
        ),
      ),
    );
    fc.assert(
      fc.property(cases, ([map, hopsMax, to]) => {
        const graph = new HubGraph(map);
        const guess = new Compass(graph).towards(to);
        for (const { hub: from } of map) {
          const plain = findWay(graph, { from, hopsMax, to });
          const guided = findWay(graph, { from, hopsMax, to }, guess);
          expect(guided.way).toEqual(plain.way);
          expect(guided.expanded).toBeLessThanOrEqual(plain.expanded);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('finds the very ways, one after the other, that one without finds, also past hubs to avoid', () => {
    const cases = placedMaps.chain((map) => {
      const ids = map.map(({ hub: id }) => id);
      return fc.record({
        avoid: fc.subarray(ids, { maxLength: 2 }),
        from: fc.constantFrom(...ids),
        hopsMax: fc.integer({ max: map.length, min: 1 }),
        map: fc.constant(map),
        notFirst: fc.subarray(ids, { maxLength: 1 }),
        slack: fc.constantFrom(0, 0.05, 9),
        to: fc.constantFrom(...ids),
      });
    });
    fc.assert(
      fc.property(cases, ({ map, slack, ...search }) => {
        const graph = new HubGraph(map);
        const guess = new Compass(graph).towards(search.to);
        const plenty = { slack, waysMax: 4 };
        expect(waysOf(graph, search, plenty, guess)).toEqual(waysOf(graph, search, plenty));
      }),
      { numRuns: 500 },
    );
  });

  test('is never told more than an edge and what is told behind it', () => {
    fc.assert(
      fc.property(placedMaps, fc.nat(), (map, which) => {
        const graph = new HubGraph(map);
        const aim = graph.idOf(which % graph.size);
        const guess = new Compass(graph).towards(aim);
        expect(guess(which % graph.size)).toBe(0);
        for (const { from, to, cost } of graph.edges()) {
          const [a, b] = [guess(graph.indexOf(from) ?? -1), guess(graph.indexOf(to) ?? -1)];
          expect(Math.abs(a - b)).toBeLessThanOrEqual(cost);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    [3, 0.65],
    [5, 0.5],
    [8, 0.4],
  ])('looks at fewer hubs between cities with %i neighbours each: at most a share of %d', (neighbours, share) => {
    const graph = new HubGraph(worldMap(7, neighbours));
    const compass = new Compass(graph);
    const looked = { guided: 0, plain: 0 };
    for (const { hub: to } of graph.hubs) {
      const guess = compass.towards(to);
      for (const { hub: from } of graph.hubs) {
        const search = { from, hopsMax: 8, to };
        const plain = findWay(graph, search);
        const guided = findWay(graph, search, guess);
        expect(guided.way).toEqual(plain.way);
        looked.plain += plain.expanded;
        looked.guided += guided.expanded;
      }
    }
    expect(looked.guided).toBeLessThan(looked.plain * share);
  });
});
