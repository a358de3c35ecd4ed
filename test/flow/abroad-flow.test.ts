import { describe, expect, it } from 'vitest';
import type { LinkId } from '../../src/engine/core/base/ids.ts';
import type { Message } from '../../src/engine/core/node/inputs.ts';
import type { TopicsAbroad } from '../../src/engine/core/topics/abroad.ts';
import type { AbroadMessage, Headers } from '../../src/engine/core/topics/messages.ts';
import { AbroadFlow } from '../../src/engine/flow/abroad-flow.ts';
import { Delivery } from '../../src/engine/flow/delivery.ts';
import { FlowLink } from '../../src/engine/flow/flow-link.ts';
import { TopicsCounters } from '../../src/engine/flow/topics-counters.ts';
import { payloadOf } from '../../src/engine/wire/payload.ts';

/** A hub that is linked with x and y; a message for z goes over y. */
class Hub {
  readonly counters = new TopicsCounters();
  readonly arrived: string[] = [];
  readonly headers: Headers[] = [];
  readonly sent: {
    readonly on: LinkId;
    readonly to: readonly string[];
    readonly passed: readonly string[];
    readonly topic?: string;
  }[] = [];
  readonly flow: AbroadFlow;
  readonly links = new Map<LinkId, FlowLink>();
  full = false;

  constructor() {
    const hub = this;
    for (const [id, name] of [
      [1, 'x'],
      [2, 'y'],
    ] as const) {
      const wire = {
        get isFull() {
          return hub.full;
        },
        hold: () => undefined,
        release: () => undefined,
        send: (message: Message) => {
          const { passed, to, topic } = message as AbroadMessage;
          hub.sent.push({ on: id, passed, to, ...(topic === 'order' ? {} : { topic }) });
          return undefined;
        },
      };
      this.links.set(id, new FlowLink(id, { address: '', cluster: name, id: name, name, role: 'hub' }, wire));
    }
    const nextTo: Readonly<Record<string, string>> = { x: 'x', y: 'y', z: 'y' };
    const onward = (to: readonly string[], passed: readonly string[]) =>
      ['x', 'y'].flatMap((next) => {
        const those = to.filter((one) => nextTo[one] === next && !passed.includes(next));
        return those.length === 0 ? [] : [{ next, to: those }];
      });
    const federation: TopicsAbroad = {
      admits: (cluster) => cluster !== 'unwanted',
      branchTo: (cluster) => (cluster === 'there.b' ? onward(['y'], []) : []),
      branches: (topic) => (topic === 'nobody' ? [] : onward(['x', 'y', 'z'], [])),
      cluster: 'here',
      linkTo: (next) => ({ x: 1, y: 2 })[next],
      onward,
      self: 'me',
    };
    this.flow = new AbroadFlow({
      arrived: ({ topic, seq, abroad, headers }) => {
        this.arrived.push(`${topic} ${seq} ${abroad}`);
        if (headers !== undefined) this.headers.push(headers);
      },
      counters: this.counters,
      federation: () => federation,
      link: (id) => this.links.get(id),
    });
  }
}

function said(topic: string, headers?: Record<string, string>): Delivery {
  return new Delivery(topic, 'somebody', 7, 0, headers, payloadOf('a'));
}

function letter(more: Partial<AbroadMessage> = {}): AbroadMessage {
  const about = {
    at: 0,
    by: 'somebody',
    cluster: 'there',
    kind: 'abroad',
    passed: ['w'],
    seq: 7,
    topic: 'order',
  } as const;
  return { ...about, payload: payloadOf('a'), to: ['me'], ...more };
}

describe('a message for other clusters', () => {
  it('goes out once on each link that leads to some of them', () => {
    const hub = new Hub();
    hub.flow.out(said('order'));
    hub.flow.out(said('nobody'));
    expect(hub.sent).toEqual([
      { on: 1, passed: ['me'], to: ['x'] },
      { on: 2, passed: ['me'], to: ['y', 'z'] },
    ]);
  });

  it('that asks for an answer says in each cluster where that goes, and the answer goes back to the cluster it came from', () => {
    const hub = new Hub();
    const inbox = `_reply.asker.${'t'.repeat(16)}`;
    hub.flow.take(letter({ cluster: 'there.b', headers: { 'mpreg-reply': inbox, user: '7' } }));
    hub.flow.take(letter({ headers: { 'mpreg-reply': 'a.topic' }, seq: 8 }));
    const through = `_reply.me.${'t'.repeat(16)}.asker.there.b`;
    expect(hub.headers).toEqual([{ 'mpreg-reply': through, user: '7' }, { 'mpreg-reply': 'a.topic' }]);
    expect(hub.flow.out(said(through))).toBe(1);
    expect(hub.flow.out(said(`_reply.me.${'t'.repeat(16)}.asker.gone`))).toBe(0);
    expect(hub.sent).toEqual([{ on: 2, passed: ['me'], to: ['y'], topic: inbox }]);
    hub.flow.take(letter({ cluster: 'unwanted', seq: 9, topic: inbox }));
    hub.flow.take(letter({ cluster: 'unwanted', seq: 10, topic: through }));
    expect(hub.arrived.at(-1)).toBe(`${inbox} 9 true`);
  });

  it('is published where it is for, passed on to the others, and never given to who has had it', () => {
    const hub = new Hub();
    hub.flow.take(letter({ to: ['me', 'z'] }));
    hub.flow.take(letter({ passed: ['y'], seq: 8, to: ['z'] }));
    expect(hub.arrived).toEqual(['order 7 true']);
    expect(hub.sent).toEqual([{ on: 2, passed: ['w', 'me'], to: ['z'] }]);
    hub.flow.take(letter({ passed: ['me'], seq: 9 }));
    expect(hub.arrived).toHaveLength(1);
    expect(hub.counters.lost).toBe(1);
  });

  it('arrives once, though two hubs have spoken for its cluster for a moment', () => {
    const hub = new Hub();
    hub.flow.take(letter());
    hub.flow.take(letter({ passed: ['v'] }));
    hub.flow.take(letter({ passed: ['v'], seq: 8 }));
    expect(hub.arrived).toEqual(['order 7 true', 'order 8 true']);
  });

  it('goes on once, though another hub that has spoken for its cluster sends it over here, too', () => {
    const hub = new Hub();
    hub.flow.out(said('order'));
    hub.flow.take(letter({ cluster: 'here', to: ['x', 'z'] }));
    hub.flow.take(letter({ cluster: 'here', seq: 8, to: ['z'] }));
    hub.flow.take(letter({ cluster: 'here', passed: ['v'], seq: 8, to: ['z', 'x'] }));
    expect(hub.sent.map(({ on, to }) => `${on} ${to}`)).toEqual(['1 x', '2 y,z', '2 z', '1 x']);
  });

  it('is not published where it is not wanted, and does not go abroad again where it is', () => {
    const hub = new Hub();
    hub.flow.take(letter({ cluster: 'unwanted' }));
    expect(hub.arrived).toEqual([]);
    hub.flow.out(new Delivery('order', 'somebody', 1, 0, undefined, payloadOf('a'), { abroad: true }));
    expect(hub.sent).toEqual([]);
  });

  it('waits for a full link, and is lost, and counted, where that breaks', () => {
    const hub = new Hub();
    hub.full = true;
    hub.flow.out(said('order'));
    expect(hub.sent).toEqual([]);
    hub.flow.closed(hub.links.get(1) as FlowLink);
    expect(hub.counters.lost).toBe(1);
    hub.full = false;
    hub.links.get(2)?.drained();
    expect(hub.sent).toEqual([{ on: 2, passed: ['me'], to: ['y', 'z'] }]);
  });
});
