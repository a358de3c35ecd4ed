import { expect, test } from 'vitest';
import { FakeQueue } from './fake-queue.ts';

test('what is sent in one turn goes in one call, and each send has its own id', async () => {
  const fake = new FakeQueue();
  const { queue } = fake;
  const sent = await Promise.all(['a', 'b', 'c'].map((body) => queue.send(body)));
  expect(sent).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  expect(fake.bodiesOf('send')).toEqual([['a', 'b', 'c']]);
});

test('a message that is refused rejects its own send, and no other', async () => {
  const { queue } = new FakeQueue();
  const [a, refused, b] = await Promise.allSettled(['a', 'refused', 'b'].map((body) => queue.send(body)));
  expect([a, b]).toEqual([
    { status: 'fulfilled', value: { id: 1 } },
    { status: 'fulfilled', value: { id: 2 } },
  ]);
  expect(refused).toMatchObject({ reason: { code: 'limit-exceeded' }, status: 'rejected' });
});

test('a call has at most a thousand messages and about a mebibyte', async () => {
  const fake = new FakeQueue();
  const { queue } = fake;
  await Promise.all(Array.from({ length: 2_500 }, (_, i) => queue.send(i)));
  expect(fake.bodiesOf('send').map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
  await Promise.all(Array.from({ length: 5 }, () => queue.send({ text: 'x'.repeat(400_000) })));
  const sizes = fake.bodiesOf('send').slice(3);
  expect(sizes.map(({ length }) => length)).toEqual([2, 2, 1]);
});

test('a send is not repeated where nobody knows whether it was stored', async () => {
  const fake = new FakeQueue();
  fake.failing = () => 'after';
  await expect(fake.queue.send('a')).rejects.toMatchObject({ code: 'link-lost' });
  expect([fake.calls.length, fake.messages.size]).toEqual([1, 1]);
});

test('one with an id is repeated until it is known, and stored once; those beside it are not', async () => {
  const fake = new FakeQueue();
  fake.failing = () => (fake.calls.length < 3 ? 'after' : undefined);
  const { queue } = fake;
  const sent = [queue.send('a', { dedupeId: 'a' }), queue.send('b'), queue.send('c', { dedupeId: 'c' })];
  const [a, b, c] = await Promise.allSettled(sent);
  expect(a).toEqual({ status: 'fulfilled', value: { duplicate: true, id: 1 } });
  expect(c).toEqual({ status: 'fulfilled', value: { duplicate: true, id: 3 } });
  expect(b).toMatchObject({ reason: { code: 'link-lost' }, status: 'rejected' });
  expect(fake.bodiesOf('send')).toEqual([
    ['a', 'b', 'c'],
    ['a', 'c'],
    ['a', 'c'],
  ]);
  expect(fake.messages.size).toBe(3);
});

test('more than may wait is refused at once, and room() says when there is room again', async () => {
  const { queue } = new FakeQueue();
  const sent = Array.from({ length: 100_000 }, () => queue.send('x'));
  await expect(queue.send('one too many')).rejects.toMatchObject({ code: 'overloaded' });
  expect(queue.sending).toBe(100_000);
  await queue.room();
  expect(queue.sending).toBeLessThanOrEqual(50_000);
  await expect(queue.send('now')).resolves.toHaveProperty('id');
  await Promise.all(sent);
});

test('a batch gives one result for each message, and rejects where nothing is known of any', async () => {
  const fake = new FakeQueue();
  const { queue } = fake;
  const results = await queue.sendBatch([{ body: 'a' }, { body: 'refused' }]);
  expect(results).toEqual([{ id: 1 }, { problem: expect.objectContaining({ code: 'limit-exceeded' }) }]);
  fake.failing = () => 'before';
  await expect(queue.sendBatch([{ body: 'b' }, { body: 'c' }])).rejects.toMatchObject({ code: 'link-lost' });
  expect(await queue.sendBatch([])).toEqual([]);
});
