/** Alerts as commands show them: those of all hubs of the cluster together, with who sees each. */
import type { AlertEntry, AlertsReply, AlertView, ChannelView } from '../../engine/index.ts';
import { formatDuration } from '../duration.ts';
import type { Style, Table } from '../table.ts';
import { order } from './topology.ts';

export type SeenAlert = AlertView & { readonly hub: string };
export type SeenEntry = AlertEntry & { readonly hub: string };

/** What fires first. */
const STATES = ['firing', 'acknowledged', 'pending', 'resolved'] as const;
const STYLES: Readonly<Record<AlertView['severity'], Style>> = { critical: 'red', info: 'cyan', warning: 'yellow' };

export function alertsOf(replies: readonly AlertsReply[]): readonly SeenAlert[] {
  return replies
    .flatMap(({ alerts, name }) => alerts.map((alert) => ({ ...alert, hub: name })))
    .sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || order(a.id, b.id) || order(a.hub, b.hub));
}

/** Newest first. */
export function historyOf(replies: readonly AlertsReply[]): readonly SeenEntry[] {
  return replies
    .flatMap(({ history, name }) => history.map((entry) => ({ ...entry, hub: name })))
    .sort((a, b) => b.at - a.at);
}

export function channelsOf(replies: readonly AlertsReply[]): readonly (ChannelView & { readonly hub: string })[] {
  return replies.flatMap(({ channels, name }) => channels.map((channel) => ({ ...channel, hub: name })));
}

export function alertTable(rows: readonly SeenAlert[], now: number): Table<SeenAlert> {
  return {
    columns: [
      { name: 'alert', style: () => 'bold', value: ({ id }) => id },
      { name: 'severity', style: ({ severity }) => STYLES[severity], value: ({ severity }) => severity },
      { name: 'state', value: ({ acknowledged, state }) => (acknowledged ? `${state} by ${acknowledged.by}` : state) },
      { align: 'right', name: 'for', value: ({ since }) => formatDuration(Math.max(0, now - since)) },
      { align: 'right', name: 'value', value: ({ value }) => figure(value) },
      { name: 'rule', value: ({ comparison, metric, threshold }) => `${metric} ${comparison} ${figure(threshold)}` },
      { name: 'told', value: ({ told }) => told.join(',') },
      { name: 'hub', style: () => 'dim', value: ({ hub }) => hub },
      { name: 'why', value: ({ acknowledged, says }) => acknowledged?.note ?? says },
    ],
    empty: 'No alert fires.',
    rows,
  };
}

export function historyTable(rows: readonly SeenEntry[]): Table<SeenEntry> {
  return {
    columns: [
      { name: 'at', value: ({ at }) => new Date(at).toISOString() },
      { name: 'change', value: ({ by, change }) => (by === undefined ? change : `${change} by ${by}`) },
      { name: 'alert', style: () => 'bold', value: ({ alert = '' }) => alert },
      { name: 'severity', value: ({ severity = '' }) => severity },
      { align: 'right', name: 'value', value: ({ value }) => (value === undefined ? '' : figure(value)) },
      { name: 'hub', style: () => 'dim', value: ({ hub }) => hub },
      { name: 'why', value: ({ note, says }) => note ?? says },
    ],
    empty: 'Nothing has fired.',
    rows,
  };
}

function figure(value: number): string {
  return String(Math.round(value * 1_000) / 1_000);
}
