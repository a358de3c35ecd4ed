import { expect, test } from 'vitest';
import type { PlanReply } from '../../src/engine/core/calls/messages.ts';
import { Checker } from '../../src/engine/sim/checkers/checker.ts';
import { Faults, functionRecord } from '../../src/engine/sim/faults.ts';
import type { Moment, Scenario, ScenarioEvent } from '../../src/engine/sim/scenario.ts';
import { makeNode, simulate } from '../../src/engine/sim/simulate.ts';
import { World } from '../../src/engine/sim/world.ts';

/** The first of two workers dies at that moment, while it has a step of a plan. */
function dyingAt(moment: Moment, carriedOut: boolean, idempotent: boolean): Scenario {
  const node = { driftPpm: 0, resources: [], startMs: 0 };
  const ambush = { atMs: 9_000, carriedOut, forMs: 20_000, kind: 'ambush', moment, node: 1, silent: false } as const;
  const step = { args: ['x'], fun: 'echo', idempotent, locs: [], version: '>=1.0.0' };
  const plan: ScenarioEvent = { atMs: 10_000, kind: 'plan', node: 0, steps: [step], timeoutMs: 0 };
  return {
    calmMs: 1_000,
    diskMs: [0, 1],
    events: [ambush, plan],
    faultsMs: 20_000,
    nodes: [
      { ...node, functions: [], name: 'front' },
      { ...node, functions: [functionRecord('echo', '2.0.0')], name: 'first' },
      { ...node, functions: [functionRecord('echo', '1.0.0')], name: 'second' },
    ],
    seed: 1,
    seeds: [],
    settleMs: 60_000,
    weather: { bytesPerMs: 100_000, dialMs: 5_000, latencyMs: [1, 1], patienceMs: [20_000, 20_000] },
  };
}

function stepIn(scenario: Scenario): PlanReply['steps'][number] | undefined {
  const world = new World(scenario, makeNode, new Checker());
  new Faults(world);
  world.timeline.runUntil(scenario.faultsMs);
  const answer = world.asks[0]?.answers[0];
  const reply = answer?.kind === 'result' ? answer.payload.value() : undefined;
  return reply?.ok ? (reply.value as PlanReply).steps[0] : undefined;
}

test.each([
  ['begins to run', 'run', false],
  ['has begun to run', 'run', true],
  ['hears that its function ended', 'ran', false],
  ['would answer', 'answer', false],
] as const)(
  'a step whose node dies when it %s is done by another where that is allowed, and else failed',
  (_, moment, carriedOut) => {
    expect(stepIn(dyingAt(moment, carriedOut, true))).toMatchObject({ node: 'second', state: 'done' });
    const failed = stepIn(dyingAt(moment, carriedOut, false));
    expect(failed).toMatchObject({ problem: { code: 'link-lost' }, state: 'failed' });
    for (const idempotent of [true, false]) {
      expect(simulate({ scenario: dyingAt(moment, carriedOut, idempotent) }).failure?.text).toBeUndefined();
    }
  },
);

test('a step whose node dies after its answer has left is done', () => {
  expect(stepIn(dyingAt('answer', true, false))).toMatchObject({ node: 'first', state: 'done' });
});
