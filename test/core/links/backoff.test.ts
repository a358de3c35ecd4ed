import { expect, test } from 'vitest';
import { NEVER } from '../../../src/engine/core/base/instant.ts';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { Backoff } from '../../../src/engine/core/links/backoff.ts';
import { DEFAULT_LINKS } from '../../../src/engine/core/links/options.ts';

const make = (seed = 1) => new Backoff({ ...DEFAULT_LINKS, backoffMaxMs: 1_500, backoffMs: 200 }, new Prng(seed));

test.each([
  [1, 200],
  [2, 400],
  [3, 800],
  [4, 1_500],
  [5, 1_500],
  [60, 1_500],
])('after %i failures an address rests for between half and all of %i ms', (failures, ceiling) => {
  const waits = new Set<number>();
  for (let seed = 0; seed < 200; seed++) {
    const backoff = make(seed);
    for (let i = 0; i < failures; i++) backoff.failed('x', 7_000);
    waits.add(backoff.until('x') - 7_000);
  }
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(ceiling / 2);
  expect(Math.min(...waits)).toBeLessThan(ceiling * 0.6);
  expect(Math.max(...waits)).toBeLessThanOrEqual(ceiling);
  expect(Math.max(...waits)).toBeGreaterThan(ceiling * 0.9);
});

test('a success makes it forget, and one address does not hurt another', () => {
  const backoff = make();
  backoff.failed('x', 50);
  expect(backoff.until('y')).toBe(0);
  backoff.succeeded('x');
  expect(backoff.until('x')).toBe(0);
});

test("the node's own address is never dialled again, though a dial to it succeeds", () => {
  const backoff = make();
  backoff.never('x');
  backoff.succeeded('x');
  expect(backoff.until('x')).toBe(NEVER);
});

test('it remembers 4,096 addresses, and its own for ever', () => {
  const backoff = make();
  backoff.never('self');
  for (let i = 0; i < 5_000; i++) backoff.failed(`x${i}`, 10);
  expect(backoff.until('x903')).toBe(0);
  expect(backoff.until('x904')).toBeGreaterThan(10);
  expect(backoff.until('self')).toBe(NEVER);
});
