import type { NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import type { Machines } from './machines.ts';
import type { FunctionView, MemberView } from './snapshot.ts';

/** All members as this node sees them, itself first, then by name and id. */
export function memberViews({ membership, directory, links }: Machines, now: Instant): readonly MemberView[] {
  const self = directory.self.id;
  const views: MemberView[] = [];
  for (const { id, state, incarnation, address, since } of membership.members()) {
    const record = directory.record(id);
    views.push({
      address,
      forMs: Math.max(0, now - since),
      id,
      incarnation,
      linked: links.has(id),
      name: record?.name ?? id,
      self: id === self,
      state: state === 'alive' && record?.state === 'draining' ? 'draining' : state,
      ...(record === undefined ? {} : { record }),
    });
  }
  return views.sort((a, b) => Number(b.self) - Number(a.self) || compare(a.name, b.name) || compare(a.id, b.id));
}

/** All functions on offer in a list of members, by name, then by node. */
export function functionViews(members: readonly MemberView[]): readonly FunctionView[] {
  const views: FunctionView[] = [];
  for (const { id, name, state, record } of members) {
    if (record === undefined || (state !== 'alive' && state !== 'suspect')) continue;
    for (const fn of record.functions) {
      const allResources = [...new Set([...record.resources, ...fn.resources])];
      views.push({ ...fn, allResources, id, node: name });
    }
  }
  return views.sort((a, b) => compare(a.name, b.name) || compare(a.node, b.node) || compare(a.id, b.id));
}

function compare(a: string | NodeId, b: string | NodeId): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
