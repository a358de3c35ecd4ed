import type { NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import { type Problem, problem } from '../base/problems.ts';
import type { Abroad, FarPlace } from '../calls/abroad.ts';
import { HUB, isOwn, type Wish } from '../calls/placement.ts';
import type { Directory } from '../directory/directory.ts';
import { type FarPlaces, type Judged, NO_WAY } from '../federation/far-places.ts';
import type { ClusterIdentity } from '../federation/records.ts';

/** What a hub knows of other clusters. */
export interface Outlook {
  readonly identity: ClusterIdentity;
  readonly far: FarPlaces;
  /** This hub has just begun, and may not know yet what there is. */
  isNew(now: Instant): boolean;
  /** It reaches all clusters that it is linked with. */
  isWhole(): boolean;
  /** No way leads to a cluster since a moment ago: one may again soon. */
  isJustLost(cluster: string, now: Instant): boolean;
}

/** Where calls of this node can go that find no place in its cluster. */
export class FarCalls implements Abroad {
  readonly #directory: Directory;
  readonly #outlook: () => Outlook | undefined;
  /** Which of several hubs is next. */
  #turn = 0;

  /** `outlook`: undefined where this node is no hub. */
  constructor(directory: Directory, outlook: () => Outlook | undefined) {
    this.#directory = directory;
    this.#outlook = outlook;
  }

  isHome({ cluster, region }: Wish): boolean {
    const { self } = this.#directory;
    if (cluster !== undefined && cluster !== self.cluster) return false;
    return region === undefined || region === (this.#outlook()?.identity.region ?? self.region);
  }

  places(wish: Wish, tried: readonly NodeId[], now: Instant): Outcome<readonly FarPlace[]> | undefined {
    const outlook = this.#outlook();
    return outlook === undefined ? this.#hubs(tried) : clustersFor(wish, outlook, tried, now);
  }

  isNew(now: Instant): boolean {
    return this.#outlook()?.isNew(now) ?? false;
  }

  /** Hubs of this cluster, another one first each time. */
  #hubs(tried: readonly NodeId[]): Outcome<readonly FarPlace[]> | undefined {
    const { self } = this.#directory;
    const all = this.#directory.equipped([HUB]).filter(({ id }) => id !== self.id);
    if (all.length === 0) return undefined;
    const left = all.filter(({ id }) => !tried.includes(id)).sort((a, b) => (a.id < b.id ? -1 : 1));
    const sound = left.filter(({ suspect }) => !suspect);
    const best = sound.length > 0 ? sound : left;
    const from = best.length > 0 ? this.#turn++ % best.length : 0;
    const turned = [...best.slice(from), ...best.slice(0, from)];
    return done(turned.map((hub) => ({ ...hub, far: 'hub', fn: { version: '0.0.0' } })));
  }
}

/**
 * Hubs of the clusters that can take a call, the nearest first; of several that have a queue of a name the one of the least id.
 * Why not the nearest of these: what was taken from a queue must be answered there, also when ways have changed.
 */
function clustersFor(
  wish: Wish,
  outlook: Outlook,
  tried: readonly NodeId[],
  now: Instant,
): Outcome<readonly FarPlace[]> {
  const all = outlook.far.places(wish);
  if (all.length === 0) {
    const judged = outlook.far.judge(wish);
    const isNew = outlook.isNew(now) && !outlook.isWhole();
    const soon = isNew || judged.some((one) => one.why === NO_WAY && outlook.isJustLost(one.cluster, now));
    return failed({ ...whyNoCluster(wish, judged), ...(soon && { soon }) });
  }
  const ordered = isOwn(wish.fun) ? all.toSorted((a, b) => order(a.cluster, b.cluster)) : all;
  const left = ordered.filter(({ hub }) => !tried.includes(hub));
  return done(
    left.map(({ fn, hub, name, cluster }) => ({
      address: '',
      far: 'cluster',
      fn,
      id: hub,
      name: `${cluster}/${name}`,
      resources: NOTHING,
      suspect: false,
    })),
  );
}

function order(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function whyNoCluster(wish: Wish, judged: readonly Judged[]): Problem {
  const { cluster, fun, region } = wish;
  const meant = judged.filter((one) => cluster === undefined || one.cluster === cluster);
  const there = meant.filter((one) => region === undefined || one.region === region);
  const asked = [cluster === undefined ? [] : `cluster ${cluster}`, region === undefined ? [] : `region ${region}`];
  const which = asked.flat().join(' of ') || 'other clusters';
  if (there.length === 0) return problem('cluster-unknown', `no hub in reach knows ${which}`, { fun });
  const lost = there.filter(({ why }) => why === NO_WAY).map((one) => one.cluster);
  if (lost.length > 0) {
    const message = `of other clusters only ${lost.join(', ')} can take ${fun}, and no way leads there now`;
    return problem('nobody-there', message, { fun, hint: ROUTES_HINT });
  }
  if (asked.flat().length > 0 && there.every(({ hubs }) => hubs.length === 0)) {
    return problem('nobody-there', `${which} is out of reach: no way leads there`, { fun, hint: ROUTES_HINT });
  }
  const why = there.map((one) => `${one.cluster}: ${one.why}`).slice(0, SAID_MAX);
  return problem('function-unknown', `${fun} cannot run in ${which}: ${why.join('; ')}`, { fun });
}

const ROUTES_HINT = 'See which clusters can be reached, and since when others cannot.\nmpreg federation health';
const SAID_MAX = 3;
const NOTHING: ReadonlySet<string> = new Set();
