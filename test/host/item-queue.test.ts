import { expect, test } from 'vitest';
import { ItemQueue } from '../../src/engine/host/item-queue.ts';

function queue() {
  const stops: number[] = [];
  const items = new ItemQueue<number>(() => stops.push(1));
  return { items, iterator: items[Symbol.asyncIterator](), stops };
}

test('several who wait get an item each, in the order in which they asked', async () => {
  const { items, iterator } = queue();
  const asked = [iterator.next(), iterator.next(), iterator.next()];
  items.push(1);
  items.push(2);
  items.end();
  expect(await Promise.all(asked)).toEqual([
    { done: false, value: 1 },
    { done: false, value: 2 },
    { done: true, value: undefined },
  ]);
});

test('one error is told to the first who waits; the others hear that it is over', async () => {
  const { items, iterator } = queue();
  const asked = Promise.allSettled([iterator.next(), iterator.next()]);
  items.fail(new Error('broken'));
  expect(await asked).toMatchObject([
    { reason: { message: 'broken' }, status: 'rejected' },
    { status: 'fulfilled', value: { done: true } },
  ]);
});

test('a consumer that is too far behind stops the source, and is not told that nothing happened', async () => {
  const { items, iterator, stops } = queue();
  for (let i = 0; i <= 100_000; i++) items.push(i);
  expect(stops).toEqual([1]);
  for (let i = 0; i <= 100_000; i++) await iterator.next();
  await expect(iterator.next()).rejects.toMatchObject({ problem: { code: 'limit-exceeded', outcome: 'unknown' } });
});
