/** The law of bridges that are gone, over two hubs of which nothing is there but what the law looks at. */
import { expect, test } from 'vitest';
import type { NodeEffect } from '../../src/engine/core/node/effects.ts';
import type { NodeInput } from '../../src/engine/core/node/inputs.ts';
import { FederationChecker } from '../../src/engine/sim/checkers/federation.ts';
import type { SimProcess } from '../../src/engine/sim/process.ts';
import type { World } from '../../src/engine/sim/world.ts';

const LONG_MS = 60_000;

/** Hub a in cluster c0 and hub b in c1, both just started. */
function hubs() {
  const timeline = { now: 0 };
  const world = { place: () => ({ sleptUntil: 0 }), timeline } as unknown as World;
  const checker = new FederationChecker(() => world);
  const [a, b] = ['a', 'b'].map((id, place) => {
    const hub = { birth: { cluster: `c${place}`, id, name: id }, life: 1, place } as unknown as SimProcess;
    checker.started(hub);
    return hub;
  }) as [SimProcess, SimProcess];
  const up = (hub: SimProcess, link: number) => {
    const peer = { address: '', id: hub === a ? 'b' : 'a', name: '', role: 'hub' } as const;
    checker.stepped(hub, { kind: 'link-up', link, peer } as NodeInput, []);
  };
  const down = (hub: SimProcess, link: number) =>
    checker.stepped(hub, { kind: 'link-down', link, reason: '' } as NodeInput, []);
  /** A message of a to b, on its own link. */
  const send = (link: number) => {
    const over = { ahead: ['b'], cluster: 'c0', from: 'a', life: 1, n: 1, passed: ['a'], session: 1, to: 'b' };
    checker.stepped(a, { kind: 'advance' }, [{ kind: 'send', link, message: { kind: 'hub-ack', over } } as NodeEffect]);
  };
  return { a, b, down, send, timeline, up };
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
