import { describe, expect, test } from 'vitest';
import { NEVER } from '../../../src/engine/core/base/instant.ts';
import type { CargoRumor } from '../../../src/engine/core/membership/messages.ts';
import type { NodeInput } from '../../../src/engine/core/node/inputs.ts';
import { Node } from '../../../src/engine/core/node/node.ts';
import { plain } from '../calls/values.ts';
import { functionOf, type Inhabitant, SmallWorld } from './small-world.ts';

const f = functionOf;

/** `a alive, b draining`, in the eyes of a node. */
function seenBy(one: Inhabitant, world: SmallWorld): string {
  const { members } = one.node.snapshot(world.now);
  return [...members]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, state }) => `${name} ${state}`)
    .join(', ');
}

function three() {
  const world = new SmallWorld();
  const [a, b, c] = world.mesh({ a: [], b: [f('work')], c: [f('work'), f('other')] });
  if (a === undefined || b === undefined || c === undefined) throw new Error('three were made');
  return { a, b, c, world };
}

describe('a node that starts', () => {
  const config = three().a.config;

  test('says nothing before its epoch is stored, whatever comes in', () => {
    const node = new Node(config);
    const told: string[] = [];
    const step = (input: NodeInput) => {
      node.step(input, 5);
      told.push(
        ...node
          .drain()
          .map((effect) => (effect.kind === 'persist' ? `persist ${effect.writes[0]?.value}` : effect.kind)),
      );
    };
    step({ epoch: 7, kind: 'start' });
    step({ addresses: ['ws://b'], kind: 'seeds' });
    step({ kind: 'describe', self: { resources: ['gpu'] } });
    step({ kind: 'drain' });
    step({ kind: 'message', link: 1, message: { kind: 'beat', reply: false } });
    step({ kind: 'advance' });
    step({ fence: 7, kind: 'persisted' });
    expect(told).toEqual(['persist 8']);
    expect(node.deadline()).toBe(NEVER);
    expect(node.snapshot(5).phase).toBe('starting');
    step({ fence: 8, kind: 'persisted' });
    step({ kind: 'advance' });
    expect(told).toContain('dial');
    expect(node.snapshot(5)).toMatchObject({ phase: 'running', record: { resources: ['gpu'], state: 'draining' } });
  });

  test('closes a connection that comes too early', () => {
    const node = new Node(config);
    node.step({ epoch: 0, kind: 'start' }, 0);
    node.drain();
    node.step({ kind: 'link-up', link: 3, peer: { name: 'cli', role: 'client' } }, 0);
    expect(node.drain()).toMatchObject([{ kind: 'close', link: 3 }]);
  });

  test('may go without a word', () => {
    const node = new Node(config);
    node.step({ epoch: 0, kind: 'start' }, 0);
    node.drain();
    node.step({ graceMs: 1_000, kind: 'leave' }, 0);
    expect(node.drain()).toEqual([{ kind: 'stopped' }]);
    node.step({ fence: 1, kind: 'persisted' }, 1);
    node.step({ kind: 'advance' }, 1);
    expect(node.drain()).toEqual([]);
    expect(node.deadline()).toBe(NEVER);
  });

  test('needs a name', () => {
    expect(() => new Node({ ...config, name: '' })).toThrow(RangeError);
  });

  test('in another life is believed over what a former one said', () => {
    const { a, b, c, world } = three();
    world.vanish(b);
    world.silent.clear();
    world.add('b', { functions: [f('new')], id: b.config.id }, 1);
    world.run(8_000);
    const client = world.connect(a);
    const answers = [client.call('new'), client.call('work', { node: 'b' }), client.call('work')];
    world.run(200);
    expect(answers.map(({ answer }) => answer())).toEqual(['"new" by b', 'function-unknown', '"work" by c']);
    expect([a, c].map((one) => seenBy(one, world))).toEqual(['a alive, b alive, c alive', 'a alive, b alive, c alive']);
  });
});

describe('nodes that know one of them', () => {
  test('find each other, and each tells of it', () => {
    const { a, b, c, world } = three();
    for (const one of [a, b, c]) {
      expect(seenBy(one, world)).toBe('a alive, b alive, c alive');
      expect(one.node.snapshot(world.now).links).toEqual({ clients: 0, peers: 2 });
    }
    const members = a.events.flatMap((event) => (event.kind === 'member' ? [`${event.name} ${event.state}`] : []));
    expect(members.sort()).toEqual(['b alive', 'c alive']);
    const ups = a.events.flatMap((event) => (event.kind === 'link' ? [`${event.peer} ${event.change}`] : []));
    expect(ups.sort()).toEqual(['b up', 'c up']);
    const functions = a.events.flatMap((event) =>
      event.kind === 'function' ? [`${event.fun} ${event.change} on ${event.node}`] : [],
    );
    expect(functions.sort()).toEqual(['other added on c', 'work added on b', 'work added on c']);
  });

  test('run what a client asks of any of them, wherever it is', () => {
    const { a, b, c, world } = three();
    const clients = [a, b, c].map((one) => world.connect(one));
    const calls = clients.map((client) => client.call('other'));
    const nobody = clients[0]?.call('nothing');
    const pretending = clients[0]?.call('other', { routed: true });
    world.run(100);
    expect(calls.map(({ answer }) => answer())).toEqual(['"other" by c', '"other" by c', '"other" by c']);
    expect([nobody?.answer(), pretending?.answer()]).toEqual(['function-unknown', '"other" by c']);
    expect(c.ran).toHaveLength(4);
  });

  test('tell of a new function at once, and of one that is gone', () => {
    const { a, b, world } = three();
    const client = world.connect(a);
    const early = client.call('fresh');
    world.run(100);
    world.give(b, { kind: 'describe', self: { functions: [f('work'), f('fresh')] } });
    world.run(1_000);
    const first = client.call('fresh');
    world.run(100);
    world.give(b, { kind: 'describe', self: { functions: [f('work')] } });
    world.run(1_000);
    const second = client.call('fresh');
    world.run(100);
    expect([early, first, second].map(({ answer }) => answer())).toEqual([
      'function-unknown',
      '"fresh" by b',
      'function-unknown',
    ]);
    const told = a.events.flatMap((event) =>
      event.kind === 'function' && event.fun === 'fresh' ? [event.change] : [],
    );
    expect(told).toEqual(['added', 'removed']);
  });

  test('refuse what is no longer there on the way: the call goes to another', () => {
    const { a, b, c, world } = three();
    const client = world.connect(a);
    const calls = Array.from({ length: 6 }, () => client.call('work'));
    world.run(5); // the calls have just arrived at a
    world.give(b, { kind: 'describe', self: { functions: [] } });
    world.run(100);
    expect(calls.map(({ answer }) => answer())).toEqual(Array.from({ length: 6 }, () => '"work" by c'));
    expect([b.ran, c.ran.length]).toEqual([[], 6]);
  });
});

describe('a node that drains', () => {
  test('gets no new work, passes on what others ask, and takes work again when told to', () => {
    const { a, b, c, world } = three();
    world.give(b, { kind: 'drain' });
    world.run(1_000);
    expect(seenBy(a, world)).toBe('a alive, b draining, c alive');
    const client = world.connect(b);
    const calls = Array.from({ length: 5 }, () => client.call('work'));
    world.run(100);
    expect(calls.map(({ answer }) => answer())).toEqual(Array.from({ length: 5 }, () => '"work" by c'));
    world.give(b, { kind: 'undrain' });
    world.run(1_000);
    const back = client.call('work', { node: 'b' });
    world.run(100);
    expect(back.answer()).toBe('"work" by b');
    expect(seenBy(c, world)).toBe('a alive, b alive, c alive');
    for (const { events } of [a, b]) {
      const told = events.flatMap((event) => (event.kind === 'member' && event.name === 'b' ? [event.state] : []));
      expect(told.slice(-2)).toEqual(['draining', 'alive']);
    }
  });
});

describe('a node that leaves', () => {
  test('finishes what runs, takes nothing new, tells the others, and is gone', () => {
    const { a, b, world } = three();
    world.doings['work'] = () => ({ afterMs: 2_000, value: 'finished' });
    const [near, far] = [world.connect(b), world.connect(a)];
    const calls = [near.call('work', { node: 'b' }), far.call('work', { node: 'b' })];
    world.run(100);
    world.give(b, { graceMs: 30_000, kind: 'leave' });
    world.run(500);
    const late = [near.call('other'), far.call('work', { node: 'b' })];
    world.run(500);
    expect(late.map(({ answer }) => answer())).toEqual(['node-stopping', 'node-stopping']);
    expect([b.stopped, seenBy(a, world)]).toEqual([false, 'a alive, b draining, c alive']);
    world.run(2_000);
    expect(calls.map(({ answer }) => answer())).toEqual(['"finished" by b', '"finished" by b']);
    expect([b.stopped, seenBy(a, world), near.linked]).toEqual([true, 'a alive, b left, c alive', false]);
  });

  test('does not wait longer than it was given, and says what became of the rest', () => {
    const { a, b, world } = three();
    world.doings['work'] = () => ({ never: true });
    const [near, far] = [world.connect(b), world.connect(a)];
    const calls = [near.call('work', { node: 'b' }), far.call('work', { node: 'b' })];
    world.run(100);
    world.give(b, { graceMs: 60_000, kind: 'leave' });
    world.run(1_000);
    world.give(b, { graceMs: 1_000, kind: 'leave' });
    world.run(900);
    expect([b.stopped, b.aborted.length]).toEqual([false, 0]);
    world.run(2_000);
    expect(calls.map(({ answer }) => answer())).toEqual(['node-stopping (unknown)', 'node-stopping (unknown)']);
    expect([b.stopped, b.aborted.length]).toEqual([true, 2]);
    world.give(b, { kind: 'advance' });
    expect(b.effects.at(-1)).toBe('[]');
  });

  test('alone goes at once', () => {
    const world = new SmallWorld();
    const a = world.add('a');
    world.run(100);
    world.give(a, { graceMs: 30_000, kind: 'leave' });
    world.run(1);
    expect(a.stopped).toBe(true);
    expect(a.effects.at(-1)).toMatch(/\{"kind":"stopped"\}\]$/);
  });
});

describe('a client', () => {
  test.each<[string, Parameters<ReturnType<SmallWorld['connect']>['send']>[0]]>([
    ['speaks as nodes do among themselves', { kind: 'gossip', rumors: [] }],
    ['answers what nobody asked', { id: 1, kind: 'error', problem: { code: 'internal', message: 'so' } }],
  ])('that %s is told so and cut off, and what it asked is ended', (_, message) => {
    const { b, world } = three();
    world.doings['work'] = () => ({ never: true });
    const client = world.connect(b);
    client.call('work', { node: 'b' });
    world.run(50);
    client.send(message);
    client.call('work', { node: 'b' });
    world.run(50);
    expect(client.messages).toMatchObject([{ kind: 'goaway', problem: { code: 'protocol-violated' } }]);
    expect(client.linked).toBe(false);
    expect([b.ran.length, b.aborted.length]).toEqual([1, 1]);
    expect(b.node.snapshot(world.now)).toMatchObject({
      calls: { held: 0, running: 0, waiting: 0 },
      links: { clients: 0 },
    });
  });

  test('that goes away takes its calls with it, on whatever node they run', () => {
    const { a, c, world } = three();
    world.doings['other'] = () => ({ never: true });
    const client = world.connect(a);
    client.call('other');
    world.run(50);
    client.leave();
    world.run(50);
    expect([c.ran, c.aborted.length]).toEqual([['other'], 1]);
    expect(c.node.snapshot(world.now).calls).toEqual({ held: 0, running: 0, waiting: 0 });
  });
});

describe('a call to a node that cannot be reached', () => {
  const apart = () => {
    const { a, b, c, world } = three();
    world.vanish(c);
    const client = world.connect(a);
    world.run(20);
    return { a, b, c, client, world };
  };

  test('did not happen, though its node is declared dead while the call waits for a link', () => {
    const { a, client, world } = apart();
    const call = client.call('other', { node: 'c' });
    world.run(30_000);
    expect(seenBy(a, world)).toBe('a alive, b alive, c dead');
    expect(call.answer()).toBe('nobody-there');
  });

  test('goes to another node that has it', () => {
    const { b, client, world } = apart();
    const calls = Array.from({ length: 4 }, () => client.call('work'));
    world.run(30_000);
    expect(calls.map(({ answer }) => answer())).toEqual(Array.from({ length: 4 }, () => '"work" by b'));
    expect(b.ran).toHaveLength(4);
  });

  test('and is cancelled while it waits for the link never begins', () => {
    const { c, client, world } = apart();
    const call = client.call('other', { node: 'c' });
    world.run(500);
    world.silent.clear();
    const again = world.add('c', { functions: [f('other')], id: c.config.id }, 1);
    client.send({ id: call.id, kind: 'cancel', reason: 'so' });
    world.run(20_000);
    expect(call.answer()).toBe('cancelled');
    expect(again.ran).toEqual([]);
  });
});

test('the same inputs at the same instants have the same effects: a life can be played again', () => {
  const { a, b, c, world } = three();
  world.doings['work'] = () => ({ afterMs: 30, value: 'w' });
  const client = world.connect(a);
  for (let i = 0; i < 20; i++) client.call(i % 3 === 0 ? 'other' : 'work', { timeoutMs: 20 + i * 5 });
  client.send({
    id: 90,
    kind: 'plan',
    payload: plain([
      { fun: 'work', name: 'x' },
      { args: ['x'], fun: 'other', name: 'y' },
    ]),
    timeoutMs: 0,
  });
  world.run(3_000);
  world.vanish(c);
  world.run(20_000);
  world.give(b, { graceMs: 100, kind: 'leave' });
  world.run(5_000);
  for (const { config, trace, effects } of [a, b, c]) {
    const node = new Node(config);
    const again = trace.map(({ input, now }) => {
      node.step(input, now);
      return JSON.stringify(node.drain());
    });
    expect(trace.length).toBeGreaterThan(50);
    expect(again).toEqual(effects);
  }
});

describe('records that cannot be true', () => {
  const config = three().a.config;
  const record = { ...three().b.config, addresses: ['ws://z'], load: 0, state: 'active' } as const;

  /** A running node with a link to a peer that says this of others. */
  function told(rumors: readonly object[]): Node {
    const node = new Node(config);
    const step = (input: NodeInput) => node.step(input, 5);
    step({ epoch: 0, kind: 'start' });
    step({ fence: 1, kind: 'persisted' });
    step({ kind: 'link-up', link: 1, peer: { address: 'ws://p', id: 'P', name: 'p', role: 'peer' } });
    for (const rumor of rumors) {
      step({ kind: 'message', link: 1, message: { kind: 'gossip', rumors: [rumor as CargoRumor] } });
    }
    return node;
  }

  test('are not taken in: of another node, of another version, beyond all counting', () => {
    const alive = { about: 'Z', address: 'ws://z', by: 'Z', incarnation: 1, kind: 'member', state: 'alive' };
    const cargo = (about: string, version: number, body: object) => ({ about, body, kind: 'cargo', version });
    const seen = (...rumors: object[]) =>
      told([alive, ...rumors])
        .snapshot(5)
        .members.find(({ id }) => id === 'Z')?.record?.version;
    expect(seen(cargo('Z', 3, { ...record, id: 'Z', version: 3 }))).toBe(3);
    expect(seen(cargo('Y', 3, { ...record, id: 'Z', version: 3 }))).toBeUndefined();
    expect(seen(cargo('Z', 3, { ...record, id: 'Z', version: 4 }))).toBeUndefined();
    expect(seen(cargo('Z', 2 ** 53 - 1, { ...record, id: 'Z', version: 2 ** 53 - 1 }))).toBeUndefined();
  });

  test('of strangers are forgotten again, the oldest first', () => {
    const cargo = (id: string) => ({ about: id, body: { ...record, id, version: 3 }, kind: 'cargo', version: 3 });
    const ids = Array.from({ length: 3_000 }, (_, i) => `S${i}`);
    const known = { about: 'S2999', address: 'ws://s', by: 'S', incarnation: 1, kind: 'member', state: 'alive' };
    const early = { ...known, about: 'S0' };
    const records = told([...ids.map(cargo), known, early])
      .snapshot(5)
      .members.map(({ id, record: of }) => [id, of?.id]);
    expect(records).toContainEqual(['S2999', 'S2999']);
    expect(records).toContainEqual(['S0', undefined]);
  });
});
