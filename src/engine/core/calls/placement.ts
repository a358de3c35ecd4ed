import type { Address, NodeId } from '../base/ids.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import type { Prng } from '../base/prng.ts';
import { type Problem, problem } from '../base/problems.ts';
import { compareVersions } from '../base/semver.ts';
import { within } from '../base/version-range.ts';

/** A function on a node, as placement sees it. */
export interface Place {
  readonly id: NodeId;
  readonly name: string;
  readonly address: Address;
  readonly fn: {
    readonly version: string;
    readonly functionId?: string;
    readonly idempotent?: boolean;
    readonly timeoutMs?: number;
  };
  readonly resources: ReadonlySet<string>;
  readonly suspect: boolean;
}

/** Where functions are, as the directory tells it. */
export interface Places {
  /** What `offers` and `node` said at an equal generation is still true. */
  readonly generation: number;
  offers(fun: string): ReadonlyMap<NodeId, readonly Place[]> | undefined;
  /** Where a function is that takes no new work now. May walk over all nodes: for explanations, not for calls. */
  resting(fun: string): readonly Place[];
  /** The nodes in reach that have all of some resources, whether or not they take new work. Walks over all nodes. */
  equipped(locs: readonly string[]): readonly Omit<Place, 'fn'>[];
  /** The names of the nodes out of reach that had all of some resources by their last word. Walks over all nodes. */
  absent(locs: readonly string[]): readonly string[];
  /** A node by its name or id, whether or not it takes work now. */
  node(nameOrId: string): { readonly id: NodeId; readonly name: string; readonly address: Address } | undefined;
}

/** What a call asks of the place where it runs. */
export interface Wish {
  readonly fun: string;
  readonly locs: readonly string[];
  readonly node?: string;
  readonly version?: string;
  readonly functionId?: string;
  /** The id of a cluster, and the name of a region that it shall be of. */
  readonly cluster?: string;
  readonly region?: string;
}

/**
 * All places that fit a wish: the function, on a node that has all resources, in the highest version on offer, without
 * those tried already. Suspects only where nobody else is left.
 */
export function candidates(places: Places, wish: Wish, tried: readonly NodeId[]): Outcome<readonly Place[]> {
  const offers = places.offers(wish.fun);
  const there = wish.node === undefined ? undefined : offers?.get(wish.node);
  const fits = fitting(wish);
  const named = (there === undefined ? [...(offers?.values() ?? [])].flat() : there).filter(fits);
  const equipped = named.filter((place) => wish.locs.every((loc) => place.resources.has(loc)));
  const left = equipped.filter((place) => !tried.includes(place.id));
  if (left.length > 0) return done(best(left));
  if (wish.node !== undefined && places.node(wish.node) === undefined) return failed(nodeUnknown(wish.node, wish.fun));
  const resting = named.length === 0 ? places.resting(wish.fun).filter(fits) : [];
  return failed(resting.length > 0 ? allRest(wish, resting) : whyNone(wish, named.length, equipped.length));
}

/** Whether a function is the node's own, not a user's. */
export function isOwn(fun: string): boolean {
  return fun.startsWith('mpreg.');
}

/**
 * The one place of a function that belongs to every node by itself: the node that was asked for, or, where resources were,
 * the one that has them; none once it was tried.
 */
export function ownPlace(
  places: Places,
  wish: Wish,
  self: NodeId,
  tried: readonly NodeId[],
): Outcome<readonly Place[]> {
  if (wish.node === undefined && wish.locs.length > 0) return placeWith(places, wish, tried);
  const node = places.node(wish.node ?? self);
  if (node === undefined) {
    return failed(nodeUnknown(wish.node ?? self, wish.fun));
  }
  if (tried.includes(node.id)) return done([]);
  return done([{ ...node, fn: { version: '0.0.0' }, resources: new Set(), suspect: false }]);
}

/** Why the least id: of several that have a queue of a name, all who ask must mean the same one. */
function placeWith(places: Places, wish: Wish, tried: readonly NodeId[]): Outcome<readonly Place[]> {
  const equipped = places.equipped(wish.locs);
  const sound = equipped.filter(({ suspect }) => !suspect);
  const [first] = [...(sound.length > 0 ? sound : equipped)].sort((a, b) => (a.id < b.id ? -1 : 1));
  if (first !== undefined) return done(tried.includes(first.id) ? [] : [{ ...first, fn: { version: '0.0.0' } }]);
  const { fun, locs } = wish;
  const queue = locs.find((loc) => loc.startsWith('queue:'))?.slice('queue:'.length);
  if (locs.includes(HUB)) return failed(hubMissing({ fun }));
  if (queue !== undefined) return failed(queueMissing(queue, places.absent(locs)[0], fun));
  const which = locs.map((loc) => `"${loc}"`).join(', ');
  return failed(
    problem('resource-unknown', `no node in reach has ${locs.length > 1 ? 'all of ' : ''}${which}`, { fun }),
  );
}

/** Why it matters whether a node had it: who hears of no such queue gives up, or makes another one. */
function queueMissing(queue: string, absent: string | undefined, fun: string): Problem {
  if (absent === undefined) return problem('queue-unknown', `no node in reach has a queue ${queue}`, { fun });
  return problem('nobody-there', `the queue ${queue} is on ${absent}, which cannot be reached`, {
    fun,
    hint: `Wait until ${absent} is back, or start it again where it was.\nmpreg node list`,
  });
}

/** What a hub has, for whoever looks for one. */
export const HUB = 'role:hub';

export function hubMissing({ fun, cluster, region }: Pick<Wish, 'fun' | 'cluster' | 'region'>): Problem {
  const where = cluster === undefined ? (region === undefined ? '' : ` in region ${region}`) : ` in cluster ${cluster}`;
  return problem('hub-missing', `${fun}${where} can only be reached through a hub, and no node in reach is one`, {
    fun,
  });
}

function nodeUnknown(node: string, fun: string): Problem {
  const hint = 'Use a name that only one node has, or an id.\nmpreg node list';
  return problem('node-unknown', `no node in reach is named ${node}`, { fun, hint });
}

/** Whether a place has the function as it is wished, resources apart. */
export function fitting(wish: Wish): (place: Place) => boolean {
  const isWanted = wish.version === undefined ? () => true : within(wish.version);
  return ({ id, name, fn }) =>
    (wish.node === undefined || id === wish.node || name === wish.node) &&
    (wish.functionId === undefined || fn.functionId === wish.functionId) &&
    isWanted(fn.version);
}

function best(places: readonly Place[]): readonly Place[] {
  const sound = places.filter((place) => !place.suspect);
  const from = sound.length > 0 ? sound : places;
  let newest = from[0]?.fn.version ?? '';
  for (const { fn } of from) if (compareVersions(fn.version, newest) > 0) newest = fn.version;
  return from.filter(({ fn }) => compareVersions(fn.version, newest) === 0);
}

function allRest({ fun }: Wish, resting: readonly Place[]): Problem {
  const names = resting.slice(0, 3).map(({ name }) => name);
  const who = resting.length > 3 ? `${names.join(', ')} and others` : names.join(', ');
  return problem('node-stopping', `${fun} is offered by ${who} only, and no new work is taken there`, { fun });
}

function whyNone(wish: Wish, named: number, equipped: number) {
  const { fun, locs } = wish;
  const on = wish.node === undefined ? '' : ` on node ${wish.node}`;
  const inVersion = wish.version === undefined ? '' : ` in version ${wish.version}`;
  const version = wish.functionId === undefined ? inVersion : `${inVersion} with the id ${wish.functionId}`;
  if (named === 0) {
    return problem('function-unknown', `no node in reach offers ${fun}${version}${on}`, { fun });
  }
  if (equipped === 0) {
    const which = locs.map((loc) => `"${loc}"`).join(', ');
    return problem(
      'resource-unknown',
      `${named === 1 ? 'one node offers' : `${named} nodes offer`} ${fun}${version}${on}, but none with all of ${which}`,
      { fun },
    );
  }
  return problem('nobody-there', `all ${equipped} that offer ${fun}${on} were tried, and none could take the call`, {
    fun,
  });
}

/** Why a call that no node has had yet goes nowhere; `found` is what was found for it, `name` that of this node. */
export function whyNowhere(
  call: Wish & { readonly routed: boolean },
  found: Outcome<readonly Place[]>,
  name: string,
): Problem {
  const { fun } = call;
  if (call.routed) return problem('not-here', `${name} does not offer ${fun} now`, { fun, node: name });
  if (!found.ok) return { node: name, ...found.problem };
  return problem('node-stopping', `${name} takes no new work`, { fun, node: name });
}

/**
 * Of several places, the one to ask: two drawn at random, the cheaper wins (Mitzenmacher 2001, "The power of two
 * choices"); on a tie this node where it is one of the two, which saves the way.
 *
 * `order` is negative where the first is cheaper, positive where the second is, 0 on a tie.
 *
 * Trade-off: of n equal places this node gets 2 in n calls, and each other one the same share of the rest.
 */
export function choose(
  places: readonly Place[],
  self: NodeId,
  order: (a: NodeId, b: NodeId) => number,
  prng: Prng,
): Place | undefined {
  if (places.length < 2) return places[0];
  const i = prng.below(places.length);
  const j = (i + 1 + prng.below(places.length - 1)) % places.length;
  const [a, b] = [places[i], places[j]];
  if (a === undefined || b === undefined) return a ?? b;
  const which = order(a.id, b.id);
  if (which !== 0) return which < 0 ? a : b;
  return b.id === self ? b : a;
}
