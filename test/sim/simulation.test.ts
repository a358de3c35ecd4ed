import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Checker } from '../../src/engine/sim/checkers/checker.ts';
import { readScenario } from '../../src/engine/sim/replay.ts';
import type { Scenario, ScenarioNode } from '../../src/engine/sim/scenario.ts';
import { makeNode, simulate } from '../../src/engine/sim/simulate.ts';
import { World } from '../../src/engine/sim/world.ts';
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

test('a call may take longer than an idle link lives, where not everybody is linked to everybody', () => {
  const report = simulate({
    topology: {
      calls: Array.from({ length: 20 }, (_, i) => ({
        args: [25_000 + i, i],
        atMs: 20_000,
        fun: 'sleep',
        node: `n${i}`,
      })),
      durationMs: 50_000,
      nodes: Array.from({ length: 40 }, (_, i) => ({ functions: i === 30 ? ['sleep'] : [], name: `n${i}` })),
    },
  });
  expect(report.failure?.text).toBeUndefined();
  expect(report.calls.slice(0, 20).map(({ came, by }) => `${came} ${by}`)).toEqual(Array(20).fill('result n30'));
});

test('an idle link is closed and stays closed: a node of many keeps few links', () => {
  const world = new World({ ...QUIET, nodes: Array.from({ length: 60 }, (_, i) => node(i)) }, makeNode, new Checker());
  world.timeline.runUntil(60_000);
  const links = world.living.map((process) => process.snapshot().links.peers);
  expect(Math.max(...links)).toBeLessThan(59);
  expect(links.reduce((sum, count) => sum + count, 0) / links.length).toBeLessThan(40);
});

const QUIET: Omit<Scenario, 'nodes'> = {
  calmMs: 0,
  diskMs: [0, 5],
  events: [],
  faultsMs: 0,
  seed: 1,
  seeds: [0, 1],
  settleMs: 0,
  weather: { bytesPerMs: 100_000, dialMs: 5_000, latencyMs: [1, 5], patienceMs: [20_000, 60_000] },
};

function node(index: number): ScenarioNode {
  return { driftPpm: 0, functions: [], name: `n${index}`, resources: [], startMs: index * 10 };
}
