import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Branch, branchesOf, byNextHop } from '../../../src/engine/core/federation/branches.ts';
import { HubGraph } from '../../../src/engine/core/federation/graph.ts';
import { Tree } from '../../../src/engine/core/federation/paths.ts';
import { mapOf, smallMaps } from './maps.ts';

/** Every hub among the branches, with the one before it and how many hops lead to it. */
function walk(branches: readonly Branch[], before: string, hops = 1): { at: Branch; before: string; hops: number }[] {
  return branches.flatMap((at) => [{ at, before, hops }, ...walk(at.beyond, at.hub, hops + 1)]);
}

describe('a message to many hubs', () => {
  test('follows the common beginning of their ways once', () => {
    const branches = branchesOf([
      { cost: 1, hubs: ['B'] },
      { cost: 2, hubs: ['B', 'D'] },
      { cost: 2, hubs: ['B', 'C'] },
      { cost: 9, hubs: ['F', 'E'] },
    ]);
    const leaf = (hub: string) => ({ beyond: [], hub, wanted: true });
    expect(branches).toEqual([
      { beyond: [leaf('C'), leaf('D')], hub: 'B', wanted: true },
      { beyond: [leaf('E')], hub: 'F', wanted: false },
    ]);
    expect([...byNextHop(branches)]).toEqual([
      ['B', ['B', 'C', 'D']],
      ['F', ['E']],
    ]);
  });

  test('reaches each of them once, over edges that there are, within the hops, and passes no hub twice', () => {
    const cases = smallMaps.chain((map) =>
      fc.tuple(
        fc.constant(map),
        fc.constantFrom(...map.ids),
        fc.integer({ max: map.ids.length, min: 1 }),
        fc.subarray([...map.ids]),
      ),
    );
    fc.assert(
      fc.property(cases, ([map, from, hopsMax, wanted]) => {
        const graph = new HubGraph(mapOf(map.ids, map.edges));
        const tree = new Tree(graph, { from, hopsMax });
        const reached = wanted.filter((id) => id !== from && tree.way(id) !== undefined);
        const branches = branchesOf(wanted.flatMap((id) => tree.way(id) ?? []));
        const passed = walk(branches, from);
        expect(new Set(passed.map(({ at }) => at.hub)).size).toBe(passed.length);
        expect(
          passed
            .filter(({ at }) => at.wanted)
            .map(({ at }) => at.hub)
            .sort(),
        ).toEqual([...reached].sort());
        for (const { at, before, hops } of passed) {
          expect(graph.costOf(before, at.hub)).toBeDefined();
          expect(hops).toBeLessThanOrEqual(hopsMax);
          expect(at.wanted || at.beyond.length > 0).toBe(true);
          expect(hops).toBeLessThanOrEqual(tree.way(at.hub)?.hubs.length ?? 0);
        }
        expect([...byNextHop(branches).values()].flat().sort()).toEqual([...reached].sort());
      }),
      { numRuns: 1_000 },
    );
  });
});
