/** Everything that is known about one row: every reason with what was measured, and against what. */
import { formatDuration } from '../../cli/duration.ts';
import { formatMs, HEALTH_SIGNS } from '../../cli/federation/topology.ts';
import type { SeenLink } from '../../cli/federation/whole.ts';
import type { ClusterHealth, HealthReason, HealthState } from '../../engine/index.ts';
import { type Line, line, type Span } from '../text.ts';
import { type Model, openRow, type Row, shown } from './model.ts';

const LABEL = 13;

export function detailsView(model: Model): readonly Line[] {
  const row = openRow(model);
  if (row === undefined) return [line('This is no longer there.')];
  switch (row.kind) {
    case 'cluster':
      return clusterLines(row.cluster, model);
    case 'link':
      return linkLines(row.link);
    case 'alert':
      return alertLines(row.alert);
    case 'event':
      return eventLines(row);
  }
}

function clusterLines(
  { cluster, distanceMs, lostMs, name, reasons, region, score, state, tags }: ClusterHealth,
  model: Model,
) {
  const known = shown(model)?.topology.clusters.find(({ id }) => id === cluster);
  const place = known?.coordinates;
  return [
    field('cluster', { style: 'bold', text: cluster }),
    field('name', name),
    field('state', ...stateOf(state, score), lostMs > 0 ? ` for ${formatDuration(lostMs)}` : ''),
    field('region', region),
    ...(tags.length === 0 ? [] : [field('tags', tags.join(', '))]),
    ...(place === null || place === undefined ? [] : [field('place', `${place.latitude}, ${place.longitude}`)]),
    ...(distanceMs === undefined ? [] : [field('away', formatMs(distanceMs))]),
    ...(known === undefined
      ? []
      : [field('has', `${known.nodes} nodes, ${known.functions} functions`), field('url', known.url)]),
    ...(known?.hubs ?? []).map(({ address, name: hub, reachable, software }) =>
      field(
        'hub',
        hub,
        { style: 'dim', text: `  ${address}  mpreg ${software}` },
        { style: 'red', text: reachable ? '' : '  cannot be reached' },
      ),
    ),
    line(''),
    ...reasonLines(reasons),
  ];
}

function linkLines({
  address,
  breaker,
  cluster,
  failures,
  forMs,
  hub,
  link,
  loss,
  peer,
  reasons,
  rttMs,
  score,
  state,
}: SeenLink): readonly Line[] {
  return [
    field('to', { style: 'bold', text: cluster }),
    field('from', hub),
    field('hub', peer ?? 'not known', { style: 'dim', text: `  ${address}` }),
    field('state', ...stateOf(state, score)),
    field('link', `${link} for ${formatDuration(forMs)}`),
    field('round trip', rttMs === undefined ? 'not measured yet' : formatMs(rttMs)),
    field('loss', `${Math.round(loss * 1_000) / 10}% of echoes`),
    field('breaker', `${breaker}, ${failures} failures in a row`),
    line(''),
    ...reasonLines(reasons),
  ];
}

function alertLines(alert: Extract<Row, { readonly kind: 'alert' }>['alert']): readonly Line[] {
  const { acknowledged, comparison, hub, id, metric, says, severity, since, state, threshold, told, value } = alert;
  const who =
    acknowledged === undefined ? [] : [field('acknowledged', `by ${acknowledged.by}, ${iso(acknowledged.at)}`)];
  return [
    field('alert', { style: 'bold', text: id }),
    field('severity', severity),
    field('state', state),
    field('since', iso(since)),
    field('rule', `${metric} ${comparison} ${threshold}, and it is ${value}`),
    field('why', says),
    ...who,
    ...(acknowledged?.note === undefined ? [] : [field('note', acknowledged.note)]),
    field('told', told.length === 0 ? 'nobody yet' : told.join(', ')),
    field('hub', hub),
    line(''),
    line({ style: 'dim', text: `mpreg federation alerts ack ${id}` }),
  ];
}

function eventLines({ event }: Extract<Row, { readonly kind: 'event' }>): readonly Line[] {
  return Object.entries(event).map(([name, value]) => field(name, name === 'at' ? iso(Number(value)) : String(value)));
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

function stateOf(state: HealthState, score: number): readonly Span[] {
  const { sign, style } = HEALTH_SIGNS[state];
  return [{ style, text: `${sign} ${state}` }, { text: `, ${score} points` }];
}

function reasonLines(reasons: readonly HealthReason[]): readonly Line[] {
  if (reasons.length === 0) return [line({ style: 'dim', text: 'REASONS' }, ' none: nothing is wrong')];
  return [
    line({ style: 'dim', text: 'REASONS' }, ` ${reasons.length}`),
    ...reasons.map(({ points, says, threshold, value, what }) =>
      line(`  -${points}`.padEnd(7), says, { style: 'dim', text: `  (${what}: ${value}, threshold ${threshold})` }),
    ),
  ];
}

function field(name: string, ...value: readonly (string | Span)[]): Line {
  return line({ style: 'dim', text: name.padEnd(LABEL) }, ...value);
}
