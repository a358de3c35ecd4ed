import { describe, expect, test } from 'vitest';
import { RouteCache } from '../../../src/engine/core/topics/route-cache.ts';

describe('the cache of routes', () => {
  test('keeps what is used, and forgets what is not, within its bound', () => {
    const cache = new RouteCache<number>(8);
    cache.set('used', 1);
    cache.set('unused', 2);
    for (let i = 0; i < 100; i++) {
      cache.set(`t${i}`, i);
      expect(cache.get('used')).toBe(1);
      expect(cache.size).toBeLessThanOrEqual(8);
    }
    expect([cache.get('unused'), cache.get('t99'), cache.get('t0')]).toEqual([undefined, 99, undefined]);
  });

  test('takes a new value for an old topic', () => {
    const cache = new RouteCache<number>(4);
    cache.set('a', 1);
    cache.turn();
    cache.set('a', 2);
    cache.turn();
    expect(cache.get('a')).toBe(2);
  });

  test('is empty after two turns in which nothing was used', () => {
    const cache = new RouteCache<number>(4);
    cache.set('a', 1);
    cache.turn();
    expect(cache.size).toBe(1);
    cache.turn();
    expect(cache.size).toBe(0);
  });

  test('of no size keeps nothing', () => {
    const cache = new RouteCache<number>(0);
    cache.set('a', 1);
    expect([cache.get('a'), cache.size]).toEqual([undefined, 0]);
  });
});
