/** Functions that queues feed, on real nodes of this process; and topics whose messages go into queues. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defineFunction, type Queue } from '../../src/engine/index.ts';
import { until } from '../acceptance/until.ts';
import { clientOf, inline, start } from './nodes.ts';

async function emptied(queue: Queue): Promise<void> {
  const counts = async () => (await queue.info()).counts;
  await until('the queue is empty', counts, ({ delayed, leased, ready }) => delayed + leased + ready === 0);
}

describe('a function with a queue', () => {
  test('is called with each message, as many at once as it may, though the queue is elsewhere and made later', async () => {
    const seen: unknown[] = [];
    let atOnce = 0;
    let most = 0;
    const work = defineFunction({
      concurrency: 3,
      name: 'work',
      queue: 'jobs',
      run: async (...args: unknown[]) => {
        most = Math.max(most, ++atOnce);
        await pause(20);
        atOnce--;
        seen.push(args);
      },
    });
    const alpha = await start('alpha');
    await start('beta', inline(work), [alpha]);
    const queue = (await clientOf(alpha)).queue('jobs');
    await queue.create();
    await Promise.all(Array.from({ length: 12 }, (_, i) => queue.send(`m${i}`, { headers: { user: '7' } })));
    await until(
      'all were worked on',
      () => seen.length,
      (count) => count === 12,
    );
    await emptied(queue);
    const about = { headers: { user: '7' }, priority: 0, queue: 'jobs', receives: 1 };
    expect(seen).toContainEqual(['m0', { ...about, id: 1, sentAt: expect.any(Number) as number }]);
    expect([most, seen.length, (await queue.info()).counts.done]).toEqual([3, 12, 12]);
  });

  test('keeps its messages for as long as it runs, and gives back what it fails on, with the reason', async () => {
    const seen: unknown[] = [];
    const work = defineFunction({
      name: 'work',
      queue: 'jobs',
      run: async (body: string, { receives }: { receives: number }) => {
        seen.push([body, receives]);
        if (body === 'slow') await pause(900);
        if (body === 'bad') throw new Error('out of paper');
      },
      visibilityMs: 300,
    });
    const client = await clientOf(await start('alpha', inline(work)));
    const queue = client.queue('jobs');
    await queue.create({ maxReceives: 2, retry: { baseMs: 1, maxMs: 1 } });
    await queue.sendBatch([{ body: 'slow' }, { body: 'bad' }]);
    await emptied(queue);
    expect(seen.toSorted()).toEqual([
      ['bad', 1],
      ['bad', 2],
      ['slow', 1],
    ]);
    const [dead] = await client.queue('jobs.dead').peek();
    expect(dead?.dead).toMatchObject({ queue: 'jobs', reason: expect.stringContaining('out of paper') as string });
  });

  test('may get many at once, and say which of them failed', async () => {
    const sizes: number[] = [];
    const work = defineFunction({
      batch: 10,
      concurrency: 1,
      name: 'work',
      queue: 'jobs',
      run: async (messages: readonly { readonly body: number; readonly id: number }[]) => {
        sizes.push(messages.length);
        await pause(10);
        return { failed: messages.filter(({ body }) => body === 7).map(({ id }) => ({ id, reason: 'seven' })) };
      },
    });
    const client = await clientOf(await start('alpha', inline(work)));
    const queue = client.queue('jobs');
    await queue.create({ maxReceives: 1 });
    await queue.sendBatch(Array.from({ length: 30 }, (_, i) => ({ body: i })));
    await emptied(queue);
    expect(Math.max(...sizes)).toBe(10);
    expect(await queue.info()).toMatchObject({ counts: { dead: 1, done: 29 } });
    expect((await client.queue('jobs.dead').peek())[0]).toMatchObject({ body: 7, dead: { reason: 'seven' } });
  });

  test('is finished with what it has begun when its node leaves; what it has not begun is for others', async () => {
    const done: string[] = [];
    const work = (node: string) =>
      defineFunction({
        concurrency: 2,
        name: 'work',
        queue: 'jobs',
        run: async (body: string) => {
          await pause(150);
          done.push(`${body} on ${node}`);
        },
      });
    const alpha = await start('alpha');
    const queue = (await clientOf(alpha)).queue('jobs');
    await queue.create();
    await queue.sendBatch(Array.from({ length: 6 }, (_, i) => ({ body: `m${i}` })));
    const beta = await start('beta', inline(work('beta')), [alpha]);
    await until(
      'beta works',
      async () => (await queue.info()).counts.leased,
      (leased) => leased > 0,
    );
    await beta.leave({ graceMs: 5_000 });
    const { counts } = await queue.info();
    expect([counts.leased, counts.done]).toEqual([0, done.length]);
    expect(counts.ready).toBeGreaterThan(0);
    await start('gamma', inline(work('gamma')), [alpha]);
    await emptied(queue);
    expect(done.map((text) => text.slice(0, 2)).toSorted()).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'm5']);
  });

  test.each([
    [{ queue: 'no spaces' }, 'is no name of a queue'],
    [{ batch: 5 }, 'is for functions that a queue feeds'],
    [{ batch: 0, queue: 'jobs' }, 'batch must be a whole number'],
    [{ queue: 'jobs', visibilityMs: -1 }, 'visibilityMs must be a whole number'],
  ])('that is described by %j is refused', (described, why) => {
    expect(() => defineFunction({ name: 'work', run: () => null, ...described })).toThrow(why);
  });
});

describe('a queue that is bound to topics', () => {
  test('gets every message of a kept topic once, in order, also those of the time when it was away', async () => {
    const client = await clientOf(await start('alpha'));
    await client.keep('order.#');
    const queue = client.queue('orders');
    await queue.create({ kind: 'fifo' });
    await queue.bind(['order.*', '#.eu']);
    const named = async () => (await client.keeps()).flatMap(({ found }) => found.flatMap(({ names }) => names));
    await until('the keeper knows it', named, (names) => names.length === 1);
    for (let i = 0; i < 200; i++) await client.publish('order.eu', i);
    await until(
      'all are there',
      async () => (await queue.info()).counts.ready,
      (ready) => ready === 200,
    );
    const seen: unknown[] = [];
    for await (const { body } of queue.consume({ groupMax: 100, idleMs: 0 })) seen.push(body);
    expect(seen).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  test('waits while it is full, and loses nothing of a kept topic', async () => {
    const client = await clientOf(await start('alpha'));
    await client.keep('order.#');
    const queue = client.queue('orders');
    await queue.create({ messagesMax: 5 });
    await queue.bind('order.#');
    const named = async () => (await client.keeps()).flatMap(({ found }) => found.flatMap(({ names }) => names));
    await until('the keeper knows it', named, (names) => names.length === 1);
    for (let i = 0; i < 12; i++) await client.publish('order.eu', i);
    await until(
      'it is full',
      async () => (await queue.info()).counts.refused,
      (refused) => refused > 0,
    );
    const seen = new Set<unknown>();
    const work = queue.work(({ body }) => void seen.add(body));
    await until(
      'all came',
      () => seen.size,
      (size) => size === 12,
    );
    await work.stop();
  });
});
