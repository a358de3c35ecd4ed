import { describe, expect, test } from 'vitest';
import type { FederationConfig, LinkConfig } from '../../../src/engine/core/federation/options.ts';
import type { HubPeer } from '../../../src/engine/core/links/messages.ts';
import type { Message } from '../../../src/engine/core/node/inputs.ts';
import { plain } from '../calls/values.ts';
import { functionOf, type Inhabitant, SmallWorld } from './small-world.ts';

const RED: HubPeer = { address: 'ws://red', cluster: 'red', id: 'ID-red', name: 'red', role: 'hub' };

function configOf(cluster: string, links: readonly LinkConfig[] = []): FederationConfig {
  const breaker = { failureThreshold: 5, successThreshold: 3, timeoutMs: 60_000 };
  const identity = { cluster, name: cluster, region: '', tags: [] };
  return { breaker, identity, links, mode: 'permissive', version: 0 };
}

/** A hub and a node of one cluster; the node has `work`. */
function pair() {
  const world = new SmallWorld();
  const config = configOf('test');
  const hub = world.add('hub', { hub: { address: 'ws://hub', config, url: 'ws://hub' } });
  const node = world.add('node', { functions: [functionOf('work')] });
  for (const one of [hub, node]) world.give(one, { addresses: ['ws://hub'], kind: 'seeds' });
  world.run(8_000);
  return { hub, node, world };
}

function closed(one: Inhabitant): string {
  return one.effects.filter((text) => text.includes('"kind":"close"')).join('\n');
}

const way = { ahead: ['ID-hub'], cluster: 'red', from: 'ID-red', passed: ['ID-red'], to: 'ID-hub' };
const over = { ...way, life: 1, n: 1, session: 1 };
const call = {
  fun: 'work',
  id: 1,
  idempotent: false,
  kind: 'call',
  locs: [],
  payload: plain({ args: [] }),
  routed: false,
  timeoutMs: 0,
} as const;

describe('a hub', () => {
  test('says in its record that it is one, and no other node does', () => {
    const { hub, node, world } = pair();
    const has = (one: Inhabitant) => one.node.snapshot(world.now).record.resources.includes('role:hub');
    expect([has(hub), has(node)]).toEqual([true, false]);
  });

  test('counts a bridge neither among its members nor among its links', () => {
    const { hub, world } = pair();
    const before = hub.node.snapshot(world.now);
    world.give(hub, { kind: 'link-up', link: 900, peer: RED });
    world.run(5);
    const after = hub.node.snapshot(world.now);
    expect(after.links).toEqual(before.links);
    expect(after.members.map(({ name }) => name)).toEqual(before.members.map(({ name }) => name));
  });

  test.each<[string, Message]>([
    ['gossip', { kind: 'gossip', rumors: [] }],
    ['a call without a way', call],
    ['a subscription', { id: 1, kind: 'subscribe', patterns: ['a'] }],
    ['an answer that nobody waits for', { by: 'x', id: 7, kind: 'result', payload: plain(1) }],
  ])('closes a bridge over which %s comes', (_, message) => {
    const { hub, world } = pair();
    world.give(hub, { kind: 'link-up', link: 900, peer: RED });
    world.give(hub, { kind: 'message', link: 900, message });
    expect(closed(hub)).toContain('was sent over a bridge');
  });

  test('passes on no call that has been there, and runs none that is meant for another hub', () => {
    const { hub, node, world } = pair();
    world.give(hub, { kind: 'link-up', link: 900, peer: RED });
    for (const other of [
      { ...over, ahead: ['ID-hub', 'ID-red'], passed: ['ID-red', 'ID-hub'], to: 'ID-red' },
      { ...over, ahead: ['ID-other'], to: 'ID-other' },
    ]) {
      world.give(hub, { kind: 'message', link: 900, message: { ...call, over: other } });
    }
    world.run(100);
    expect([hub.ran, node.ran]).toEqual([[], []]);
  });

  test('runs nothing that was meant for another life of it', () => {
    const { hub, node, world } = pair();
    world.give(hub, { kind: 'link-up', link: 900, peer: RED });
    for (const life of [0, 2]) {
      world.give(hub, { kind: 'message', link: 900, message: { ...call, over: { ...over, life } } });
    }
    world.run(100);
    expect([hub.ran, node.ran]).toEqual([[], []]);
  });

  test('places what comes from abroad among its own nodes, once however often it comes', () => {
    const { hub, node, world } = pair();
    world.give(hub, { kind: 'link-up', link: 900, peer: RED });
    for (let i = 0; i < 3; i++) world.give(hub, { kind: 'message', link: 900, message: { ...call, over } });
    world.run(100);
    expect(node.ran).toEqual(['work']);
  });
});

describe('a node that is no hub', () => {
  test('takes no bridge', () => {
    const { node, world } = pair();
    world.give(node, { kind: 'link-up', link: 900, peer: RED });
    expect(closed(node)).toContain('this node is no hub');
  });

  test.each<[string, Message]>([
    ['what hubs tell each other', { digest: 1, kind: 'hub-digest' }],
    ['a call with a way', { ...call, over }],
    ['a call that is to be placed abroad', { ...call, abroad: true }],
  ])('ends the link of a client that sends %s', (_, message) => {
    const { hub, node, world } = pair();
    for (const one of [node, hub]) {
      const client = world.connect(one);
      client.send(message);
      world.run(50);
      expect(client.linked).toBe(false);
    }
  });

  test('refuses what it cannot place, though a node asks it as if it were a hub', () => {
    const { node, world } = pair();
    const peer = { address: 'ws://x', id: 'ID-x', name: 'x', role: 'peer' } as const;
    world.give(node, { kind: 'link-up', link: 900, peer });
    world.give(node, { kind: 'message', link: 900, message: { ...call, abroad: true, fun: 'other', routed: true } });
    expect(node.effects.at(-1)).toContain('"code":"not-here"');
  });
});

describe('a call abroad', () => {
  test('is given to a hub as it is, and fails where the hub knows of no cluster', () => {
    const { hub, node, world } = pair();
    const client = world.connect(node);
    const asked = client.call('elsewhere');
    const named = client.call('work', { cluster: 'green' });
    world.run(200);
    expect([asked.answer(), named.answer()]).toEqual(['function-unknown', 'cluster-unknown']);
    expect(hub.ran).toEqual([]);
  });
});
