import type { NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import type { FederationEvent } from './effects.ts';
import type { HubRecord } from './records.ts';

export interface ClusterState {
  readonly state: 'reachable' | 'lost';
  readonly since: Instant;
}

/** Which other clusters a way leads to, since when, and what to say where that changes. */
export class Clusters {
  readonly #states = new Map<string, ClusterState>();
  /** Since when operators have wanted links with them. */
  #wanted = new Map<string, Instant>();
  /** Whose links operators took away. */
  readonly #unwanted = new Set<string>();

  /** The clusters that operators want links with from now on. */
  want(links: readonly { readonly cluster: string }[], now: Instant): void {
    const before = this.#wanted;
    this.#wanted = new Map(links.map(({ cluster }) => [cluster, before.get(cluster) ?? now]));
    for (const cluster of before.keys()) this.#unwanted.add(cluster);
    for (const cluster of this.#wanted.keys()) this.#unwanted.delete(cluster);
  }

  /** Whether operators took its links away, and no way leads there: then nobody misses it, though its hubs are still known. */
  isForgotten(cluster: string): boolean {
    return this.#unwanted.has(cluster) && this.#states.get(cluster)?.state !== 'reachable';
  }

  /** Since when it is in its state, or, where it was never reached, has been wanted. */
  since(cluster: string): Instant | undefined {
    return this.#states.get(cluster)?.since ?? this.#wanted.get(cluster);
  }

  of(cluster: string): ClusterState | undefined {
    return this.#states.get(cluster);
  }

  /** `hubs`: all that are known, of other clusters. */
  update(hubs: readonly HubRecord[], isReachable: (hub: NodeId) => boolean, now: Instant): readonly FederationEvent[] {
    const reachable = new Map<string, boolean>();
    const alive = new Set<string>();
    for (const { hub, identity, withdrawn } of hubs) {
      const { cluster } = identity;
      reachable.set(cluster, (reachable.get(cluster) ?? false) || isReachable(hub));
      if (!withdrawn) alive.add(cluster);
    }
    const events: FederationEvent[] = [];
    for (const [cluster, isIn] of reachable) {
      if (!isIn && this.#unwanted.has(cluster)) {
        if (this.#states.delete(cluster))
          events.push({ cluster, kind: 'cluster', reason: 'its links were taken away', state: 'left' });
        continue;
      }
      const state = isIn ? 'reachable' : 'lost';
      // Why: of a cluster that nobody has reached yet, news may come before the way that leads there.
      if ((this.#states.get(cluster)?.state ?? 'lost') === state) continue;
      this.#states.set(cluster, { since: now, state });
      const left = alive.has(cluster) ? 'no way leads there' : 'its hubs have left';
      events.push({ cluster, kind: 'cluster', reason: isIn ? 'a way leads there' : left, state });
    }
    for (const cluster of this.#states.keys()) {
      if (reachable.has(cluster)) continue;
      this.#states.delete(cluster);
      events.push({ cluster, kind: 'cluster', reason: 'nothing was heard of it for too long', state: 'left' });
    }
    return events;
  }
}
