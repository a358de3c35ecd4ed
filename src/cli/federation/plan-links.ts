/**
 * Which clusters are linked, where nobody has said: hub and spoke, in tiers, with few links by design.
 *
 * ```
 *   region us                     region eu                Each tier is a star with two centres:
 *     a ───┬─── B1 ════════════════ B2 ───┬─── x             in a region, every cluster is linked with both of them,
 *     b ───┤    ║ \              / ║      ├─── y             and they with each other;
 *     c ───┴─── C1  ──────────────  C2 ───┴─── z             between regions, the first centre of each region with the
 *                (C1═B2 and C2═B1)                           first centre of all, the second one with the second.
 * ```
 *
 * So the loss of any one cluster leaves the others in reach of each other; n clusters have fewer than 2n + 2·regions links; and a way
 * between two of them passes at most three others (centre, centre of all, centre).
 *
 * Who is a centre: clusters of tier `global` first, then `regional`, then `local` (which is also what no tier means), and among equals
 * as they stand in the file. Trade-off: a computed middle (by distance) would move with each cluster that is added, and take every link along.
 *
 * Limit: a centre has a link to each cluster of its region.
 */

export type Tier = 'local' | 'regional' | 'global';

export interface PlannedCluster {
  readonly id: string;
  readonly region: string;
  readonly tier?: Tier | undefined;
}

export interface PlannedLink {
  readonly from: string;
  readonly to: string;
  /** `regional`: within a region; `global`: between two. */
  readonly tier: 'regional' | 'global';
}

type Pair = Pick<PlannedLink, 'from' | 'to'>;

const RANK: Readonly<Record<Tier, number>> = { global: 0, local: 2, regional: 1 };

export function planLinks(clusters: readonly PlannedCluster[]): readonly PlannedLink[] {
  const ranked = clusters.toSorted((a, b) => RANK[a.tier ?? 'local'] - RANK[b.tier ?? 'local']); // stable: else as in the file
  const regions = [...Map.groupBy(ranked, ({ region }) => region).values()].map((all) => all.map(({ id }) => id));
  const links = new Map<string, PlannedLink>();
  const join = (from: string | undefined, to: string | undefined, tier: PlannedLink['tier']): void => {
    if (from === undefined || to === undefined || from === to) return;
    if (!links.has(key(from, to)) && !links.has(key(to, from))) links.set(key(from, to), { from, tier, to });
  };
  for (const [first, second, ...others] of regions) {
    join(second, first, 'regional');
    for (const id of others) {
      join(id, first, 'regional');
      join(id, second, 'regional');
    }
  }
  const [main, deputy] = regions.map(([first]) => first);
  for (const [first, second = first] of regions) {
    join(first, main, 'global');
    join(second, first === deputy ? main : deputy, 'global');
  }
  return [...links.values()];
}

function key(from: string, to: string): string {
  return `${from} ${to}`;
}

/** Clusters that reach each other over the links, piece by piece; the largest first. */
export function inPieces(
  ids: readonly string[],
  links: readonly Pair[],
  without?: string,
): readonly (readonly string[])[] {
  const left = new Set(ids.filter((id) => id !== without));
  const near = neighbours(links);
  const pieces: string[][] = [];
  for (const start of left) {
    const piece = [start];
    left.delete(start);
    for (const id of piece) {
      for (const next of near.get(id) ?? []) if (left.delete(next)) piece.push(next);
    }
    pieces.push(piece);
  }
  return pieces.sort((a, b) => b.length - a.length);
}

/** Clusters whose loss alone would leave others in pieces. */
export function weakPoints(ids: readonly string[], links: readonly Pair[]): readonly string[] {
  return ids.filter((id) => inPieces(ids, links, id).length > 1);
}

function neighbours(links: readonly Pair[]): ReadonlyMap<string, readonly string[]> {
  const near = new Map<string, string[]>();
  const add = (from: string, to: string): void => {
    const known = near.get(from);
    if (known === undefined) near.set(from, [to]);
    else known.push(to);
  };
  for (const { from, to } of links) {
    add(from, to);
    add(to, from);
  }
  return near;
}
