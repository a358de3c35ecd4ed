import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { DEFAULT_LINKS } from '../../../src/engine/core/links/options.ts';
import { standingCount, standingPeers } from '../../../src/engine/core/links/standing.ts';

const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

function idsOf(count: number, seed: number): string[] {
  const prng = new Prng(seed);
  return Array.from({ length: count }, () => Array.from({ length: 26 }, () => LETTERS[prng.below(32)]).join(''));
}

function choices(ids: readonly string[], self: string): string[] {
  const others = new Map(ids.filter((id) => id !== self).map((id) => [id, `ws://${id}`]));
  return [...standingPeers(self, others, DEFAULT_LINKS).keys()];
}

/** Links per node, and how many nodes can be reached from the first over links that either end has chosen. */
function meshOf(ids: readonly string[]) {
  const links = new Map(ids.map((id) => [id, new Set<string>()]));
  for (const id of ids) {
    for (const other of choices(ids, id)) {
      links.get(id)?.add(other);
      links.get(other)?.add(id);
    }
  }
  const reached = new Set([ids[0] ?? '']);
  for (const id of reached) for (const other of links.get(id) ?? []) reached.add(other);
  return { degrees: [...links.values()].map(({ size }) => size), reached: reached.size };
}

describe('the peers that a node keeps links to', () => {
  test.each([
    [1, 0],
    [2, 1],
    [3, 2],
    [25, 24],
    [26, 8],
    [100, 10],
    [1_000, 15],
  ])('in a cluster of %i are %i of its own choice', (size, count) => {
    expect(standingCount(size, DEFAULT_LINKS)).toBe(count);
    const ids = idsOf(size, 5);
    expect(choices(ids, ids[0] ?? '')).toHaveLength(count);
  });

  test('grow with the logarithm of the cluster, for every size from 2 to 1,000', () => {
    for (let size = 2; size <= 1_000; size++) {
      const count = standingCount(size, DEFAULT_LINKS);
      if (size <= 25) expect(count).toBe(size - 1);
      else expect(count).toBe(Math.ceil(1.5 * Math.log2(size)));
    }
  });

  test.each([2, 5, 25, 26, 50, 200, 1_000])('make one mesh of %i nodes, in which no node has very many', (size) => {
    for (let seed = 0; seed < (size > 100 ? 2 : 20); seed++) {
      const { degrees, reached } = meshOf(idsOf(size, seed));
      expect(reached).toBe(size);
      expect(Math.max(...degrees)).toBeLessThanOrEqual(Math.max(24, 5 * Math.log2(size)));
    }
  });

  test('stay the same when another comes or goes, but for one', () => {
    const ids = idsOf(200, 9);
    const self = ids[0] ?? '';
    const before = choices(ids, self);
    let changed = 0;
    for (const gone of ids.slice(1)) {
      const lost = before.filter(
        (id) =>
          !choices(
            ids.filter((id) => id !== gone),
            self,
          ).includes(id),
      );
      expect(lost.length).toBeLessThanOrEqual(1);
      changed += lost.length;
    }
    expect(changed).toBe(before.length);
  });

  test('are the same in whatever order the others are known', () => {
    const ids = idsOf(60, 2);
    expect(choices([...ids].reverse(), ids[7] ?? '')).toEqual(choices(ids, ids[7] ?? ''));
  });
});
