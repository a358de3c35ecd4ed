import { expect, test } from 'vitest';
import { FunctionPlaces } from '../../../src/engine/host/functions/function-places.ts';
import { payloadOf } from '../../../src/engine/wire/payload.ts';

const job = (task: number, depth?: number) => ({
  deadline: Number.MAX_SAFE_INTEGER,
  fun: 'f',
  payload: payloadOf({ args: [] }),
  task,
  ...(depth !== undefined && { depth }),
});

/** One place, which task 1 has. */
function taken(): FunctionPlaces {
  const places = new FunctionPlaces({ concurrency: 1, queue: 10 });
  places.begin(job(1));
  return places;
}

test('a place is lent to nested calls alone, and only while its owner waits', () => {
  const places = taken();
  expect([places.hasRoomFor(job(2)), places.hasRoomFor(job(2, 1))]).toEqual([false, false]);
  places.lend(1, true);
  expect([places.hasRoomFor(job(2)), places.hasRoomFor(job(2, 1))]).toEqual([false, true]);
  places.lend(1, false);
  expect(places.hasRoomFor(job(2, 1))).toBe(false);
});

test('a place is lent once: to the next only when the one who has it waits as well', () => {
  const places = taken();
  places.lend(1, true);
  places.begin(job(2, 1));
  expect(places.hasRoomFor(job(3, 2))).toBe(false);
  places.lend(2, true);
  expect(places.hasRoomFor(job(3, 2))).toBe(true);
});

test('a lent place goes to the deepest that waits, a free one to the first', () => {
  const places = taken();
  for (const waiting of [job(2), job(3, 1), job(4, 3), job(5, 3), job(6, 2)]) places.wait(waiting);
  expect(places.next()).toBeUndefined();
  places.lend(1, true);
  expect(places.next()?.task).toBe(4);
  expect(places.take(5)?.task).toBe(5);
  expect(places.next()?.task).toBe(6);
  places.end(1);
  expect(places.next()?.task).toBe(2);
  expect(places.waiting).toBe(1);
});

test('what has ended lends nothing', () => {
  const places = taken();
  places.lend(1, true);
  places.end(1);
  places.lend(1, true);
  places.begin(job(2));
  expect(places.hasRoomFor(job(3, 1))).toBe(false);
});
