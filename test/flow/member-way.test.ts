/** A message that is larger than all that may wait for a member of a group. */
import { expect, test } from 'vitest';
import { Delivery } from '../../src/engine/flow/delivery.ts';
import { FlowLink } from '../../src/engine/flow/flow-link.ts';
import { MemberWay } from '../../src/engine/flow/member-way.ts';
import { simPayload } from '../../src/engine/sim/payload.ts';

test('is taken when nothing else waits: otherwise it would be offered for ever', () => {
  const sent: unknown[] = [];
  const wire = { hold: () => {}, isFull: true, release: () => {}, send: (message: unknown) => void sent.push(message) };
  const link = new FlowLink(1, { name: 'ann', role: 'client' }, wire);
  const limits = { bytesMax: 1_000, messagesMax: 10, policy: 'drop-oldest' } as const;
  const way = new MemberWay(link, 7, { limits, terms: { window: 5 } }, () => {});
  const offer = (seq: number) => {
    const delivery = new Delivery('order.eu', 'p', seq, 0, undefined, simPayload('x'.repeat(5_000)));
    return way.offer({ attempt: 1, debt: seq, delivery, owner: undefined });
  };
  expect([offer(1), offer(2)]).toEqual([true, false]);
  wire.isFull = false;
  way.pump();
  expect(sent).toMatchObject([{ id: 7, kind: 'deliver', seq: 1, tag: 1 }]);
});
