import { describe, expect, test } from 'vitest';
import type { Lease } from '../../../src/engine/core/queues/messages.ts';
import { Shop } from './shop.ts';

const ids = (leases: readonly { readonly id: number }[]) => leases.map(({ id }) => id);
const receipts = (leases: readonly { readonly receipt: string }[]) => leases.map(({ receipt }) => receipt);
const problemOf = (result: unknown) => (result as { problem?: { code: string } }).problem?.code;

describe('broadcast and quorum', () => {
  test('a broadcast is done when every consumer of its time has acknowledged, each for itself', () => {
    const shop = new Shop();
    const view = shop.create('news');
    expect(problemOf(shop.send('news', { content: 'x', guarantee: 'broadcast' })[0])).toBe('consumers-too-few');
    for (const consumer of ['ann', 'bob']) shop.get({ consumer, kind: 'subscribe', queue: 'news' });
    shop.send('news', { content: 'x', guarantee: 'broadcast' });
    shop.get({ consumer: 'late', kind: 'subscribe', queue: 'news' });
    expect(shop.receive('news')).toEqual([]);
    expect(shop.receive('news', { consumer: 'late' })).toEqual([]);
    const ann = shop.receive('news', { consumer: 'ann' });
    expect(ann.map((lease) => shop.content(view, lease))).toEqual(['x']);
    expect(shop.receive('news', { consumer: 'ann' })).toEqual([]);
    shop.restart();
    expect(shop.handle('ack', 'news', receipts(ann), { consumer: 'bob' })).toMatchObject([
      { problem: { code: 'lease-lost' } },
    ]);
    expect(shop.view('news').counts).toMatchObject({ done: 0, sent: 2 });
    shop.pass(30_000);
    const again = shop.receive('news', { consumer: 'ann' });
    expect(shop.handle('ack', 'news', receipts(again), { consumer: 'ann' })).toEqual([{ ok: true }]);
    expect(shop.handle('ack', 'news', receipts(again), { consumer: 'ann' })).toMatchObject([
      { problem: { code: 'lease-lost' } },
    ]);
    expect(shop.view('news').counts).toMatchObject({ done: 1, ready: 1 });
    shop.restart();
    shop.handle('ack', 'news', receipts(shop.receive('news', { consumer: 'bob' })));
    expect(shop.view('news').counts).toMatchObject({ bytes: 0, done: 2, ready: 0 });
  });

  test('a quorum is done with the last acknowledgement that it needs; what others hold of it is theirs no more', () => {
    const shop = new Shop();
    shop.create('news');
    for (const consumer of ['ann', 'bob', 'cid']) shop.get({ consumer, kind: 'subscribe', queue: 'news' });
    expect(problemOf(shop.send('news', { content: 'x', guarantee: 'quorum', quorum: 4 })[0])).toBe('consumers-too-few');
    shop.send('news', { content: 'x', guarantee: 'quorum', quorum: 2 });
    const [ann, bob, cid] = ['ann', 'bob', 'cid'].map((consumer) => shop.receive('news', { consumer }));
    shop.handle('ack', 'news', receipts(ann ?? []));
    expect(shop.view('news').counts).toMatchObject({ done: 1, leased: 2 });
    shop.handle('ack', 'news', receipts(cid ?? []));
    expect(shop.view('news').counts).toMatchObject({ bytes: 0, done: 3, leased: 0, ready: 0 });
    expect(shop.handle('ack', 'news', receipts(bob ?? []))).toMatchObject([{ problem: { code: 'lease-lost' } }]);
  });

  test('a consumer that unsubscribes owes nothing any more', () => {
    const shop = new Shop();
    shop.create('news');
    for (const consumer of ['ann', 'bob']) shop.get({ consumer, kind: 'subscribe', queue: 'news' });
    shop.send('news', { content: 'x', guarantee: 'broadcast' });
    shop.get({ consumer: 'bob', kind: 'unsubscribe', queue: 'news' });
    expect(shop.view('news').counts).toMatchObject({ purged: 1, ready: 1 });
    shop.handle('ack', 'news', receipts(shop.receive('news', { consumer: 'ann' })));
    expect(shop.view('news').counts).toMatchObject({ done: 1, purged: 1, ready: 0 });
  });
});

describe('what the simulator has found', () => {
  function news(options: Readonly<Record<string, unknown>> = {}) {
    const shop = new Shop();
    shop.create('news', options);
    for (const consumer of ['ann', 'bob']) shop.get({ consumer, kind: 'subscribe', queue: 'news' });
    return shop;
  }

  test('what is forgiven while it is being parked stays forgiven', () => {
    const shop = news();
    shop.send('news', { content: 'x', guarantee: 'broadcast' });
    const [lease] = shop.receive('news', { consumer: 'bob' });
    shop.stalled = true;
    shop.ask({ kind: 'nack', queue: 'news', receipts: [{ delayMs: 1_000, receipt: lease?.receipt }] });
    shop.ask({ consumer: 'bob', kind: 'unsubscribe', queue: 'news' });
    shop.resume();
    shop.pass(2_000);
    expect(shop.receive('news', { consumer: 'bob' })).toEqual([]);
    expect(shop.view('news').counts).toMatchObject({ delayed: 0, leased: 0, purged: 1, ready: 1 });
  });

  test('a broadcast that is done is not expired as well', () => {
    const shop = news();
    shop.send('news', { content: 'x', guarantee: 'broadcast', ttlMs: 1_000 });
    const leases = ['ann', 'bob'].flatMap((consumer) => shop.receive('news', { consumer }));
    shop.pass(999);
    shop.stalled = true;
    shop.pass(1);
    shop.ask({ kind: 'ack', queue: 'news', receipts: receipts(leases) });
    shop.resume();
    shop.pass(5_000);
    expect(shop.view('news').counts).toMatchObject({ done: 2, expired: 0, ready: 0, sent: 2 });
  });

  test('what waits behind a parked message of its group is counted once', () => {
    const shop = new Shop();
    shop.create('jobs', { kind: 'fifo' });
    for (const content of ['a', 'b']) shop.send('jobs', { content, delayMs: 100, group: 'g' });
    shop.pass(200);
    const [first] = shop.receive('jobs');
    shop.handle('nack', 'jobs', [{ delayMs: 5_000, receipt: first?.receipt }]);
    expect(shop.receive('jobs')).toEqual([]);
    shop.pass(5_000);
    for (const content of ['a', 'b']) {
      const [lease] = shop.receive('jobs');
      expect(shop.content(shop.view('jobs'), lease as Lease)).toBe(content);
      shop.handle('ack', 'jobs', [lease?.receipt]);
    }
    expect(shop.view('jobs').counts).toMatchObject({ delayed: 0, done: 2, leased: 0, ready: 0 });
  });

  test('what may be lost is given once that is durable, so that it cannot come twice', () => {
    const shop = new Shop();
    shop.create('jobs');
    shop.send('jobs', { content: 'x', guarantee: 'fire-and-forget' });
    shop.stalled = true;
    const received = shop.ask({ kind: 'receive', max: 1, queue: 'jobs', waitMs: 0 });
    expect(shop.answers.has(received)).toBe(false);
    shop.resume();
    expect(shop.answers.get(received)).toMatchObject({ reply: { leases: [{ id: 1 }] } });
  });

  test('a broadcast needs room for everybody', () => {
    const shop = news({ messagesMax: 3 });
    const broadcast = { content: 'x', guarantee: 'broadcast' } as const;
    expect([shop.send('news', broadcast), shop.send('news', broadcast)].flat().map(problemOf)).toEqual([
      undefined,
      'queue-full',
    ]);
    expect(shop.send('news', { content: 'one' }).map(problemOf)).toEqual([undefined]);
  });

  test('what is purged while it cannot be sent back does not come again', () => {
    const shop = new Shop();
    shop.create('jobs', { maxReceives: 1, messagesMax: 1 });
    for (const content of ['a', 'b']) {
      shop.send('jobs', { content });
      shop.handle('nack', 'jobs', [{ receipt: shop.receive('jobs')[0]?.receipt }]);
    }
    shop.send('jobs', { content: 'c' });
    shop.ask({ kind: 'redrive', queue: 'jobs.dead', rate: 1, to: 'origin' });
    shop.pass(10);
    shop.ask({ kind: 'purge', queue: 'jobs.dead' });
    shop.pass(60_000);
    expect(shop.receive('jobs.dead')).toEqual([]);
    expect(shop.view('jobs.dead').counts).toMatchObject({ leased: 0, purged: 2, ready: 0 });
  });
});

describe('fire and forget', () => {
  test('is told at once, is gone when it is received, and counted where the disk refused it', () => {
    const shop = new Shop();
    shop.create('jobs');
    shop.stalled = true;
    const sent = shop.ask({
      kind: 'send',
      orders: [{ bytes: 1, content: 1, guarantee: 'fire-and-forget' }],
      queue: 'jobs',
    });
    expect(shop.answers.has(sent)).toBe(true);
    shop.resume();
    expect(ids(shop.receive('jobs'))).toEqual([1]);
    expect(shop.view('jobs').counts).toMatchObject({ done: 1, leased: 0 });
    shop.full = true;
    shop.send('jobs', { content: 2, guarantee: 'fire-and-forget' });
    expect(shop.view('jobs').counts).toMatchObject({ lost: 1, sent: 1 });
  });
});

describe('deduplication', () => {
  test('answers a repeated id with the message that is there, for as long as the window, over restarts', () => {
    const shop = new Shop();
    shop.create('jobs', { dedupeMs: 10_000 });
    expect(shop.send('jobs', { content: 1, dedupeId: 'x' }, { content: 2, dedupeId: 'x' })).toEqual([
      { id: 1 },
      { duplicate: true, id: 1 },
    ]);
    shop.handle('ack', 'jobs', receipts(shop.receive('jobs')));
    shop.restart();
    expect(shop.send('jobs', { content: 3, dedupeId: 'x' })).toEqual([{ duplicate: true, id: 1 }]);
    shop.pass(10_000);
    expect(shop.send('jobs', { content: 4, dedupeId: 'x' })).toEqual([{ id: 2 }]);
  });

  test('remembers nothing that was refused, by the queue or by the disk', () => {
    const shop = new Shop();
    shop.create('jobs', { messagesMax: 1 });
    shop.send('jobs', { content: 1 });
    expect(problemOf(shop.send('jobs', { content: 2, dedupeId: 'x' })[0])).toBe('queue-full');
    shop.handle('ack', 'jobs', receipts(shop.receive('jobs')));
    shop.full = true;
    expect(() => shop.send('jobs', { content: 2, dedupeId: 'x' })).toThrow('store-failed');
    shop.full = false;
    expect(problemOf(shop.send('jobs', { content: 2, dedupeId: 'x' })[0])).toBe('store-failed');
    shop.pass(1_000);
    expect(shop.send('jobs', { content: 2, dedupeId: 'x' })).toMatchObject([{ id: expect.any(Number) }]);
    expect(shop.view('jobs').counts).toMatchObject({ ready: 1, sent: 2 });
  });

  test('refuses ids beyond what it can remember', () => {
    const shop = new Shop();
    shop.create('jobs', { dedupeMax: 2 });
    const results = shop.send('jobs', ...['a', 'b', 'c'].map((dedupeId) => ({ content: 1, dedupeId })));
    expect(results.map(problemOf)).toEqual([undefined, undefined, 'overloaded']);
  });
});

describe('dead letters', () => {
  test('know where they come from and why, stay until removed, and go back where they came from', () => {
    const shop = new Shop();
    const view = shop.create('jobs', { kind: 'priority', maxReceives: 2 });
    shop.send('jobs', { content: 'poison', priority: 9 });
    for (const reason of ['first', 'second']) {
      const [lease] = shop.receive('jobs', { consumer: 'ann' });
      shop.handle('nack', 'jobs', [{ delayMs: 0, reason, receipt: lease?.receipt }]);
    }
    expect(shop.view('jobs').counts).toMatchObject({ dead: 1, ready: 0 });
    expect(shop.hosting).toEqual(['jobs', 'jobs.dead']);
    shop.restart();
    shop.pass(3_600_000);
    const dead = shop.tables.message(2, 1);
    expect(dead?.content).toBe('poison');
    expect(dead?.message.dead).toMatchObject({
      history: [{ reason: 'first' }, { consumer: 'ann', reason: 'second' }],
      id: 1,
      queue: 'jobs',
    });
    const dry = shop.get({ dryRun: true, kind: 'redrive', queue: 'jobs.dead', to: 'origin' });
    expect(dry).toMatchObject({ job: { moved: 0, state: 'done', total: 1 } });
    shop.get({ kind: 'redrive', queue: 'jobs.dead', to: 'origin' });
    shop.pass(1_000);
    expect(shop.view('jobs.dead')).toMatchObject({
      counts: { done: 1, ready: 0 },
      redrive: { moved: 1, state: 'done' },
    });
    const [back] = shop.receive('jobs');
    expect(back).toMatchObject({ priority: 9, receives: 1 });
    expect(back && shop.content(view, back)).toBe('poison');
  });

  test('are moved no faster than asked, go on after a restart, and stay where their queue is gone', () => {
    const shop = new Shop();
    shop.create('jobs', { maxReceives: 1 });
    shop.send('jobs', ...Array.from({ length: 30 }, (_, i) => ({ content: i })));
    shop.handle(
      'nack',
      'jobs',
      receipts(shop.receive('jobs', { max: 30 })).map((receipt) => ({ receipt })),
    );
    expect(shop.view('jobs.dead').counts.ready).toBe(30);
    shop.get({ kind: 'redrive', queue: 'jobs.dead', rate: 10, to: 'origin' });
    shop.pass(1_000);
    const { ready } = shop.view('jobs').counts;
    expect(ready).toBeGreaterThanOrEqual(9);
    expect(ready).toBeLessThanOrEqual(12);
    shop.restart();
    shop.pass(1_000);
    expect(shop.view('jobs').counts.ready).toBeGreaterThan(ready);
    shop.get({ kind: 'delete', queue: 'jobs' });
    shop.pass(10_000);
    const { counts, redrive } = shop.view('jobs.dead');
    expect(redrive).toMatchObject({ state: 'done' });
    expect(counts.ready).toBe(redrive?.failed);
    expect(counts.ready).toBeGreaterThan(0);
    expect(shop.receive('jobs.dead', { max: 100 }).length).toBe(counts.ready);
  });
});

describe('what is there', () => {
  test('is told by name; what is not, is unknown', () => {
    const shop = new Shop();
    shop.create('jobs');
    expect(shop.hosting).toEqual(['jobs']);
    expect(() => shop.view('other')).toThrow('queue-unknown');
    expect(() => shop.create('jobs', { kind: 'fifo' })).toThrow('exists-already');
    expect(() => shop.create('-')).toThrow('input-invalid');
    expect(() => shop.create('a', { visibilityMs: 0.5 })).toThrow('visibilityMs');
    shop.create('jobs', { visibilityMs: 30_000 });
    shop.send('jobs', { content: 1 }, { content: 2, delayMs: 10 });
    shop.receive('jobs', { max: 1 });
    expect(shop.get({ kind: 'purge', queue: 'jobs' })).toEqual({ kind: 'purged', purged: 2 });
    shop.send('jobs', { content: 3 });
    expect(shop.receive('jobs')).toMatchObject([{ id: 3 }]);
    expect(shop.view('jobs').counts).toMatchObject({ delayed: 0, leased: 1, purged: 2, ready: 0 });
    shop.get({ kind: 'delete', queue: 'jobs' });
    expect(shop.hosting).toEqual([]);
    expect(() => shop.view('jobs')).toThrow('queue-unknown');
    shop.create('jobs', { kind: 'fifo' });
    expect(shop.view('jobs').counts).toMatchObject({ ready: 0, sent: 0 });
  });

  test('gives out again what it has when the disk takes something again, though it had refused as the node was started', () => {
    const shop = new Shop();
    shop.create('jobs');
    shop.send('jobs', { content: 1 });
    shop.broken = true;
    shop.restart();
    const hasty = { kind: 'receive', max: 1, queue: 'jobs', waitMs: 0 } as const;
    const first = shop.ask(hasty);
    shop.pass(3_500);
    expect(shop.answers.get(first)).toBeUndefined();
    shop.broken = false;
    shop.pass(1_000);
    expect(shop.answers.get(first)).toMatchObject({ reply: { leases: [{ id: 1 }] } });
  });

  test('says at once that there is nothing, also while the disk refuses', () => {
    const shop = new Shop();
    shop.create('jobs');
    shop.broken = true;
    shop.restart();
    expect(shop.receive('jobs')).toEqual([]);
  });

  test('where the disk refuses, everybody hears it, and the queue goes on with what is stored', () => {
    const shop = new Shop();
    shop.create('jobs');
    shop.send('jobs', { content: 1 }, { content: 2 });
    const [one] = shop.receive('jobs', { max: 1 });
    shop.full = true;
    shop.stalled = true;
    const acked = shop.ask({ kind: 'ack', queue: 'jobs', receipts: [one?.receipt] });
    shop.ask({ kind: 'send', orders: [{ bytes: 1, content: 3 }], queue: 'jobs' });
    shop.resume();
    expect(shop.answers.get(acked)).toMatchObject({ reply: { results: [{ ok: true }] } });
    shop.full = false;
    expect(ids(shop.receive('jobs'))).toEqual([2]);
    shop.pass(2_000);
    shop.send('jobs', { content: 4 });
    expect(shop.receive('jobs').length).toBe(1);
    expect(shop.view('jobs').counts).toMatchObject({ done: 1, sent: 3 });
  });
});
