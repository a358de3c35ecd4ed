/**
 * Where a step or a call could run now, and why there: the rules by which nodes place calls (`core/calls/placement.ts`),
 * asked from outside, with what one node told of the mesh.
 *
 * Limit: of nodes with equal right one is drawn when the call comes; which one nobody knows before.
 */
import type { NodeId } from './core/base/ids.ts';
import type { Problem } from './core/base/problems.ts';
import { candidates, isOwn, type Place, type Wish } from './core/calls/placement.ts';
import type { FunctionView, MemberView } from './core/node/snapshot.ts';

export interface Offer {
  readonly node: string;
  readonly id: NodeId;
  readonly version: string;
  readonly why: string;
}

export interface Whereabouts {
  /** Places that could take it now. */
  readonly places: readonly Offer[];
  /** Others that have a function of that name, each with the reason against it. */
  readonly others: readonly Offer[];
  /** Why there is no place, where there is none. */
  readonly problem?: Problem;
}

/** A mesh as one node told it. */
export interface KnownMesh {
  readonly functions: readonly FunctionView[];
  readonly members: readonly MemberView[];
}

export function whereabouts(wish: Wish, mesh: KnownMesh): Whereabouts {
  if (isOwn(wish.fun)) return { others: [], places: [] };
  const suspects = new Set(mesh.members.filter(({ state }) => state === 'suspect').map(({ id }) => id));
  const views = mesh.functions.filter(({ name }) => name === wish.fun);
  const all = views.map((view) => ({ place: placeOf(view, suspects.has(view.id)), view }));
  const found = among(
    all.map(({ place }) => place),
    wish,
    mesh,
  );
  const chosen = new Set(found.ok ? found.value : []);
  const offers = all.map(({ place, view }) => ({
    good: chosen.has(place),
    offer: {
      id: view.id,
      node: view.node,
      version: view.version,
      why: chosen.has(place) ? whyThere(wish, all.length) : whyNot(place, wish, mesh),
    },
  }));
  return {
    others: offers.filter(({ good }) => !good).map(({ offer }) => offer),
    places: offers.filter(({ good }) => good).map(({ offer }) => offer),
    ...(found.ok ? {} : { problem: found.problem }),
  };
}

function placeOf(view: FunctionView, suspect: boolean): Place {
  return { address: '', fn: view, id: view.id, name: view.node, resources: new Set(view.allResources), suspect };
}

function among(places: readonly Place[], wish: Wish, { members }: KnownMesh) {
  const byNode = new Map<NodeId, Place[]>();
  for (const place of places) byNode.set(place.id, [...(byNode.get(place.id) ?? []), place]);
  const node = (nameOrId: string) => members.find(({ id, name }) => id === nameOrId || name === nameOrId);
  const resting = members
    .filter(({ state }) => state === 'draining')
    .flatMap(({ id, name, record }) =>
      (record?.functions ?? []).filter((fn) => fn.name === wish.fun).map((fn) => ({ fn, id, name })),
    )
    .map((rest) => ({ ...rest, address: '', resources: new Set<string>(), suspect: false }));
  return candidates({ generation: 0, node, offers: () => byNode, resting: () => resting }, wish, []);
}

function whyThere(wish: Wish, offers: number): string {
  const has = wish.locs.length > 0 ? [`has ${wish.locs.join(', ')}`] : [];
  const version = offers > 1 ? ['no higher version fits'] : ['nobody else has it'];
  return [...has, ...version].join('; ');
}

function whyNot(place: Place, wish: Wish, mesh: KnownMesh): string {
  const missing = wish.locs.filter((loc) => !place.resources.has(loc));
  if (missing.length > 0) return `lacks ${missing.join(', ')}`;
  if (!among([place], wish, mesh).ok) return 'not the version or node that is asked for';
  return place.suspect ? 'does not answer at the moment' : 'a higher version is there';
}
