import { describe, expect, test } from 'vitest';
import { problem } from '../../../src/engine/core/base/problems.ts';
import { lenient } from '../../../src/engine/core/queues/leases.ts';
import { Shop } from './shop.ts';

const ids = (leases: readonly { readonly id: number }[]) => leases.map(({ id }) => id);
const receipts = (leases: readonly { readonly receipt: string }[]) => leases.map(({ receipt }) => receipt);

const LOST = { problem: { code: 'lease-lost' } };
const INVALID = { problem: { code: 'input-invalid' } };

describe('a queue', () => {
  test('gives what was sent, in order, once, until its lease ends', () => {
    const shop = new Shop();
    const view = shop.create('jobs', { visibilityMs: 5_000 });
    expect(shop.send('jobs', { content: 'a' }, { content: 'b' }, { content: 'c' })).toEqual([
      { id: 1 },
      { id: 2 },
      { id: 3 },
    ]);
    const first = shop.receive('jobs', { max: 2 });
    expect(first.map((lease) => shop.content(view, lease))).toEqual(['a', 'b']);
    expect(ids(shop.receive('jobs'))).toEqual([3]);
    expect(shop.receive('jobs')).toEqual([]);
    expect(shop.handle('ack', 'jobs', [first[0]?.receipt])).toEqual([{ ok: true }]);
    shop.pass(5_000);
    expect(ids(shop.receive('jobs'))).toEqual([2, 3]);
    expect(shop.view('jobs').counts).toMatchObject({ done: 1, leased: 2, ready: 0, sent: 3 });
  });

  test('acknowledges nothing before it is durable, and gives nothing before', () => {
    const shop = new Shop();
    shop.create('jobs');
    shop.stalled = true;
    const sent = shop.ask({ kind: 'send', orders: [{ bytes: 1, content: 'a' }], queue: 'jobs' });
    const received = shop.ask({ kind: 'receive', max: 1, queue: 'jobs', waitMs: 5_000 });
    expect(shop.receive('jobs')).toEqual([]);
    expect([shop.answers.has(sent), shop.answers.has(received)]).toEqual([false, false]);
    shop.resume();
    expect(shop.answers.get(sent)).toMatchObject({ reply: { results: [{ id: 1 }] } });
    expect(shop.answers.get(received)).toMatchObject({ reply: { leases: [{ id: 1 }] } });
  });

  test('refuses a stale receipt, tells why, and lets a late one end a message that nobody has had since', () => {
    const shop = new Shop();
    shop.create('jobs', { visibilityMs: 1_000 });
    shop.send('jobs', { content: 'a' });
    const [old] = shop.receive('jobs');
    shop.pass(1_000);
    const [young] = shop.receive('jobs');
    expect(young?.token).toBeGreaterThan(old?.token ?? 0);
    const lost = { problem: { cause: { name: 'lost' }, code: 'lease-lost' } };
    expect(shop.handle('ack', 'jobs', [old?.receipt])).toMatchObject([lost]);
    expect(shop.handle('extend', 'jobs', [{ receipt: old?.receipt, visibilityMs: 1 }])).toMatchObject([lost]);
    expect(shop.handle('nack', 'jobs', [{ receipt: old?.receipt }])).toMatchObject([lost]);
    shop.pass(1_000);
    expect(shop.handle('ack', 'jobs', [young?.receipt])).toEqual([{ ok: true }]);
    expect(shop.handle('ack', 'jobs', [young?.receipt])).toMatchObject([{ problem: { cause: { name: 'gone' } } }]);
    expect(shop.view('jobs').counts).toMatchObject({ done: 1, ready: 0 });
  });

  test.each([
    ['at once', 0, 0],
    ['a while later', 5_000, 0],
    ['after a restart of its node', 1, 1],
    ['on another node', 1, 2],
  ])('that is deleted and made anew, %s, refuses what was received from the former one', (_, laterMs, elsewhere) => {
    let shop = new Shop();
    shop.create('jobs');
    shop.send('jobs', { content: 'a' }, { content: 'b' });
    const former = receipts(shop.receive('jobs'));
    shop.get({ kind: 'delete', queue: 'jobs' });
    shop.pass(laterMs);
    if (elsewhere === 1) shop.restart();
    const { now } = shop;
    if (elsewhere === 2) shop = new Shop(2);
    shop.pass(now - shop.now);
    shop.create('jobs');
    shop.send('jobs', { content: 'a' }, { content: 'b' });
    const refused = [...former, ...former.map(lenient)];
    const judge = (when: string) => {
      for (const one of shop.handle('ack', 'jobs', refused)) expect(one, when).toMatchObject(LOST);
      const extensions = refused.map((receipt) => ({ receipt, visibilityMs: 0 }));
      for (const one of shop.handle('extend', 'jobs', extensions)) expect(one, when).toMatchObject(LOST);
    };
    judge('nobody has had them');
    const leases = shop.receive('jobs');
    judge('somebody has them');
    expect(shop.view('jobs').counts).toMatchObject({ done: 0, leased: 2 });
    shop.pass(30_000);
    judge('they have come back');
    expect(shop.handle('ack', 'jobs', receipts(leases))).toMatchObject([{ ok: true }, { ok: true }]);
  });

  test('honours what an earlier version has given, which does not say of which queue it is', () => {
    const shop = new Shop();
    const { number } = shop.create('jobs');
    shop.send('jobs', { content: 'a' }, { content: 'b' });
    const state = { firstAt: 1_000, history: [], leaseUntil: 9_000, receives: 1, token: 7 };
    shop.tables.apply([{ kind: 'state', queue: number, seq: 1, state }]);
    shop.restart();
    expect(shop.handle('ack', 'jobs', ['1.6', '1.7', '1.', '1.7.', '.7', 'x'])).toMatchObject([
      LOST,
      { ok: true },
      INVALID,
      LOST,
      INVALID,
      INVALID,
    ]);
  });

  test('has forgotten after a purge what repetitions are told by, also after a restart', () => {
    const shop = new Shop();
    shop.create('jobs');
    const once = { content: 'a', dedupeId: 'same' };
    expect(shop.send('jobs', once, once)).toEqual([{ id: 1 }, { duplicate: true, id: 1 }]);
    shop.ask({ kind: 'purge', queue: 'jobs' });
    shop.restart();
    expect(shop.send('jobs', once, once)).toEqual([{ id: 2 }, { duplicate: true, id: 2 }]);
    shop.ask({ kind: 'purge', queue: 'jobs' });
    expect(shop.send('jobs', once)).toEqual([{ id: 3 }]);
  });

  test('that has no room refuses what adds to it and nothing that removes, and goes on with the rest when there is room', () => {
    const shop = new Shop();
    shop.create('jobs', { maxReceives: 1 });
    shop.send('jobs', { content: 'a' }, { content: 'b' }, { content: 'c' });
    const [first, second] = shop.receive('jobs');
    shop.queues.room(problem('store-failed', 'it is full'));
    expect(shop.send('jobs', { content: 'd' })).toMatchObject([{ problem: { message: 'it is full' } }]);
    expect(shop.handle('ack', 'jobs', [first?.receipt])).toEqual([{ ok: true }]);
    expect(shop.handle('nack', 'jobs', [{ receipt: second?.receipt }])).toEqual([{ ok: true }]);
    expect(shop.view('jobs').counts).toMatchObject({ dead: 0, done: 1, refused: 1, sent: 3 });
    shop.queues.room(undefined);
    expect(shop.send('jobs', { content: 'd' })).toEqual([{ id: 4 }]);
    shop.pass(1_000);
    const [again] = shop.receive('jobs', { max: 1 });
    expect(again?.id).toBe(2);
    shop.handle('nack', 'jobs', [{ receipt: again?.receipt }]);
    expect(shop.view('jobs.dead').counts).toMatchObject({ ready: 1 });
  });

  test('answers a receive that waits for a group once its first message is done', () => {
    const shop = new Shop();
    shop.create('jobs', { kind: 'fifo' });
    shop.send('jobs', { content: 'a', group: 'g' }, { content: 'b', group: 'g' });
    const [first] = shop.receive('jobs');
    const waiting = shop.ask({ kind: 'receive', max: 1, queue: 'jobs', waitMs: 20_000 });
    shop.handle('ack', 'jobs', [first?.receipt]);
    expect(shop.answers.get(waiting)).toMatchObject({ reply: { leases: [{ id: 2 }] } });
  });

  test('gives a message again at once that was received for no time', () => {
    const shop = new Shop();
    shop.create('jobs');
    shop.send('jobs', { content: 'a' });
    expect(ids(shop.receive('jobs', { visibilityMs: 0 }))).toEqual([1]);
    expect(shop.receive('jobs')).toMatchObject([{ id: 1, receives: 2 }]);
  });

  test('answers a receive that waits as soon as something is there, and one that was cancelled swallows nothing', () => {
    const shop = new Shop();
    shop.create('jobs');
    const first = shop.ask({ kind: 'receive', max: 1, queue: 'jobs', waitMs: 20_000 });
    const second = shop.ask({ kind: 'receive', max: 1, queue: 'jobs', waitMs: 20_000 });
    shop.pass(1_000);
    shop.cancel(first);
    shop.send('jobs', { content: 'a' });
    expect(shop.answers.get(first)).toBeUndefined();
    expect(shop.answers.get(second)).toMatchObject({ reply: { leases: [{ id: 1 }] } });
  });

  test('whose node is stopped honours its leases when that begins again; where it dies, the young ones are forgotten', () => {
    for (const [stopped, left] of [
      [true, []],
      [false, [1, 2]],
    ] as const) {
      const shop = new Shop();
      shop.create('jobs');
      shop.send('jobs', { content: 'a' }, { content: 'b' });
      const [first] = shop.receive('jobs');
      if (stopped) shop.queues.leave();
      shop.work();
      shop.restart();
      expect(ids(shop.receive('jobs'))).toEqual(left);
      if (stopped) expect(shop.handle('ack', 'jobs', [first?.receipt])).toMatchObject([{ ok: true }]);
    }
  });

  test('has ten thousand messages on disk and few in memory, and gives them all in order', () => {
    const shop = new Shop();
    shop.create('jobs');
    for (let i = 0; i < 100; i++) shop.send('jobs', ...Array.from({ length: 100 }, () => ({ content: i })));
    expect(shop.queues.knownIn('jobs')).toBeLessThan(5_000);
    shop.restart();
    const got: number[] = [];
    for (
      let leases = shop.receive('jobs', { max: 70 });
      leases.length > 0;
      leases = shop.receive('jobs', { max: 70 })
    ) {
      got.push(...ids(leases));
      shop.handle('ack', 'jobs', receipts(leases));
    }
    expect(got).toEqual(Array.from({ length: 10_000 }, (_, i) => i + 1));
    expect(shop.view('jobs').counts).toMatchObject({ done: 10_000, leased: 0, ready: 0 });
  });
});
