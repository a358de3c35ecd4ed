import { expect, test } from 'vitest';
import { BoundQueues } from '../../src/engine/flow/bound-queues.ts';

/** A keep's queues, with a clock that somebody moves on. */
class Keep {
  readonly later: (() => void)[] = [];
  readonly answers: string[] = [];
  readonly queues: BoundQueues;

  constructor(names: Readonly<Record<string, number>> = {}) {
    const later = (_: number, then: () => void) => void this.later.push(then);
    this.queues = new BoundQueues(new Map(Object.entries(names)), { later, told: () => undefined });
  }

  hold(sequence: number, topic: string): void {
    this.queues.hold(sequence, topic, (behind) => this.answers.push(`${sequence}: ${behind}`));
  }

  tick(): void {
    for (const then of this.later.splice(0)) then();
  }

  taken(): string[] {
    return this.answers.splice(0);
  }
}

const JOBS = 'queue:jobs:order.#';
const MAILS = 'queue:mails:order.*.mail';

test('a message is answered once every queue that wants it has stored it, and at once where none does', () => {
  const keep = new Keep();
  keep.queues.opened(JOBS, 1, 0);
  keep.queues.opened(MAILS, 2, 0);
  keep.queues.opened('queue:not a queue', 3, 0);
  keep.queues.opened('somebody', 4, 0);
  keep.hold(1, 'stock');
  keep.hold(2, 'order.eu');
  keep.hold(3, 'order.eu.mail');
  expect(keep.taken()).toEqual(['1: 0']);
  expect(keep.queues.acknowledged(JOBS, 3)).toBe(true);
  expect(keep.taken()).toEqual(['2: 0']);
  keep.queues.acknowledged(MAILS, 3);
  expect(keep.taken()).toEqual(['3: 0']);
  expect(keep.queues.acknowledged(MAILS, 3)).toBe(false);
});

test('a queue that is away is not waited for, and its publishers are told', () => {
  const keep = new Keep({ [JOBS]: 4 });
  keep.hold(5, 'order.eu');
  expect(keep.taken()).toEqual(['5: 1']);
  keep.queues.opened(JOBS, 1, 4);
  keep.hold(6, 'order.eu');
  expect(keep.taken()).toEqual(['6: 1']); // it has not caught up
  keep.queues.acknowledged(JOBS, 6);
  keep.hold(7, 'order.eu');
  expect(keep.taken()).toEqual([]);
  expect(keep.queues.closed(JOBS, 9)).toBe(false);
  expect(keep.queues.closed(JOBS, 1)).toBe(true);
  expect(keep.taken()).toEqual(['7: 1']);
});

test('a queue that takes too long is waited for again once it has caught up', () => {
  const keep = new Keep();
  keep.queues.opened(JOBS, 1, 0);
  keep.hold(1, 'order.eu');
  keep.tick();
  expect(keep.taken()).toEqual([]);
  keep.hold(2, 'order.eu');
  keep.tick();
  expect(keep.taken()).toEqual(['1: 1']);
  keep.hold(3, 'order.eu');
  expect(keep.taken()).toEqual(['3: 1']);
  keep.tick();
  expect(keep.taken()).toEqual(['2: 1']);
  expect(keep.later).toEqual([]);
  keep.queues.acknowledged(JOBS, 3);
  keep.hold(4, 'order.eu');
  expect(keep.taken()).toEqual([]);
  keep.queues.acknowledged(JOBS, 4);
  expect(keep.taken()).toEqual(['4: 0']);
});

test('a queue that is bound no more is waited for no more', () => {
  const keep = new Keep();
  keep.queues.opened(JOBS, 1, 0);
  keep.hold(1, 'order.eu');
  expect(keep.queues.forgotten(JOBS)).toBe(true);
  keep.hold(2, 'order.eu');
  expect(keep.taken()).toEqual(['1: 0', '2: 0']);
  keep.queues.opened(JOBS, 2, 0);
  keep.hold(3, 'order.eu');
  keep.queues.end();
  expect(keep.taken()).toEqual(['3: 1']);
});
