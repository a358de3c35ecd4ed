/** Routes while everything that they depend on comes and goes: subscriptions, interest of other nodes, members, keeps. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Exchange, type Route } from '../../../src/engine/core/topics/exchange.ts';
import type { Interest } from '../../../src/engine/core/topics/messages.ts';
import { DEFAULT_TOPICS } from '../../../src/engine/core/topics/options.ts';
import { gets, LIMITS } from './mesh.ts';
import { patterns, topics } from './naive.ts';

const PEERS = ['b', 'c'] as const;

/** What is the case, kept in the plainest way. */
class Truth {
  readonly local = new Map<number, string>();
  readonly said = new Map<string, Map<string, Interest>>();
  readonly kept = new Map<string, readonly string[]>();
  version = 1;

  routeOf(topic: string) {
    const interests = [...this.said].flatMap(([node, said]) => [...said.values()].map((one) => ({ node, ...one })));
    const matching = interests.filter(({ pattern }) => gets([pattern], topic));
    const nodes = matching.filter(({ member }) => member === undefined).map(({ node }) => node);
    const members = matching.flatMap(({ member, node }) => (member === undefined ? [] : [`${node}/${member.id}`]));
    const keepers = [...this.kept].filter(([, all]) => gets(all, topic)).map(([node]) => node);
    const local = [...this.local].filter(([, pattern]) => gets([pattern], topic)).map(([id]) => id);
    return { keepers: sorted(keepers), local: sorted(local), members: sorted(members), nodes: sorted(nodes) };
  }
}

function shape({ groups, keepers, local, nodes }: Route<string>) {
  const members = groups.flatMap(({ members: all }) => all.map(({ id, node }) => `${node}/${id}`));
  return {
    keepers: sorted(keepers),
    local: sorted(local.map(({ id }) => id)),
    members: sorted(members),
    nodes: sorted(nodes),
  };
}

function sorted<Item extends string | number>(items: readonly Item[]): Item[] {
  return [...new Set(items)].sort((a, b) => (a < b ? -1 : 1));
}

const peer = fc.constantFrom(...PEERS);
const step = fc.oneof(
  fc.record({ kind: fc.constant('subscribe' as const), pattern: patterns }),
  fc.record({ id: fc.nat(6), kind: fc.constant('unsubscribe' as const) }),
  fc.record({ kind: fc.constant('listens' as const), member: fc.option(fc.nat(3)), node: peer, pattern: patterns }),
  fc.record({ kind: fc.constant('gone' as const), node: peer }),
  fc.record({ kind: fc.constant('keeps' as const), node: peer, patterns: fc.array(patterns, { maxLength: 2 }) }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

function take(exchange: Exchange<string>, truth: Truth, one: Step): void {
  switch (one.kind) {
    case 'subscribe': {
      const made = exchange.subscribe({ limits: LIMITS, patterns: [one.pattern] }, 0);
      if (made.ok) truth.local.set(made.value.id, one.pattern);
      return;
    }
    case 'unsubscribe':
      expect(exchange.unsubscribe(one.id, 0)).toBe(truth.local.delete(one.id));
      return;
    case 'listens': {
      const { member, node, pattern } = one;
      const interest = member === null ? { pattern } : { member: { group: 'g', id: member }, pattern };
      const said = truth.said.get(node) ?? new Map<string, Interest>();
      truth.said.set(node, said.set(JSON.stringify(interest), interest));
      exchange.linked(node, 0);
      const added = [...said.values()];
      exchange.receive(node, { added, from: 0, kind: 'interest', removed: [], version: ++truth.version }, 0);
      return;
    }
    case 'gone':
      truth.said.delete(one.node);
      exchange.gone(one.node, 0);
      return;
    case 'keeps':
      truth.kept.set(one.node, one.patterns);
      exchange.keeps.say(one.node, one.patterns, true);
  }
}

test('a route is what the definition says at any moment, and what was given out before stays as it was', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), fc.array(topics, { maxLength: 3, minLength: 1 }), (steps, all) => {
      const exchange = new Exchange<string>('a', 1, { ...DEFAULT_TOPICS, routesMax: 4 });
      const truth = new Truth();
      const given: { readonly route: Route<string>; readonly was: ReturnType<typeof shape> }[] = [];
      for (const one of steps) {
        take(exchange, truth, one);
        for (const topic of all) {
          const route = exchange.route(topic);
          if (!route.ok) throw new Error(route.problem.message);
          expect(shape(route.value)).toEqual(truth.routeOf(topic));
          given.push({ route: route.value, was: shape(route.value) });
        }
      }
      for (const { route, was } of given) expect(shape(route)).toEqual(was);
    }),
  );
});
