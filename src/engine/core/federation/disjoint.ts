import type { NodeId } from '../base/ids.ts';
import type { HubGraph } from './graph.ts';
import { compareWays, type Search, type Way } from './paths.ts';

/**
 * Ways that share no hub but where they begin and end: when one fails, the next still stands.
 *
 * Found together, as cheap in sum as so many can be (Suurballe, "Disjoint Paths in a Network", 1974; in the form of Bhandari,
 * "Survivable Networks", 1999, §3): each way after the first may take back pieces of those before, for what they cost.
 *
 *     first         A ─ B ─ C ─ D         second    A ─ E ─ C ⇠ B ─ F ─ D       takes back B ─ C, and both become
 *                                                   A ─ B ─ F ─ D  and  A ─ E ─ C ─ D
 *
 * So that no hub is shared, each stands for two places with one step between them, *in* and *out*, that one way may take.
 *
 *     in ──0──► out ──cost──► in of a neighbour
 *
 * Limit: so many ways of at most so many hops cannot be found in reasonable time (Itai, Perl, Shiloach, "The Complexity of
 * Finding Maximum Disjoint Paths with Length Constraints", 1982). They are found without regard to hops, and those too long are
 * left out, even where a dearer set has none such.
 */
export function disjointWays(graph: HubGraph, search: Search & { readonly waysMax: number }): readonly Way[] {
  const { from, to, hopsMax, waysMax } = search;
  const avoid = new Set(search.avoid);
  const notFirst = new Set(search.notFirst);
  const wanted = new Set(typeof to === 'string' ? [to] : to);
  if (wanted.has(from)) return [];
  const flow = new Flow(graph, from, wanted, (hub, before) => {
    return hub !== from && !avoid.has(hub) && (before !== from || !notFirst.has(hub));
  });
  for (let count = 0; count < waysMax && flow.widen(); count++);
  return flow
    .ways()
    .filter(({ hubs }) => hubs.length <= hopsMax)
    .sort(compareWays);
}

const NONE = -1;

/**
 * Invariants: every hub but the first and the wanted ones is on one way at most; no set of as many ways is cheaper in sum.
 *
 * A state is a hub's *in*, an even number, or its *out*, an odd one.
 */
class Flow {
  readonly #graph: HubGraph;
  readonly #source: number;
  readonly #isEnd: readonly boolean[];
  /** Whether a way may go to a hub from the one before. */
  readonly #isOpen: (hub: NodeId, before: NodeId) => boolean;
  /** The steps of all ways, as from × size + to. */
  readonly #steps = new Set<number>();
  /** By index of a hub between: where its way comes from. */
  #before: Int32Array;

  constructor(
    graph: HubGraph,
    from: NodeId,
    ends: ReadonlySet<NodeId>,
    isOpen: (hub: NodeId, before: NodeId) => boolean,
  ) {
    this.#graph = graph;
    this.#source = graph.indexOf(from) ?? NONE;
    this.#isEnd = graph.hubs.map(({ hub }) => ends.has(hub));
    this.#isOpen = isOpen;
    this.#before = new Int32Array(graph.size).fill(NONE);
  }

  /** Makes one way more of those there are; false where that cannot be. */
  widen(): boolean {
    if (this.#source === NONE) return false;
    const { best, by } = this.#explore();
    let state = NONE;
    for (const [index, isEnd] of this.#isEnd.entries()) {
      if (!isEnd || by[2 * index] === NONE) continue;
      if (state === NONE || isLess(best[2 * index] as Price, best[state] as Price)) state = 2 * index;
    }
    if (state === NONE) return false;
    for (let before = by[state] as number; before !== NONE; state = before, before = by[state] as number) {
      const [from, to] = [before >> 1, state >> 1];
      if (from === to) continue;
      if (state % 2 === 0) this.#steps.add(from * this.#graph.size + to);
      else this.#steps.delete(to * this.#graph.size + from);
    }
    this.#before = new Int32Array(this.#graph.size).fill(NONE);
    for (const step of this.#steps) {
      const to = step % this.#graph.size;
      if (this.#isEnd[to] === false) this.#before[to] = Math.floor(step / this.#graph.size);
    }
    return true;
  }

  ways(): Way[] {
    const after = new Map<number, number>();
    const firsts: number[] = [];
    for (const step of this.#steps) {
      const from = Math.floor(step / this.#graph.size);
      if (from === this.#source) firsts.push(step % this.#graph.size);
      else after.set(from, step % this.#graph.size);
    }
    return firsts.map((first) => {
      const hubs: NodeId[] = [];
      let cost = 0;
      let before = this.#source;
      for (let at: number | undefined = first; at !== undefined; before = at, at = after.get(at)) {
        cost += this.#graph.costOf(this.#graph.idOf(before), this.#graph.idOf(at)) ?? 0;
        hubs.push(this.#graph.idOf(at));
      }
      return { cost, hubs };
    });
  }

  /** The least price of every state that can be reached, and the state before: Bellman and Ford, for prices may be negative. */
  #explore(): { readonly best: readonly (Price | undefined)[]; readonly by: Int32Array } {
    const best: (Price | undefined)[] = new Array(2 * this.#graph.size).fill(undefined);
    const by = new Int32Array(best.length).fill(NONE);
    const isWaiting = new Uint8Array(best.length);
    const waiting = [2 * this.#source + 1];
    best[2 * this.#source + 1] = { cost: 0, hops: 0 };
    for (let i = 0; i < waiting.length; i++) {
      const from = waiting[i] as number;
      const price = best[from] as Price;
      isWaiting[from] = 0;
      this.#leave(from, (to, cost, hops) => {
        const total = { cost: price.cost + cost, hops: price.hops + hops };
        const before = best[to];
        if (before !== undefined && !isLess(total, before)) return;
        best[to] = total;
        by[to] = from;
        if (isWaiting[to] === 0) waiting.push(to);
        isWaiting[to] = 1;
      });
    }
    return { best, by };
  }

  /** Where one can go from a state, and for what. */
  #leave(state: number, go: (to: number, cost: number, hops: number) => void): void {
    const { starts, targets, costs, size } = this.#graph;
    const hub = state >> 1;
    const before = this.#before[hub] as number;
    const isOut = state % 2 === 1;
    if (!isOut) {
      if (this.#isEnd[hub] === true) return;
      if (before === NONE) go(state + 1, 0, 0);
      else go(2 * before + 1, -(this.#costOf(before, hub) as number), -1);
      return;
    }
    if (before !== NONE) go(state - 1, 0, 0);
    for (let at = starts[hub] as number; at < (starts[hub + 1] as number); at++) {
      const to = targets[at] as number;
      if (this.#steps.has(hub * size + to)) continue;
      if (this.#isOpen(this.#graph.idOf(to), this.#graph.idOf(hub))) go(2 * to, costs[at] as number, 1);
    }
  }

  #costOf(from: number, to: number): number | undefined {
    return this.#graph.costOf(this.#graph.idOf(from), this.#graph.idOf(to));
  }
}

/** What a way costs; of those that cost the same, the one with fewer hops is less. */
interface Price {
  readonly cost: number;
  readonly hops: number;
}

function isLess(a: Price, b: Price): boolean {
  return a.cost < b.cost || (a.cost === b.cost && a.hops < b.hops);
}
