import type { NodeId } from '../base/ids.ts';
import type { Edge, HubRecord } from './records.ts';

/**
 * The graph over which ways are found, made from what hubs say of themselves.
 *
 *     A claims B at 40, B claims A at 55   A ──55── B      the dearer claim counts
 *     A claims C, C does not claim A       A        C      no edge (OSPF, RFC 2328 §16.1: the two-way check)
 *     A claims D, D is withdrawn           A        D      no edge
 *
 * Hubs of one cluster are joined by the same rule as all others: by the edges that both of them claim.
 *
 * Hubs are whole numbers here, in the order of their ids, so whoever has the same records has the same graph, in whatever
 * order the records came. The edges of hub `i` are at `starts[i]` up to `starts[i + 1]` of `targets` and `costs`, sorted by
 * target.
 *
 * It refuses to find ways: see `paths.ts`. A claim whose cost is not a whole number from 1 to `COST_MAX` does not count.
 */
export class HubGraph {
  /** By index. Those withdrawn are among them, without edges. */
  readonly hubs: readonly HubRecord[];
  readonly starts: Int32Array;
  readonly targets: Int32Array;
  readonly costs: Float64Array;
  readonly #indexes = new Map<NodeId, number>();
  readonly #clusters = new Map<string, NodeId[]>();

  /** Of two records of one hub the newer counts. */
  constructor(records: Iterable<HubRecord>) {
    this.hubs = newest(records);
    for (const [index, { hub, identity, withdrawn }] of this.hubs.entries()) {
      this.#indexes.set(hub, index);
      if (withdrawn) continue;
      const siblings = this.#clusters.get(identity.cluster);
      if (siblings === undefined) this.#clusters.set(identity.cluster, [hub]);
      else siblings.push(hub);
    }
    const edges = this.#agreed();
    this.starts = new Int32Array(this.hubs.length + 1);
    this.targets = new Int32Array(edges.reduce((sum, map) => sum + map.size, 0));
    this.costs = new Float64Array(this.targets.length);
    let at = 0;
    for (const [index, own] of edges.entries()) {
      for (const [target, cost] of [...own].sort(([a], [b]) => a - b)) {
        this.targets[at] = target;
        this.costs[at++] = cost;
      }
      this.starts[index + 1] = at;
    }
  }

  get size(): number {
    return this.hubs.length;
  }

  indexOf(hub: NodeId): number | undefined {
    return this.#indexes.get(hub);
  }

  idOf(index: number): NodeId {
    return (this.hubs[index] as HubRecord).hub;
  }

  /** The hubs of a cluster that are not withdrawn, in order. */
  hubsOf(cluster: string): readonly NodeId[] {
    return this.#clusters.get(cluster) ?? [];
  }

  /** All clusters that have such hubs, in order. */
  get clusters(): readonly string[] {
    return [...this.#clusters.keys()].sort();
  }

  /** What it costs to go from one hub to a neighbour; undefined where they are none. */
  costOf(from: NodeId, to: NodeId): number | undefined {
    const source = this.indexOf(from);
    const target = this.indexOf(to);
    if (source === undefined || target === undefined) return undefined;
    for (let at = this.starts[source] as number; at < (this.starts[source + 1] as number); at++) {
      if (this.targets[at] === target) return this.costs[at];
    }
    return undefined;
  }

  /** Each edge once, from the lesser id to the greater, in order. */
  edges(): readonly (Omit<Edge, 'life'> & { readonly from: NodeId })[] {
    const edges: (Omit<Edge, 'life'> & { readonly from: NodeId })[] = [];
    for (let from = 0; from < this.size; from++) {
      for (let at = this.starts[from] as number; at < (this.starts[from + 1] as number); at++) {
        const to = this.targets[at] as number;
        if (from < to) edges.push({ cost: this.costs[at] as number, from: this.idOf(from), to: this.idOf(to) });
      }
    }
    return edges;
  }

  /** For each hub, what it costs to go to those with which it agrees on an edge. */
  #agreed(): readonly ReadonlyMap<number, number>[] {
    const claims = this.hubs.map((record, index) => this.#claims(record, index));
    return claims.map((own, index) => {
      const agreed = new Map<number, number>();
      for (const [target, cost] of own) {
        const other = claims[target]?.get(index);
        if (other !== undefined) agreed.set(target, Math.max(cost, other));
      }
      return agreed;
    });
  }

  /** Of several claims of one hub to another the cheapest counts. */
  #claims({ edges, withdrawn }: HubRecord, index: number): ReadonlyMap<number, number> {
    const claims = new Map<number, number>();
    if (withdrawn) return claims;
    for (const { to, cost } of edges) {
      const target = this.indexOf(to);
      if (target === undefined || target === index) continue;
      if (!Number.isInteger(cost) || cost < 1 || cost > COST_MAX) continue;
      const before = claims.get(target);
      if (before === undefined || cost < before) claims.set(target, cost);
    }
    return claims;
  }
}

/** Far more than a link can cost that anybody would use; sums of some thousand of them are still exact. */
export const COST_MAX = 2 ** 40;

function newest(records: Iterable<HubRecord>): readonly HubRecord[] {
  const known = new Map<NodeId, HubRecord>();
  for (const record of records) {
    const before = known.get(record.hub);
    if (before === undefined || before.version < record.version) known.set(record.hub, record);
  }
  return [...known.values()].sort((a, b) => (a.hub < b.hub ? -1 : 1));
}
