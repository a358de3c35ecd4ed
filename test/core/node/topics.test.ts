/** How nodes come to know who listens, and forget it: through the node's door. The host moves what is published. */
import { describe, expect, it } from 'vitest';
import type { Message } from '../../../src/engine/core/node/inputs.ts';
import { type Inhabitant, SmallWorld } from './small-world.ts';

function routeOf(
  { node }: Inhabitant,
  topic: string,
): { readonly local: readonly number[]; readonly nodes: readonly string[] } {
  const route = node.exchange?.route(topic);
  if (!route?.ok) throw new Error(`no route for ${topic}`);
  return { local: route.value.local.map(({ id }) => id), nodes: [...route.value.nodes].sort() };
}

function three(): {
  readonly world: SmallWorld;
  readonly a: Inhabitant;
  readonly b: Inhabitant;
  readonly c: Inhabitant;
} {
  const world = new SmallWorld();
  const [a, b, c] = world.mesh({ a: [], b: [], c: [] }) as [Inhabitant, Inhabitant, Inhabitant];
  return { a, b, c, world };
}

const orders: Message = { id: 1, kind: 'subscribe', patterns: ['order.*'] };

describe('a node', () => {
  it('is told by the others what their clients listen to, and when they no longer do', () => {
    const { a, b, c, world } = three();
    const client = world.connect(b);
    client.send(orders);
    world.run(100);
    expect(routeOf(a, 'order.eu').nodes).toEqual(['ID-b']);
    expect(routeOf(c, 'order.eu').nodes).toEqual(['ID-b']);
    expect(routeOf(b, 'order.eu')).toEqual({ local: [1], nodes: [] });
    client.send({ id: 1, kind: 'unsubscribe' });
    world.run(100);
    expect(routeOf(a, 'order.eu').nodes).toEqual([]);
    expect(routeOf(b, 'order.eu').local).toEqual([]);
  });

  it('forgets the subscriptions of a client that leaves', () => {
    const { a, b, world } = three();
    const client = world.connect(b);
    client.send(orders);
    client.send({ ...orders, group: 'billing', id: 2 });
    world.run(100);
    expect(b.node.exchange?.counts.subscriptions).toBe(2);
    client.leave();
    world.run(100);
    expect(b.node.exchange?.counts.subscriptions).toBe(0);
    expect(routeOf(a, 'order.eu').nodes).toEqual([]);
    expect(a.node.exchange?.counts.memberPatterns).toBe(0);
  });

  it('sends nothing more to a node that is dead, and to its next life what that listens to', () => {
    const { a, b, world } = three();
    world.connect(b).send(orders);
    world.run(100);
    world.vanish(b);
    world.run(60_000);
    expect(routeOf(a, 'order.eu').nodes).toEqual([]);
    const again = world.add('b', {}, 1);
    world.give(again, { addresses: ['ws://a'], kind: 'seeds' });
    world.run(5_000);
    expect(routeOf(a, 'order.eu').nodes).toEqual([]);
    world.connect(again).send({ ...orders, patterns: ['#.eu'] });
    world.run(100);
    expect(routeOf(a, 'order.eu').nodes).toEqual(['ID-b']);
  });

  it('waits for no node that has left, though a link to it comes up once more', () => {
    const { a, b, world } = three();
    world.give(b, { graceMs: 0, kind: 'leave' });
    world.run(1_000);
    const peer = { address: 'ws://b', id: 'ID-b', name: 'b', role: 'peer' } as const;
    world.give(a, { kind: 'link-up', link: 99, peer });
    const client = world.connect(a);
    client.send({ ...orders, everywhere: true });
    world.run(100);
    expect(client.messages).toContainEqual({ id: 1, kind: 'subscribed' });
    expect(a.node.exchange?.counts.peers).toBe(1);
  });

  it('refuses a second subscription of one number, and ends neither the first nor the client', () => {
    const { b, world } = three();
    const client = world.connect(b);
    client.send(orders);
    client.send({ ...orders, patterns: ['cart.*'] });
    world.run(100);
    expect(routeOf(b, 'cart.7').local).toEqual([]);
    expect(routeOf(b, 'order.eu').local).toEqual([1]);
  });

  it('says in its record at which version its interest is, and not more often than once a second', () => {
    const { a, b, world } = three();
    const client = world.connect(b);
    const said = () => a.node.snapshot(world.now).members.find(({ id }) => id === 'ID-b')?.record?.interest;
    expect(said()).toBeUndefined();
    const versions = new Set<unknown>();
    for (let id = 1; id <= 30; id++) {
      client.send({ id, kind: 'subscribe', patterns: [`order.${id}`] });
      world.run(100);
      versions.add(said());
    }
    world.run(2_000);
    expect(said()).toBe(b.node.exchange?.counts.version);
    expect(versions.size).toBeLessThan(7);
  });
});
