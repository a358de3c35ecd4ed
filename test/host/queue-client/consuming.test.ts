import { describe, expect, test } from 'vitest';
import type { QueueMessage } from '../../../src/engine/queues-api.ts';
import { FakeQueue } from './fake-queue.ts';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function filled(count: number): Promise<FakeQueue> {
  const fake = new FakeQueue();
  await fake.queue.sendBatch(Array.from({ length: count }, (_, i) => ({ body: `m${i + 1}` })));
  return fake;
}

async function until(right: () => boolean): Promise<void> {
  for (let i = 0; i < 6_000 && !right(); i++) await sleep(10);
  expect(right()).toBe(true);
}

describe('a loop over messages', () => {
  test('acknowledges each when the next is asked for, many in one call, and gives them in order', async () => {
    const fake = await filled(1_000);
    const seen: unknown[] = [];
    for await (const { body } of fake.queue.consume({ prefetch: 500 })) {
      seen.push(body);
      if (seen.length === 1_000) break;
    }
    expect(seen).toEqual(Array.from({ length: 1_000 }, (_, i) => `m${i + 1}`));
    expect(fake.acked).toHaveLength(999);
    expect(fake.calls.filter(({ what }) => what === 'ack').length).toBeLessThan(20);
  });

  test('that is left releases the message it had, and all that it had not begun', async () => {
    const fake = await filled(10);
    const failing = async () => {
      for await (const { body } of fake.queue.consume()) if (body === 'm3') throw new Error('stop here');
    };
    await expect(failing()).rejects.toThrow('stop here');
    expect(fake.acked).toEqual([1, 2]);
    expect(fake.leased).toBe(0);
    expect([...fake.messages.values()].every(({ receives }) => receives === 0)).toBe(true);
  });

  test('takes no more than it may hold', async () => {
    const fake = await filled(50);
    const consumption = fake.queue.consume({ ack: 'manual', graceMs: 10, prefetch: 8 });
    const messages = consumption[Symbol.asyncIterator]();
    const held: QueueMessage[] = [];
    for (let i = 0; i < 8; i++) held.push(((await messages.next()) as { value: QueueMessage }).value);
    const ninth = messages.next();
    await sleep(50);
    expect([fake.leased, consumption.held]).toEqual([8, 8]);
    await held[0]?.ack();
    await expect(ninth).resolves.toMatchObject({ value: { body: 'm9' } });
    await consumption.stop();
    expect(fake.leased).toBe(0);
  });

  test('keeps the lease of a message for as long as the work takes', async () => {
    const fake = await filled(1);
    for await (const message of fake.queue.consume({ visibilityMs: 1_500 })) {
      await sleep(3_500);
      expect([fake.leased, message.signal.aborted, message.receives]).toEqual([1, false, 1]);
      await message.ack();
      break;
    }
    expect(fake.acked).toEqual([1]);
  });

  test('leases each for as long as the queue says, and keeps that up, where nobody says another time', async () => {
    const fake = await filled(1);
    fake.visibilityMs = 1_500;
    for await (const message of fake.queue.consume()) {
      expect(fake.calls.find(({ what }) => what === 'receive')?.argument).toMatchObject({ visibilityMs: 1_500 });
      await until(() => fake.calls.filter(({ what }) => what === 'extend').length === 2);
      await message.ack();
      break;
    }
    expect(fake.acked).toEqual([1]);
  });

  test('tells the work of a message that it belongs to somebody else now', async () => {
    const fake = await filled(1);
    for await (const message of fake.queue.consume({ ack: 'manual', visibilityMs: 90 })) {
      const held = fake.messages.get(1);
      if (held !== undefined) held.token = 99;
      await new Promise((resolve) => message.signal.addEventListener('abort', resolve));
      await expect(message.ack()).rejects.toMatchObject({ code: 'lease-lost' });
      break;
    }
  });

  test('goes on after its connection, and its queue, were away for a while', async () => {
    const fake = await filled(2);
    const troubles: string[] = [];
    const consumption = fake.queue.consume({ onTrouble: ({ code }) => void troubles.push(code), prefetch: 1 });
    const seen: unknown[] = [];
    for await (const { body } of consumption) {
      seen.push(body);
      if (seen.length === 1) {
        fake.failing = ({ what }) => (what === 'receive' && troubles.length < 2 ? 'before' : undefined);
        fake.exists = false;
        setTimeout(() => {
          fake.exists = true;
        }, 300);
      } else break;
    }
    expect(seen).toEqual(['m1', 'm2']);
    expect(troubles).toContain('link-lost');
    expect(fake.acked).toContain(1);
  });

  test('of a queue that is not there fails, unless it is told to wait for it', async () => {
    const fake = new FakeQueue();
    fake.exists = false;
    const never = async () => {
      for await (const message of fake.queue.consume()) return message;
    };
    await expect(never()).rejects.toMatchObject({ code: 'queue-unknown' });
    const waiting = fake.queue.consume({ awaitQueue: true })[Symbol.asyncIterator]();
    const first = waiting.next();
    await sleep(50);
    fake.exists = true;
    await fake.queue.send('at last');
    await expect(first).resolves.toMatchObject({ value: { body: 'at last' } });
    await waiting.return?.();
  });

  test('of a queue that gave nothing yet goes on though its node is away for a while', async () => {
    const fake = new FakeQueue();
    fake.failing = ({ argument, what }) => {
      if (what !== 'receive' || argument['waitMs'] === 0) return undefined;
      fake.failing = () => undefined;
      fake.exists = false;
      setTimeout(() => {
        fake.exists = true;
        void fake.queue.send('at last');
      }, 300);
      return 'before';
    };
    const troubles: string[] = [];
    for await (const { body } of fake.queue.consume({ onTrouble: ({ code }) => void troubles.push(code) })) {
      expect(body).toBe('at last');
      break;
    }
    expect(troubles.slice(0, 2)).toEqual(['link-lost', 'queue-unknown']);
  });

  test('tells at once that a trouble is over, also where there is no message to tell it', async () => {
    const fake = new FakeQueue();
    fake.failing = ({ argument, what }) => {
      if (what !== 'receive' || argument['waitMs'] === 0) return undefined;
      fake.failing = () => undefined;
      return 'before';
    };
    const told: string[] = [];
    const well = Promise.withResolvers<void>();
    const consumption = fake.queue.consume({
      idleMs: 3_600_000,
      onTrouble: ({ code }) => void told.push(code),
      onWell: () => well.resolve(),
    });
    await well.promise;
    expect(told).toEqual(['link-lost']);
    await consumption.stop();
  });

  test('ends with its signal', async () => {
    const fake = await filled(3);
    const controller = new AbortController();
    const seen: unknown[] = [];
    for await (const { body } of fake.queue.consume({ signal: controller.signal })) {
      seen.push(body);
      controller.abort();
    }
    expect(seen).toEqual(['m1']);
    await until(() => fake.leased === 0);
    expect(fake.acked).toEqual([1]);
  });
});

describe('handlers at work', () => {
  test('run so many at once, acknowledge what is done and give back what failed, with the reason', async () => {
    const fake = await filled(9);
    let atOnce = 0;
    let most = 0;
    const failed = new Set<unknown>();
    const work = fake.queue.work(
      async ({ body }) => {
        most = Math.max(most, ++atOnce);
        await sleep(10);
        atOnce--;
        if (body === 'm4' && !failed.has(body)) {
          failed.add(body);
          throw new Error('out of paper');
        }
      },
      { concurrency: 3 },
    );
    await until(() => fake.acked.length === 9);
    expect([most, fake.nacked]).toEqual([3, ['out of paper']]);
    await work.stop();
    await work.closed;
  });

  test('are waited for at the end, and what they had not begun is released', async () => {
    const fake = await filled(6);
    const done: unknown[] = [];
    const work = fake.queue.work(
      async ({ body }) => {
        await sleep(100);
        done.push(body);
      },
      { concurrency: 2 },
    );
    await until(() => work.running === 2);
    await work.stop();
    expect(done.sort()).toEqual(['m1', 'm2']);
    expect([fake.acked.length, fake.leased, fake.messages.size]).toEqual([2, 0, 4]);
  });
});

describe('a consumption that is to end by itself', () => {
  test('ends after so many messages, and leaves the others where they are', async () => {
    const fake = await filled(10);
    const seen: unknown[] = [];
    for await (const { body } of fake.queue.consume({ max: 3 })) seen.push(body);
    expect(seen).toEqual(['m1', 'm2', 'm3']);
    await until(() => fake.acked.length === 3);
    expect(fake.leased).toBe(0);
  });

  test('keeps the lease of the last one for as long as the work takes, and once it is told to end, for its grace', async () => {
    const fake = await filled(2);
    const works = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    const stopping = new AbortController();
    const lives = works.map(({ promise }) =>
      fake.queue.work(() => promise, { graceMs: 1, max: 1, signal: stopping.signal }),
    );
    await until(() => lives.every(({ running }) => running === 1));
    await sleep(100);
    expect(fake.leased).toBe(2);
    works[0].resolve();
    await lives[0]?.closed;
    expect([fake.acked.length, fake.leased]).toEqual([1, 1]);
    stopping.abort();
    await lives[1]?.closed;
    expect([fake.acked.length, fake.leased]).toEqual([1, 0]);
    works[1].resolve();
  });

  test('ends when there is nothing, also where there never was', async () => {
    const fake = await filled(3);
    const seen: unknown[] = [];
    for await (const { body } of fake.queue.consume({ idleMs: 0, prefetch: 2 })) seen.push(body);
    expect(seen).toEqual(['m1', 'm2', 'm3']);
    for await (const { body } of fake.queue.consume({ idleMs: 0 })) seen.push(body);
    expect(seen).toHaveLength(3);
  });

  test('fails when its client is over', async () => {
    const fake = new FakeQueue();
    const consumption = fake.queue.consume();
    const next = consumption[Symbol.asyncIterator]().next();
    fake.over.resolve('the client closes');
    await expect(next).rejects.toMatchObject({ code: 'nobody-there' });
    await expect(consumption.closed).rejects.toMatchObject({ code: 'nobody-there' });
  });
});

test('a consumption is not over as long as what it has may make room for more, or come again', async () => {
  const fake = await filled(2);
  let tries = 0;
  const work = fake.queue.work(
    async ({ body }) => {
      await sleep(50);
      if (body === 'm2' && ++tries < 3) throw new Error('again');
    },
    { concurrency: 2, idleMs: 0 },
  );
  await work.closed;
  expect([tries, fake.acked.toSorted()]).toEqual([3, [1, 2]]);
});
