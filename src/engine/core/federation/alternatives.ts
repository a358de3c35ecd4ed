import { hash32 } from '../base/hash.ts';
import type { NodeId } from '../base/ids.ts';
import type { HubGraph } from './graph.ts';
import { compareWays, findWay, type Guess, type Search, type Way } from './paths.ts';

/**
 * The best way and the next best ones, and which of several a message takes.
 *
 * Found one after the other (Yen, "Finding the K Shortest Loopless Paths in a Network", 1971): every other way leaves those
 * that are known at some hub; so for each hub of the way found last, the best is searched that comes there in the same way
 * and goes on differently. Of all ways found so, the best is next.
 */
export interface Plenty {
  /** So many ways at most. Limit: of ways that cost the same there may be 2ⁿ. */
  readonly waysMax: number;
  /** A way may be dearer than the best by this share of its cost: 0 takes only those that cost the same. */
  readonly slack: number;
}

/** In the order of ways, the best first; none passes a hub of `search.to`, since it would have arrived there. */
export function waysOf(graph: HubGraph, search: Search, { waysMax, slack }: Plenty, guess?: Guess): readonly Way[] {
  const { way: best } = findWay(graph, search, guess);
  if (best === undefined || waysMax < 1) return [];
  const costMax = best.cost * (1 + slack);
  const found: Way[] = [best];
  const candidates = new Map<string, Way>();
  for (let last = best; found.length < waysMax; ) {
    for (const way of departures(graph, search, last, found, guess)) {
      if (way.cost <= costMax) candidates.set(keyOf(way), way);
    }
    const [next] = [...candidates.values()].sort(compareWays);
    if (next === undefined) break;
    candidates.delete(keyOf(next));
    found.push(next);
    last = next;
  }
  return found;
}

/**
 * One of several ways, by the key of a message: the same for equal keys, spread evenly over many. Rendezvous hashing (Thaler,
 * Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998): where a way goes, only what took it moves.
 */
export function spread(ways: readonly Way[], key: string): Way | undefined {
  const seed = hash32(key);
  let chosen: Way | undefined;
  let highest = -1;
  for (const way of ways) {
    const weight = hash32(keyOf(way), seed);
    if (weight < highest || (weight === highest && chosen !== undefined && compareWays(chosen, way) < 0)) continue;
    [chosen, highest] = [way, weight];
  }
  return chosen;
}

/** The best ways that agree with `way` up to one of its hubs, and go on there as no way found does. */
function departures(
  graph: HubGraph,
  search: Search,
  way: Way,
  found: readonly Way[],
  guess: Guess | undefined,
): readonly Way[] {
  const departures: Way[] = [];
  const avoid = [...(search.avoid ?? [])];
  let paid = 0;
  let from = search.from;
  for (const [hops, next] of way.hubs.entries()) {
    const root = way.hubs.slice(0, hops);
    const taken = found.filter(({ hubs }) => root.every((hub, i) => hubs[i] === hub)).map(({ hubs }) => hubs[hops]);
    const notFirst = taken.filter((hub) => hub !== undefined);
    if (hops === 0) notFirst.push(...(search.notFirst ?? []));
    const onward = { avoid, from, hopsMax: search.hopsMax - hops, notFirst, to: search.to };
    const rest = findWay(graph, onward, guess).way;
    if (rest !== undefined) departures.push({ cost: paid + rest.cost, hubs: [...root, ...rest.hubs] });
    avoid.push(from);
    paid += graph.costOf(from, next) ?? 0;
    from = next;
  }
  return departures;
}

function keyOf({ hubs }: { readonly hubs: readonly NodeId[] }): string {
  return hubs.join(' ');
}
