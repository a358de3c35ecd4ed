import { describe, expect, test } from 'vitest';
import type { MakeNode } from '../../src/engine/sim/machine.ts';
import { run } from '../../src/engine/sim/run.ts';
import type { Scenario, ScenarioEvent } from '../../src/engine/sim/scenario.ts';
import { makeNode } from '../../src/engine/sim/simulate.ts';
import { hunt } from './hunt.ts';
import * as bugs from './planted-kept.ts';

const SETTLES = 'everything settles once faults stop';

describe('a bug planted in kept topics is found', () => {
  test.each([
    [
      'does not wait for the disk',
      bugs.doesNotWaitForTheDisk,
      /what is said to be kept is in storage|a reader gets what/,
    ],
    ['throws away too much', bugs.throwsAwayTooMuch, 'storage lets go of no more than its limits ask for'],
    ['hands out twice', bugs.handsOutTwice, 'a reader gets each number once, in order'],
    ['hands out something else', bugs.handsOutSomethingElse, 'a reader gets what is in storage'],
    ['hides what has gone', bugs.hidesWhatHasGone, 'a reader is told what it has missed'],
    ['does not say what is read', bugs.doesNotSayWhatIsRead, 'a reader is told what it reads before it gets anything'],
    ['hands out all', bugs.handsOutAll, 'a reader gets only what matches'],
  ] as const)('in a node that %s', (_, make, law) => {
    expect(hunt(make, { law }).law).toMatch(law);
  });

  test.each([
    ['hands out nothing', bugs.handsOutNothing, 'has not got'],
    ['keeps readers that have gone', bugs.keepsReaders, /keepers have \d+ readers/],
  ] as const)('in a node that %s, when the mesh does not settle', (_, make, message) => {
    expect(hunt(make, { law: SETTLES, message }).message).toMatch(message);
  });
});

/** Node 0 keeps, node 1 has a reader with a name, node 2 a publisher. Both former are killed; only then more is published. */
function small(): Scenario {
  const node = (index: number) => ({ driftPpm: 0, functions: [], name: `n${index}`, resources: [], startMs: 0 });
  const crash = (at: number, atMs: number, forMs: number): ScenarioEvent => {
    return { atMs, forMs, kind: 'crash', node: at, silent: false, wiped: false };
  };
  const publish = (atMs: number): ScenarioEvent => {
    const what = { bytes: 0, client: 2, confirm: true, count: 20, everyMs: 3, named: false, topic: 'a.b' };
    return { ...what, atMs, from: 2, kind: 'publish', node: 2 };
  };
  const reader = { durable: 'ann', forMs: null, forgets: true, patterns: ['#'], start: {}, takeMs: 0 } as const;
  return {
    calmMs: 1_000,
    diskMs: [0, 2],
    events: [
      { atMs: 4_000, kind: 'keep', node: 0, pattern: '#' },
      { ...reader, atMs: 5_000, client: 1, from: 1, kind: 'read', node: 1 },
      publish(8_000),
      crash(1, 12_000, 10_000),
      crash(0, 13_000, 1_000),
      publish(19_000),
    ],
    faultsMs: 24_000,
    nodes: [node(0), node(1), node(2)],
    seed: 1,
    seeds: [0],
    settleMs: 30_000,
    weather: { bytesPerMs: 1_000_000, dialMs: 5_000, latencyMs: [1, 1], patienceMs: [20_000, 20_000] },
  };
}

describe('a bug planted in kept topics is found where keeper and reader are killed', () => {
  test.each<readonly [string, MakeNode, string]>([
    ['forgets durable names', bugs.forgetsNames, 'a durable name goes on after what it acknowledged'],
    ['counts anew', bugs.countsAnew, 'a number of a keep stands for one message'],
  ])('in a node that %s', (_, make, law) => {
    expect(run(small(), make).failure).toMatchObject({ kind: 'safety', law });
    expect(run(small(), makeNode).failure).toBeUndefined();
  });
});
