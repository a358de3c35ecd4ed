import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { Membership } from '../../../src/engine/core/membership/membership.ts';
import type { MemberRumor, MemberState } from '../../../src/engine/core/membership/messages.ts';
import { DEFAULT_MEMBERSHIP } from '../../../src/engine/core/membership/options.ts';
import { addressOf, Mesh } from './mesh.ts';

const STATES: readonly MemberState[] = ['alive', 'suspect', 'dead', 'left'];
const EMPTY = { version: () => 0, body: () => undefined, weight: () => 1 };

function rumor(about: string, state: MemberState, incarnation: number): MemberRumor {
  return { kind: 'member', about, state, incarnation, address: `ws://${about}:${incarnation}`, by: about };
}

function startedWith(rumors: readonly MemberRumor[]): Membership {
  const machine = new Membership({ self: 'self', prng: new Prng(1), options: DEFAULT_MEMBERSHIP, cargo: EMPTY });
  machine.start('ws://self', 1, 0);
  machine.receive('peer', { kind: 'gossip', rumors }, 0);
  return machine;
}

function viewOf(machine: Membership): string[] {
  return [...machine.members()].map(
    ({ id, state, incarnation, address }) => `${id} ${state} ${incarnation} ${address}`,
  );
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `n${i}`);
}

/** A mesh of nodes that all know the first, after it has settled. */
function settled(count: number, seed: number): { mesh: Mesh; ids: readonly string[] } {
  const mesh = new Mesh(seed);
  const ids = names(count);
  for (const id of ids) mesh.start(id, { seeds: [addressOf('n0')] });
  mesh.run(10_000);
  mesh.happened();
  return { mesh, ids };
}

describe('membership', () => {
  test('comes to the same view in whatever order and however often news arrives', () => {
    const known = ['a', 'b', 'c'].map((id) => rumor(id, 'alive', 0));
    const news = fc.record({
      about: fc.constantFrom('a', 'b', 'c'),
      state: fc.constantFrom(...STATES),
      incarnation: fc.integer({ min: 0, max: 4 }),
    });
    const shuffled = fc
      .array(news, { maxLength: 12 })
      .chain((list) =>
        fc.tuple(fc.constant(list), fc.shuffledSubarray([...list, ...list], { minLength: list.length * 2 })),
      );
    fc.assert(
      fc.property(shuffled, ([inOrder, inAnother]) => {
        const views = [inOrder, inAnother].map((list) => {
          const machine = startedWith(known);
          for (const { about, state, incarnation } of list) {
            machine.receive('peer', { kind: 'gossip', rumors: [rumor(about, state, incarnation)] }, 0);
          }
          return viewOf(machine);
        });
        expect(views[0]).toEqual(views[1]);
      }),
    );
  });

  test('never lets an incarnation decrease or a member return at the same one', () => {
    const news = fc.tuple(fc.constantFrom(...STATES), fc.integer({ min: 0, max: 3 }), fc.boolean());
    fc.assert(
      fc.property(fc.array(news, { maxLength: 20 }), (list) => {
        const machine = startedWith([rumor('a', 'alive', 0)]);
        let before = machine.member('a');
        list.forEach(([state, incarnation, exchanged], i) => {
          const rumors = [rumor('a', state, incarnation)];
          machine.receive(
            'peer',
            exchanged ? { kind: 'sync-news', rumors, wanted: [] } : { kind: 'gossip', rumors },
            i,
          );
          const after = machine.member('a');
          if (before === undefined || after === undefined) throw new Error('a is forgotten');
          expect(after.incarnation).toBeGreaterThanOrEqual(before.incarnation);
          if (after.incarnation === before.incarnation) {
            expect(STATES.indexOf(after.state)).toBeGreaterThanOrEqual(STATES.indexOf(before.state));
          }
          before = after;
        });
      }),
    );
  });

  test.each([1, 2, 3])('lets forty nodes that know one seed find each other within 5 s (seed %i)', (seed) => {
    const mesh = new Mesh(seed);
    for (const id of names(40)) mesh.start(id, { seeds: [addressOf('n0')] });
    mesh.run(5_000);
    for (const id of mesh.running) {
      expect(mesh.machine(id).aliveCount).toBe(40);
      for (const other of mesh.running) expect(mesh.cargo(id, other)).toBe(`${other} says hello`);
    }
  });

  test.each([1, 2, 3, 4])(
    'tells all of forty nodes of a silent crash within 10 s, and of nothing else (seed %i)',
    (seed) => {
      const { mesh, ids } = settled(40, seed);
      mesh.crash('n7', { loud: false });
      mesh.run(10_000);
      for (const id of mesh.running) expect(mesh.sees(id, 'n7')).toBe('dead');
      expect(mesh.machine('n0').aliveCount).toBe(ids.length - 1);
      const about = mesh.happened().map(({ effect }) => (effect.kind === 'changed' ? effect.member.id : effect.kind));
      expect([...new Set(about)]).toEqual(['n7']);
    },
  );

  test.each([1, 2])('does not bury nodes that stall for seconds again and again (seed %i)', (seed) => {
    const { mesh } = settled(40, seed);
    const prng = new Prng(seed);
    for (let round = 0; round < 20; round++) {
      for (const id of ['n3', 'n9']) mesh.pause(id, prng.between(300, 2_500));
      mesh.run(4_000);
    }
    const buried = mesh.happened().filter(({ effect }) => effect.kind === 'changed' && effect.member.state === 'dead');
    expect(buried).toEqual([]);
    for (const id of mesh.running) if (id !== 'n3' && id !== 'n9') expect(mesh.machine(id).health).toBeLessThan(3);
  });

  test('heals after a partition in which both sides buried each other', () => {
    const { mesh, ids } = settled(20, 6);
    mesh.cut(ids.slice(0, 8), ids.slice(8));
    mesh.run(60_000);
    for (const id of ids) expect(mesh.machine(id).aliveCount).toBe(ids.indexOf(id) < 8 ? 8 : 12);
    mesh.heal();
    mesh.run(20_000);
    for (const id of ids) expect(mesh.machine(id).aliveCount).toBe(20);
    const buried = mesh.happened().filter(({ at, effect }) => {
      return at > 70_000 && effect.kind === 'changed' && effect.member.state === 'dead';
    });
    expect(buried).toEqual([]);
  });

  test('costs each node as much among forty as among ten, while nothing happens', () => {
    const perNode = [10, 40].map((count) => {
      const { mesh } = settled(count, 4);
      mesh.run(20_000);
      const before = mesh.messages;
      mesh.run(60_000);
      return (mesh.messages - before) / count / 60;
    });
    expect(perNode[0]).toBeCloseTo(2.5, 0); // a ping and an ack in 800 ms
    expect(perNode[1]).toBeCloseTo(perNode[0] as number, 1);
  });

  test('does not grow when a node leaves and another joins, again and again', () => {
    const { mesh } = settled(3, 8);
    for (let i = 0; i < 30; i++) {
      mesh.start(`x${i}`, { seeds: [addressOf('n0')] });
      mesh.run(2_000);
      mesh.act(`x${i}`, () => mesh.machine(`x${i}`).leave(mesh.now));
      mesh.run(2_000);
    }
    expect([...mesh.machine('n1').members()].length).toBe(33);
    mesh.run(DEFAULT_MEMBERSHIP.leftMs);
    expect([...mesh.machine('n1').members()].length).toBe(3);
  });

  test('forgets the longest dead where they are too many', () => {
    const options = { ...DEFAULT_MEMBERSHIP, deadMax: 2 };
    const machine = new Membership({ self: 'self', prng: new Prng(1), options, cargo: EMPTY });
    machine.start('ws://self', 1, 0);
    for (const state of ['alive', 'dead'] as const) {
      const rumors = ['a', 'b', 'c'].map((id) => rumor(id, state, 1));
      machine.receive('peer', { kind: 'gossip', rumors }, 0);
    }
    expect([...machine.members()].map(({ id }) => id)).toEqual(['self', 'b', 'c']);
    expect(machine.drain().filter(({ kind }) => kind === 'forgotten')).toEqual([{ kind: 'forgotten', id: 'a' }]);
  });

  test('says the same to the same, always', () => {
    const runs = [1, 2].map(() => {
      const { mesh } = settled(12, 5);
      mesh.crash('n3', { loud: true });
      mesh.pause('n5', 4_000);
      mesh.run(30_000);
      return { happened: mesh.happened(), messages: mesh.messages };
    });
    expect(runs[0]).toEqual(runs[1]);
  });

  test('exchanges large views in parts', () => {
    const mesh = new Mesh(2, { syncItemsMax: 5 });
    for (const id of names(40)) mesh.start(id, { seeds: [addressOf('n0')] });
    mesh.run(5_000);
    for (const id of mesh.running) expect(mesh.machine(id).aliveCount).toBe(40);
  });

  test('looks at a bounded part of what one message brings', () => {
    const options = { ...DEFAULT_MEMBERSHIP, itemsMax: 3 };
    const machine = new Membership({ self: 'self', prng: new Prng(1), options, cargo: EMPTY });
    machine.start('ws://self', 1, 0);
    machine.receive('peer', { kind: 'gossip', rumors: names(5).map((id) => rumor(id, 'alive', 1)) }, 0);
    expect([machine.aliveCount, machine.ignored]).toEqual([4, 2]);
  });
});
