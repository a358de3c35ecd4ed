import { afterEach, describe, expect, test, vi } from 'vitest';
import { RecentIds } from '../../src/engine/core/base/recent-ids.ts';
import { AlertBook } from '../../src/engine/core/federation/alert-book.ts';
import { Alerts } from '../../src/engine/core/federation/alerts.ts';
import { FarTopics } from '../../src/engine/core/federation/far-topics.ts';
import { Federation } from '../../src/engine/core/federation/federation.ts';
import { FederationDoor } from '../../src/engine/core/node/federation-door.ts';
import { AbroadFlow } from '../../src/engine/flow/abroad-flow.ts';
import { drawFederation } from '../../src/engine/sim/draw-federation.ts';
import type { MakeNode } from '../../src/engine/sim/machine.ts';
import { run } from '../../src/engine/sim/run.ts';
import type { Scenario, ScenarioEvent } from '../../src/engine/sim/scenario.ts';
import { makeNode, simulate } from '../../src/engine/sim/simulate.ts';
import * as bugs from './planted-federation.ts';

/** The law that finds it, with the first of the seeds. */
function find(make: MakeNode = makeNode): string {
  const { failure } = simulate({ count: 150, federated: true, make, seed: 1, shrink: false, twiceEvery: 0 });
  return failure === undefined ? 'nothing is found' : `${failure.failure.law}: ${failure.failure.message}`;
}

describe('a bug planted between clusters is found', () => {
  afterEach(() => vi.restoreAllMocks());

  test.each([
    [
      'that runs far commands of queues twice',
      bugs.runsTwice,
      'a far command that is not idempotent is carried out once',
    ],
    ['that hides refusals of a queue', bugs.hidesRefusals, 'what a far user is told is what a queue has answered'],
    [
      'that denies what a queue has done',
      bugs.deniesWhatHappened,
      'what a far user is told not to have happened did not',
    ],
  ] as const)(
    'in a node %s',
    (_, make, law) => {
      expect(find(make)).toContain(law);
    },
    600_000,
  );

  test('where a hub looks at its exports no more once a call is there', () => {
    vi.spyOn(FederationDoor.prototype, 'exports').mockReturnValue(true);
    expect(find()).toContain('what is not exported is not used by others');
  });

  test('where a hub that runs hears nothing of new imports', () => {
    const { configure } = Federation.prototype;
    vi.spyOn(Federation.prototype, 'configure').mockImplementation(function (this: Federation<never>, config, now) {
      const { imports: _, ...rest } = config;
      configure.call(this, rest, now);
    });
    expect(find()).toMatch(/what is not imported is not (used|heard) of others/);
  });

  test('where a hub that runs hears nothing of new exports of topics', () => {
    const { configure } = Federation.prototype;
    vi.spyOn(Federation.prototype, 'configure').mockImplementation(function (this: Federation<never>, config, now) {
      const { exports: _, ...rest } = config;
      configure.call(this, rest, now);
    });
    expect(find()).toContain('what is not exported is not heard by others');
  }, 600_000);

  test('where a cluster takes every message of a topic that comes', () => {
    vi.spyOn(FarTopics.prototype, 'admits').mockReturnValue(true);
    expect(find()).toContain('what is not imported is not heard of others');
  });

  test('where a hub does not hear what others of its cluster have told of alerts', () => {
    vi.spyOn(Alerts.prototype, 'hear').mockImplementation(() => {});
    expect(find()).toContain('nobody looks at that any more');
  }, 600_000);

  test('where a hub reads nothing in the book of what was told', () => {
    vi.spyOn(AlertBook.prototype, 'toldOf').mockReturnValue(new Map());
    expect(find()).toContain('an alert is told once');
  }, 600_000);

  test('where a message from abroad is given to a group twice', () => {
    const { take } = AbroadFlow.prototype;
    vi.spyOn(RecentIds.prototype, 'add').mockReturnValue(true);
    vi.spyOn(AbroadFlow.prototype, 'take').mockImplementation(function (this: AbroadFlow, message) {
      take.call(this, message);
      take.call(this, { ...message, to: message.to.slice(0, 1) });
    });
    const one = 'one member of a group gets a message';
    expect(lawsOf(groupsOnly, one)).toContain(one);
  }, 600_000);
});

/** The same among federations whose subscribers are all in one group, each with a second one beside it. */
function groupsOnly(seed: number): Scenario {
  const scenario = drawFederation(seed);
  const events = scenario.events.flatMap((event): ScenarioEvent[] => {
    if (event.kind !== 'subscribe') return [event];
    const { refuses: _, window: __, ...plain } = event;
    const member = { ...plain, forMs: null, group: 'g', takeMs: 0 };
    return [member, { ...member, client: member.client + 100 }];
  });
  return { ...scenario, events };
}

/** The laws that find it, until one is the wanted one. */
function lawsOf(draw: (seed: number) => Scenario, wanted: string): readonly string[] {
  const laws: string[] = [];
  for (let seed = 1; seed <= 60 && !laws.includes(wanted); seed++) {
    const { failure } = run(draw(seed), makeNode);
    if (failure !== undefined) laws.push(failure.law);
  }
  return laws;
}
