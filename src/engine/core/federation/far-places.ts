import type { NodeId } from '../base/ids.ts';
import { getOrMake } from '../base/maps.ts';
import { compareVersions } from '../base/semver.ts';
import { within } from '../base/version-range.ts';
import { guessedRttMs } from './globe.ts';
import type { LinkState } from './link-state.ts';
import { isMeant } from './policy.ts';
import type { ClusterIdentity, FunctionOffer, HubRecord, Interest, OffersRecord } from './records.ts';
import { distanceMs } from './vivaldi.ts';
import type { Ways } from './ways.ts';

/** What is looked for in other clusters. */
export interface FarWish {
  readonly fun: string;
  readonly locs: readonly string[];
  readonly version?: string;
  readonly functionId?: string;
  readonly cluster?: string;
  readonly region?: string;
}

/** A hub of a cluster that has what was looked for. */
export interface FarOffer {
  readonly cluster: string;
  readonly hub: NodeId;
  readonly name: string;
  readonly cost: number;
  readonly fn: Pick<FunctionOffer, 'version' | 'functionId' | 'idempotent' | 'timeoutMs'>;
}

/** What one cluster is to a wish. */
export interface Judged {
  readonly cluster: string;
  readonly region: string;
  /** Absent: no way leads there. */
  readonly cost?: number;
  /** Its hubs that can be reached, the nearest first. */
  readonly hubs: readonly NodeId[];
  readonly fn?: FarOffer['fn'];
  /** Why it is not taken. */
  readonly why?: string;
}

/**
 * Where in other clusters something is: what they say that they offer, and the ways that lead there.
 *
 * The nearest cluster first, by the cost of the way to its nearest hub, then by name; all first hubs come before any second
 * one, so that whoever tries one after the other gets to another cluster before another door of the same.
 */
export class FarPlaces {
  readonly #links: LinkState;
  readonly #ways: Ways;
  readonly #own: () => ClusterIdentity;
  readonly #admits: Admission;
  #clusters: ReadonlyMap<string, Cluster> | undefined;

  constructor(parts: {
    readonly links: LinkState;
    readonly ways: Ways;
    readonly own: () => ClusterIdentity;
    /** Whether this cluster uses a thing of that name of another one. */
    readonly admits: Admission;
  }) {
    this.#links = parts.links;
    this.#ways = parts.ways;
    this.#own = parts.own;
    this.#admits = parts.admits;
  }

  /** What was known is not true any more. */
  stale(): void {
    this.#clusters = undefined;
  }

  places(wish: FarWish): readonly FarOffer[] {
    const found: (FarOffer & { readonly turn: number })[] = [];
    for (const { cluster, fn, hubs } of this.judge(wish)) {
      if (fn === undefined) continue;
      hubs.forEach((hub, turn) => {
        const name = this.#links.hub(hub)?.name ?? hub;
        found.push({ cluster, cost: this.#ways.to(hub)?.cost ?? 0, fn, hub, name, turn });
      });
    }
    return found.sort(
      (a, b) =>
        Math.min(a.turn, 1) - Math.min(b.turn, 1) ||
        a.cost - b.cost ||
        (a.cluster === b.cluster ? (a.hub < b.hub ? -1 : 1) : a.cluster < b.cluster ? -1 : 1),
    );
  }

  /** All other clusters that are known, those first that can take it, the nearest before the others. */
  judge(wish: FarWish): readonly Judged[] {
    const judged: Judged[] = [];
    for (const [name, cluster] of this.#known) {
      const { identity, hubs } = cluster;
      const cost = hubs[0] === undefined ? undefined : this.#ways.to(hubs[0])?.cost;
      const about = { cluster: name, hubs, region: identity.region, ...(cost === undefined ? {} : { cost }) };
      const fn = this.#fit(wish, name, cluster);
      judged.push(typeof fn === 'string' ? { ...about, why: fn } : { ...about, fn });
    }
    const far = Number.MAX_SAFE_INTEGER;
    return judged.sort(
      (a, b) =>
        Number(a.fn === undefined) - Number(b.fn === undefined) ||
        (a.cost ?? far) - (b.cost ?? far) ||
        (a.cluster < b.cluster ? -1 : 1),
    );
  }

  /** Who another cluster says that it is; undefined where no hub of it is known. */
  identityOf(cluster: string): ClusterIdentity | undefined {
    return this.#known.get(cluster)?.identity;
  }

  functionsOf(cluster: string): readonly FunctionOffer[] {
    return this.#known.get(cluster)?.functions ?? [];
  }

  queuesOf(cluster: string): readonly string[] {
    return this.#known.get(cluster)?.queues ?? [];
  }

  /** The other clusters, their hubs that can be reached, the nearest first, what they listen to, and what they retain. */
  get listening(): readonly {
    readonly identity: ClusterIdentity;
    readonly hubs: readonly NodeId[];
    readonly interests: readonly Interest[];
    readonly retains: readonly Interest[];
  }[] {
    return [...this.#known.values()].map(({ hubs, identity, offers }) => ({
      hubs,
      identity,
      interests: offers.flatMap(({ interest }) => interest ?? []),
      retains: offers.flatMap(({ retains }) => retains ?? []),
    }));
  }

  get #known(): ReadonlyMap<string, Cluster> {
    if (this.#clusters === undefined) this.#clusters = this.#gather();
    return this.#clusters;
  }

  #gather(): ReadonlyMap<string, Cluster> {
    const own = this.#own();
    const hubs = new Map<string, HubRecord[]>();
    for (const record of this.#links.hubs()) {
      const { cluster } = record.identity;
      if (record.withdrawn === undefined && cluster !== own.cluster) getOrMake(hubs, cluster, () => []).push(record);
    }
    const offers = new Map<string, OffersRecord[]>();
    for (const record of this.#links.offers()) getOrMake(offers, record.cluster, () => []).push(record);
    const clusters = new Map<string, Cluster>();
    for (const [cluster, records] of hubs) {
      const near = this.#ways.tree.nearest(records.map(({ hub }) => hub));
      const theirs = spoken(offers.get(cluster) ?? [], near);
      const { identity } = records[0] as HubRecord;
      clusters.set(cluster, {
        functions: theirs.flatMap(({ functions }) => functions).filter(({ audience }) => isMeant(audience, own)),
        hubs: near,
        identity,
        offers: theirs,
        queues: [...new Set(theirs.flatMap(({ queues }) => queues))].sort(),
      });
    }
    return clusters;
  }

  /** The function to take, or why none. Why the way comes last: who is told that none leads there knows what to wait for. */
  #fit(wish: FarWish, name: string, cluster: Cluster): FarOffer['fn'] | string {
    const fn = this.#offered(wish, name, cluster);
    return typeof fn !== 'string' && cluster.hubs.length === 0 ? NO_WAY : fn;
  }

  #offered(wish: FarWish, name: string, cluster: Cluster): FarOffer['fn'] | string {
    const { fun, locs } = wish;
    const { identity } = cluster;
    if (wish.cluster !== undefined && wish.cluster !== name) return `cluster ${wish.cluster} is wanted`;
    if (wish.region !== undefined && wish.region !== identity.region) return `it is in region ${identity.region}`;
    if (fun.startsWith(OWN)) return this.#fitOwn(wish, identity, cluster);
    if (!this.#admits(identity, 'functions', fun)) return 'the policy of this cluster does not import it';
    const named = cluster.functions.filter((offer) => offer.name === fun);
    if (named.length === 0) return 'it offers no such function';
    const isWanted = wish.version === undefined ? () => true : within(wish.version);
    const fitting = named.filter(
      ({ version, functionId }) =>
        isWanted(version) && (wish.functionId === undefined || wish.functionId === functionId),
    );
    if (fitting.length === 0) return `it offers only ${[...new Set(named.map(({ version }) => version))].join(', ')}`;
    const equipped = fitting.filter(({ resources }) => locs.every((loc) => resources.includes(loc)));
    const [best] = equipped.sort((a, b) => compareVersions(b.version, a.version));
    return best ?? `none of its nodes has all of ${locs.join(', ')} and the function`;
  }

  /** What every node has: found by the queue that it is about, or in the cluster that is named. */
  #fitOwn({ cluster: wanted, locs }: FarWish, identity: ClusterIdentity, { queues }: Cluster): FarOffer['fn'] | string {
    const queue = locs.find((loc) => loc.startsWith(QUEUE))?.slice(QUEUE.length);
    if (queue === undefined) return wanted === undefined ? 'it is asked of a cluster by name only' : EVERY_NODES;
    if (!queues.includes(queue)) return `it has no queue ${queue}`;
    return this.#admits(identity, 'queues', queue) ? EVERY_NODES : 'the policy of this cluster does not import it';
  }

  /**
   * Milliseconds of round trip to the nearest of some hubs: by their positions, else by the link to one, else by where they say
   * that they are.
   */
  distanceMs(
    own: HubRecord,
    others: readonly HubRecord[],
    measuredMs: (hub: NodeId) => number | undefined,
  ): number | undefined {
    const told = others.flatMap((other) => latencyMs(own, other, measuredMs(other.hub)) ?? []);
    return told.length === 0 ? undefined : Math.round(Math.min(...told) * 10) / 10;
  }
}

/**
 * Of what hubs of a cluster have said, what counts while some of them can be reached. Where one of these speaks, not what others did that are
 * gone: what it does not say is no longer there. Where none does yet, the last one who spoke is gone, and stands until another does.
 */
function spoken(offers: readonly OffersRecord[], near: readonly NodeId[]): readonly OffersRecord[] {
  const all = offers.filter(({ withdrawn }) => withdrawn === undefined);
  const here = all.filter(({ hub }) => near.includes(hub));
  return here.length > 0 ? here : all;
}

/** Undefined where nothing is known. A position that may be off by half is no better than a guess. */
function latencyMs(a: HubRecord, b: HubRecord, measuredMs: number | undefined): number | undefined {
  if (a.position !== undefined && b.position !== undefined && Math.max(a.position.error, b.position.error) < 0.5) {
    return distanceMs(a.position, b.position);
  }
  if (measuredMs !== undefined) return measuredMs;
  const [here, there] = [a.identity.coordinates, b.identity.coordinates];
  return here === undefined || there === undefined ? undefined : guessedRttMs(here, there);
}

/** Whether a thing of another cluster is to be used here. */
export type Admission = (of: ClusterIdentity, kind: 'functions' | 'queues' | 'topics', name: string) => boolean;

interface Cluster {
  readonly identity: ClusterIdentity;
  /** That can be reached, the nearest first. */
  readonly hubs: readonly NodeId[];
  readonly functions: readonly FunctionOffer[];
  readonly queues: readonly string[];
  readonly offers: readonly OffersRecord[];
}

/** Why a cluster is not taken that has what is wished for, and that cannot be reached. */
export const NO_WAY = 'no way leads there';

const OWN = 'mpreg.';
const QUEUE = 'queue:';
const EVERY_NODES: FarOffer['fn'] = { version: '0.0.0' };
