/** Messages through one node, between wires that a test fills and empties. */
import { describe, expect, test } from 'vitest';
import { Exchange } from '../../src/engine/core/topics/exchange.ts';
import { DEFAULT_TOPICS } from '../../src/engine/core/topics/options.ts';
import type { Delivery } from '../../src/engine/flow/delivery.ts';
import type { Wire } from '../../src/engine/flow/flow-link.ts';
import type { MessageLog } from '../../src/engine/flow/message-log.ts';
import { TopicsFlow } from '../../src/engine/flow/topics-flow.ts';
import { plain } from '../core/calls/values.ts';

class TestWire implements Wire {
  isFull = false;
  readonly sent: unknown[] = [];
  send(message: { readonly kind: string; readonly seq?: number }): undefined {
    this.sent.push(message.seq ?? message.kind);
  }
  hold(): void {}
  release(): void {}
}

const NO_LOG: MessageLog = { commit: () => {}, define: () => {}, read: () => {}, remove: () => {} };

/** A node whose neighbour listens to everything: the link to it is 1, clients are on links 2 and 3. */
function nodeWithNeighbour(messagesMax: number) {
  const exchange = new Exchange<Delivery>('here', 1, DEFAULT_TOPICS, () => () => true);
  exchange.linked('there', 0);
  exchange.receive('there', { added: [{ pattern: '#' }], from: 0, kind: 'interest', removed: [], version: 7 }, 0);
  const toFar = [{ next: 'far', to: ['far'] }];
  const federation = {
    admits: () => true,
    branchTo: () => toFar,
    branches: () => toFar,
    cluster: 'home',
    linkTo: () => 4,
    onward: () => [],
    self: 'here',
  };
  const flow = new TopicsFlow({
    memory: NO_LOG,
    stored: [],
    exchange: () => exchange,
    federation: () => federation,
    input: () => {},
    isAlive: () => true,
    later: () => {},
    life: 'life',
    linkTo: () => 1,
    nodeLimits: { bytesMax: 1_000_000, messagesMax, policy: 'block' },
    wallClock: () => 0,
  });
  const wires = [new TestWire(), new TestWire(), new TestWire(), new TestWire()] as const;
  flow.opened(1, { address: '', id: 'there', name: 'there', role: 'peer' }, wires[0]);
  flow.opened(2, { name: 'ann', role: 'client' }, wires[1]);
  flow.opened(3, { name: 'bob', role: 'client' }, wires[2]);
  flow.opened(4, { address: '', cluster: 'away', id: 'far', name: 'far', role: 'hub' }, wires[3]);
  const publish = (link: number, seq: number) =>
    flow.take(link, { by: 'p', id: 0, kind: 'publish', payload: plain(seq), seq, topic: 'order.eu' });
  return { exchange, flow, publish, wires };
}

describe('a message that another node does not get', () => {
  /** Two messages wait, a third was dropped, since its publisher is behind itself. */
  function shut() {
    const { exchange, flow, publish, wires } = nodeWithNeighbour(1);
    const limits = { bytesMax: 1_000, messagesMax: 10, policy: 'drop-newest' } as const;
    const bob = exchange.subscribe({ limits, patterns: ['#'] }, 0);
    if (!bob.ok) throw new Error(bob.problem.message);
    flow.subscribed({ id: 1, kind: 'subscribed', link: 3, paced: false, subscription: bob.value.id });
    wires[0].isFull = true;
    wires[2].isFull = true;
    for (const seq of [1, 2]) publish(2, seq); // the first waits, the second has its publisher held
    publish(3, 3);
    return { flow, wires };
  }

  test('because a publisher that is behind itself cannot be held, is counted though others pass', () => {
    const { flow, wires } = shut();
    wires[0].isFull = false;
    flow.drained(1);
    expect(wires[0].sent).toEqual([1, 2]);
    expect(flow.counters.lost).toBe(1);
  });

  test('is counted also where the link breaks before that could be told with the next one', () => {
    const { flow } = shut();
    flow.closed(1);
    expect(flow.counters.lost).toBe(3);
  });
});

describe('a hub', () => {
  test('gives other clusters what is published, not what it only learns of: old values, and that one was cleared', () => {
    const { exchange, flow, wires } = nodeWithNeighbour(10);
    exchange.bridge({ bits: '', hashes: 1 }, 0);
    const about = { at: 0, by: 'p', kind: 'forward', members: [], payload: plain(1), topic: 'order.eu' } as const;
    flow.take(1, { ...about, plain: false, retained: { node: 'there', time: 1 }, seq: 1 });
    flow.take(1, { ...about, plain: true, retained: { node: 'there', time: 2 }, seq: 2 });
    flow.take(1, { ...about, plain: false, retained: { cleared: true, node: 'there', time: 3 }, seq: 3 });
    flow.take(1, { ...about, plain: true, seq: 4 });
    expect(wires[3].sent).toEqual([2, 4]);
  });
});
