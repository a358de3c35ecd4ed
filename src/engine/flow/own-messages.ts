import type { Exchange, Route } from '../core/topics/exchange.ts';
import type { Delivery } from './delivery.ts';
import { FlowLink } from './flow-link.ts';

/** What the mesh itself says, on topics of its own. */

/** Where that comes from: a link that cannot be held, so that it is dropped where users' publishers would wait. */
export const OWN = new FlowLink(
  0,
  { address: '', id: '', name: '', role: 'peer' },
  { hold: () => undefined, isFull: false, release: () => undefined, send: () => undefined },
);

/** All of a route. Nothing is owed to groups: what the mesh says of itself is not kept for those who are slow. */
export function everywhere(route: Route<Delivery>): Route<Delivery> {
  return { ...route, groups: route.groups.map((group) => ({ ...group, owed: false })) };
}

/** The part of a route that ends on this node. */
export function hereOnly(exchange: Exchange<Delivery>, route: Route<Delivery>): Route<Delivery> {
  const groups = route.groups.flatMap(({ group, members }) => {
    const here = members.filter(({ node }) => exchange.isSelf(node));
    return here.length === 0 ? [] : [{ group, members: here, owed: false }];
  });
  return { ...route, groups, nodes: [] };
}
