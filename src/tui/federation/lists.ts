/** The lists of the federation's screen: what the columns of clusters, links, alerts and events are. */
import { formatDuration } from '../../cli/duration.ts';
import { formatMs, HEALTH_SIGNS } from '../../cli/federation/topology.ts';
import type { Style } from '../../cli/table.ts';
import type { HealthState } from '../../engine/index.ts';
import { type FittedColumn, type FittedTable, fittedTable } from './fitted-table.ts';
import type { View } from './keymap.ts';
import { type Model, type Row, selectedRow, visibleRows } from './model.ts';

interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** `now`: milliseconds since 1970. */
export function listTable(model: Model, size: Size, now: number): FittedTable {
  const rows = visibleRows(model);
  const chosen = rows.findIndex(({ id }) => id === selectedRow(model)?.id);
  return fittedTable(columnsOf(model.view, now), rows, { ...size, chosen });
}

type Column = FittedColumn<Row>;

function columnsOf(view: View, now: number): readonly Column[] {
  switch (view) {
    case 'clusters':
      return CLUSTERS;
    case 'links':
      return LINKS;
    case 'alerts':
      return alertColumns(now);
    default:
      return EVENTS;
  }
}

/** A column of rows of one kind; the others have none of it. */
function column<Kind extends Row['kind']>(
  kind: Kind,
  name: string,
  rank: number,
  value: (row: Extract<Row, { readonly kind: Kind }>) => string,
  more: {
    columnsMax?: number;
    align?: 'right';
    style?: (row: Extract<Row, { readonly kind: Kind }>) => Style | undefined;
  } = {},
): Column {
  const { align, columnsMax = 30, style } = more;
  const isIt = (row: Row): row is Extract<Row, { readonly kind: Kind }> => row.kind === kind;
  return {
    columnsMax,
    name,
    rank,
    value: (row) => (isIt(row) ? value(row) : ''),
    ...(align === undefined ? {} : { align }),
    ...(style === undefined ? {} : { style: (row) => (isIt(row) ? style(row) : undefined) }),
  };
}

function sign(state: HealthState): string {
  return `${HEALTH_SIGNS[state].sign} ${state}`;
}

/** `▓▓▓▓▓▓▓▓░░ 83`. */
function bar(score: number): string {
  const tenths = Math.round(score / 10);
  return `${'▓'.repeat(tenths)}${'░'.repeat(10 - tenths)} ${score}`;
}

const right = { align: 'right' } as const;

const CLUSTERS: readonly Column[] = [
  column('cluster', 'cluster', 0, ({ cluster }) => (cluster.self ? `${cluster.cluster} *` : cluster.cluster)),
  column('cluster', 'state', 0, ({ cluster }) => sign(cluster.state), {
    style: ({ cluster }) => HEALTH_SIGNS[cluster.state].style,
  }),
  column('cluster', 'score', 1, ({ cluster }) => bar(cluster.score)),
  column('cluster', 'region', 4, ({ cluster }) => cluster.region, { columnsMax: 16 }),
  column('cluster', 'hubs', 5, ({ cluster }) => String(cluster.hubs), right),
  column('cluster', 'nodes', 6, ({ cluster }) => String(cluster.nodes), right),
  column(
    'cluster',
    'away',
    3,
    ({ cluster: { distanceMs, self } }) => (self || distanceMs === undefined ? '' : formatMs(distanceMs)),
    right,
  ),
  column('cluster', 'why', 2, ({ cluster }) => cluster.reasons[0]?.says ?? '', { columnsMax: 60 }),
];

const LINKS: readonly Column[] = [
  column('link', 'to', 0, ({ link }) => link.cluster),
  column('link', 'state', 0, ({ link }) => sign(link.state), { style: ({ link }) => HEALTH_SIGNS[link.state].style }),
  column('link', 'link', 1, ({ link }) => (link.link === 'open' ? 'breaker open' : link.link)),
  column('link', 'for', 4, ({ link }) => formatDuration(link.forMs), right),
  column(
    'link',
    'rtt',
    2,
    ({ link: { link, rttMs } }) => (link === 'up' && rttMs !== undefined ? formatMs(rttMs) : ''),
    right,
  ),
  column('link', 'loss', 5, ({ link }) => (link.link === 'up' ? `${Math.round(link.loss * 1_000) / 10}%` : ''), right),
  column('link', 'score', 3, ({ link }) => bar(link.score)),
  column('link', 'from', 6, ({ link }) => link.hub),
  column('link', 'hub', 7, ({ link: { address, peer } }) => peer ?? address),
  column('link', 'why', 8, ({ link }) => link.reasons[0]?.says ?? '', { columnsMax: 60 }),
];

const SEVERITIES = { critical: 'red', info: 'cyan', warning: 'yellow' } as const;

function alertColumns(now: number): readonly Column[] {
  return [
    column('alert', 'alert', 0, ({ alert }) => alert.id),
    column('alert', 'severity', 0, ({ alert }) => alert.severity, { style: ({ alert }) => SEVERITIES[alert.severity] }),
    column('alert', 'state', 1, ({ alert: { acknowledged, state } }) =>
      acknowledged ? `${state} by ${acknowledged.by}` : state,
    ),
    column('alert', 'for', 2, ({ alert }) => formatDuration(Math.max(0, now - alert.since)), right),
    column('alert', 'hub', 4, ({ alert }) => alert.hub),
    column('alert', 'why', 3, ({ alert: { acknowledged, says } }) => acknowledged?.note ?? says, { columnsMax: 60 }),
  ];
}

const EVENTS: readonly Column[] = [
  column('event', 'at', 0, ({ event }) => new Date(event.at).toISOString().slice(11, 19)),
  column('event', 'what', 0, ({ event }) =>
    event.kind === 'cluster' ? `cluster ${event.state}` : `link ${event.change}`,
  ),
  column('event', 'cluster', 1, ({ event }) => event.cluster),
  column('event', 'hub', 3, ({ event }) => (event.kind === 'bridge' ? event.peer : '')),
  column('event', 'why', 2, ({ event }) => event.reason, { columnsMax: 80 }),
];
