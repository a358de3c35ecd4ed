import { describe, expect, test } from 'vitest';
import { Shop } from './shop.ts';

const ids = (leases: readonly { readonly id: number }[]) => leases.map(({ id }) => id);
const receipts = (leases: readonly { readonly receipt: string }[]) => leases.map(({ receipt }) => receipt);

describe('a fifo queue', () => {
  test('has one of each group in flight, and goes on with the next when that is done', () => {
    const shop = new Shop();
    shop.create('jobs', { kind: 'fifo' });
    shop.send('jobs', ...'aabab'.split('').map((group) => ({ content: group, group })));
    const first = shop.receive('jobs');
    expect(ids(first)).toEqual([1, 3]);
    expect(shop.receive('jobs')).toEqual([]);
    shop.handle('ack', 'jobs', [first[1]?.receipt]);
    expect(ids(shop.receive('jobs'))).toEqual([5]);
    shop.handle('release', 'jobs', [first[0]?.receipt]);
    const again = shop.receive('jobs', { groupMax: 10 });
    expect(ids(again)).toEqual([1, 2, 4]);
    shop.handle('ack', 'jobs', receipts(again));
    expect(shop.receive('jobs')).toEqual([]);
  });

  test('keeps the order of a group over delays, restarts and more messages than memory holds', () => {
    const shop = new Shop();
    shop.create('jobs', { kind: 'fifo', maxReceives: null });
    const groups = ['a', 'b', 'c'];
    for (let i = 0; i < 40; i++) shop.send('jobs', ...groups.map((group) => ({ content: i, group })));
    const got = new Map<string | undefined, number[]>(groups.map((group) => [group, []]));
    for (let round = 0; round < 1_000; round++) {
      const leases = shop.receive('jobs', { groupMax: 1 + (round % 3) });
      for (const [i, { id, group, receipt }] of leases.entries()) {
        if ((round + i) % 5 === 0) {
          shop.handle('nack', 'jobs', [{ delayMs: 50 * (i % 2), receipt }]);
        } else if ((round + i) % 7 === 0) {
          shop.handle('release', 'jobs', [receipt]);
        } else if ((round + i) % 11 === 0) {
          shop.restart();
          shop.pass(30_000);
        } else if (shop.handle('ack', 'jobs', [receipt]).every((result) => 'ok' in result)) {
          got.get(group)?.push(id);
        }
        if (leases.length > 1 && (round + i) % 13 === 0) break;
      }
      shop.pass(leases.length === 0 ? 30_000 : 60);
    }
    for (const [i, group] of groups.entries()) {
      const all = Array.from({ length: 40 }, (_, j) => 3 * j + i + 1);
      // Of several in one consumer's hands the later may be done first; with one at a time, never.
      expect(
        [...(got.get(group) ?? [])].sort((a, b) => a - b),
        group,
      ).toEqual(all);
    }
  });

  test('lets a delayed message block its group also for what was received with it, given back after a restart', () => {
    const shop = new Shop();
    shop.create('jobs', { kind: 'fifo', leaseWriteMs: 0 });
    shop.send('jobs', { content: 1, group: 'a' }, { content: 2, group: 'a' });
    const [first, second] = receipts(shop.receive('jobs', { groupMax: 2 }));
    shop.handle('nack', 'jobs', [{ delayMs: 500, receipt: first }]);
    shop.restart();
    shop.handle('release', 'jobs', [second]);
    expect(shop.receive('jobs')).toEqual([]);
    shop.pass(500);
    expect(ids(shop.receive('jobs', { groupMax: 2 }))).toEqual([1, 2]);
  });

  test('gives after a restart what came back before it, though later ones of the group are in somebody’s hands', () => {
    const shop = new Shop();
    shop.create('jobs', { kind: 'fifo', leaseWriteMs: 0 });
    shop.send('jobs', ...[1, 2, 3].map((content) => ({ content, group: 'a' })));
    const [first, second] = receipts(shop.receive('jobs', { groupMax: 3 }));
    shop.handle('release', 'jobs', [second]);
    shop.restart();
    shop.handle('ack', 'jobs', [first]);
    expect(ids(shop.receive('jobs'))).toEqual([2]);
  });

  test('gives what was parked of a group when it is due, though the disk had refused what was sent meanwhile', () => {
    const shop = new Shop();
    shop.create('jobs', { kind: 'fifo' });
    shop.send('jobs', { content: 1, group: 'a' }, { content: 2, group: 'a' });
    const [first] = receipts(shop.receive('jobs'));
    shop.stalled = true;
    shop.ask({ kind: 'nack', queue: 'jobs', receipts: [{ delayMs: 500, receipt: first }] });
    shop.ask({ kind: 'send', orders: [{ bytes: 1, content: 3, group: 'b' }], queue: 'jobs' });
    shop.full = true;
    shop.resume();
    shop.full = false;
    expect(shop.receive('jobs')).toEqual([]);
    shop.pass(500);
    expect(ids(shop.receive('jobs', { groupMax: 2 }))).toEqual([1, 2]);
  });

  test('lets a delayed message block its own group, and no other', () => {
    const shop = new Shop();
    shop.create('jobs', { kind: 'fifo' });
    shop.send(
      'jobs',
      { content: 1, delayMs: 1_000, group: 'a' },
      { content: 2, group: 'a' },
      { content: 3, group: 'b' },
    );
    expect(ids(shop.receive('jobs'))).toEqual([3]);
    shop.pass(999);
    expect(shop.receive('jobs')).toEqual([]);
    shop.pass(1);
    const head = shop.receive('jobs');
    expect(ids(head)).toEqual([1]);
    shop.handle('ack', 'jobs', receipts(head));
    expect(ids(shop.receive('jobs'))).toEqual([2]);
  });

  test('begins with the group that has waited longest since it was last received from', () => {
    const shop = new Shop();
    shop.create('jobs', { kind: 'fifo' });
    const all = [...'aaabc'].map((group) => ({ content: group, group }));
    shop.send('jobs', ...all);
    const groups = (leases: readonly { readonly group?: string }[]) => leases.map(({ group }) => group).join('');
    const ab = [...shop.receive('jobs', { groupMax: 2, max: 2 }), ...shop.receive('jobs', { max: 1 })];
    expect(groups(ab)).toBe('aab');
    shop.pass(30_000);
    expect(groups(shop.receive('jobs', { groupMax: 9, max: 9 }))).toBe('caaab');
    shop.pass(30_000);
    shop.send('jobs', { content: 'd', group: 'd' });
    expect(groups(shop.receive('jobs'))).toBe('cabd');
  });

  test('lets neither many messages of one group hold up others, nor few that come again and again', () => {
    const shop = new Shop();
    shop.create('jobs', { kind: 'fifo' });
    shop.send('jobs', ...Array.from({ length: 9 }, () => ({ content: 'deep', group: 'deep' })));
    const taken: (string | undefined)[] = [];
    for (let round = 0; round < 8; round++) {
      shop.send('jobs', { content: 'few', group: 'few' });
      const [lease] = shop.receive('jobs', { max: 1 });
      taken.push(lease?.group);
      shop.handle('ack', 'jobs', [lease?.receipt]);
    }
    expect(taken.join(' ')).toBe('deep few deep few deep few deep few');
  });

  test('gives those together that have become due one after the other', () => {
    const shop = new Shop();
    shop.create('jobs', { delayMs: 2_000, kind: 'fifo' });
    for (const content of [1, 2, 3]) {
      shop.send('jobs', { content, group: 'a' });
      shop.pass(7);
    }
    shop.pass(1_979);
    expect(shop.view('jobs').counts).toMatchObject({ delayed: 2, ready: 1 });
    shop.pass(14);
    expect(shop.view('jobs').counts).toMatchObject({ delayed: 0, ready: 3 });
    expect(ids(shop.receive('jobs', { groupMax: 9 }))).toEqual([1, 2, 3]);
  });

  test('gives what was delayed together with what stood before it and was not', () => {
    const shop = new Shop();
    shop.create('jobs', { kind: 'fifo' });
    shop.send(
      'jobs',
      { content: 1, group: 'a' },
      { content: 2, delayMs: 1_000, group: 'a' },
      { content: 3, group: 'a' },
    );
    shop.pass(999);
    const [first] = shop.receive('jobs', { groupMax: 9 });
    expect(first?.id).toBe(1);
    shop.handle('release', 'jobs', [first?.receipt]);
    shop.pass(1);
    expect(ids(shop.receive('jobs', { groupMax: 9 }))).toEqual([1, 2, 3]);
  });
});

describe('a priority queue', () => {
  test('gives the highest first, and equal ones in order, also from disk', () => {
    const shop = new Shop();
    shop.create('jobs', { kind: 'priority' });
    for (let i = 0; i < 120; i++) {
      shop.send('jobs', ...Array.from({ length: 100 }, (_, j) => ({ content: i, priority: (i * 7 + j * 13) % 256 })));
    }
    const got: { readonly id: number; readonly priority: number }[] = [];
    for (
      let leases = shop.receive('jobs', { max: 100 });
      leases.length > 0;
      leases = shop.receive('jobs', { max: 100 })
    ) {
      got.push(...leases);
      shop.handle('ack', 'jobs', receipts(leases));
    }
    const sorted = [...got].sort((a, b) => b.priority - a.priority || a.id - b.id);
    expect(got.length).toBe(12_000);
    expect(ids(got)).toEqual(ids(sorted));
    expect(shop.queues.knownIn('jobs')).toBe(0);
  });
});

describe('delays', () => {
  test('hold back their own message only, and survive a restart', () => {
    const shop = new Shop();
    shop.create('jobs', { delayMs: 500, kind: 'delay' });
    shop.send('jobs', { content: 1 }, { content: 2, delayMs: 0 }, { at: shop.now + 60_000, content: 3 });
    expect(ids(shop.receive('jobs'))).toEqual([2]);
    expect(shop.view('jobs').counts).toMatchObject({ delayed: 2, leased: 1, ready: 0 });
    shop.pass(500);
    shop.restart();
    expect(ids(shop.receive('jobs'))).toContain(1);
    shop.pass(59_500);
    expect(ids(shop.receive('jobs'))).toContain(3);
  });

  test('are many, and cost no memory', () => {
    const shop = new Shop();
    shop.create('jobs');
    for (let i = 0; i < 30; i++) {
      shop.send('jobs', ...Array.from({ length: 100 }, (_, j) => ({ content: 1, delayMs: 10_000 + i * 100 + j })));
    }
    expect(shop.queues.knownIn('jobs')).toBe(0);
    shop.pass(11_000);
    expect(shop.view('jobs').counts.delayed).toBeLessThan(2_100);
    shop.pass(10_000);
    const got: number[] = [];
    for (
      let leases = shop.receive('jobs', { max: 500 });
      leases.length > 0;
      leases = shop.receive('jobs', { max: 500 })
    ) {
      got.push(...ids(leases));
      shop.handle('ack', 'jobs', receipts(leases));
    }
    expect(got.length).toBe(3_000);
    expect(shop.queues.knownIn('jobs')).toBe(0);
  });
});

describe('a message whose time is up', () => {
  test('hides nobody of its group from a receive that does not wait', () => {
    const shop = new Shop();
    shop.create('jobs', { kind: 'fifo' });
    shop.send('jobs', { content: 1, group: 'a', ttlMs: 2_000 }, { content: 2, group: 'a' });
    shop.send('jobs', { content: 3, group: 'a', ttlMs: 1_900 });
    shop.pass(2_100); // what is swept at 1 900 is looked through again at 2 900
    expect(shop.view('jobs').counts).toMatchObject({ expired: 1 });
    expect(ids(shop.receive('jobs'))).toEqual([2]);
  });

  test('does not end a redrive of those behind it', () => {
    const shop = new Shop();
    for (const name of ['jobs', 'other']) shop.create(name, { kind: 'fifo' });
    shop.send('jobs', { content: 1, group: 'a', ttlMs: 2_000 }, { content: 2, group: 'a' });
    shop.send('jobs', { content: 3, group: 'a', ttlMs: 1_900 });
    shop.pass(2_100);
    shop.get({ kind: 'redrive', queue: 'jobs', to: 'other' });
    shop.pass(500);
    expect(shop.view('jobs').redrive).toMatchObject({ moved: 1, state: 'done' });
  });

  test('is dropped and counted, wherever it is; one in somebody’s hands when it comes back', () => {
    const shop = new Shop();
    shop.create('jobs', { ttlMs: 10_000, visibilityMs: 30_000 });
    shop.send('jobs', { content: 1 }, { content: 2, ttlMs: 2_000 }, { content: 3, delayMs: 9_000 });
    const [held] = shop.receive('jobs', { max: 1 });
    shop.pass(3_000);
    expect(shop.view('jobs').counts).toMatchObject({ delayed: 1, expired: 1, leased: 1, ready: 0 });
    shop.pass(20_000);
    expect(shop.view('jobs').counts).toMatchObject({ delayed: 0, expired: 2, leased: 1 });
    shop.handle('nack', 'jobs', [{ receipt: held?.receipt }]);
    expect(shop.view('jobs').counts).toMatchObject({ expired: 3, leased: 0, ready: 0 });
  });

  test('goes to the dead letters where the queue says so', () => {
    const shop = new Shop();
    shop.create('jobs', { expired: 'dead-letter', ttlMs: 1_000 });
    shop.send('jobs', { content: 'x' });
    shop.pass(3_000);
    expect(shop.view('jobs').counts).toMatchObject({ dead: 1, expired: 0, ready: 0 });
    const [letter] = shop.receive('jobs.dead');
    expect(shop.tables.message(2, letter?.id ?? 0)?.message.dead).toMatchObject({
      queue: 'jobs',
      reason: 'its time was up',
    });
  });
});
