/** The health of a federation as a table: a row for each cluster and each link, with what is wrong. */
import { type HealthState, nearest, problemError } from '../../engine/index.ts';
import { formatDuration } from '../duration.ts';
import type { Table } from '../table.ts';
import { silentText } from './hubs.ts';
import { formatMs, HEALTH_SIGNS } from './topology.ts';
import type { SeenHealth } from './whole.ts';

interface HealthRow {
  readonly kind: 'cluster' | 'link';
  readonly name: string;
  readonly state: HealthState;
  readonly score: number;
  readonly region: string;
  readonly away: string;
  readonly why: string;
}

/** Throws `cluster-unknown` where nobody knows one of them: a name that is mistyped must not look well. */
export function checkKnown(health: SeenHealth, clusters: readonly string[] | undefined = []): void {
  const known = health.clusters.map(({ cluster }) => cluster);
  const odd = clusters.find((one) => !known.includes(one));
  if (odd === undefined) return;
  const near = nearest(odd, known);
  const meant = near === undefined ? `There are ${known.join(', ')}.` : `Did you mean ${near}?`;
  throw problemError('cluster-unknown', `${health.name} knows no cluster ${odd}`, {
    hint: `${meant}\nmpreg federation discover`,
  });
}

/** `clusters`: ids; absent: all. The same health about those alone; what the whole is stays as it is. */
export function only(health: SeenHealth, clusters: readonly string[] | undefined): SeenHealth {
  if (clusters === undefined || clusters.length === 0) return health;
  const wanted = (one: { readonly cluster: string }) => clusters.includes(one.cluster);
  return {
    ...health,
    clusters: health.clusters.filter(wanted),
    links: health.links.filter(wanted),
    unreachable: health.unreachable.filter(wanted),
  };
}

export function healthTable(health: SeenHealth): Table<HealthRow> {
  const why = (reasons: readonly { readonly points: number; readonly says: string }[]) =>
    reasons.map(({ points, says }) => `-${points} ${says}`).join('; ');
  const clusters = health.clusters.map(
    ({ cluster, distanceMs, reasons, region, score, self, state }): HealthRow => ({
      away: self || distanceMs === undefined ? '' : formatMs(distanceMs),
      kind: 'cluster',
      name: self ? `${cluster} *` : cluster,
      region,
      score,
      state,
      why: why(reasons),
    }),
  );
  const links = health.links.map(
    ({ address, cluster, hub, link, peer, reasons, rttMs, score, state }): HealthRow => ({
      away: link === 'up' && rttMs !== undefined ? formatMs(rttMs) : '',
      kind: 'link',
      name: `${health.cluster} (${hub}) ↔ ${cluster} (${peer ?? address})`,
      region: '',
      score,
      state,
      why: why(reasons),
    }),
  );
  return {
    columns: [
      { name: 'kind', style: () => 'dim', value: ({ kind }) => kind },
      { name: 'name', value: ({ name }) => name },
      {
        name: 'state',
        style: ({ state }) => HEALTH_SIGNS[state].style,
        value: ({ state }) => `${HEALTH_SIGNS[state].sign} ${state}`,
      },
      { align: 'right', name: 'score', value: ({ score }) => String(score) },
      { name: 'region', value: ({ region }) => region },
      { align: 'right', name: 'away', value: ({ away }) => away },
      { name: 'why', value: (row) => row.why },
    ],
    empty: 'There are no clusters.',
    rows: [...clusters, ...links],
  };
}

/** `critical, 67 points; cannot reach east for 2 min`. */
export function healthLine({ name, score, silent, state, unreachable }: SeenHealth): string {
  const lost = unreachable.map(({ cluster, forMs }) => `${cluster} for ${formatDuration(forMs)}`).join(', ');
  const missing = silent.length === 0 ? '' : `; ${silentText(silent)}`;
  return `${state}, ${score} points, as ${name} sees it${lost === '' ? '' : `; cannot reach ${lost}`}${missing}`;
}
