import { expect, test } from 'vitest';
import { getOrMake, removeFrom } from '../../../src/engine/core/base/maps.ts';

test('a value is made once, and then found', () => {
  const map = new Map<string, number[]>();
  getOrMake(map, 'a', () => []).push(3);
  getOrMake(map, 'a', () => []).push(5);
  expect(map.get('a')).toEqual([3, 5]);
});

test('a set that becomes empty leaves the map; others are left alone', () => {
  const map = new Map([
    ['a', new Set([1, 2])],
    ['b', new Set([1])],
  ]);
  removeFrom(map, 'a', 1);
  removeFrom(map, 'b', 1);
  removeFrom(map, 'c', 1);
  expect([...map]).toEqual([['a', new Set([2])]]);
});
