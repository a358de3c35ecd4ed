import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COST_MAX, HubGraph } from '../../../src/engine/core/federation/graph.ts';
import type { HubRecord } from '../../../src/engine/core/federation/records.ts';
import { hub } from './maps.ts';

const edges = (...records: readonly HubRecord[]) =>
  new HubGraph(records).edges().map(({ from, to, cost }) => `${from}${to}${cost}`);

describe('the graph of hubs', () => {
  test('has an edge only where both ends claim it, at the dearer claim', () => {
    expect(edges(hub('A', { B: 40, C: 5 }), hub('B', { A: 55 }), hub('C'))).toEqual(['AB55']);
  });

  test('has no edge to or from a hub that is withdrawn, and knows the hub', () => {
    const graph = new HubGraph([hub('A', { B: 1 }), hub('B', { A: 1, C: 1 }, { withdrawn: true }), hub('C', { B: 1 })]);
    expect(graph.edges()).toEqual([]);
    expect(graph.indexOf('B')).toBe(1);
    expect(graph.hubsOf('cluster of B')).toEqual([]);
  });

  test('joins hubs of one cluster by the same rule, and names them together', () => {
    const graph = new HubGraph([hub('B', { A: 2 }, { cluster: 'x' }), hub('A', { B: 1 }, { cluster: 'x' }), hub('C')]);
    expect(graph.costOf('A', 'B')).toBe(2);
    expect(graph.hubsOf('x')).toEqual(['A', 'B']);
    expect(graph.clusters).toEqual(['cluster of C', 'x']);
    expect(graph.hubsOf('nowhere')).toEqual([]);
  });

  test('takes the newer of two records of one hub', () => {
    const old = hub('A', { B: 1 });
    expect(edges(hub('A', {}, { version: 2 }), hub('B', { A: 1 }), old)).toEqual([]);
  });

  test('takes the cheapest of several claims of one hub', () => {
    const twice = hub(
      'A',
      {},
      {
        edges: [
          { cost: 9, life: 1, to: 'B' },
          { cost: 4, life: 1, to: 'B' },
          { cost: 7, life: 1, to: 'B' },
        ],
      },
    );
    expect(edges(twice, hub('B', { A: 1 }))).toEqual(['AB4']);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, COST_MAX + 1])('does not count a cost of %s', (cost) => {
    expect(edges(hub('A', { B: cost }), hub('B', { A: 3 }))).toEqual([]);
  });

  test('has no edge from a hub to itself, nor to one that nobody knows', () => {
    expect(edges(hub('A', { A: 1, Z: 1 }))).toEqual([]);
    expect(new HubGraph([]).costOf('A', 'B')).toBeUndefined();
  });

  test('is the same in whatever order the records came', () => {
    const ids = ['A', 'B', 'C', 'D', 'E'];
    const claims = fc.dictionary(fc.constantFrom(...ids), fc.integer({ max: 9, min: 1 }));
    const records = fc.tuple(...ids.map((id) => claims.map((own) => hub(id, own))));
    const plain = ({ hubs, starts, targets, costs }: HubGraph) => ({ costs, hubs, starts, targets });
    fc.assert(
      fc.property(
        records.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, shuffled]) => {
          expect(plain(new HubGraph(shuffled))).toEqual(plain(new HubGraph(list)));
        },
      ),
    );
  });

  test('agrees with looking each pair up', () => {
    const ids = ['A', 'B', 'C', 'D', 'E'];
    const claims = fc.dictionary(fc.constantFrom(...ids), fc.integer({ max: 9, min: 0 }));
    const record = (id: string) => fc.tuple(claims, fc.boolean()).map(([own, gone]) => ({ gone, id, own }));
    fc.assert(
      fc.property(fc.tuple(...ids.map(record)), (all) => {
        const graph = new HubGraph(all.map(({ id, own, gone }) => hub(id, own, gone ? { withdrawn: true } : {})));
        for (const a of all) {
          for (const b of all) {
            const [there, back] = [a.own[b.id] ?? 0, b.own[a.id] ?? 0];
            const counts = a !== b && there > 0 && back > 0 && !a.gone && !b.gone;
            expect(graph.costOf(a.id, b.id)).toBe(counts ? Math.max(there, back) : undefined);
          }
        }
      }),
    );
  });
});
