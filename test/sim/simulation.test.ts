import { expect, test } from 'vitest';
import { simulate } from '../../src/engine/sim/simulate.ts';
import { pastSeeds } from './seeds.ts';

test('meshes that once broke a law keep it now', () => {
  const seeds = pastSeeds();
  expect(seeds.length).toBeGreaterThan(0);
  expect(simulate({ seeds, twiceEvery: 1 }).failure?.text).toBeUndefined();
}, 300_000);

test('200 meshes of 3 to 12 nodes keep all laws, and run the same way when run again', () => {
  const report = simulate({ count: 200, seed: 1, twiceEvery: 10 });
  expect(report.failure?.text).toBeUndefined();
  expect(report.runs).toBe(200);
  expect(report.steps).toBeGreaterThan(100_000);
}, 300_000);
