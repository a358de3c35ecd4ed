/** Hubs, and maps of them to find ways on. */
import fc from 'fast-check';
import type { Coordinates, HubRecord } from '../../../src/engine/core/federation/records.ts';

/** A hub named `id`, of cluster `cluster` (else one of its own), which claims links: to whom, and at what cost. */
export function hub(
  id: string,
  claims: Readonly<Record<string, number>> = {},
  more: Partial<HubRecord> & { readonly cluster?: string; readonly coordinates?: Coordinates } = {},
): HubRecord {
  const { cluster = `cluster of ${id}`, coordinates, ...rest } = more;
  return {
    address: `ws://${id}:9000`,
    edges: Object.entries(claims).map(([to, cost]) => ({ cost, life: 1, to })),
    hub: id,
    identity: { cluster, name: cluster, region: 'here', tags: [], ...(coordinates && { coordinates }) },
    name: id,
    nodes: 1,
    software: '1.0.0',
    url: `ws://${id}:8000`,
    version: 1,
    ...rest,
  };
}

export interface MapEdge {
  readonly a: string;
  readonly b: string;
  readonly cost: number;
}

/** Hubs that agree on edges, among them hubs with none. */
export function mapOf(ids: readonly string[], edges: readonly MapEdge[]): readonly HubRecord[] {
  return ids.map((id) => {
    const claims: Record<string, number> = {};
    for (const { a, b, cost } of edges) {
      if (a === id) claims[b] = cost;
      if (b === id) claims[a] = cost;
    }
    return hub(id, claims);
  });
}

export interface SmallMap {
  readonly ids: readonly string[];
  readonly edges: readonly MapEdge[];
}

/** Few hubs, costs among which many ways cost the same. */
export const smallMaps: fc.Arbitrary<SmallMap> = fc.integer({ max: 7, min: 2 }).chain((size) => {
  const ids = Array.from({ length: size }, (_, i) => String.fromCharCode(65 + i));
  const pairs = ids.flatMap((a, i) => ids.slice(i + 1).map((b) => ({ a, b })));
  return fc
    .array(fc.option(fc.integer({ max: 4, min: 1 }), { freq: 2 }), { maxLength: pairs.length, minLength: pairs.length })
    .map((costs) => ({
      edges: pairs.flatMap((pair, i) => (costs[i] == null ? [] : [{ ...pair, cost: costs[i] }])),
      ids,
    }));
});

export interface NaiveWay {
  readonly hubs: readonly string[];
  readonly cost: number;
}

/** Every way without a circle from one hub that ends at the first of `to`, by trying all of them; in the total order of ways. */
export function everyWay(
  { edges }: SmallMap,
  from: string,
  to: readonly string[],
  hopsMax: number,
  avoid: readonly string[] = [],
): readonly NaiveWay[] {
  const found: NaiveWay[] = [];
  const walk = (at: string, hubs: readonly string[], cost: number): void => {
    if (to.includes(at)) {
      found.push({ cost, hubs });
      return;
    }
    if (hubs.length === hopsMax) return;
    for (const edge of edges) {
      const next = edge.a === at ? edge.b : edge.b === at ? edge.a : undefined;
      if (next === undefined || next === from || hubs.includes(next) || avoid.includes(next)) continue;
      walk(next, [...hubs, next], cost + edge.cost);
    }
  };
  walk(from, [], 0);
  return found.sort((x, y) => x.cost - y.cost || x.hubs.length - y.hubs.length || fromTheEnd(x.hubs, y.hubs));
}

function fromTheEnd(x: readonly string[], y: readonly string[]): number {
  const [one, other] = [[...x].reverse().join(' '), [...y].reverse().join(' ')];
  return one === other ? 0 : one < other ? -1 : 1;
}
