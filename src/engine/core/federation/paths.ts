import { Heap } from '../base/heap.ts';
import type { NodeId } from '../base/ids.ts';
import type { HubGraph } from './graph.ts';

/**
 * The cheapest ways from one hub to others, none of them longer than so many hops.
 *
 * A state is a hub *and* the hops that led to it, for the cheapest way to a hub may be too long to go on from, while a
 * dearer and shorter one is not (RFC 2676 §3; with the hub alone as state the limit would be a guess):
 *
 *     A ──1── B ──1── C ──1── D       A to D in at most 2 hops: by C, which is reached in 1 hop for 5,
 *      \_______5_____/                not in 2 hops for 2
 *
 * States are taken from the cheapest to the dearest (Dijkstra 1959), with a compass by cost and what is left at the least
 * (A*: Hart, Nilsson, Raphael 1968). A state is kept where no state of its hub is both as cheap and as short.
 *
 * Ways are in a total order, so that hubs with equal records choose equal ways, with a compass and without: cost, then
 * hops, then the last hub, the last but one and so on, by their ids. What is left of a best way is a best way, too.
 *
 * Invariant: no hub is twice on a way, since costs are at least 1.
 */
export interface Search {
  readonly from: NodeId;
  /** A hub, or any of several, such as the hubs of a cluster. */
  readonly to: NodeId | readonly NodeId[];
  /** The last hub counts, the first does not. */
  readonly hopsMax: number;
  /** Hubs that no way may pass or end at; `from` is not asked. */
  readonly avoid?: Iterable<NodeId>;
  /** Hubs that may not come first on the way. */
  readonly notFirst?: Iterable<NodeId>;
}

export interface Way {
  /** From the first after the one where it begins; the last is where it ends. */
  readonly hubs: readonly NodeId[];
  readonly cost: number;
}

/** What it costs at the least to go from a hub, by its index, to the next of the hubs searched for. See `compass.ts`. */
export type Guess = (index: number) => number;

export interface Found {
  readonly way: Way | undefined;
  /** States looked at: what it has cost. */
  readonly expanded: number;
}

/** The best way to the hub, or to the first of several. To where it begins, it is empty. */
export function findWay(graph: HubGraph, search: Search, guess?: Guess): Found {
  const wanted = typeof search.to === 'string' ? [search.to] : search.to;
  const targets = maskOf(graph, wanted);
  let expanded = 0;
  for (const state of states(graph, search, guess)) {
    expanded++;
    if (targets[state.hub] === 1) return { expanded, way: wayOf(graph, state) };
  }
  return { expanded, way: undefined };
}

/** The best ways from one hub to all others, found at once. */
export class Tree {
  readonly #graph: HubGraph;
  /** By index: the best state of each hub that can be reached. */
  readonly #best: (State | undefined)[];

  constructor(graph: HubGraph, search: Omit<Search, 'to'>) {
    this.#graph = graph;
    this.#best = new Array(graph.size).fill(undefined);
    for (const state of states(graph, search)) this.#best[state.hub] ??= state;
  }

  way(to: NodeId): Way | undefined {
    const state = this.#stateOf(to);
    return state && wayOf(this.#graph, state);
  }

  cost(to: NodeId): number | undefined {
    return this.#stateOf(to)?.cost;
  }

  /** The first hub on the way: where to send what is meant for `to`. Undefined for the hub where the tree begins. */
  next(to: NodeId): NodeId | undefined {
    let state = this.#stateOf(to);
    while (state?.before?.before !== undefined) state = state.before;
    return state?.before && this.#graph.idOf(state.hub);
  }

  /** Of some hubs those that can be reached, the nearest first: by the order of ways. */
  nearest(hubs: readonly NodeId[]): readonly NodeId[] {
    const reached = [...new Set(hubs)].flatMap((hub) => this.#stateOf(hub) ?? []);
    return reached.sort(byCost).map(({ hub }) => this.#graph.idOf(hub));
  }

  #stateOf(hub: NodeId): State | undefined {
    const index = this.#graph.indexOf(hub);
    return index === undefined ? undefined : this.#best[index];
  }
}

/** The total order of ways that begin at one hub. */
export function compareWays(a: Way, b: Way): number {
  const order = a.cost - b.cost || a.hubs.length - b.hubs.length;
  if (order !== 0) return order;
  for (let i = a.hubs.length - 1; i >= 0; i--) {
    const [one, other] = [a.hubs[i] as NodeId, b.hubs[i] as NodeId];
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
}

interface State {
  readonly hub: number;
  readonly cost: number;
  readonly hops: number;
  readonly before: State | undefined;
  /** Cost, and what is left at the least. */
  readonly total: number;
}

/** All states worth knowing, in the order of their totals, and for one hub in the order of ways. */
function* states(graph: HubGraph, search: Omit<Search, 'to'>, guess: Guess = () => 0): Generator<State> {
  const source = graph.indexOf(search.from);
  if (source === undefined) return;
  const avoided = maskOf(graph, search.avoid ?? []);
  const notFirst = maskOf(graph, search.notFirst ?? []);
  /** Of the states that came, the fewest hops to each hub; all others of it are cheaper. */
  const fewest = new Float64Array(graph.size).fill(Number.POSITIVE_INFINITY);
  /** Of the states that wait, the cheapest of each hub, and its hops: what is dearer, and no shorter, can never come. */
  const cheapest = new Float64Array(graph.size).fill(Number.POSITIVE_INFINITY);
  const cheapestHops = new Float64Array(graph.size);
  const open = new Heap<State>(byTotal);
  open.push({ before: undefined, cost: 0, hops: 0, hub: source, total: guess(source) });
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    if (state.hops >= (fewest[state.hub] as number)) continue;
    fewest[state.hub] = state.hops;
    yield state;
    const hops = state.hops + 1;
    if (hops > search.hopsMax) continue;
    const end = graph.starts[state.hub + 1] as number;
    for (let at = graph.starts[state.hub] as number; at < end; at++) {
      const hub = graph.targets[at] as number;
      if (hops >= (fewest[hub] as number) || avoided[hub] === 1 || (hops === 1 && notFirst[hub] === 1)) continue;
      const cost = state.cost + (graph.costs[at] as number);
      if (cost > (cheapest[hub] as number) && hops >= (cheapestHops[hub] as number)) continue;
      if (cost < (cheapest[hub] as number)) {
        cheapest[hub] = cost;
        cheapestHops[hub] = hops;
      }
      open.push({ before: state, cost, hops, hub, total: cost + guess(hub) });
    }
  }
}

/**
 * Why the cost comes second: where totals are equal, what lies before a state on any way has come before it, with a
 * compass, too; so of equal ways to a hub all are known when the first is taken.
 */
function byTotal(a: State, b: State): number {
  return a.total - b.total || byCost(a, b);
}

function byCost(a: State, b: State): number {
  return a.cost - b.cost || a.hops - b.hops || a.hub - b.hub || (a.before?.hub ?? -1) - (b.before?.hub ?? -1);
}

function wayOf(graph: HubGraph, end: State): Way {
  const hubs: NodeId[] = [];
  for (let state = end; state.before !== undefined; state = state.before) hubs.push(graph.idOf(state.hub));
  return { cost: end.cost, hubs: hubs.reverse() };
}

function maskOf(graph: HubGraph, hubs: Iterable<NodeId>): Uint8Array {
  const mask = new Uint8Array(graph.size);
  for (const hub of hubs) {
    const index = graph.indexOf(hub);
    if (index !== undefined) mask[index] = 1;
  }
  return mask;
}
