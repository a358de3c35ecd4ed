/** The law of bridges that are gone, over three hubs of which nothing is there but what the law looks at. */
import { expect, test } from 'vitest';
import type { NodeEffect } from '../../src/engine/core/node/effects.ts';
import type { NodeInput } from '../../src/engine/core/node/inputs.ts';
import { FederationChecker } from '../../src/engine/sim/checkers/federation.ts';
import type { SimProcess } from '../../src/engine/sim/process.ts';
import type { World } from '../../src/engine/sim/world.ts';

const LONG_MS = 60_000;

/** The hubs a, b and c, each of a cluster of its own, just started. */
function hubs() {
  const timeline = { now: 0 };
  const world = { place: () => ({ sleptUntil: 0 }), timeline } as unknown as World;
  const checker = new FederationChecker(() => world);
  const [a, b, c] = ['a', 'b', 'c'].map((id, place) => {
    const hub = { birth: { cluster: `c${place}`, id, name: id }, life: 1, place } as unknown as SimProcess;
    checker.started(hub);
    return hub;
  }) as [SimProcess, SimProcess, SimProcess];
  const up = (hub: SimProcess, link: number, to = hub === a ? 'b' : 'a') => {
    const peer = { address: '', id: to, name: '', role: 'hub' } as const;
    checker.stepped(hub, { kind: 'link-up', link, peer } as NodeInput, []);
  };
  const down = (hub: SimProcess, link: number) =>
    checker.stepped(hub, { kind: 'link-down', link, reason: '' } as NodeInput, []);
  /** A message of a, on its own link to b, to the last of a way. */
  const send = (link: number, ahead: readonly string[] = ['b']) => {
    const over = { ahead, cluster: 'c0', from: 'a', life: 1, n: 1, passed: ['a'], session: 1, to: ahead.at(-1) };
    checker.stepped(a, { kind: 'advance' }, [{ kind: 'send', link, message: { kind: 'hub-ack', over } } as NodeEffect]);
  };
  return { a, b, c, down, send, timeline, up };
}

test('a bridge that comes up at one end first may be used there before the other end has it', () => {
  const { a, send, timeline, up } = hubs();
  timeline.now = LONG_MS;
  up(a, 1);
  send(1);
});

test('a bridge that the other end has had, and has no more, may not be used for long', () => {
  const { a, b, down, send, timeline, up } = hubs();
  up(a, 1);
  up(b, 2);
  down(b, 2);
  timeline.now += 1_000;
  send(1);
  timeline.now += LONG_MS;
  expect(() => send(1)).toThrow('a and b have had none since 0 ms');
});

test('a bridge that the other end never gets may not be used for long', () => {
  const { a, send, timeline, up } = hubs();
  timeline.now = LONG_MS;
  up(a, 1);
  timeline.now += LONG_MS;
  expect(() => send(1)).toThrow(`a and b have had none since ${LONG_MS} ms`);
});

test('a bridge that is gone is used a moment longer behind one that has just come up: the news of it comes over that one', () => {
  const { a, b, c, down, send, timeline, up } = hubs();
  up(b, 3, 'c');
  up(c, 4, 'b');
  down(c, 4);
  timeline.now = LONG_MS;
  up(a, 1);
  up(b, 2);
  send(1, ['b', 'c']);
  timeline.now += LONG_MS;
  expect(() => send(1, ['b', 'c'])).toThrow('b and c have had none since 0 ms');
});
