import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inPieces, type PlannedCluster, planLinks, weakPoints } from '../../../src/cli/federation/plan-links.ts';

const clustersOf = (sizes: readonly number[]): PlannedCluster[] =>
  sizes.flatMap((size, r) => Array.from({ length: size }, (_, n) => ({ id: `r${r}-${n}`, region: `r${r}` })));

const written = (clusters: readonly PlannedCluster[]): string[] =>
  planLinks(clusters).map(({ from, tier, to }) => `${from} – ${to} (${tier})`);

/** The longest of the shortest ways, in links; each from one cluster to all others, breadth first. */
function diameter(ids: readonly string[], links: readonly { from: string; to: string }[]): number {
  return Math.max(
    ...ids.map((start) => {
      const far = new Map([[start, 0]]);
      for (const [at, hops] of far) {
        for (const { from, to } of links) {
          const next = from === at ? to : to === at ? from : undefined;
          if (next !== undefined && !far.has(next)) far.set(next, hops + 1);
        }
      }
      return far.size === ids.length ? Math.max(...far.values()) : Number.POSITIVE_INFINITY;
    }),
  );
}

describe('links that nobody has named', () => {
  test('in one region: a star with two centres', () => {
    expect(written(clustersOf([4]))).toEqual([
      'r0-1 – r0-0 (regional)',
      'r0-2 – r0-0 (regional)',
      'r0-2 – r0-1 (regional)',
      'r0-3 – r0-0 (regional)',
      'r0-3 – r0-1 (regional)',
    ]);
  });

  test('between regions: the first centres with the first of all, the second ones with the second', () => {
    expect(written(clustersOf([2, 2, 2])).filter((link) => link.endsWith('(global)'))).toEqual([
      'r0-1 – r1-0 (global)',
      'r1-0 – r0-0 (global)',
      'r1-1 – r0-0 (global)',
      'r2-0 – r0-0 (global)',
      'r2-1 – r1-0 (global)',
    ]);
  });

  test('a tier makes a centre of whoever stands last in the file', () => {
    const clusters: PlannedCluster[] = clustersOf([3, 1]);
    clusters.push({ id: 'main', region: 'r1', tier: 'global' }, { id: 'hub', region: 'r0', tier: 'regional' });
    expect(written(clusters)).toContain('hub – main (global)');
    expect(written(clusters)).toContain('r0-2 – hub (regional)');
  });

  test('one cluster has none, two have one', () => {
    expect(planLinks(clustersOf([1]))).toEqual([]);
    expect(planLinks(clustersOf([2]))).toHaveLength(1);
    expect(planLinks(clustersOf([1, 1]))).toHaveLength(1);
  });

  test('their number grows with the clusters, not with the pairs of them', () => {
    const table = [
      [3, 1],
      [4, 5],
      [4, 50],
      [10, 100],
    ].map(([regions = 0, each = 0]) => {
      const clusters = clustersOf(Array.from({ length: regions }, () => each));
      const n = clusters.length;
      const links = planLinks(clusters);
      return {
        clusters: n,
        fullMesh: (n * (n - 1)) / 2,
        links: links.length,
        perCluster: (links.length / n).toFixed(2),
      };
    });
    expect(table).toEqual([
      { clusters: 3, fullMesh: 3, links: 3, perCluster: '1.00' },
      { clusters: 20, fullMesh: 190, links: 35, perCluster: '1.75' },
      { clusters: 200, fullMesh: 19_900, links: 395, perCluster: '1.98' },
      { clusters: 1000, fullMesh: 499_500, links: 1989, perCluster: '1.99' },
    ]);
  });

  test('join all, also when any one cluster or region is lost; few, short, each once', () => {
    const tier = fc.constantFrom('local', 'regional', 'global', undefined);
    const any = fc.array(fc.record({ region: fc.constantFrom('a', 'b', 'c', 'd', 'e'), tier }), {
      maxLength: 24,
      minLength: 1,
    });
    fc.assert(
      fc.property(any, (given) => {
        const clusters = given.map((one, n) => ({ ...one, id: `c${n}` }));
        const ids = clusters.map(({ id }) => id);
        const links = planLinks(clusters);
        const regions = new Set(given.map(({ region }) => region));
        expect(inPieces(ids, links)).toHaveLength(1);
        expect(weakPoints(ids, links)).toEqual([]);
        for (const lost of regions) {
          const left = clusters.filter(({ region }) => region !== lost).map(({ id }) => id);
          const between = links.filter(({ from, to }) => left.includes(from) && left.includes(to));
          expect(inPieces(left, between).length).toBeLessThanOrEqual(1);
        }
        expect(links.length).toBeLessThan(2 * ids.length + 2 * regions.size);
        expect(diameter(ids, links)).toBeLessThanOrEqual(4);
        expect(new Set(links.map(({ from, to }) => [from, to].sort().join())).size).toBe(links.length);
      }),
    );
  });
});

test('a chain has weak points, a ring has none', () => {
  const chain = [
    { from: 'a', to: 'b' },
    { from: 'b', to: 'c' },
    { from: 'c', to: 'd' },
  ];
  expect(weakPoints(['a', 'b', 'c', 'd'], chain)).toEqual(['b', 'c']);
  expect(weakPoints(['a', 'b', 'c', 'd'], [...chain, { from: 'd', to: 'a' }])).toEqual([]);
  expect(inPieces(['a', 'b', 'c', 'd'], chain, 'c')).toEqual([['a', 'b'], ['d']]);
});
