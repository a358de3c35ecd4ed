import type { CallsMessage } from '../../core/calls/messages.ts';
import { waysOf } from '../../core/federation/alternatives.ts';
import { disjointWays } from '../../core/federation/disjoint.ts';
import type { Federation } from '../../core/federation/federation.ts';
import { DEFAULT_FEDERATION_OPTIONS } from '../../core/federation/options.ts';
import type { Way } from '../../core/federation/paths.ts';
import type { FederationView } from '../../core/federation/view.ts';
import type { WayView } from '../../federation-api.ts';
import { problemError } from '../../problem-error.ts';

/** Limit: ways that cost the same, and ways that share no hub, of each kind to one cluster. */
const WAYS_MAX = 4;

/** The ways from a hub to other clusters; the best first, then those that cost as much, then those that stand when it falls. */
export function routesOf(
  { ways }: Federation<CallsMessage>,
  view: FederationView,
  ask: Readonly<Record<string, unknown>>,
): readonly WayView[] {
  const { to, hops = DEFAULT_FEDERATION_OPTIONS.hopsMax, avoid = [], ...more } = ask;
  const [odd] = Object.keys(more);
  if (odd !== undefined) throw problemError('input-invalid', `routes have no field "${odd}"`);
  if (!Number.isSafeInteger(hops) || Number(hops) < 1)
    throw problemError('input-invalid', 'hops must be a whole number');
  if (!Array.isArray(avoid)) throw problemError('input-invalid', 'avoid must be a list of hubs or clusters');
  const clusters = view.clusters.filter(({ cluster, self }) => !self && (to === undefined || cluster === to));
  if (to === view.cluster) {
    throw problemError(
      'usage-invalid',
      `${view.cluster} is the cluster of ${view.name} itself: no way is needed to get there`,
    );
  }
  if (clusters.length === 0 && to !== undefined) {
    throw problemError('cluster-unknown', `no hub in reach knows cluster ${String(to)}`);
  }
  const shunned = view.hubs.filter(({ hub, cluster, name }) => [hub, cluster, name].some((one) => avoid.includes(one)));
  const search = { avoid: shunned.map(({ hub }) => hub), from: view.hub, hopsMax: Number(hops) };
  return clusters.flatMap(({ cluster, hubs }) => {
    if (hubs.length === 0) return [];
    const terms = { ...search, to: hubs };
    const plenty = { slack: 0, waysMax: WAYS_MAX };
    const [best, ...equal] = waysOf(ways.graph, terms, plenty, ways.compass.towards(hubs));
    if (best === undefined) return [];
    const known = new Set([best, ...equal].map(keyOf));
    const disjoint = disjointWays(ways.graph, { ...terms, waysMax: WAYS_MAX }).filter((way) => !known.has(keyOf(way)));
    const told = (kind: WayView['kind']) => (way: Way) => wayView(view, cluster, kind, way);
    return [told('best')(best), ...equal.map(told('equal')), ...disjoint.map(told('disjoint'))];
  });
}

function keyOf({ hubs }: Way): string {
  return hubs.join(' ');
}

function wayView(view: FederationView, to: string, kind: WayView['kind'], { cost, hubs }: Way): WayView {
  const named = [view.hub, ...hubs].map((id) => {
    const known = view.hubs.find(({ hub }) => hub === id);
    return { cluster: known?.cluster ?? '', hub: id, name: known?.name ?? id };
  });
  return { cost, hubs: named, kind, to };
}
