import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readScenario } from '../../src/engine/sim/replay.ts';
import { simulate } from '../../src/engine/sim/simulate.ts';
import { pastSeeds } from './seeds.ts';

test('meshes that once broke a law keep it now', () => {
  const seeds = pastSeeds();
  expect(seeds.length).toBeGreaterThan(0);
  expect(simulate({ seeds, twiceEvery: 1 }).failure?.text).toBeUndefined();
}, 300_000);

const STORIES = new URL('stories/', import.meta.url);

test.each(readdirSync(STORIES))('%s is a story of the past', (file) => {
  const scenario = readScenario(readFileSync(new URL(file, STORIES), 'utf8'));
  if (!scenario.ok) throw new Error(scenario.problem.message);
  expect(simulate({ scenario: scenario.value }).failure?.text).toBeUndefined();
});

test('200 meshes of 3 to 12 nodes keep all laws, and run the same way when run again', () => {
  const report = simulate({ count: 200, seed: 1, twiceEvery: 10 });
  expect(report.failure?.text).toBeUndefined();
  expect(report.runs).toBe(200);
  expect(report.steps).toBeGreaterThan(100_000);
}, 300_000);
