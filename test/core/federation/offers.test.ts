import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gatherOffers, type NodeOffers, OFFERS_MAX } from '../../../src/engine/core/federation/offers.ts';

const fn = (name: string, resources: readonly string[] = [], version = '1.0.0') => ({ name, resources, version });

describe('what a cluster offers', () => {
  test('is told once, with the resources of functions and their nodes', () => {
    const nodes = [
      { functions: [fn('price', ['db']), fn('mpreg.info')], resources: ['gpu', 'queue:orders', 'role:hub'] },
      { functions: [fn('price', ['gpu', 'db'])], resources: ['queue:mail'] },
      { functions: [fn('price', ['db']), fn('price', ['db'], '2.0.0'), fn('age')], resources: [] },
    ];
    expect(gatherOffers(nodes)).toEqual({
      functions: [fn('age'), fn('price', ['db', 'gpu']), fn('price', ['db']), fn('price', ['db'], '2.0.0')],
      leftOut: 0,
      queues: ['mail', 'orders'],
    });
  });

  test('keeps what callers must know, and nothing else', () => {
    const known = { functionId: 'x', idempotent: true, timeoutMs: 7, ...fn('price') };
    const nodes = [{ functions: [{ ...known, description: 'what it costs' }], resources: [] }];
    expect(gatherOffers(nodes).functions).toEqual([known]);
  });

  test('may be repeated where all nodes say so, and takes as long as the longest, where all are limited', () => {
    const told = (...many: readonly { readonly idempotent?: boolean; readonly timeoutMs?: number }[]) => {
      const nodes = many.map((more) => ({ functions: [{ ...fn('f'), ...more }], resources: [] }));
      return gatherOffers(nodes).functions;
    };
    const [both, one] = [{ idempotent: true, timeoutMs: 7 }, { idempotent: true }];
    expect(told(both, { ...both, timeoutMs: 9 }, both)).toEqual([{ ...fn('f'), ...both, timeoutMs: 9 }]);
    expect(told(both, one)).toEqual([{ ...fn('f'), idempotent: true }]);
    expect(told({ idempotent: false, timeoutMs: 7 }, both)).toEqual([{ ...fn('f'), timeoutMs: 7 }]);
  });

  test('says for whom it is, and leaves out what is for nobody', () => {
    const exports = [
      { clusters: ['rival'], functions: ['free'] },
      { clusters: ['*'], functions: ['free', 'price'], queues: ['orders'] },
    ];
    const nodes = [{ functions: [fn('free'), fn('price'), fn('secret')], resources: ['queue:orders', 'queue:own'] }];
    expect(gatherOffers(nodes, exports)).toEqual({
      functions: [fn('free'), { ...fn('price'), audience: ['!rival', '*'] }],
      leftOut: 0,
      queues: ['orders'],
    });
    expect(gatherOffers(nodes, [{ clusters: ['*'], functions: ['*'] }]).functions).toEqual([
      fn('free'),
      fn('price'),
      fn('secret'),
    ]);
  });

  test('is bounded, and says how much is left out', () => {
    const many = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
    const node = {
      functions: many(OFFERS_MAX + 3, 'f').map((name) => fn(name)),
      resources: many(OFFERS_MAX + 2, 'queue:'),
    };
    const { functions, queues, leftOut } = gatherOffers([node]);
    expect([functions.length, queues.length, leftOut]).toEqual([OFFERS_MAX, OFFERS_MAX, 5]);
  });

  test('is the same in whatever order the nodes come, and what each of them has', () => {
    const resources = fc.subarray(['a', 'b', 'queue:q', 'queue:r']);
    const functions = fc.array(
      fc.record(
        {
          idempotent: fc.boolean(),
          name: fc.constantFrom('f', 'g', 'mpreg.h'),
          resources,
          timeoutMs: fc.nat(3),
          version: fc.constantFrom('1.0.0', '2.0.0'),
        },
        { requiredKeys: ['name', 'resources', 'version'] },
      ),
      { maxLength: 3 },
    );
    const cases = fc
      .array(fc.record({ functions, resources }), { maxLength: 4 })
      .chain((nodes) =>
        fc.tuple(
          fc.constant<readonly NodeOffers[]>(nodes),
          fc.tuple(...nodes.map((node) => fc.shuffledSubarray(node.functions, { minLength: node.functions.length }))),
          fc.shuffledSubarray([...nodes.keys()], { minLength: nodes.length }),
        ),
      );
    fc.assert(
      fc.property(cases, ([nodes, shuffled, order]) => {
        const others = order.map((i) => ({
          functions: shuffled[i] ?? [],
          resources: [...(nodes[i]?.resources ?? [])].reverse(),
        }));
        expect(gatherOffers(others)).toEqual(gatherOffers(nodes));
      }),
    );
  });
});
