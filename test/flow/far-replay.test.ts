import { describe, expect, it } from 'vitest';
import { Outbox } from '../../src/engine/core/topics/outbox.ts';
import { FROM_ABROAD } from '../../src/engine/flow/abroad-flow.ts';
import { Delivery } from '../../src/engine/flow/delivery.ts';
import { FarReplay } from '../../src/engine/flow/far-replay.ts';
import { FlowLink } from '../../src/engine/flow/flow-link.ts';
import { Way } from '../../src/engine/flow/way.ts';
import { payloadOf } from '../../src/engine/wire/payload.ts';

function begun(known: readonly string[] = [], messagesMax = 10) {
  const wire = { hold: () => undefined, isFull: false, release: () => undefined, send: () => undefined };
  const link = new FlowLink(1, { name: 'c', role: 'client' }, wire);
  const got: string[] = [];
  const way = new Way<Delivery>(link, new Outbox<Delivery>({ bytesMax: 1e6, messagesMax, policy: 'drop-oldest' }), {
    gap: () => undefined,
    paced: false,
    send: ({ isRetained, seq, topic }) => void got.push(`${topic} ${seq}${isRetained ? ' retained' : ''}`),
  });
  const replay = new FarReplay(way, ['#'], (topic) => known.includes(topic));
  const timers: (() => void)[] = [];
  const end = () => replay.end((_, then) => timers.push(then));
  const live = (topic: string, seq: number, abroad = true) => way.offer(said(topic, seq, abroad), FROM_ABROAD);
  return { end, got, live, replay, timers, way, wire };
}

function said(topic: string, seq: number, abroad = false): Delivery {
  return new Delivery(topic, 'somebody', seq, 0, undefined, payloadOf(seq), { abroad });
}

describe('what other clusters retain', () => {
  it('comes to a new subscription as retained, but what its own cluster knows', () => {
    const { got, replay } = begun(['known']);
    for (const [topic, seq] of [
      ['a', 1],
      ['known', 2],
      ['b', 3],
    ] as const)
      replay.take(said(topic, seq));
    expect(got).toEqual(['a 1 retained', 'b 3 retained']);
  });

  it('does not come behind something newer of its topic', () => {
    const { got, live, replay } = begun();
    live('a', 2);
    live('b', 1, false);
    for (const [topic, seq] of [
      ['a', 1],
      ['a', 2],
      ['b', 7],
    ] as const)
      replay.take(said(topic, seq));
    expect(got).toEqual(['a 2', 'b 1', 'b 7 retained']);
  });

  it('does not come again by itself, as long as that may be', () => {
    const { end, got, live, replay, timers, way } = begun();
    replay.take(said('a', 1));
    end();
    live('a', 1);
    live('a', 2);
    for (const then of timers) then();
    live('a', 1);
    expect(got).toEqual(['a 1 retained', 'a 2', 'a 1']);
    expect(way.admits).toBeUndefined();
  });

  it('waits for room, and is over with the subscription, and when nobody is asked any more', () => {
    const { replay, way, wire } = begun([], 4);
    wire.isFull = true;
    replay.take(said('a', 1));
    expect(replay.hasRoom).toBe(true);
    replay.take(said('b', 2));
    expect([replay.hasRoom, replay.isOver]).toEqual([false, false]);
    way.end();
    expect(replay.isOver).toBe(true);
    const other = begun();
    other.end();
    other.replay.take(said('a', 1));
    expect([other.replay.isOver, other.got, other.way.admits]).toEqual([true, [], undefined]);
  });
});
