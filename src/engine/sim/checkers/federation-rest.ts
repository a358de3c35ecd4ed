/**
 * What must be true of a federation once faults have stopped: every hub can reach every other cluster that has a hub, and none
 * that has not; it knows which functions are there, and no others; one hub speaks for its cluster; and nothing is kept of
 * messages that have arrived.
 */
import type { SimProcess } from '../process.ts';
import type { World } from '../world.ts';
import { Checker } from './checker.ts';
import { who } from './membership.ts';

export class FederationRestChecker extends Checker {
  readonly #world: () => World;

  constructor(world: () => World) {
    super();
    this.#world = world;
  }

  override unsettled(): string | undefined {
    const hubs = this.#world().living.filter(({ federation }) => federation !== undefined);
    const offered = this.#offered();
    for (const hub of hubs) {
      const why = whyHeld(hub) ?? this.#blindness(hub, hubs, offered);
      if (why !== undefined) return why;
    }
    for (const cluster of new Set(hubs.map((hub) => hub.cluster))) {
      const speakers = hubs.filter((hub) => hub.cluster === cluster && hub.federation?.speaks);
      if (speakers.length !== 1) return `${speakers.length} hubs speak for ${cluster}`;
    }
    return undefined;
  }

  /** By cluster, the names of what its living nodes offer. */
  #offered(): ReadonlyMap<string, ReadonlySet<string>> {
    const offered = new Map<string, Set<string>>();
    for (const { functions, process } of this.#world().places) {
      if (!process?.alive) continue;
      const names = offered.get(process.cluster) ?? new Set();
      offered.set(process.cluster, names);
      for (const { name } of functions) names.add(name);
    }
    return offered;
  }

  #blindness(
    hub: SimProcess,
    hubs: readonly SimProcess[],
    offered: ReadonlyMap<string, ReadonlySet<string>>,
  ): string | undefined {
    const view = hub.federation?.view(hub.localNow);
    const there = new Set(hubs.map(({ cluster }) => cluster));
    for (const cluster of there) {
      if (cluster === hub.cluster) continue;
      const known = view?.clusters.find((one) => one.cluster === cluster);
      if (known?.state !== 'reachable') return `${who(hub)} sees ${cluster} as ${known?.state ?? 'nothing'}`;
      const told = [...new Set(known.functions.map(({ name }) => name))].sort().join(' ');
      const { policies } = this.#world();
      const isForIt = (name: string) => {
        const rules = policies.configOf(cluster, []);
        return policies.exports(rules, { by: hub.cluster, name, of: cluster, what: 'functions' });
      };
      const real = [...(offered.get(cluster) ?? [])].filter(isForIt).sort().join(' ');
      if (told !== real) return `${who(hub)} believes that ${cluster} offers ${told}, not ${real}`;
    }
    const ghost = view?.clusters.find(({ cluster, state }) => state === 'reachable' && !there.has(cluster));
    return ghost && `${who(hub)} sees ${ghost.cluster} as reachable, which has no hub`;
  }
}

function whyHeld(hub: SimProcess): string | undefined {
  const held = hub.federation?.held ?? 0;
  return held > 0 ? `${who(hub)} still holds ${held} messages and ways to other hubs` : undefined;
}
