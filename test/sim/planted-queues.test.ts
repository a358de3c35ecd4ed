import { describe, expect, test } from 'vitest';
import { simulate } from '../../src/engine/sim/simulate.ts';
import * as bugs from './planted-queues.ts';

describe('a planted bug is found, in queues of a node that', () => {
  test.each([
    [
      'does not wait for the disk',
      bugs.doesNotWaitForTheDisk,
      /is for good|told to be sent is received|a queue holds|tokens only grow/,
    ],
    ['stores half of a batch', bugs.storesHalfOfABatch, 'a queue holds what it counts'],
    ['counts twice', bugs.countsTwice, 'what a queue was sent is conserved'],
    ['reuses tokens', bugs.reusesTokens, /tokens only grow|only the newest lease/],
    [
      'leases twice',
      bugs.leasesTwice,
      /one lease at a time|is for good|in order|newest lease|only grow|comes twice|nobody else's|after its/,
    ],
    ['takes stale receipts', bugs.takesStaleReceipts, 'only the newest lease acknowledges'],
    ['loads groups from the second message on', bugs.reversesGroups, "a group's messages come in order"],
    ['loses dead letters', bugs.losesDeadLetters, 'a message that is given up becomes a dead letter'],
    ['forgets how long a message may wait', bugs.forgetsTimeToLive, 'nothing comes after its time'],
    ['does not purge', bugs.doesNotPurge, 'nothing comes after a purge'],
    ['mixes its consumers up', bugs.mixesConsumersUp, "what one owes is nobody else's"],
    ['wants one acknowledgement more', bugs.wantsOneMore, 'nothing comes after its quorum'],
    ['takes more than it has room for', bugs.takesTooMany, 'a queue that is full takes no more'],
    ['gives twice what may be lost', bugs.givesTwice, 'what may be lost never comes twice'],
    ['loses what is sent back', bugs.losesWhatIsSentBack, 'what is sent back arrives'],
    ['says what is not so', bugs.saysWhatIsNotSo, 'what a queue says of itself adds up'],
    [
      'forgets what comes back',
      bugs.forgetsWhatComesBack,
      /everything settles once faults stop|told to be sent is received/,
    ],
  ] as const)('%s', (_, make, law) => {
    const { failure } = simulate({ count: 60, make, nodes: [2, 4], seed: 1, shrink: false, twiceEvery: 0 });
    expect(failure?.failure.law ?? 'nothing was found').toMatch(law);
  });
});
