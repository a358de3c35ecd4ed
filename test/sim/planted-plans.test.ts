import { describe, expect, test } from 'vitest';
import { functionRecord } from '../../src/engine/sim/faults.ts';
import type { PlanEvent, Scenario, ScenarioNode, StepTerms } from '../../src/engine/sim/scenario.ts';
import { withoutSteps } from '../../src/engine/sim/shrink-plans.ts';
import { makeNode, simulate } from '../../src/engine/sim/simulate.ts';
import { mixesUpValues } from './planted.ts';
import * as bugs from './planted-plans.ts';

const ASKED = { atMs: 10_000, kind: 'plan', node: 0, timeoutMs: 0 } as const;
const FUNCTIONS = ['bulk', 'count', 'echo', 'fail', 'flaky', 'pack', 'sleep', 'stream'].map((name) =>
  functionRecord(name),
);

describe('a bug planted in plans is found by chance', () => {
  test.each([
    ['takes every failure for the end', bugs.givesUpAtOnce, /what does not depend|a step is skipped because of/],
    ['ignores versions', bugs.ignoresVersions, 'a call runs a version that it asked for'],
    ['returns too much', bugs.returnsTooMuch, 'a plan gives the results that were asked for'],
    ['forgets a step', bugs.forgetsAStep, 'a reply accounts for every step exactly once'],
    ['counts a step twice', bugs.countsAStepTwice, 'a reply accounts for every step exactly once'],
    ['loses a result', bugs.losesAResult, 'a plan gives the results that were asked for'],
    ['hides what went wrong', bugs.hidesWhatWentWrong, 'a reply says what went wrong'],
    ['calls skipped steps done', bugs.callsSkippedDone, 'a step that is done was run by the node that it names'],
    ['calls done steps skipped', bugs.callsDoneSkipped, 'what is said not to have happened did not run'],
    ['denies failures', bugs.deniesFailures, 'what is said not to have happened did not run'],
    ['blames the wrong step', bugs.blamesTheWrongStep, 'a step is skipped because of a step that failed'],
    ['loses the ends of functions', bugs.losesEnds(), 'everything settles once faults stop'],
    ['keeps values for ever', bugs.keepsValues, 'everything settles once faults stop'],
    ['hands chains on twice', bugs.handsOnTwice, /at most once|a call has one outcome/],
    ['forgets to let values go', bugs.forgetsToDrop, 'everything settles once faults stop'],
  ] as const)('in a node that %s', (_, make, law) => {
    const { failure } = simulate({ count: 100, make, seed: 1, shrink: false, twiceEvery: 0 });
    expect(failure?.failure.law).toMatch(law);
    expect(failure?.text).toContain(`mpreg sim replay ${failure?.seed}`);
  });
});

describe('a bug planted in plans is found in a small quiet world', () => {
  test.each([
    [
      'misses references',
      bugs.missesReferences,
      { steps: [step('sleep', [50, 'x']), step('echo', ['s0'])] },
      'a step runs only once all that it refers to is done',
    ],
    [
      'prefers old versions',
      bugs.prefersOldVersions,
      { atMs: 20_000, steps: [step('which', [])] },
      'the highest version that fits is run',
    ],
    [
      'forgets paths',
      bugs.forgetsPaths,
      { steps: [step('pack', ['x']), step('echo', ['s0.nowhere'])] },
      'a step with a reference that leads nowhere does not run',
    ],
    [
      'mixes up values on their way',
      mixesUpValues(),
      { steps: [step('echo', ['x']), step('echo', ['s0'])] },
      'a step gets the values that it refers to',
    ],
    ['mixes up results', mixesUpValues(), { steps: [step('echo', ['x'])] }, 'a plan gives what its steps give'],
    [
      'takes every failure for the end',
      bugs.givesUpAtOnce,
      { onError: 'continue', steps: [step('fail', []), step('sleep', [50, 'x'])] },
      'what does not depend on a failed step is run',
    ],
    [
      'keeps reasons to itself',
      bugs.keepsReasonsToItself,
      { steps: [step('fail', [])] },
      'a step that failed says why',
    ],
    [
      'names the wrong function',
      bugs.namesTheWrongFunction,
      { steps: [step('echo', ['x'])] },
      'an outcome is about its step',
    ],
    [
      'never tries again',
      bugs.neverRetries,
      { steps: [step('flaky', [1, 'x'], { retries: 2 })] },
      'a step that may be tried again is',
    ],
    [
      'allows more time',
      bugs.isGenerous,
      { steps: [step('sleep', [8_000, 'x'])], timeoutMs: 500 },
      'a plan with a time limit is answered in time',
    ],
    [
      'takes failed steps for undone ones',
      bugs.takesFailedForUndone,
      { steps: [step('fail', [], { idempotent: false, retries: 2 })] },
      'what is not idempotent runs at most once',
    ],
    [
      'does not listen',
      bugs.doesNotListen,
      { cancelMs: 100, node: 1, steps: [step('sleep', [300, 'x']), step('echo', ['s0'])] },
      'a plan that is over starts nothing on its coordinator',
    ],
    [
      'starts what it was told to stop',
      bugs.startsWhatItStopped(),
      { cancelMs: 100, steps: [step('sleep', [3_000, 'x'])] },
      'who was told to stop a step starts neither it nor what builds upon it',
    ],
    [
      'hands chains on twice',
      bugs.handsOnTwice,
      { steps: [step('echo', ['x'], { idempotent: false }), step('echo', ['s0'], { idempotent: false })] },
      'what is not idempotent runs at most once',
    ],
    [
      'never says that it has a chain',
      bugs.neverReports,
      { steps: [step('sleep', [8_000, 'x']), step('echo', ['s0'])] },
      'without a fault no step is lost',
    ],
    [
      'forgets to let values go',
      bugs.forgetsToDrop,
      { steps: [step('bulk', [70_000, 'x']), step('count', ['s0']), step('count', ['s0'])] },
      'everything settles once faults stop',
    ],
    [
      'loses sight of chains',
      bugs.losesSightOfChains,
      {
        cancelMs: 60,
        node: 0,
        steps: [step('echo', ['x']), step('sleep', [4_000, 's0']), step('echo', ['s1'])],
      },
      'a plan that is over starts nothing anywhere',
    ],
    [
      'starts old work',
      bugs.startsOldWork(),
      { steps: [step('sleep', [50, 'x']), step('echo', ['s0'])] },
      'a plan that is over starts nothing anywhere',
    ],
  ] as const)('in a node that %s', (_, make, plan, law) => {
    const scenario = quietWorld(plan);
    expect(simulate({ make, scenario, shrink: false }).failure?.failure.law).toBe(law);
    expect(simulate({ make: makeNode, scenario }).failure?.text).toBeUndefined();
  });
});

describe('a bug planted in how values are lost is found where the node that held one starts again', () => {
  const again = { atMs: 11_000, forMs: 200, kind: 'crash', node: 1, silent: false, wiped: false } as const;
  const steps = [
    step('bulk', [70_000, 'x'], { idempotent: false }),
    step('sleep', [8_000, 'y']),
    step('only-there', ['s0', 's1']),
    step('count', ['s0']),
  ];
  test.each([
    [
      'takes a step for done whose input is gone',
      bugs.takesLostForDone,
      'a step that is done was run by the node that it names',
    ],
    ['takes nothing for a value that is gone', bugs.takesLostForNothing, 'a step gets the values that it refers to'],
  ] as const)('in a node that %s', (_, make, law) => {
    const quiet = quietWorld({ steps });
    const [front, worker, newer] = quiet.nodes as [ScenarioNode, ScenarioNode, ScenarioNode];
    const there = { ...newer, functions: [...newer.functions, functionRecord('only-there')] };
    const scenario = { ...quiet, events: [...quiet.events, again], nodes: [front, worker, there] };
    expect(simulate({ make, scenario, shrink: false }).failure?.failure.law).toBe(law);
    expect(simulate({ make: makeNode, scenario }).failure?.text).toBeUndefined();
  });
});

describe('a bug planted in streams is found', () => {
  const event = {
    ...ASKED,
    args: [5, 'x'],
    fun: 'stream',
    idempotent: false,
    kind: 'call',
    locs: [],
    paced: true,
  } as const;
  test.each([
    ['stutters', bugs.stutters, "a stream's items come in order, once each"],
    ['swallows items', bugs.swallowsItems, 'a stream that ends well is whole'],
    ['does not hear of items that were taken', bugs.overhearsTaking, 'everything settles once faults stop'],
    ['speaks after the end', bugs.speaksAfterTheEnd(), 'no item comes after the outcome'],
  ] as const)('in a node that %s', (_, make, law) => {
    const scenario = { ...quietWorld({ steps: [] }), events: [event] };
    expect(simulate({ make, scenario, shrink: false }).failure?.failure.law).toBe(law);
    expect(simulate({ make: makeNode, scenario }).failure?.text).toBeUndefined();
  });
});

describe('a failing plan', () => {
  test('is still in the trace when it is found long after', () => {
    const scenario = quietWorld({ steps: [step('echo', ['x'])] });
    const { failure } = simulate({ make: bugs.keepsAnswers, scenario, shrink: false });
    expect(failure?.failure.kind).toBe('liveness');
    expect(failure?.text).toMatch(
      /← message .*kind":"plan"[\s\S]*only what is about calls, up to here[\s\S]*kind":"ping"/,
    );
  });

  test('is made small: one step that nobody is told of is enough', () => {
    const make = bugs.forgetsAStep;
    const steps = [step('echo', ['x']), ...Array.from({ length: 12 }, (_, i) => step('pack', [`s${i}`, 's0']))];
    const { failure } = simulate({ make, scenario: quietWorld({ return: 'all', steps, timeoutMs: 9_000 }) });
    const plan = failure?.scenario.events[0];
    expect(plan).toMatchObject({ kind: 'plan', timeoutMs: 0 });
    expect(plan?.kind === 'plan' ? plan.steps.map(({ name }) => name) : []).toEqual(['s0']);
    expect(failure?.text).toContain('a reply accounts for every step exactly once');
  });

  test('loses a step together with all that needs it, wherever these stand', () => {
    const plan: PlanEvent = {
      ...ASKED,
      return: ['s1', 's3'],
      steps: [step('echo', ['s2.items.0']), step('echo', ['x']), step('pack', ['y']), step('pack', [{ $ref: 's0' }])],
    };
    const smaller = withoutSteps(plan, 2, 1);
    expect(smaller).toMatchObject({ return: ['s1'], steps: [{ name: 's1' }] });
    expect(withoutSteps(plan, 0, 4)).toBeUndefined();
  });
});

function step(fun: string, args: readonly unknown[], more: Partial<StepTerms> = {}): StepTerms {
  return { args, fun, idempotent: true, locs: [], ...more };
}

/** A node that has no functions, asked for a plan, one that has them all, one with a newer version of two; watched for a minute after. */
function quietWorld(plan: Partial<PlanEvent> & Pick<PlanEvent, 'steps'>): Scenario {
  const node = { driftPpm: 0, resources: [], startMs: 0 };
  return {
    calmMs: 60_000,
    diskMs: [0, 5],
    events: [{ ...ASKED, ...plan }],
    faultsMs: 25_000,
    nodes: [
      { ...node, functions: [], name: 'front' },
      { ...node, functions: [...FUNCTIONS, functionRecord('which', '1.2.0')], name: 'worker' },
      { ...node, functions: [functionRecord('which', '2.0.0'), functionRecord('sleep', '2.0.0')], name: 'newer' },
    ],
    seed: 1,
    seeds: [],
    settleMs: 90_000,
    weather: { bytesPerMs: 100_000, dialMs: 5_000, latencyMs: [1, 5], patienceMs: [20_000, 60_000] },
  };
}
