/** Readers of what other nodes keep, on the node that their clients are connected to. */
import { expect, test } from 'vitest';
import { FlowLink } from '../../src/engine/flow/flow-link.ts';
import { away, Relays } from '../../src/engine/flow/relays.ts';
import { plain } from '../core/calls/values.ts';

/** A node between its clients and the keepers, one of which it asks. */
function between() {
  const sent: string[] = [];
  const passed: unknown[] = [];
  const send = (message: { readonly kind: string; readonly sequence?: number; readonly missed?: number }) => {
    const { kind, missed, sequence } = message;
    if (kind === 'kept') passed.push(missed === undefined ? sequence : `${sequence} after ${missed}`);
    return undefined;
  };
  const wire = { hold: () => {}, isFull: false, release: () => {}, send };
  const client = new FlowLink(1, { name: 'ann', role: 'client' }, wire);
  const due: (() => void)[] = [];
  const asked = { keeper: 'beta' };
  const relays = new Relays({
    isAlive: () => true,
    keeperOf: () => ({ here: false, node: asked.keeper }),
    later: (_ms, then) => due.push(then),
    readHere: () => {},
    send: (node, message) => sent.push(`${node} ${message.kind}`),
  });
  const pass = () => {
    for (const then of due.splice(0)) then();
  };
  return { asked, client, pass, passed, relays, sent, wire };
}

test('a reader that goes on with another keeper is taken back from the one before', () => {
  const { asked, client, pass, relays, sent } = between();
  relays.open(client, { id: 7, kind: 'read', patterns: ['#'] });
  relays.receive('beta', { id: 1, keep: 'k1', kind: 'reading', next: 1 });
  relays.closed(99, 'beta'); // one of two links: the keeper may have the reader on the other
  asked.keeper = 'alpha';
  pass();
  expect(sent.filter((what) => what.startsWith('beta'))).toEqual(['beta read', 'beta unread']);
  expect(sent.at(-1)).toBe('alpha read');
});

test('a reader that goes while it looks for its keeper is taken back from the one that had it', () => {
  const { client, pass, relays, sent } = between();
  relays.open(client, { id: 7, kind: 'read', patterns: ['#'] });
  relays.closed(99, 'beta'); // one of two links: the keeper has the reader on the other
  relays.unread(client.id, 7);
  pass();
  expect(sent).toEqual(['beta read', 'beta unread']);
});

test('a reader that its keeper has refused is not taken back from it', () => {
  const { client, relays, sent } = between();
  relays.open(client, { id: 7, kind: 'read', patterns: ['#'] });
  relays.receive('beta', { id: 1, keep: '', kind: 'reading', next: 0, problem: away(['#']) });
  expect(sent).toEqual(['beta read']);
});

test('what a keeper had sent to a reader before it was asked again hides nothing of what it sends then', () => {
  const { client, pass, passed, relays } = between();
  const kept = (id: number, sequence: number) => {
    const what = { at: 0, by: 'p', payload: plain(sequence), seq: sequence, topic: 'a' };
    relays.receive('beta', { ...what, id, kind: 'kept', sequence });
  };
  relays.open(client, { id: 7, kind: 'read', patterns: ['#'] });
  relays.receive('beta', { id: 1, keep: 'k1', kind: 'reading', next: 1 });
  kept(1, 1);
  relays.closed(99, 'beta'); // one of two links
  kept(1, 2);
  pass();
  kept(1, 3); // sent before the keeper has heard that it is asked again
  relays.receive('beta', { id: 2, keep: 'k1', kind: 'reading', next: 2 });
  kept(2, 2);
  kept(2, 3);
  expect(passed).toEqual([1, 2, 3]);
});

test('what has gone is told in its place, though the reader has no room meanwhile', () => {
  const { client, passed, relays, wire } = between();
  const kept = (sequence: number) => {
    const what = { at: 0, by: 'p', payload: plain(sequence), seq: sequence, topic: 'a' };
    relays.receive('beta', { ...what, id: 1, kind: 'kept', sequence });
  };
  relays.open(client, { id: 7, kind: 'read', patterns: ['#'] });
  relays.receive('beta', { id: 1, keep: 'k1', kind: 'reading', next: 1 });
  wire.isFull = true;
  kept(1);
  relays.receive('beta', { id: 1, kind: 'gap', missed: 2 });
  kept(4);
  wire.isFull = false;
  client.drained();
  expect(passed).toEqual([1, '4 after 2']);
});
