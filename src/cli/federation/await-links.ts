/** Waits until every hub says that it has its configuration, that its links are up, and that it reaches the others. */
import { setTimeout as pause } from 'node:timers/promises';
import type { FederationView } from '../../engine/index.ts';
import type { WantedConfig } from './deployment.ts';
import { inPieces } from './plan-links.ts';
import type { Present } from './survey.ts';

export interface LinkReport {
  readonly from: string;
  readonly to: string;
  /** `waiting`: not up when the time was over. */
  readonly state: 'up' | 'drained' | 'waiting';
  readonly rttMs?: number;
  /** Why it waits. */
  readonly reason?: string;
}

interface Configured extends Present {
  readonly config: WantedConfig;
}

/** How often hubs are asked. */
const ASK_MS = 200;

/** Links between clusters that are present, each once. Those that are not up in time are reported as waiting. */
export async function awaitLinks(
  clusters: readonly Configured[],
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<readonly LinkReport[]> {
  const until = performance.now() + timeoutMs;
  const pairs = pairsOf(clusters);
  for (;;) {
    const views = new Map(await Promise.all(clusters.map(async (one) => [one.id, await viewsOf(one)] as const)));
    const links = pairs.map((pair) => reportOf(pair, views));
    const settled = links.every(({ state }) => state !== 'waiting') && allReach(clusters, pairs, views);
    if (settled || signal.aborted || performance.now() > until) return links;
    await pause(ASK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** What each living hub of the cluster says; undefined for one that does not answer. */
async function viewsOf({ access }: Configured): Promise<readonly (FederationView | undefined)[]> {
  const hubs = await access.hubs().catch(() => []);
  if (hubs.length === 0) return [undefined];
  return Promise.all(hubs.map(({ id }) => access.view(id).catch(() => undefined)));
}

type Views = ReadonlyMap<string, readonly (FederationView | undefined)[]>;

interface Pair {
  readonly from: string;
  readonly to: string;
}

function pairsOf(clusters: readonly Configured[]): readonly Pair[] {
  const ids = new Set(clusters.map(({ id }) => id));
  return clusters.flatMap(({ config, id }) =>
    config.links
      .filter(({ cluster }) => id < cluster && ids.has(cluster))
      .map(({ cluster }) => ({ from: id, to: cluster })),
  );
}

/** Up where every hub of both ends says so: the worst that any of them says. */
function reportOf({ from, to }: Pair, views: Views): LinkReport {
  const said = [
    ...(views.get(from) ?? []).map((view) => ({ link: linkOf(view, to), view })),
    ...(views.get(to) ?? []).map((view) => ({ link: linkOf(view, from), view })),
  ];
  const broken = said.find(({ link }) => link?.state !== 'up' && link?.state !== 'drained');
  if (broken !== undefined) {
    const { link, view } = broken;
    const state = link === undefined ? 'it has no such link' : (link.reason ?? `it is ${link.state}`);
    return {
      from,
      reason: view === undefined ? 'a hub does not answer' : `${view.name}: ${state}`,
      state: 'waiting',
      to,
    };
  }
  const drained = said.some(({ link }) => link?.state === 'drained');
  const times = said.flatMap(({ link }) => link?.rttMs ?? []);
  return {
    from,
    ...(times.length > 0 && { rttMs: Math.min(...times) }),
    state: drained ? 'drained' : 'up',
    to,
  };
}

function linkOf(view: FederationView | undefined, cluster: string) {
  const links = view?.links.filter((link) => link.cluster === cluster) ?? [];
  return links.find(({ state }) => state === 'up' || state === 'drained') ?? links[0];
}

/** Whether every hub reaches every cluster to which links lead. */
function allReach(clusters: readonly Configured[], pairs: readonly Pair[], views: Views): boolean {
  const live = pairs.filter(({ from, to }) => {
    const ends = [clusters.find(({ id }) => id === from), clusters.find(({ id }) => id === to)];
    return ends.every((end) => !end?.config.links.some((link) => link.drained && [from, to].includes(link.cluster)));
  });
  const pieces = inPieces(
    clusters.map(({ id }) => id),
    live,
  );
  return clusters.every(({ id }) => {
    const others = pieces.find((piece) => piece.includes(id))?.filter((other) => other !== id) ?? [];
    const seen = views.get(id) ?? [];
    return seen.every((view) => {
      const reached = new Set(
        view?.clusters.filter(({ state }) => state === 'reachable').map(({ cluster }) => cluster),
      );
      return others.every((other) => reached.has(other));
    });
  });
}
