import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NEVER } from '../../src/engine/core/base/instant.ts';
import { SimClock } from '../../src/engine/sim/clock.ts';
import { digest } from '../../src/engine/sim/digest.ts';
import { simPayload } from '../../src/engine/sim/payload.ts';
import { checkScenario, readScenario, writeScenario } from '../../src/engine/sim/replay.ts';
import { run } from '../../src/engine/sim/run.ts';
import type { Scenario, ScenarioEvent } from '../../src/engine/sim/scenario.ts';
import { withoutNode } from '../../src/engine/sim/shrink.ts';
import { makeNode, simulate, simulation } from '../../src/engine/sim/simulate.ts';
import { draw } from '../../src/engine/sim/swarm.ts';
import { Timeline } from '../../src/engine/sim/timeline.ts';
import { type SimulationTopology, scenarioOf } from '../../src/engine/sim/topology.ts';

describe('a timeline', () => {
  test('lets things happen by their instants, and those of one instant in the order of planning', () => {
    const timeline = new Timeline();
    const seen: string[] = [];
    timeline.at(30, () => seen.push(`c ${timeline.now}`));
    timeline.at(10, () => timeline.after(20, () => seen.push(`d ${timeline.now}`)));
    timeline.at(10, () => timeline.at(3, () => seen.push(`b ${timeline.now}`)));
    timeline.at(10, () => seen.push(`a ${timeline.now}`));
    timeline.runUntil(29);
    expect(seen).toEqual(['a 10', 'b 10']);
    timeline.runUntil(40);
    expect(seen).toEqual(['a 10', 'b 10', 'c 30', 'd 30']);
    expect(timeline.now).toBe(40);
  });
});

describe('a clock', () => {
  const faults = fc.record({ driftPpm: fc.integer({ max: 5_000, min: -5_000 }), skewMs: fc.nat(10_000_000) });

  test('never goes back', () => {
    fc.assert(
      fc.property(faults, fc.nat(1_000_000), fc.nat(1_000_000), fc.nat(1_000_000), (fault, born, a, b) => {
        const clock = new SimClock(born, fault);
        const [early, late] = a < b ? [born + a, born + b] : [born + b, born + a];
        expect(clock.local(early)).toBeLessThanOrEqual(clock.local(late));
      }),
    );
  });

  test('says at which instant of the world it first shows a time', () => {
    fc.assert(
      fc.property(faults, fc.nat(1_000_000), fc.integer({ max: 10_000_000, min: 1 }), (fault, born, wait) => {
        const clock = new SimClock(born, fault);
        const at = clock.world(fault.skewMs + wait);
        expect(clock.local(at)).toBeGreaterThanOrEqual(fault.skewMs + wait);
        expect(clock.local(at - 1)).toBeLessThan(fault.skewMs + wait);
      }),
    );
    expect(new SimClock(5, { driftPpm: 1, skewMs: 3 }).world(NEVER)).toBe(NEVER);
  });
});

describe('a digest', () => {
  const value = fc.jsonValue();

  test('does not depend on the order of keys or on fields that are undefined', () => {
    fc.assert(
      fc.property(value, value, (x, y) => {
        expect(digest({ x, y, z: undefined }).hash).toBe(digest({ y, x }).hash);
      }),
    );
  });

  test('differs where the data differs', () => {
    const different = [0, 1, -1, 0.5, 2 ** 40, '', '0', 'a', true, false, null, [], [0], [[0]], {}, { a: 0 }, { a: 1 }];
    const more = [['a', 'b'], ['b', 'a'], { a: { b: 0 } }, { a: 0, b: 0 }, simPayload([1]), simPayload([2]), 1e300];
    const hashes = [...different, ...more].map((one) => digest(one).hash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

const TOPOLOGY: SimulationTopology = {
  calls: [
    { args: [20, 22], atMs: 8_000, fun: 'add', node: 'front' },
    { args: ['x'], atMs: 30_000, fun: 'only-on-gpu', node: 'front', locs: ['gpu'] },
    { args: ['x'], atMs: 9_000, fun: 'nobody', node: 'front' },
  ],
  faults: [
    { atMs: 12_000, forMs: 5_000, kind: 'partition', nodes: ['front'] },
    { atMs: 20_000, kind: 'crash', node: 'spare', silent: true },
  ],
  nodes: [
    { name: 'front' },
    { functions: ['add', { name: 'only-on-gpu', resources: ['gpu'] }], name: 'worker' },
    { functions: ['add'], name: 'spare', resources: ['gpu'] },
  ],
};

describe("a user's topology", () => {
  test('runs, and reports what came of its calls', () => {
    const report = simulate({ topology: TOPOLOGY });
    expect(report.failure?.text).toBeUndefined();
    const came = report.calls.slice(0, 3).map(({ fun, came: how, by }) => [fun, how, by]);
    expect(came[0]?.slice(0, 2)).toEqual(['add', 'result']);
    expect(['worker', 'spare']).toContain(came[0]?.[2]);
    expect(came[1]).toEqual(['nobody', 'error', 'function-unknown']);
    expect(came[2]).toEqual(['only-on-gpu', 'result', 'worker']);
  });

  test('that speaks of a node it has not is refused, and says which', () => {
    const outcome = scenarioOf({ ...TOPOLOGY, seeds: ['front', 'back'] }, 1);
    expect(outcome).toMatchObject({ ok: false, problem: { code: 'node-unknown' } });
    expect(() => simulate({ topology: { nodes: [{ name: 'a' }, { name: 'a' }] } })).toThrow('two nodes are named a');
  });
});

describe('a scenario', () => {
  test('survives being written and read', () => {
    const scenario = draw(42);
    expect(readScenario(writeScenario(scenario))).toEqual({ ok: true, value: JSON.parse(JSON.stringify(scenario)) });
  });

  const broken: [string, (scenario: Scenario) => unknown][] = [
    ['without nodes', (scenario) => ({ ...scenario, nodes: [] })],
    ['with a seed that is no node', (scenario) => ({ ...scenario, seeds: [99] })],
    ['with half a millisecond', (scenario) => ({ ...scenario, faultsMs: 0.5 })],
    ['with a range that ends before it begins', (scenario) => ({ ...scenario, diskMs: [2, 1] })],
    [
      'with an event for a node that is not there',
      (scenario) => withEvent(scenario, { atMs: 1, forMs: 1, kind: 'pause', node: 99 }),
    ],
    ['that is a list', () => []],
  ];
  test.each(broken)('%s is refused', (_, spoil) => {
    const file = JSON.stringify({ format: 'mpreg-scenario-1', scenario: spoil(draw(1)) });
    expect(readScenario(file)).toMatchObject({ ok: false, problem: { code: 'input-invalid' } });
  });

  test('of another format, or none, is refused', () => {
    expect(readScenario('{')).toMatchObject({ ok: false, problem: { code: 'input-invalid' } });
    expect(readScenario('{"format":"other"}')).toMatchObject({ ok: false, problem: { path: 'format' } });
  });

  test('loses a node with all that happens to it, and still makes sense', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const scenario = draw(seed);
      for (let node = 0; node < scenario.nodes.length; node++) {
        const smaller = withoutNode(scenario, node);
        expect(smaller.nodes).toHaveLength(scenario.nodes.length - 1);
        expect(checkScenario(smaller).ok).toBe(true);
      }
    }
  });
});

describe('a run', () => {
  test('is the same for the same seed, and another for another', () => {
    const hashes = [5, 6, 5, 6].map((seed) => run(draw(seed), makeNode).hash);
    expect(hashes[0]).toBe(hashes[2]);
    expect(hashes[1]).toBe(hashes[3]);
    expect(hashes[0]).not.toBe(hashes[1]);
  });

  test('can be watched, one seed at a time', () => {
    const seen: number[] = [];
    const steps = simulation({ count: 3, onProgress: ({ seed }) => seen.push(seed), seed: 8 });
    expect(steps.next().value).toMatchObject({ done: 1, seed: 8, total: 3 });
    expect(seen).toEqual([8]);
  });

  test('draws every kind of fault, and runs without any', () => {
    const kinds = new Set<string>();
    let quiet = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const asked = ['call', 'plan', 'publish', 'subscribe', 'read', 'keep', 'queue'];
      const events = draw(seed).events.filter(({ kind }) => !asked.includes(kind));
      for (const { kind } of events) kinds.add(kind);
      if (events.length === 0) quiet++;
    }
    const all = [
      'crash',
      'pause',
      'slow',
      'partition',
      'cut',
      'break',
      'storm',
      'slow-disk',
      'leave',
      'drain',
      'ambush',
      'full-disk',
    ];
    expect([...kinds].sort()).toEqual([...all, 'add-function', 'remove-function'].sort());
    expect(quiet).toBeGreaterThan(0);
  });
});

function withEvent(scenario: Scenario, event: ScenarioEvent): Scenario {
  return { ...scenario, events: [...scenario.events, event] };
}
