/**
 * A federation as all hubs of one cluster know it together. Each hub knows the troubles of its own links only; of the rest the
 * first that answers is believed.
 */
import type { Client, FederationHealth, FederationView, LinkHealth } from '../../engine/index.ts';
import { askEach, type HubAsk } from './hubs.ts';
import { type Topology, topologyOf } from './topology.ts';

/** `hub`: the name of whose link it is. */
export type SeenLink = LinkHealth & { readonly hub: string };

/** A contract with scripts. */
export interface SeenHealth extends Omit<FederationHealth, 'links'> {
  /** Of all hubs of the cluster that answered. */
  readonly links: readonly SeenLink[];
  /** Names of hubs of the cluster that did not answer: their links are missing. */
  readonly silent: readonly string[];
}

export async function healthOfAll(client: Client, ask: HubAsk = {}): Promise<SeenHealth> {
  const { answers, silent } = await askEach<FederationHealth>(client, 'health', {}, ask);
  return together(answers, silent);
}

export async function topologyOfAll(client: Client, ask: HubAsk = {}): Promise<Topology> {
  const [views, healths] = await Promise.all([
    askEach<FederationView>(client, 'view', {}, ask),
    askEach<FederationHealth>(client, 'health', {}, ask),
  ]);
  return topologyOf(views.answers, together(healths.answers, healths.silent));
}

/** The first one's, with the links of all. An ill link of any makes the whole degraded, as its own do. */
export function together(
  [first, ...others]: readonly [FederationHealth, ...FederationHealth[]],
  silent: readonly string[] = [],
): SeenHealth {
  const links = [first, ...others].flatMap(({ links: theirs, name }) => theirs.map((link) => ({ ...link, hub: name })));
  const ill = links.some(({ state }) => state !== 'healthy');
  return { ...first, links, silent, state: first.state === 'healthy' && ill ? 'degraded' : first.state };
}
