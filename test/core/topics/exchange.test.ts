import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Exchange } from '../../../src/engine/core/topics/exchange.ts';
import { DEFAULT_TOPICS } from '../../../src/engine/core/topics/options.ts';
import { gets, LIMITS, Mesh } from './mesh.ts';
import { patterns, topics } from './naive.ts';

const NAMES = ['a', 'b', 'c'];

function linked(options: ConstructorParameters<typeof Mesh>[1] = {}): Mesh {
  const mesh = new Mesh(NAMES, options);
  for (const a of NAMES) for (const b of NAMES) mesh.link(a, b);
  mesh.quiet();
  return mesh;
}

describe('a message', () => {
  test('is delivered once to each subscription, however many of its patterns match', () => {
    const mesh = linked();
    mesh.subscribe('a', ['order.#', 'order.*', '#']);
    mesh.subscribe('b', ['#.eu', 'order.eu']);
    mesh.subscribe('b', ['*.eu']);
    mesh.quiet();
    expect(mesh.route('a', 'order.eu').nodes).toEqual(['b']);
    for (const name of NAMES) expect(mesh.publish(name, 'order.eu')).toEqual(['a/1', 'b/1', 'b/2']);
  });

  test('goes to no node where nobody listens', () => {
    const mesh = linked();
    mesh.subscribe('b', ['cart.#']);
    mesh.quiet();
    expect(mesh.route('a', 'order.eu')).toMatchObject({ groups: [], local: [], nodes: [] });
  });

  test('without a valid topic goes nowhere', () => {
    expect(new Mesh(['a']).at('a').route('order.*')).toMatchObject({ ok: false, problem: { code: 'topic-invalid' } });
  });
});

describe('a route', () => {
  test('is the same object until something changes that concerns its topic, and never changes itself', () => {
    const mesh = new Mesh(['a']);
    mesh.subscribe('a', ['order.eu.*']);
    const before = mesh.route('a', 'order.eu.paid');
    expect(mesh.route('a', 'order.eu.paid')).toBe(before);
    mesh.subscribe('a', ['cart.#']);
    expect([mesh.route('a', 'order.eu.paid') === before, mesh.at('a').isCurrent(before)]).toEqual([true, true]);
    const id = mesh.subscribe('a', ['order.#']);
    expect(mesh.at('a').isCurrent(before)).toBe(false);
    expect(before.local).toHaveLength(1);
    expect(mesh.route('a', 'order.eu.paid').local).toHaveLength(2);
    mesh.at('a').unsubscribe(id, 0);
    expect(mesh.route('a', 'order.eu.paid').local).toHaveLength(1);
    expect([before, before.local, before.nodes, before.groups].every(Object.isFrozen)).toBe(true);
  });

  test('is forgotten when nobody asks for it any more', () => {
    const mesh = new Mesh(['a'], { routesMax: 10 });
    for (let i = 0; i < 100; i++) mesh.route('a', `t.${i}`);
    expect(mesh.at('a').counts.routes).toBeLessThanOrEqual(10);
    expect(mesh.at('a').deadline()).toBeLessThanOrEqual(mesh.now);
    for (let i = 0; i < 3; i++) mesh.pass(DEFAULT_TOPICS.routesTurnMs);
    expect([mesh.at('a').counts.routes, mesh.at('a').deadline()]).toEqual([0, Number.MAX_SAFE_INTEGER]);
  });

  test('is never stale, whatever comes and goes', () => {
    const step = fc.record({ drop: fc.nat(9), patterns: fc.array(patterns, { maxLength: 3, minLength: 1 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.array(topics, { maxLength: 4, minLength: 1 }), (steps, all) => {
        const mesh = new Mesh(['a'], { routesMax: 6 });
        const there = new Map<number, readonly string[]>();
        for (const one of steps) {
          there.set(mesh.subscribe('a', one.patterns), one.patterns);
          if (there.delete(one.drop)) expect(mesh.at('a').unsubscribe(one.drop, 0)).toBe(true);
          for (const topic of all) {
            const expected = [...there].filter(([, texts]) => gets(texts, topic)).map(([id]) => `a/${id}`);
            expect(mesh.publish('a', topic)).toEqual(expected.sort());
          }
        }
        for (const id of there.keys()) mesh.at('a').unsubscribe(id, 0);
        expect(mesh.at('a').counts).toMatchObject({
          memberPatterns: 0,
          nodePatterns: 0,
          patterns: 0,
          subscriptions: 0,
        });
      }),
      { numRuns: 100 },
    );
  });

  test('explains itself by the patterns that match', () => {
    const mesh = linked();
    mesh.subscribe('a', ['order.#', '*.eu', 'cart']);
    mesh.subscribe('b', ['order.eu']);
    mesh.subscribe('b', ['order.*'], 'billing');
    mesh.quiet();
    expect(mesh.at('a').explain('order.eu')).toEqual({
      ok: true,
      value: [
        { node: 'a', pattern: '*.eu', subscription: 1 },
        { node: 'a', pattern: 'order.#', subscription: 1 },
        { node: 'b', pattern: 'order.eu' },
        { group: 'billing', node: 'b', pattern: 'order.*', subscription: 2 },
      ].sort((x, y) => (x.pattern === 'order.#' && y.pattern === '*.eu' ? -1 : 0)),
    });
    expect(mesh.at('a').explain('')).toMatchObject({ ok: false });
  });
});

describe('interest', () => {
  test('of every node is known everywhere in the end, though links break, nodes start anew, and there is little room', () => {
    const name = fc.constantFrom(...NAMES);
    const step = fc.oneof(
      {
        arbitrary: fc.record({
          kind: fc.constant('subscribe'),
          name,
          texts: fc.array(patterns, { maxLength: 3, minLength: 1 }),
        }),
        weight: 4,
      },
      {
        arbitrary: fc.record({ id: fc.integer({ max: 6, min: 1 }), kind: fc.constant('unsubscribe'), name }),
        weight: 2,
      },
      { arbitrary: fc.record({ kind: fc.constant('link'), name, other: name }), weight: 4 },
      { arbitrary: fc.record({ kind: fc.constant('unlink'), name, other: name }), weight: 2 },
      { arbitrary: fc.record({ kind: fc.constant('restart'), name }), weight: 1 },
      { arbitrary: fc.record({ kind: fc.constant('gone'), name, other: name }), weight: 1 },
      { arbitrary: fc.record({ kind: fc.constant('gossip') }), weight: 1 },
      { arbitrary: fc.record({ kind: fc.constant('deliver') }), weight: 8 },
      { arbitrary: fc.record({ kind: fc.constant('pass'), ms: fc.nat(1_500) }), weight: 4 },
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.array(topics, { maxLength: 6 }),
        fc.constantFrom({}, { interestMax: 2 }, { peerPatternsMax: 1 }),
        (steps, all, options) => {
          const mesh = new Mesh(NAMES, options);
          const there = new Map<string, readonly string[]>();
          for (const one of steps) act(mesh, there, one);
          for (const a of NAMES) for (const b of NAMES) mesh.link(a, b);
          mesh.gossip();
          mesh.pass(2_000);
          mesh.quiet();
          for (const topic of all) {
            const expected = [...there].filter(([, texts]) => gets(texts, topic)).map(([id]) => id);
            for (const from of NAMES) expect(mesh.publish(from, topic)).toEqual(expected.sort());
            if (Object.keys(options).length > 0) continue;
            const nodes = (from: string) => new Set(expected.map(([node]) => node).filter((node) => node !== from));
            for (const from of NAMES) expect(new Set(mesh.route(from, topic).nodes)).toEqual(nodes(from));
          }
          for (const a of NAMES) {
            mesh.at(a).everywhere(1, mesh.now);
            for (const b of NAMES) mesh.at(a).gone(b, mesh.now);
            expect(mesh.at(a).counts).toMatchObject({ nodePatterns: 0, peers: 0 });
          }
          mesh.settle();
          expect(mesh.everywhere).toEqual(NAMES.map((each) => `${each} 1`));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('is told in full to a node that has forgotten it, though changes were on their way', () => {
    const mesh = linked();
    mesh.subscribe('b', ['one']);
    mesh.quiet();
    mesh.unlink('a', 'b');
    mesh.at('a').gone('b', mesh.now);
    mesh.link('a', 'b');
    mesh.subscribe('b', ['two']);
    mesh.pass(DEFAULT_TOPICS.announceMs);
    // What b tells first is a change of what a has forgotten.
    const [change] = mesh.flights.splice(
      mesh.flights.findIndex(({ message }) => message.kind === 'interest'),
      1,
    );
    if (change !== undefined) mesh.flights.unshift(change);
    expect(change).toMatchObject({ from: 'b', message: { added: [{ pattern: 'two' }], kind: 'interest' }, to: 'a' });
    mesh.quiet();
    expect(['one', 'two'].map((topic) => mesh.route('a', topic).nodes)).toEqual([['b'], ['b']]);
  });

  test('is told again where no answer came, though something else was due before', () => {
    const mesh = new Mesh(NAMES);
    mesh.link('a', 'b');
    mesh.quiet();
    mesh.subscribe('a', ['one']);
    mesh.pass(DEFAULT_TOPICS.announceMs);
    mesh.at('a').heard('c', 200, mesh.now);
    mesh.pass(DEFAULT_TOPICS.retryMs / 2);
    mesh.flights.length = 0;
    mesh.pass(DEFAULT_TOPICS.retryMs / 2);
    expect(mesh.flights).toMatchObject([{ from: 'a', message: { kind: 'interest' }, to: 'b' }]);
  });

  test('is exact while there is room, and is taken back', () => {
    const mesh = linked();
    const id = mesh.subscribe('b', ['order.eu', 'order.us']);
    mesh.quiet();
    expect(['order.eu', 'order.us', 'order.asia'].map((topic) => mesh.route('a', topic).nodes)).toEqual([
      ['b'],
      ['b'],
      [],
    ]);
    mesh.at('b').unsubscribe(id, mesh.now);
    mesh.quiet();
    expect(mesh.route('a', 'order.eu').nodes).toEqual([]);
  });

  test('costs a link nothing when a subscription changes nothing for the others', () => {
    const mesh = linked();
    mesh.subscribe('a', ['order.#']);
    mesh.quiet();
    const { version } = mesh.at('a').counts;
    for (let i = 0; i < 100; i++) mesh.subscribe('a', [`order.${i}`]);
    mesh.pass(100);
    expect([mesh.flights.length, mesh.at('a').counts.version]).toEqual([0, version]);
  });

  test('of a stranger is not listened to, and neither is a version that was never told', () => {
    const mesh = new Mesh(['a']);
    const interest = { added: [{ pattern: '#' }], from: 0, kind: 'interest', removed: [], version: 9 } as const;
    mesh.at('a').receive('z', interest, 0);
    mesh.at('a').linked('y', 0);
    mesh.at('a').receive('y', { kind: 'interest-have', version: 1e9 }, 0);
    mesh.settle();
    expect([mesh.route('a', 't').nodes, mesh.flights.length]).toEqual([[], 1]);
  });

  test('that cannot be read is taken for interest in everything, until it is told anew', () => {
    const mesh = new Mesh(['a']);
    const tell = (version: number, pattern: string) => {
      const message = { added: [{ pattern }], from: 0, kind: 'interest', removed: [], version } as const;
      mesh.at('a').receive('z', message, 0);
    };
    mesh.at('a').linked('z', 0);
    tell(1, 'of.a.newer.[kind]*');
    expect(mesh.route('a', 'some.topic').nodes).toEqual(['z']);
    tell(2, 'other');
    expect(mesh.route('a', 'some.topic').nodes).toEqual([]);
  });
});

type Step = { readonly kind: string; readonly name?: string; readonly other?: string } & {
  readonly texts?: readonly string[];
  readonly id?: number;
  readonly ms?: number;
};

function act(mesh: Mesh, there: Map<string, readonly string[]>, step: Step): void {
  const { kind, name = 'a', other = 'a', texts = [], id = 0, ms = 0 } = step;
  if (kind === 'subscribe') there.set(`${name}/${mesh.subscribe(name, texts)}`, texts);
  if (kind === 'unsubscribe') {
    expect(mesh.at(name).unsubscribe(id, mesh.now)).toBe(there.delete(`${name}/${id}`));
  }
  if (kind === 'link') mesh.link(name, other);
  if (kind === 'unlink') mesh.unlink(name, other);
  if (kind === 'restart') {
    for (const key of there.keys()) if (key.startsWith(`${name}/`)) there.delete(key);
    mesh.start(name, mesh.at(name).counts.version + 1_000);
  }
  if (kind === 'gone' && name !== other) {
    mesh.unlink(name, other);
    mesh.at(name).gone(other, mesh.now);
  }
  if (kind === 'gossip') mesh.gossip();
  if (kind === 'deliver') mesh.deliver();
  if (kind === 'pass') mesh.pass(ms);
}

describe('a consumer group', () => {
  const group = (mesh: Mesh) => {
    for (const name of ['a', 'a', 'b', 'c']) mesh.subscribe(name, ['order.#', '#.eu'], 'billing');
    mesh.quiet();
    return ['a/1', 'a/2', 'b/1', 'c/1'];
  };
  const shares = (mesh: Mesh, from: string, key: (i: number) => string | undefined) => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 400; i++) {
      const got = mesh.publish(from, 'order.eu', key(i));
      expect(got).toHaveLength(1);
      counts.set(got[0] ?? '', (counts.get(got[0] ?? '') ?? 0) + 1);
    }
    return counts;
  };

  test('gets each message once, and its members take turns', () => {
    const mesh = linked();
    const members = group(mesh);
    for (const from of NAMES) expect([...shares(mesh, from, () => undefined)]).toHaveLength(members.length);
    expect(new Set(shares(mesh, 'b', () => undefined).values())).toEqual(new Set([100]));
  });

  test('takes turns by itself, though every message concerns another group too', () => {
    const mesh = linked();
    for (const name of ['a', 'b']) for (const one of ['one', 'two']) mesh.subscribe(name, ['#'], one);
    mesh.quiet();
    const seen = new Set(Array.from({ length: 8 }, () => mesh.publish('c', 'x')).flat());
    expect([...seen].sort()).toEqual(['a/1', 'a/2', 'b/1', 'b/2']);
  });

  test('gives each key to one member, from whichever node it comes; when a member leaves, only its keys move', () => {
    const mesh = linked();
    const members = group(mesh);
    const keys = Array.from({ length: 400 }, (_, i) => `user-${i}`);
    const owners = () => keys.map((key) => mesh.publish('a', 'order.eu', key)[0] ?? '');
    const before = owners();
    expect([...new Set(before)].sort()).toEqual(members);
    for (const member of members) expect(before.filter((one) => one === member).length).toBeGreaterThan(50);
    for (const from of NAMES) expect(keys.map((key) => mesh.publish(from, 'order.eu', key)[0])).toEqual(before);
    mesh.at('b').unsubscribe(1, mesh.now);
    mesh.quiet();
    const after = owners();
    expect(after.map((owner, i) => (before[i] === 'b/1' ? 'moved' : owner))).toEqual(
      before.map((owner) => (owner === 'b/1' ? 'moved' : owner)),
    );
    expect([...new Set(after)].sort()).toEqual(['a/1', 'a/2', 'c/1']);
  });

  test('finds another member on the same node where the chosen one has just left', () => {
    const mesh = linked();
    mesh.subscribe('b', ['#'], 'billing');
    mesh.subscribe('b', ['#'], 'billing');
    mesh.quiet();
    const route = mesh.route('a', 'x');
    mesh.at('b').unsubscribe(1, mesh.now);
    expect(mesh.at('b').stand(mesh.route('b', 'x'), 'billing', 1)).toMatchObject({ id: 2 });
    mesh.at('b').unsubscribe(2, mesh.now);
    expect(mesh.at('b').stand(mesh.route('b', 'x'), 'billing', 1)).toBeUndefined();
    expect(route.groups[0]?.members).toHaveLength(2);
    mesh.quiet();
    expect([mesh.route('a', 'x').groups, mesh.at('a').counts.groups]).toEqual([[], 0]);
  });

  test('is one of several that a message concerns, beside plain subscriptions', () => {
    const mesh = linked();
    mesh.subscribe('b', ['order.eu'], 'billing');
    mesh.subscribe('b', ['order.eu'], 'audit');
    mesh.subscribe('b', ['order.eu']);
    mesh.quiet();
    expect(mesh.publish('a', 'order.eu')).toEqual(['b/1', 'b/2', 'b/3']);
  });
});

describe('a subscription is refused', () => {
  const small = { ...DEFAULT_TOPICS, hashesMax: 3, memberPatternsMax: 2, patternsMax: 3, subscriptionsMax: 2 };
  test.each([
    ['without patterns', [], undefined, 'topic-invalid'],
    ['with a pattern that is none', ['a', 'b*'], undefined, 'topic-invalid'],
    ['with a group that has no name', ['a'], '', 'topic-invalid'],
    ['with too many patterns', ['a', 'b', 'c', 'd'], undefined, 'limit-exceeded'],
    ['with too many # that something follows', ['#.a.#.b', '#.a.#.c.#'], undefined, 'limit-exceeded'],
    ['with too many patterns for members of groups', ['a', 'b', 'c'], 'g', 'overloaded'],
  ])('%s', (_, texts, group, code) => {
    const exchange = new Exchange<string>('a', 1, small);
    const request = { limits: LIMITS, patterns: texts, ...(group === undefined ? {} : { group }) };
    expect(exchange.subscribe(request, 0)).toMatchObject({ ok: false, problem: { code } });
    expect([exchange.counts.subscriptions, exchange.unsubscribe(1, 0)]).toEqual([0, false]);
  });

  test('where there are too many', () => {
    const exchange = new Exchange<string>('a', 1, small);
    for (let i = 0; i < 2; i++) expect(exchange.subscribe({ limits: LIMITS, patterns: ['a', 'a'] }, 0).ok).toBe(true);
    const refused = exchange.subscribe({ limits: LIMITS, patterns: ['a'] }, 0);
    expect(refused).toMatchObject({ ok: false, problem: { code: 'overloaded' } });
  });
});
