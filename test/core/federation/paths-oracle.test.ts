import { UndirectedGraph } from 'graphology';
import { dijkstra } from 'graphology-shortest-path';
import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/engine/core/base/prng.ts';
import { HubGraph } from '../../../src/engine/core/federation/graph.ts';
import { Tree } from '../../../src/engine/core/federation/paths.ts';
import type { HubRecord } from '../../../src/engine/core/federation/records.ts';
import { worldMap } from './cities.ts';
import { type MapEdge, mapOf } from './maps.ts';

function randomMap(prng: Prng): readonly HubRecord[] {
  const ids = Array.from({ length: prng.between(2, 60) }, (_, i) => `hub ${String(i).padStart(2, '0')}`);
  const edges = new Map<string, MapEdge>();
  for (let i = prng.below(3 * ids.length); i >= 0; i--) {
    const [a = '', b = ''] = prng.sample(ids, 2).sort();
    edges.set(`${a} ${b}`, { a, b, cost: prng.between(1, prng.chance(0.5) ? 4 : 100_000) });
  }
  return mapOf(ids, [...edges.values()]);
}

/** What the library finds to be the cheapest way's cost, without a limit of hops. */
function judge(graph: HubGraph): (from: string, to: string) => number | undefined {
  const other = new UndirectedGraph();
  for (const { hub } of graph.hubs) other.addNode(hub);
  for (const { from, to, cost } of graph.edges()) other.addEdge(from, to, { cost });
  return (from, to) => {
    const hubs: readonly string[] | null = dijkstra.bidirectional(other, from, to, 'cost');
    return hubs?.slice(1).reduce((sum, hub, i) => sum + other.getEdgeAttribute(hubs[i], hub, 'cost'), 0);
  };
}

function agree(records: readonly HubRecord[], froms: readonly string[]): number {
  const graph = new HubGraph(records);
  const costOf = judge(graph);
  let compared = 0;
  for (const from of froms) {
    const tree = new Tree(graph, { from, hopsMax: graph.size });
    for (const { hub: to } of records) {
      if (to === from) continue;
      expect(tree.cost(to)).toBe(costOf(from, to));
      compared++;
    }
  }
  return compared;
}

describe('another implementation of shortest ways', () => {
  test('finds ways of equal cost on random graphs', () => {
    const prng = new Prng(21);
    let compared = 0;
    for (let run = 0; run < 100; run++) {
      const records = randomMap(prng);
      compared += agree(
        records,
        prng.sample(records, 3).map(({ hub }) => hub),
      );
    }
    expect(compared).toBeGreaterThan(5_000);
  });

  test('finds ways of equal cost between the cities of the world', () => {
    const records = worldMap(3, 4);
    agree(
      records,
      records.slice(0, 20).map(({ hub }) => hub),
    );
  });
});
