import { describe, expect, test } from 'vitest';
import type { MakeNode } from '../../src/engine/sim/machine.ts';
import { readScenario, writeScenario } from '../../src/engine/sim/replay.ts';
import { run } from '../../src/engine/sim/run.ts';
import { makeNode, simulate } from '../../src/engine/sim/simulate.ts';
import * as bugs from './planted.ts';

/** Looks for the bug as long as the nightly run would, at most. */
function find(make: MakeNode, shrink: boolean, count = 60) {
  const { failure } = simulate({ count, make, seed: 1, shrink, twiceEvery: 0 });
  if (failure === undefined) throw new Error(`not found in ${count} seeds`);
  return failure;
}

describe('a planted bug is found', () => {
  test.each([
    ['forgets its epoch', bugs.forgetsItsEpoch, 'safety', 'a new life has a higher incarnation'],
    [
      'does not wait for the disk',
      bugs.doesNotWaitForTheDisk,
      'safety',
      'a node speaks only once its epoch is durable',
    ],
    ['makes up incarnations', bugs.makesUpIncarnations, 'safety', 'only the member itself makes incarnations'],
    ['runs everything twice', bugs.runsTwice, 'safety', 'what is not idempotent runs at most once'],
    ['answers twice', bugs.answersTwice, 'safety', 'a call has one outcome'],
    ['is deaf to accusations', bugs.isDeafToAccusations, 'liveness', 'everything settles once faults stop'],
    ['loses answers', bugs.losesAnswers(), 'liveness', /everything settles|a call in a settled world ends/],
    ['mixes up values', bugs.mixesUpValues(), 'safety', /a step gets the values|a plan gives what/],
    ['breaks down', bugs.breaksDown, 'crash', 'cannot read properties of undefined'],
  ] as const)('in a node that %s', (_, make, kind, law) => {
    const { failure, problem, text, seed } = find(make, false);
    expect(failure.kind).toBe(kind);
    expect(failure.law).toMatch(law);
    const codes = { crash: 'crashed-simulation', liveness: 'stuck-simulation', safety: 'unsafe-simulation' };
    expect(problem.code).toBe(codes[kind]);
    expect(text).toContain(`mpreg sim replay ${seed}`);
    expect(text).toMatch(law);
  });

  test('in a node that is never the same', () => {
    const { failure } = simulate({ count: 1, make: bugs.isNeverTheSame(), twiceEvery: 1 });
    expect(failure?.failure.law).toBe('the same seed makes the same run');
  });
});

describe('a failure', () => {
  const found = find(bugs.forgetsItsEpoch, true);

  test('is made small: one node that is started twice is enough to forget an epoch', () => {
    expect(found.scenario.events).toHaveLength(1);
    expect(found.scenario.nodes).toHaveLength(1);
  });

  test('is the same again when its seed is run again', () => {
    const again = simulate({ make: bugs.forgetsItsEpoch, seed: found.seed, twiceEvery: 0 }).failure;
    expect(again?.text).toBe(found.text);
  });

  test('is the same again when its scenario was saved and read', () => {
    const scenario = readScenario(writeScenario(found.scenario));
    if (!scenario.ok) throw new Error(scenario.problem.message);
    const again = run(scenario.value, bugs.forgetsItsEpoch);
    expect(again.failure).toEqual(found.failure);
  });

  test('is gone once the bug is', () => {
    expect(run(found.scenario, makeNode).failure).toBeUndefined();
  });
});
