/** Readers of what other nodes keep, on the node that their clients are connected to. */
import { expect, test } from 'vitest';
import { FlowLink } from '../../src/engine/flow/flow-link.ts';
import { Relays } from '../../src/engine/flow/relays.ts';

const LINK = new FlowLink(
  1,
  { name: 'ann', role: 'client' },
  { hold: () => {}, isFull: false, release: () => {}, send: () => undefined },
);

/** A node between its clients and the keepers, one of which it asks. */
function between() {
  const sent: string[] = [];
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
  return { asked, pass, relays, sent };
}

test('a reader that goes on with another keeper is taken back from the one before', () => {
  const { asked, pass, relays, sent } = between();
  relays.open(LINK, { id: 7, kind: 'read', patterns: ['#'] });
  relays.receive('beta', { id: 1, keep: 'k1', kind: 'reading', next: 1 });
  relays.closed(99, 'beta'); // one of two links: the keeper may have the reader on the other
  asked.keeper = 'alpha';
  pass();
  expect(sent.filter((what) => what.startsWith('beta'))).toEqual(['beta read', 'beta unread']);
  expect(sent.at(-1)).toBe('alpha read');
});
