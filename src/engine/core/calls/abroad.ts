import type { NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import { failed, type Outcome } from '../base/outcome.ts';
import type { CallMessage } from './messages.ts';
import { hubMissing, isOwn, type Place, type Wish } from './placement.ts';

/**
 * Other clusters, as the calls of a node see them.
 *
 *     node ── abroad ──► a hub of its cluster ── scope: cluster ──► a hub of another ── routed ──► a node there
 *
 * A call is given to a hub as it is; the hub gives it to the nearest cluster that can take it; the hub there places it among
 * its own nodes, and no further. So no call travels in circles.
 */
export interface Abroad {
  /** Whether a call with that wish may run in this cluster. */
  isHome(wish: Wish): boolean;
  /**
   * Whom to give it to, best first, without those that were tried: on a hub, hubs of other clusters; on other nodes, the
   * hubs of their own. Undefined where this cluster has none.
   */
  places(wish: Wish, tried: readonly NodeId[], now: Instant): Outcome<readonly FarPlace[]> | undefined;
  /** Whether this is a hub that has just begun, and may not know yet what there is. */
  isNew(now: Instant): boolean;
}

/** `far`: a hub of this cluster, which will look further; or one of another cluster that has what is wished for. */
export type FarPlace = Place & { readonly far: 'hub' | 'cluster' };

/** Of a node that knows no hubs. */
export const NO_ABROAD: Abroad = { isHome: () => true, isNew: () => false, places: () => undefined };

/**
 * Whether a call may leave its cluster. Not one that has come from another, or that a node has been chosen for; nor what
 * each node does for itself, where nobody asks for a cluster; but queues are found wherever they are.
 */
export function mayLeave(call: CallMessage): boolean {
  if (call.routed || call.scope !== undefined) return false;
  if (call.cluster !== undefined || call.region !== undefined) return true;
  if (call.node !== undefined) return false;
  return !isOwn(call.fun) || call.locs.some((loc) => loc.startsWith(QUEUE));
}

/** Why a call goes nowhere: by what was found abroad where it asks for that, or could run there if a way led there; else by what was found at home. */
export function whyNotAbroad(
  call: CallMessage,
  home: Outcome<readonly Place[]>,
  found: Outcome<readonly Place[]> | undefined,
): Outcome<readonly Place[]> {
  const isLost = found?.ok === false && found.problem.code === 'nobody-there';
  if (call.cluster === undefined && call.region === undefined && !isLost) return home;
  return found ?? failed(hubMissing(call));
}

/** What is sent in a call's name: to a hub of this cluster as it is; abroad without what was said about where. */
export function sentAbroad(call: CallMessage, far: FarPlace['far']): CallMessage {
  const { errand: _, following: __, ...plain } = call;
  if (far === 'hub') return { ...plain, abroad: true, routed: true };
  const { cluster: ___, region: ____, abroad: _____, ...bare } = plain;
  return { ...bare, routed: false, scope: 'cluster' };
}

const QUEUE = 'queue:';
