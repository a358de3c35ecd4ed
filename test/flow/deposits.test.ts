/** What publishers hear about messages that other nodes are to keep. */
import { expect, test } from 'vitest';
import { type Deposit, Deposits } from '../../src/engine/flow/deposits.ts';
import { FlowLink } from '../../src/engine/flow/flow-link.ts';
import { KeptCounters } from '../../src/engine/flow/kept-topics.ts';

/** A client of this node, and what it is sent. */
function publisher() {
  const sent: unknown[] = [];
  const wire = {
    hold: () => {},
    isFull: false,
    release: () => {},
    send: (message: unknown) => void sent.push(message),
  };
  return { link: new FlowLink(1, { name: 'ann', role: 'client' }, wire), sent };
}

test('an answer to what was on a link that broke confirms nothing that came after', () => {
  const deposits = new Deposits(new KeptCounters());
  const { link, sent } = publisher();
  const give = (id: number) => {
    const deposit = deposits.begin(link, id, 100, 1);
    const n = deposits.ticket('keeper', deposit);
    deposits.routed(deposit, 0, 1, 0);
    return n;
  };
  const before = give(1);
  deposits.broken('keeper', 'beta'); // one of two links: what came on the other is answered yet
  const after = give(2);
  deposits.stored('keeper', { count: 1, kind: 'stored', n: before, sequence: 7 });
  expect(sent).toMatchObject([{ id: 1, kind: 'error', problem: { code: 'keeper-away', outcome: 'unknown' } }]);
  deposits.stored('keeper', { count: 1, kind: 'stored', n: after, sequence: 8 });
  expect(sent[1]).toMatchObject({ id: 2, kept: 8, kind: 'published' });
});

test('publishers are not read while too much is open, and again when half of that is stored', () => {
  const deposits = new Deposits(new KeptCounters());
  const held: string[] = [];
  const wire = {
    hold: () => held.push('held'),
    isFull: false,
    release: () => held.push('read'),
    send: () => undefined,
  };
  const link = new FlowLink(1, { name: 'c', role: 'client' }, wire);
  const open: Deposit[] = [];
  while (held.length === 0) {
    const deposit = deposits.begin(link, 0, 1_000_000, 1);
    deposits.routed(deposit, 0, 0, 0);
    open.push(deposit);
  }
  expect(open.length).toBeLessThan(100);
  const count = open.length;
  while (held.length === 1) deposits.answered(open.pop() as Deposit, 1, undefined);
  expect(held).toEqual(['held', 'read']);
  expect(open.length).toBeGreaterThan(count / 4);
  expect(open.length).toBeLessThanOrEqual(count / 2);
});
