/**
 * Which clusters there are: every place of discovery is asked where nodes may be, every node that is found who it is, and every
 * hub whom it knows, until nobody new is named.
 *
 * What a hub knows of its own cluster counts most; distances and states are those of the first hub that answered, from
 * where everything is seen.
 */
import {
  type ConnectOptions,
  discover,
  type FederationView,
  type Problem,
  problem,
  type Sighting,
} from '../../engine/index.ts';
import { within } from '../deadline.ts';
import { type HubAccess, openAccess } from './hub-access.ts';
import { problemOf } from './survey.ts';

export interface DiscoveredCluster {
  readonly cluster: string;
  readonly name: string;
  readonly region: string;
  readonly url: string;
  readonly nodes: number;
  /** Names of functions that others may use, as far as others have heard of them. */
  readonly functions: readonly string[];
  readonly hubs: readonly string[];
  /** In milliseconds of round trip, as the first hub estimates it. */
  readonly distanceMs?: number;
  /** As the first hub sees it; `silent`: it was named, and did not answer; `unlinked`: it answered, and the first hub does not know it. */
  readonly state: 'self' | 'reachable' | 'lost' | 'configured' | 'unlinked' | 'silent';
  /** Where it was heard of: places of discovery, and hubs. */
  readonly heardFrom: readonly string[];
  /** Why it is silent. */
  readonly problem?: Problem;
}

export interface AskedPlace {
  readonly source: string;
  readonly nodes: number;
  readonly complaints: readonly string[];
  readonly problem?: Problem;
}

export interface Discovered {
  readonly clusters: readonly DiscoveredCluster[];
  readonly places: readonly AskedPlace[];
}

export interface DiscoverOptions {
  /** In order: what is found first is where everything is seen from. */
  readonly sources: readonly string[];
  readonly connect: Omit<ConnectOptions, 'urls'>;
  /** Of the node that the command is connected to, where it is. */
  readonly home?: HubAccess | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Limit: so many nodes are asked, so many at once. */
const ASKED_MAX = 512;
const AT_ONCE = 16;

export async function discoverClusters(options: DiscoverOptions): Promise<Discovered> {
  const search = new Search(options);
  if (options.home !== undefined) await search.home(options.home);
  const places = await Promise.all(options.sources.map((source) => search.place(source)));
  await search.all();
  return { clusters: search.clusters(), places };
}

class Search {
  readonly #options: DiscoverOptions;
  readonly #views: FederationView[] = [];
  /** Whom to ask, by address, with where it was heard of. */
  readonly #named = new Map<string, { readonly sighting: Sighting; readonly from: Set<string> }>();
  readonly #asked = new Set<string>();
  readonly #silent = new Map<string, Problem>();

  constructor(options: DiscoverOptions) {
    this.#options = options;
  }

  async home(access: HubAccess): Promise<void> {
    try {
      this.#take(await access.view());
    } catch (error) {
      if (problemOf(error).code !== 'hub-missing' || this.#options.sources.length === 0) throw error;
    }
  }

  async place(source: string): Promise<AskedPlace> {
    const { connect, signal, timeoutMs } = this.#options;
    const enough = new AbortController();
    try {
      const asked = discover(source, connect, AbortSignal.any([signal, enough.signal]));
      const { complaints, sightings } = await within(timeoutMs, source, asked);
      for (const sighting of sightings) this.#name(sighting, source);
      return { complaints, nodes: sightings.length, source };
    } catch (error) {
      const why = problemOf(error);
      const isLate = why.code === 'timed-out';
      return { complaints: [], nodes: 0, problem: isLate ? problem('nobody-there', why.message) : why, source };
    } finally {
      enough.abort();
    }
  }

  /** Asks whoever was named, and whom these name, in the order in which they were named. */
  async all(): Promise<void> {
    for (;;) {
      const next = [...this.#named.keys()].filter((url) => !this.#asked.has(url)).slice(0, AT_ONCE);
      if (next.length === 0 || this.#asked.size >= ASKED_MAX || this.#options.signal.aborted) return;
      for (const url of next) this.#asked.add(url);
      const found = await Promise.all(next.map((url) => this.#ask(url)));
      for (const view of found) if (view !== undefined) this.#take(view);
    }
  }

  async #ask(url: string): Promise<FederationView | undefined> {
    const { connect, timeoutMs } = this.#options;
    try {
      const access = await openAccess([url], connect, timeoutMs);
      try {
        return await access.view();
      } finally {
        void access.close().catch(() => undefined);
      }
    } catch (error) {
      this.#silent.set(url, problemOf(error));
      return undefined;
    }
  }

  #take(view: FederationView): void {
    if (this.#views.some(({ hub }) => hub === view.hub)) return;
    this.#views.push(view);
    for (const hub of view.hubs) {
      if (hub.withdrawn || hub.hub === view.hub) this.#asked.add(hub.url);
      else this.#name({ cluster: hub.cluster, hub: true, name: hub.name, url: hub.url }, view.name);
    }
  }

  #name(sighting: Sighting, from: string): void {
    const before = this.#named.get(sighting.url);
    if (before === undefined) this.#named.set(sighting.url, { from: new Set([from]), sighting });
    else before.from.add(from);
  }

  clusters(): readonly DiscoveredCluster[] {
    const ids = new Set(this.#views.flatMap(({ clusters }) => clusters.map(({ cluster }) => cluster)));
    const known = [...ids].map((id) => this.#known(id));
    const answered = new Set(this.#views.flatMap(({ hubs }) => hubs.map(({ url }) => url)));
    const silent = [...this.#named].flatMap(([url, { from, sighting }]): DiscoveredCluster[] => {
      const problem = this.#silent.get(url);
      if (problem === undefined || answered.has(url) || ids.has(sighting.cluster ?? '')) return [];
      const { cluster = '', name = '', region = '' } = sighting;
      const nothing = { functions: [], hubs: [], nodes: 0 };
      return [{ ...nothing, cluster, heardFrom: [...from], name, problem, region, state: 'silent', url }];
    });
    return [...known, ...silent].sort((a, b) =>
      a.cluster < b.cluster || (a.cluster === b.cluster && a.url < b.url) ? -1 : 1,
    );
  }

  #known(id: string): DiscoveredCluster {
    const seen = this.#views.flatMap((view) => view.clusters.filter(({ cluster }) => cluster === id));
    const first = this.#views[0]?.clusters.find(({ cluster }) => cluster === id);
    const best = seen.find(({ self }) => self) ?? seen.find(({ state }) => state !== 'configured') ?? seen[0];
    if (best === undefined) throw new Error('a cluster that nobody named');
    const hubs = this.#views.flatMap((view) => view.hubs.filter(({ cluster }) => cluster === id));
    const urls = new Set(hubs.map(({ url }) => url));
    const places = [...this.#named].filter(([url]) => urls.has(url)).flatMap(([, { from }]) => [...from]);
    const by = this.#views
      .filter(({ clusters }) => clusters.some(({ cluster }) => cluster === id))
      .map(({ name }) => name);
    return {
      cluster: id,
      functions: [...new Set(seen.flatMap(({ functions }) => functions.map(({ name }) => name)))].sort(),
      heardFrom: [...new Set([...places, ...by])],
      hubs: [...new Set(hubs.filter(({ withdrawn }) => !withdrawn).map(({ name }) => name))].sort(),
      name: best.name,
      nodes: best.nodes,
      region: best.region,
      state: first?.state ?? 'unlinked',
      url: best.url,
      ...(first?.distanceMs !== undefined && { distanceMs: first.distanceMs }),
    };
  }
}
