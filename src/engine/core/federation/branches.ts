import type { NodeId } from '../base/ids.ts';
import type { Way } from './paths.ts';

/**
 * One message to many hubs: the ways to all of them, laid over each other, so that it crosses each bridge once.
 *
 *     ways  B   B C   B D   E        branches  B* ─┬─ C*
 *                                                  └─ D*       * wanted there
 *                                              E*
 *
 * Ways of one tree mostly agree on how a hub is reached. Where the limit of hops is near they may not: the cheapest way to
 * a hub may be too long to go on from, and another leads through it. Then the hub is reached by the shorter of the two.
 * So every hub has one hub before it, nearer to where all ways begin, and no way has become longer.
 */
export interface Branch {
  readonly hub: NodeId;
  /** Whether the message is for this hub; else only for those beyond. */
  readonly wanted: boolean;
  readonly beyond: readonly Branch[];
}

/** `ways` begin at one hub and are from one tree. Sorted by hub. An empty way leads to no branch. */
export function branchesOf(ways: readonly Way[]): readonly Branch[] {
  const places = new Map<NodeId, { readonly depth: number; readonly before: NodeId | undefined }>();
  const wanted = new Set<NodeId>();
  for (const { hubs } of ways) {
    for (const [depth, hub] of hubs.entries()) {
      if (depth >= (places.get(hub)?.depth ?? Number.POSITIVE_INFINITY)) continue;
      places.set(hub, { before: hubs[depth - 1], depth });
    }
    const end = hubs.at(-1);
    if (end !== undefined) wanted.add(end);
  }
  const after = new Map<NodeId | undefined, NodeId[]>();
  const needed = new Set<NodeId | undefined>([undefined]);
  for (const end of wanted) {
    for (let hub: NodeId | undefined = end; !needed.has(hub); hub = places.get(hub as NodeId)?.before) {
      needed.add(hub);
      const before = places.get(hub as NodeId)?.before;
      const siblings = after.get(before);
      if (siblings === undefined) after.set(before, [hub as NodeId]);
      else siblings.push(hub as NodeId);
    }
  }
  const grow = (before: NodeId | undefined): readonly Branch[] =>
    (after.get(before) ?? []).sort().map((hub) => ({ beyond: grow(hub), hub, wanted: wanted.has(hub) }));
  return grow(undefined);
}

/** For each hub to send to, in order, which of the wanted hubs lie there and beyond: each wanted hub once. */
export function byNextHop(branches: readonly Branch[]): ReadonlyMap<NodeId, readonly NodeId[]> {
  return new Map(branches.map((branch) => [branch.hub, wantedIn(branch).sort()]));
}

function wantedIn({ hub, wanted, beyond }: Branch): NodeId[] {
  return [...(wanted ? [hub] : []), ...beyond.flatMap(wantedIn)];
}
