import { describe, expect, test } from 'vitest';
import type { MakeNode } from '../../src/engine/sim/machine.ts';
import { run } from '../../src/engine/sim/run.ts';
import type { Scenario, SubscribeTerms } from '../../src/engine/sim/scenario.ts';
import { makeNode } from '../../src/engine/sim/simulate.ts';
import { hunt } from './hunt.ts';
import * as bugs from './planted-topics.ts';

const SETTLES = 'everything settles once faults stop';

describe('a bug planted in topics is found', () => {
  test.each([
    ['delivers twice', bugs.deliversTwice, /a subscription gets a message once|no more is told than there was/],
    [
      'delivers something else',
      bugs.deliversSomethingElse,
      /what is delivered was published|a subscription gets what is due/,
    ],
    ['mixes up topics', bugs.mixesUpTopics, 'what is delivered is what was published'],
    ['mixes up the members of a group', bugs.mixesUpMembers, 'nothing is delivered without a match'],
    ['swaps messages', bugs.swapsMessages(), /a subscription gets what is due|comes in order/],
    [
      'sends to all members of a group',
      bugs.sendsToAllMembers,
      /one member of a group gets a message|a subscription gets a message once/,
    ],
    ['gives two messages one name', bugs.countsNothing, 'a publisher and a count name one message'],
    ['hides what is missed', bugs.hidesWhatIsMissed, 'a subscription gets what is due, or is told what it missed'],
    ['tells gaps twice', bugs.tellsGapsTwice, 'no more is told than there was'],
    ['drops what it likes', bugs.dropsWhatItLikes, 'who would rather end than miss something misses nothing'],
    ['keeps too much', bugs.keepsTooMuch, 'no more waits for a subscription than it allows'],
    ['never releases who was held', bugs.neverReleases, /nobody is held where nothing waits|settles/],
    ['hides attempts', bugs.hidesAttempts, 'each attempt at a message comes once'],
    ['boasts to publishers', bugs.boasts, 'a publisher is told for how many its message is'],
    ['passes on twice', bugs.passesOnTwice, 'a node gets a message once'],
    ['passes on what was passed on', bugs.travelsInCircles, 'only the node that took a message passes it on'],
    ['speaks for all', bugs.speaksForAll, 'what is effective everywhere is known to all', [3, 12]],
    [
      'delivers to who has gone',
      bugs.deliversToWhoHasGone,
      'a node delivers only to subscriptions that it has',
      [3, 12],
    ],
  ] as const)('in a node that %s', (_, make, law, nodes: readonly [number, number] = [3, 5]) => {
    expect(hunt(make, { law, nodes }).law).toMatch(law);
  });

  test.each([
    ['answers no publisher', bugs.answersNoPublisher, /settles|a fresh message/, 'messages that are not published'],
    ['misses that there is room', bugs.missesThatThereIsRoom, SETTLES, /messages wait on|has not passed on/],
    ['never forgets interest', bugs.neverForgetsInterest, SETTLES, 'interests of topics'],
    ['is deaf to interest', bugs.isDeafToInterest, SETTLES, /interests of topics|does not know that/],
    ['ignores what members say', bugs.ignoresMembers, SETTLES, /owes \d+ messages to groups|messages wait on/],
    ['keeps to itself', bugs.keepsToItself, SETTLES, 'has not passed on'],
    [
      'loses what arrives',
      bugs.losesWhatArrives,
      /settles|a subscription gets what is due/,
      /were delivered|but due was/,
    ],
    ['remembers too much', bugs.remembersTooMuch, SETTLES, 'routes of topics, which 0 would explain'],
    ['loses members', bugs.losesMembers, /settles|a fresh message/, /0 of group \w are done with/],
  ] as const)('in a node that %s, when the mesh does not settle', (_, make, law, message) => {
    expect(hunt(make, { law, message }).message).toMatch(message);
  });
});

/** Two nodes that know each other; one publishes for a while, the other has a subscriber. */
function small(terms: Partial<SubscribeTerms>): Scenario {
  const node = (index: number) => ({ driftPpm: 0, functions: [], name: `n${index}`, resources: [], startMs: 0 });
  return {
    calmMs: 1_000,
    diskMs: [0, 2],
    events: [
      {
        atMs: 5_000,
        client: 1,
        forMs: null,
        from: 0,
        kind: 'subscribe',
        node: 0,
        patterns: ['a.#'],
        takeMs: 0,
        ...terms,
      },
      ...[0, 1].map((at) => ({
        atMs: 8_000,
        bytes: 0,
        client: 2 + at,
        confirm: true,
        count: 20,
        everyMs: 3,
        from: at,
        kind: 'publish' as const,
        named: false,
        node: at,
        topic: 'a.b',
      })),
    ],
    faultsMs: 10_000,
    nodes: [node(0), node(1)],
    seed: 1,
    seeds: [0],
    settleMs: 30_000,
    weather: { bytesPerMs: 1_000_000, dialMs: 5_000, latencyMs: [1, 1], patienceMs: [20_000, 20_000] },
  };
}

describe('a bug planted in topics is found in a small quiet world', () => {
  const group = { group: 'g' };
  const member = { ...group, window: 2 };

  test.each<readonly [string, MakeNode, Partial<SubscribeTerms>, string]>([
    ['delivers twice to a member', bugs.deliversTwice, group, 'a subscription gets a message once'],
    ['delivers something else to a member', bugs.deliversSomethingElse, group, 'what is delivered was published'],
    ['swaps messages', bugs.swapsMessages(), group, 'what one publisher says about one topic comes in order'],
    ['swaps messages', bugs.swapsMessages(), { policy: 'block' }, 'a subscription gets what is due, in order'],
    [
      'takes done for refused',
      bugs.takesDoneForRefused,
      member,
      'without a fault or a refusal a message is not given out again',
    ],
    ['delivers twice', bugs.deliversTwice, {}, 'no more is told than there was'],
    [
      'delivers something else',
      bugs.deliversSomethingElse,
      {},
      'a subscription gets what is due, or is told what it missed',
    ],
  ])('in a node that %s', (_, make, terms, law) => {
    const scenario = small(terms);
    expect(run(scenario, make).failure).toMatchObject({ kind: 'safety', law });
    expect(run(scenario, makeNode).failure).toBeUndefined();
  });
});
