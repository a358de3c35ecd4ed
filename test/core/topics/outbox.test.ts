import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Outbox, type SlowPolicy } from '../../../src/engine/core/topics/outbox.ts';

const box = (policy: SlowPolicy, messagesMax = 3, bytesMax = 100) =>
  new Outbox<string>({ bytesMax, messagesMax, policy });

/** All that waits, with gaps as `-n`. */
function rest(outbox: Outbox<string>): string {
  const seen: string[] = [];
  for (let one = outbox.take(); one !== undefined; one = outbox.take()) {
    if (one.missed > 0) seen.push(`-${one.missed}`);
    if (one.kind === 'item') seen.push(one.item);
  }
  return seen.join(' ');
}

describe('a slow subscriber', () => {
  test('gets everything in order while it keeps up', () => {
    const outbox = box('drop-oldest');
    expect(['a', 'b', 'c'].map((item) => outbox.offer(item, 1, 10))).toEqual(['taken', 'taken', 'taken']);
    expect([rest(outbox), outbox.waiting, outbox.bytes, outbox.dropped]).toEqual(['a b c', 0, 0, 0]);
  });

  test.each([
    ['drop-oldest', ['taken', 'taken', 'taken', 'dropped', 'dropped'], '-2 c d e'],
    ['drop-newest', ['taken', 'taken', 'taken', 'dropped', 'dropped'], 'a b c -2'],
    ['disconnect', ['taken', 'taken', 'taken', 'disconnect', 'disconnect'], 'a b c -2'],
    ['block', ['taken', 'taken', 'taken', 'hold', 'hold'], 'a b c d e'],
  ] as const)('with the policy %s', (policy, verdicts, seen) => {
    const outbox = box(policy);
    expect(['a', 'b', 'c', 'd', 'e'].map((item) => outbox.offer(item, 1, 10))).toEqual(verdicts);
    expect(rest(outbox)).toBe(seen);
  });

  test('is told of a gap where it is, and only once', () => {
    const outbox = box('drop-newest', 2);
    for (const item of ['a', 'b', 'c', 'd']) outbox.offer(item, 1, 1);
    outbox.take();
    outbox.offer('e', 1, 1);
    expect(rest(outbox)).toBe('b -2 e');
    expect(rest(outbox)).toBe('');
  });

  test('never gets an item that is larger than its whole room, and keeps what waits', () => {
    const outbox = box('drop-oldest', 3, 100);
    outbox.offer('a', 1, 60);
    expect(outbox.offer('huge', 1, 101)).toBe('dropped');
    expect(outbox.offer('many', 4, 1)).toBe('dropped');
    expect(rest(outbox)).toBe('a -5');
  });

  test('holds publishers until half of its room is free', () => {
    const outbox = box('block', 4);
    for (const item of ['a', 'b', 'c', 'd', 'e']) outbox.offer(item, 1, 1);
    const relieved: boolean[] = [];
    while (outbox.take() !== undefined) relieved.push(outbox.relieved());
    expect(relieved).toEqual([false, false, true, false, false]);
    expect(outbox.blocked).toBe(false);
  });

  test('stays disconnected, though there is room again', () => {
    const outbox = box('disconnect', 1);
    outbox.offer('a', 1, 1);
    outbox.offer('b', 1, 1);
    outbox.take();
    expect(outbox.offer('c', 1, 1)).toBe('disconnect');
  });

  test('has each message once: taken in order, told as missed, or waiting; and the bound is kept', () => {
    const policy = fc.constantFrom<SlowPolicy>('drop-oldest', 'drop-newest', 'disconnect', 'block');
    const step = fc.oneof(
      fc.record({ bytes: fc.nat(40), messages: fc.integer({ max: 4, min: 1 }) }),
      fc.constant('take' as const),
    );
    fc.assert(
      fc.property(policy, fc.array(step, { maxLength: 300 }), (chosen, steps) => {
        const outbox = new Outbox<number>({ bytesMax: 100, messagesMax: 6, policy: chosen });
        let offered = 0;
        /** The number of the message that must come next: taken and missed ones fill the line without a hole. */
        let next = 0;
        const take = () => {
          const one = outbox.take();
          if (one === undefined) return false;
          next += one.missed;
          if (one.kind === 'item') {
            expect(one.item).toBe(next);
            next += one.messages;
          }
          return true;
        };
        for (const one of steps) {
          if (one === 'take') {
            take();
          } else {
            outbox.offer(offered, one.messages, one.bytes);
            offered += one.messages;
          }
          if (chosen === 'block') expect(outbox.dropped).toBe(0);
          else expect([outbox.waiting <= 6, outbox.bytes <= 100]).toEqual([true, true]);
        }
        while (take());
        expect([next, outbox.waiting, outbox.bytes]).toEqual([offered, 0, 0]);
      }),
      { numRuns: 300 },
    );
  });
});
