import { expect, test } from 'vitest';
import { getOrMake } from '../../../src/engine/core/base/maps.ts';

test('a value is made once, and then found', () => {
  const map = new Map<string, number[]>();
  getOrMake(map, 'a', () => []).push(3);
  getOrMake(map, 'a', () => []).push(5);
  expect(map.get('a')).toEqual([3, 5]);
});
