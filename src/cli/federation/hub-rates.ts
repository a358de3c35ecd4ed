/** What crosses hubs, as rates between two looks, with their links and alerts beside. */
import type { AlertsReply, FederationView } from '../../engine/index.ts';
import type { Table } from '../table.ts';
import { formatMs } from './topology.ts';

export interface HubSight {
  readonly at: number;
  readonly view: FederationView;
  readonly alerts: AlertsReply;
}

/** A contract with scripts. Rates are messages between clusters in a second; null at the first look. */
export interface HubRates {
  readonly hub: string;
  readonly reachable: number;
  readonly lost: number;
  readonly linksUp: number;
  readonly links: number;
  /** Of the links that are up: the mean round trip in milliseconds, and the highest loss. */
  readonly rttMs: number | null;
  readonly loss: number;
  readonly sent: number | null;
  readonly arrived: number | null;
  readonly relayed: number | null;
  readonly failed: number | null;
  /** Since the hub began. */
  readonly totals: FederationView['counts'];
  readonly firing: number;
}

export function hubRates({ alerts, at, view }: HubSight, before: HubSight | undefined): HubRates {
  const others = view.clusters.filter(({ self }) => !self);
  const up = view.links.filter(({ state }) => state === 'up');
  const trips = up.flatMap(({ rttMs }) => (rttMs === undefined ? [] : [rttMs]));
  const rate = (what: keyof FederationView['counts']): number | null => {
    if (before === undefined || at <= before.at) return null;
    const count = view.counts[what] - before.view.counts[what];
    return count < 0 ? null : Math.round((count * 10_000) / (at - before.at)) / 10;
  };
  return {
    arrived: rate('arrived'),
    failed: rate('failed'),
    firing: alerts.alerts.filter(({ state }) => state === 'firing').length,
    hub: view.name,
    links: view.links.length,
    linksUp: up.length,
    loss: up.reduce((most, { loss }) => Math.max(most, loss), 0),
    lost: others.filter(({ state }) => state !== 'reachable').length,
    reachable: others.filter(({ state }) => state === 'reachable').length,
    relayed: rate('relayed'),
    rttMs: trips.length === 0 ? null : Math.round((trips.reduce((sum, ms) => sum + ms, 0) * 10) / trips.length) / 10,
    sent: rate('sent'),
    totals: view.counts,
  };
}

export function ratesTable(rows: readonly HubRates[]): Table<HubRates> {
  const right = { align: 'right' } as const;
  const perSecond = (rate: number | null) => (rate === null ? '' : String(rate));
  return {
    columns: [
      { name: 'hub', style: () => 'bold', value: ({ hub }) => hub },
      { ...right, name: 'clusters', value: ({ lost, reachable }) => `${reachable}/${reachable + lost}` },
      { ...right, name: 'links', value: ({ links, linksUp }) => `${linksUp}/${links}` },
      { ...right, name: 'rtt', value: ({ rttMs }) => (rttMs === null ? '' : formatMs(rttMs)) },
      { ...right, name: 'loss', value: ({ loss }) => `${Math.round(loss * 1_000) / 10}%` },
      { ...right, name: 'sent/s', value: ({ sent }) => perSecond(sent) },
      { ...right, name: 'arrived/s', value: ({ arrived }) => perSecond(arrived) },
      { ...right, name: 'relayed/s', value: ({ relayed }) => perSecond(relayed) },
      { ...right, name: 'failed/s', value: ({ failed }) => perSecond(failed) },
      {
        ...right,
        name: 'alerts',
        style: ({ firing }) => (firing > 0 ? 'red' : undefined),
        value: ({ firing }) => String(firing),
      },
    ],
    empty: 'No hub answers.',
    rows,
  };
}
