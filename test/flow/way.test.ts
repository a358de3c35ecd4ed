/** What becomes of messages for a subscriber whose link or whose program is slower than they come. */
import { describe, expect, test } from 'vitest';
import { WINDOW_BYTES } from '../../src/engine/core/topics/messages.ts';
import { Outbox, type OutboxLimits, type SlowPolicy } from '../../src/engine/core/topics/outbox.ts';
import { FlowLink } from '../../src/engine/flow/flow-link.ts';
import { Way } from '../../src/engine/flow/way.ts';

class TestWire {
  isFull = false;
  held = false;
  send(): undefined {}
  hold(): void {
    this.held = true;
  }
  release(): void {
    this.held = false;
  }
}

let links = 0;
const linkOf = (role: 'client' | 'peer' = 'client') => {
  const wire = new TestWire();
  const peer =
    role === 'client' ? ({ name: 'c', role } as const) : ({ address: '', id: 'n', name: 'n', role } as const);
  return { link: new FlowLink(++links, peer, wire), wire };
};

class Item {
  readonly messages = 1;
  readonly n: number;
  readonly cost: number;
  constructor(n: number, cost: number) {
    this.n = n;
    this.cost = cost;
  }
  keep(): this {
    return this;
  }
}

function wayOn(link: FlowLink, policy: SlowPolicy, more: { readonly paced?: boolean; readonly refuses?: number } = {}) {
  const limits: OutboxLimits = { bytesMax: 1_000_000_000, messagesMax: 4, policy };
  const got: string[] = [];
  const way = new Way<Item>(link, new Outbox<Item>(limits), {
    gap: (missed) => void got.push(`gap ${missed}`),
    paced: more.paced ?? false,
    send: ({ n }, missed) => {
      if (n === more.refuses) return { code: 'limit-exceeded', message: 'too large' };
      got.push(missed === 0 ? `${n}` : `${n} after ${missed}`);
      return undefined;
    },
  });
  const offer = (n: number, from: FlowLink, cost = 1) => way.offer(new Item(n, cost), from);
  return { got, offer, way };
}

describe('a way', () => {
  test('goes straight while there is room, waits in order while there is none, and tells what was dropped', () => {
    const { link, wire } = linkOf();
    const { link: from } = linkOf();
    const { got, offer } = wayOn(link, 'drop-oldest');
    offer(1, from);
    wire.isFull = true;
    for (let n = 2; n <= 7; n++) offer(n, from);
    expect(got).toEqual(['1']);
    wire.isFull = false;
    link.drained();
    offer(8, from);
    expect(got).toEqual(['1', '4 after 2', '5', '6', '7', '8']);
  });

  test('tells at once of a message that its link refuses, and goes on', () => {
    const { link } = linkOf();
    const { link: from } = linkOf();
    const { got, offer, way } = wayOn(link, 'drop-oldest', { refuses: 2 });
    for (const n of [1, 2, 3]) offer(n, from);
    expect(got).toEqual(['1', 'gap 1', '3']);
    expect([way.sent, way.dropped]).toEqual([2, 1]);
  });

  test('sends a paced subscriber no more than its window until it says what it has taken', () => {
    const { link } = linkOf();
    const { link: from } = linkOf();
    const { got, offer, way } = wayOn(link, 'drop-newest', { paced: true });
    const half = WINDOW_BYTES / 2;
    for (const n of [1, 2, 3, 4]) offer(n, from, half);
    expect(got).toEqual(['1', '2']);
    way.taken(half);
    expect(got).toEqual(['1', '2', '3']);
    way.taken(2 * half);
    expect(got).toEqual(['1', '2', '3', '4']);
  });

  test('holds publishers under block until half of the room is free, and lets them go when it is over', () => {
    const { link, wire } = linkOf();
    const publisher = linkOf();
    const { got, offer, way } = wayOn(link, 'block');
    wire.isFull = true;
    for (let n = 1; n <= 4; n++) expect(offer(n, publisher.link)).toBe('taken');
    expect(publisher.wire.held).toBe(false);
    expect(offer(5, publisher.link)).toBe('hold');
    expect(publisher.wire.held).toBe(true);
    wire.isFull = false;
    link.drained();
    expect(publisher.wire.held).toBe(false);
    expect(got).toEqual(['1', '2', '3', '4', '5']);
    wire.isFull = true;
    for (let n = 1; n <= 5; n++) offer(n, publisher.link);
    expect(publisher.wire.held).toBe(true);
    expect(way.end()).toBe(5);
    expect(publisher.wire.held).toBe(false);
  });

  test('does not grow by what comes from another node under block: beyond the bound that is dropped, and told', () => {
    const { link, wire } = linkOf();
    const node = linkOf('peer');
    const { got, offer, way } = wayOn(link, 'block');
    wire.isFull = true;
    for (let n = 1; n <= 100; n++) offer(n, node.link);
    expect([node.wire.held, way.outbox.waiting, way.dropped]).toEqual([false, 5, 95]);
    wire.isFull = false;
    link.drained();
    expect(got.length).toBe(5);
    expect(got[0]).toBe('1 after 95');
  });

  test('never makes two publishers wait for each other: one that is behind itself is not held', () => {
    const ann = linkOf();
    const bob = linkOf();
    const toAnn = wayOn(ann.link, 'block', { paced: true });
    const toBob = wayOn(bob.link, 'block', { paced: true });
    for (let n = 0; n <= 10; n++) toAnn.offer(n, bob.link, WINDOW_BYTES);
    expect(bob.wire.held).toBe(true);
    for (let n = 0; n <= 10; n++) toBob.offer(n, ann.link, WINDOW_BYTES);
    expect(ann.wire.held).toBe(false);
    for (let n = 0; n <= 10; n++) toAnn.offer(n, ann.link, WINDOW_BYTES);
    expect(ann.wire.held).toBe(false);
  });
});
