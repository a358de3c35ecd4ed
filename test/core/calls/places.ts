import type { NodeId } from '../../../src/engine/core/base/ids.ts';
import { getOrMake } from '../../../src/engine/core/base/maps.ts';
import type { Place, Places } from '../../../src/engine/core/calls/placement.ts';

export interface Terms {
  readonly version?: string;
  readonly functionId?: string;
  readonly idempotent?: boolean;
  readonly timeoutMs?: number;
  readonly resources?: readonly string[];
  readonly suspect?: boolean;
}

/** Functions on nodes, as a test says; a node's name is its id in capital letters. */
export class TestPlaces implements Places {
  readonly #offers = new Map<string, Map<NodeId, Place[]>>();
  readonly #rests = new Map<Place, string>();
  readonly #nodes = new Set<NodeId>(['self']);
  generation = 1;

  offers(fun: string): ReadonlyMap<NodeId, readonly Place[]> | undefined {
    return this.#offers.get(fun);
  }

  resting(fun: string): readonly Place[] {
    return [...this.#rests].filter(([, offered]) => offered === fun).map(([place]) => place);
  }

  /** The node takes no new work: its places are no longer on offer. */
  rest(id: NodeId, fun: string): void {
    for (const place of this.#offers.get(fun)?.get(id) ?? []) this.#rests.set(place, fun);
    this.withdraw(id, fun);
  }

  equipped(locs: readonly string[]): readonly Place[] {
    const places = [...this.#offers.values()].flatMap((byNode) => [...byNode.values()].flat());
    return places.filter(({ resources }) => locs.every((loc) => resources.has(loc)));
  }

  absent(): readonly string[] {
    return [];
  }

  node(nameOrId: string) {
    const id = nameOrId.toLowerCase();
    return this.#nodes.has(id) ? { address: `ws://${id}`, id, name: id.toUpperCase() } : undefined;
  }

  offer(id: NodeId, fun: string, { version = '1.0.0', resources = [], suspect = false, ...fn }: Terms = {}): Place {
    const place = {
      address: `ws://${id}`,
      fn: { ...fn, version },
      id,
      name: id.toUpperCase(),
      resources: new Set(resources),
      suspect,
    };
    this.generation++;
    this.#nodes.add(id);
    getOrMake(
      getOrMake(this.#offers, fun, () => new Map<NodeId, Place[]>()),
      id,
      () => [],
    ).push(place);
    return place;
  }

  withdraw(id: NodeId, fun: string): void {
    this.generation++;
    const byNode = this.#offers.get(fun);
    byNode?.delete(id);
    if (byNode?.size === 0) this.#offers.delete(fun);
  }
}
