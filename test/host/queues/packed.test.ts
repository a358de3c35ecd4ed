import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packedOrders } from '../../../src/engine/host/queues/arguments.ts';
import { packContent } from '../../../src/engine/host/queues/content.ts';
import { LeasePacker, packOrders, readOrders, readReceived } from '../../../src/engine/host/queues/packed.ts';
import { payloadOf } from '../../../src/engine/wire/payload.ts';

const body = fc.oneof(fc.string(), fc.uint8Array(), fc.record({ n: fc.integer() }), fc.constant(null));
const content = fc
  .record({ body, dedupeId: fc.option(fc.string({ minLength: 1 }), { nil: undefined }) })
  .map((given) => ({ bytes: packContent({ ...given, headers: { a: 1 } }), given }));

describe('packed messages', () => {
  test('are the same at the other end', () => {
    const order = fc.record({
      content: fc.uint8Array({ minLength: 1 }),
      more: fc.option(fc.constantFrom({ group: 'g' }, { delayMs: 5, priority: 3 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(order, { maxLength: 20 }), (orders) => {
        const packed = packOrders(
          orders.map(({ content: bytes, more }) => ({ content: bytes, more: more && payloadOf(more).bytes() })),
        );
        const read = readOrders(packed, 20);
        expect(read.map((one) => ({ content: [...one.content], more: one.more }))).toEqual(
          orders.map((one) => ({ content: [...one.content], more: one.more ?? {} })),
        );
      }),
    );
  });

  test('say of what was received all that there is', () => {
    fc.assert(
      fc.property(
        fc.array(content, { maxLength: 9 }),
        fc.boolean(),
        fc.constantFrom(undefined, 36),
        (contents, inGroup, createdAt) => {
          const packer = new LeasePacker();
          const about = {
            firstReceivedAt: 2 ** 41,
            guarantee: 'broadcast',
            leaseUntil: 7,
            priority: 255,
            receives: 3,
            sentAt: 5,
          } as const;
          for (const [i, { bytes }] of contents.entries())
            packer.add({ ...about, id: i, token: 2 ** 40 + i }, bytes, inGroup ? { group: 'g' } : undefined);
          expect(readReceived(packer.take(), createdAt)).toEqual(
            contents.map(({ given: { body: sent, dedupeId } }, i) => ({
              ...about,
              body: sent,
              headers: { a: 1 },
              id: i,
              receipt: `${i}.${2 ** 40 + i}${createdAt === undefined ? '' : '.10'}`,
              token: 2 ** 40 + i,
              ...(dedupeId !== undefined && { dedupeId }),
              ...(inGroup && { group: 'g' }),
            })),
          );
        },
      ),
    );
  });

  test('are refused where they are cut, or are none, and never read beyond their end', () => {
    const whole = packOrders([{ content: packContent({ body: 'abc' }), more: payloadOf({ group: 'g' }).bytes() }]);
    for (let end = 1; end < whole.length; end++)
      expect(() => readOrders(whole.subarray(0, end), 9)).toThrow('no messages of a queue');
    const nothing = { dedupe: 'id' } as const;
    const refused = (bytes: unknown) => () => packedOrders(bytes, nothing);
    expect(refused('text')).toThrow('must be bytes');
    expect(refused(packOrders([{ content: Uint8Array.of(2, 0xc1), more: undefined }]))).toThrow('no content');
    expect(refused(packOrders([{ content: Uint8Array.of(9), more: undefined }]))).toThrow('no content');
    const odd = payloadOf({ colour: 'red' }).bytes();
    expect(refused(packOrders([{ content: Uint8Array.of(1), more: odd }]))).toThrow('"colour"');
    expect(() =>
      readOrders(packOrders([...Array(3)].map(() => ({ content: Uint8Array.of(1), more: undefined }))), 2),
    ).toThrow('at most 2');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          packedOrders(bytes, { dedupe: 'content' });
        } catch (error) {
          expect((error as { code?: string }).code).toBe('input-invalid');
        }
      }),
    );
  });
});
