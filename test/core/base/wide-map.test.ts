import { expect, test } from 'vitest';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { WideMap } from '../../../src/engine/core/base/wide-map.ts';

test('A wide map holds what a map holds, with an even hash or a poor one', () => {
  for (const hash of [(key: number) => key, (key: number) => key % 3]) {
    const prng = new Prng(3);
    const wide = new WideMap<number, number>(hash, [[1, 7]]);
    const map = new Map([[1, 7]]);
    for (let i = 0; i < 60_000; i++) {
      const key = prng.below(40_000);
      if (prng.chance(0.2)) expect(wide.delete(key)).toBe(map.delete(key));
      else map.set(key, i) && wide.set(key, i);
    }
    expect(map.size).toBeGreaterThan(20_000);
    expect(wide.size).toBe(map.size);
    expect([...wide.values()].sort((a, b) => a - b)).toEqual([...map.values()].sort((a, b) => a - b));
    for (let key = 0; key < 40_000; key++) if (wide.get(key) !== map.get(key)) expect(key).toBe('the same');
    for (const key of map.keys()) wide.delete(key);
    expect([wide.size, [...wide.values()], wide.delete(1), wide.get(1)]).toEqual([0, [], false, undefined]);
  }
});
