/** What a subscription holds until somebody takes it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { COST_BYTES, type DeliverMessage, type DeliverRunMessage } from '../../src/engine/core/topics/messages.ts';
import { Inbox } from '../../src/engine/host/topics/inbox.ts';
import { payloadFrom, payloadOf } from '../../src/engine/wire/payload.ts';

const SEED = 20_261_123;
const about = { at: 1, by: 'ann', id: 3, topic: 't' } as const;
const value = (n: number) => payloadOf(n).bytes();
/** No value at all. */
const BROKEN = Uint8Array.of(0xc1);

const step = fc.oneof(
  fc.record({ kind: fc.constant('one'), missed: fc.nat(2), values: fc.constant([false]) }),
  fc.record({
    kind: fc.constant('run'),
    missed: fc.nat(2),
    values: fc.array(fc.boolean(), { maxLength: 5, minLength: 1 }),
  }),
  fc.record({ kind: fc.constant('gap'), missed: fc.integer({ max: 3, min: 1 }), values: fc.constant([]) }),
  fc.record({ kind: fc.constant('take'), missed: fc.nat(4), values: fc.constant([]) }),
);

test('messages come out one by one as they came in, and every one that is missing is told with the next', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, minLength: 1 }), (steps) => {
      let taken = 0;
      let broken = 0;
      const inbox = new Inbox({
        broken: () => broken++,
        isAnothers: () => false,
        publish: () => Promise.reject(new Error('nobody replies')),
        settler: () => undefined,
        taken: (_, bytes) => {
          taken += bytes;
        },
      });
      const wanted: string[] = [];
      const got: string[] = [];
      let seq = 0;
      let gap = 0;
      let cost = 0;
      const expected = (isBroken: boolean) => {
        seq++;
        cost += COST_BYTES + (isBroken ? BROKEN : value(seq)).length;
        if (isBroken) gap++;
        else {
          wanted.push(`ann/${seq} ${seq} after ${gap}`);
          gap = 0;
        }
      };
      const take = () => {
        const message = inbox.next();
        if (message !== undefined) got.push(`${message.id} ${message.payload} after ${message.missed}`);
        return message !== undefined;
      };
      for (const { kind, missed, values } of steps) {
        gap += kind === 'take' ? 0 : missed;
        const more = missed > 0 ? { missed } : {};
        if (kind === 'take') for (let i = 0; i < missed; i++) take();
        else if (kind === 'gap') inbox.gap(missed);
        else if (kind === 'one') {
          const payload = payloadFrom(value(seq + 1));
          const message: DeliverMessage = { ...about, ...more, kind: 'deliver', payload, seq: seq + 1 };
          inbox.push(message, undefined, false);
          expected(false);
        } else {
          const payload = payloadOf(values.map((isBroken, i) => (isBroken ? BROKEN : value(seq + 1 + i))));
          const message: DeliverRunMessage = { ...about, ...more, kind: 'deliver-run', payload, seq: seq + 1 };
          inbox.push(message, undefined, false);
          values.forEach(expected);
        }
      }
      while (take());
      expect(got).toEqual(wanted);
      expect([taken, inbox.messages]).toEqual([cost, 0]);
      expect(broken).toBe(steps.flatMap(({ values }) => values).filter((isBroken) => isBroken).length);
    }),
    { numRuns: 100, seed: SEED },
  );
});
