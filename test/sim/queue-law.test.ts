/** The laws of queues, over a queue of which nothing is there but what they look at. */
import { expect, test } from 'vitest';
import type { Lease, QueueCommand } from '../../src/engine/core/queues/messages.ts';
import { QueueTables } from '../../src/engine/core/queues/tables.ts';
import { QueuesChecker } from '../../src/engine/sim/checkers/queues.ts';
import type { SimProcess } from '../../src/engine/sim/process.ts';
import type { World } from '../../src/engine/sim/world.ts';

/** A queue whose disk is empty: whatever its users are told of was never stored, or is gone. */
function queue() {
  const users = new Map([[0, { terms: { options: { visibilityMs: 1_000 } } }]]);
  const world = { place: () => ({ queues: { tables: new QueueTables() } }), queueUsers: users } as unknown as World;
  const checker = new QueuesChecker(() => world);
  let token = 0;
  const purge: QueueCommand = { kind: 'purge', queue: 'jobs' };
  return {
    purge: () => {
      checker.queueAsked(0, purge);
      checker.queueAnswered(0, '1', purge, { ok: true, value: { kind: 'purged', purged: 1 } });
    },
    receive: (id: number, group?: string, life = '1') => {
      const command = { kind: 'receive', max: 1, queue: 'jobs', waitMs: 0 } as QueueCommand;
      const lease = {
        contentId: id,
        guarantee: 'at-least-once',
        id,
        ...(group !== undefined && { group }),
        leaseUntil: 1_000 * (token + 1),
        sentAt: 0,
        token: ++token,
      } as Lease;
      checker.queueAnswered(0, life, command, {
        ok: true,
        value: { createdAt: 0, kind: 'received', leases: [lease], queue: 1 },
      });
    },
    restart: () => checker.started({ place: 0 } as SimProcess),
    send: (id: number, guarantee: 'at-least-once' | 'fire-and-forget') => {
      const orders = [{ bytes: 1, content: 'm', guarantee }];
      const command: QueueCommand = { kind: 'send', orders, queue: 'jobs' };
      checker.queueAsked(0, command);
      checker.queueAnswered(0, '1', command, { ok: true, value: { kind: 'sent', results: [{ id }] } });
    },
  };
}

test('a message may have the id of one that was told and lost as its node ended, also after a purge, and come twice', () => {
  const { purge, receive, restart, send } = queue();
  send(1, 'at-least-once');
  send(7, 'fire-and-forget');
  restart();
  purge();
  send(7, 'at-least-once');
  for (let i = 0; i < 2; i++) receive(7);
});

test('a message that was stored does not come after a purge, also where its node was started again', () => {
  const { purge, receive, restart, send } = queue();
  send(7, 'at-least-once');
  restart();
  purge();
  expect(() => receive(7)).toThrow('purged up to 7');
});

test('messages of a group come again in another life of their queue, in order, and those that never came do not go back', () => {
  const { receive } = queue();
  for (const id of [2, 3, 5]) receive(id, 'g');
  for (const id of [2, 3]) receive(id, 'g', '2');
  expect(() => receive(2, 'g', '2')).toThrow('of its group, 3 came before');
  expect(() => receive(1, 'g', '3')).toThrow('of its group, 3 came before');
});
