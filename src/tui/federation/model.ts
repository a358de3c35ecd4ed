/**
 * What the federation's screen knows, and how it changes: plain data and one pure function. No clock, no terminal, no network.
 *
 * Invariants: `selected` names a row by its id, so it stays on its row whatever the order is; while paused, `shown` does not
 * change and `sight` does.
 */
import type { SeenAlert } from '../../cli/federation/alerts.ts';
import { only } from '../../cli/federation/health.ts';
import { order, type Topology } from '../../cli/federation/topology.ts';
import type { SeenHealth, SeenLink } from '../../cli/federation/whole.ts';
import type { ClusterHealth, FederationEvent } from '../../engine/index.ts';
import type { Connection } from '../model.ts';
import { type Action, LISTS, TABS, type Tab, type View } from './keymap.ts';

/** What one question was answered with. */
export interface Sight {
  readonly topology: Topology;
  readonly health: SeenHealth;
  readonly alerts: readonly SeenAlert[];
  /** Milliseconds since 1970, when the answer was in. */
  readonly at: number;
}

export type SeenEvent = FederationEvent & { readonly at: number };

export const SORTS = ['name', 'score'] as const;
export type Sort = (typeof SORTS)[number];

export interface Model {
  readonly connection: Connection;
  readonly sight: Sight | undefined;
  /** What was seen when it was paused; undefined while it is not. */
  readonly frozen: Sight | undefined;
  /** Newest first. */
  readonly events: readonly SeenEvent[];
  readonly view: View;
  /** Where `back` leads from details, and from help. */
  readonly list: Tab;
  readonly under: View;
  readonly selected: string | undefined;
  /** First line shown of what is no list. */
  readonly scroll: number;
  readonly filter: string;
  readonly typing: boolean;
  readonly sort: Sort;
  /** Only these clusters are shown; empty: all. */
  readonly clusters: readonly string[];
  readonly ended: boolean;
}

export type Input =
  | { readonly kind: 'connected'; readonly name: string; readonly url: string }
  | { readonly kind: 'lost'; readonly reason: string; readonly at: number }
  | { readonly kind: 'seen'; readonly sight: Sight }
  | { readonly kind: 'event'; readonly event: SeenEvent }
  /** `page`: how many lines of the view fit; `length`: how many it has. */
  | { readonly kind: 'action'; readonly action: Action; readonly page: number; readonly length: number }
  /** A key while the filter is typed. */
  | { readonly kind: 'typed'; readonly key: string };

const EVENTS_MAX = 200;
const FILTER_MAX = 80;

export function initialModel(
  { name, url }: { readonly name: string; readonly url: string },
  { clusters = [], view = 'clusters' }: { readonly clusters?: readonly string[]; readonly view?: Tab } = {},
): Model {
  return {
    clusters,
    connection: { kind: 'connected', name, url },
    ended: false,
    events: [],
    filter: '',
    frozen: undefined,
    list: view,
    scroll: 0,
    selected: undefined,
    sight: undefined,
    sort: 'score',
    typing: false,
    under: view,
    view,
  };
}

export function update(model: Model, input: Input): Model {
  switch (input.kind) {
    case 'connected':
      return { ...model, connection: { kind: 'connected', name: input.name, url: input.url } };
    case 'lost': {
      const { connection } = model;
      if (connection.kind === 'lost') return model;
      return { ...model, connection: { kind: 'lost', name: connection.name, reason: input.reason, since: input.at } };
    }
    case 'seen': {
      const { health } = input.sight;
      return { ...model, sight: { ...input.sight, health: only(health, model.clusters) } };
    }
    case 'event':
      return { ...model, events: [input.event, ...model.events].slice(0, EVENTS_MAX) };
    case 'typed':
      return typed(model, input.key);
    case 'action':
      return act(model, input.action, input.page, input.length);
  }
}

/** What is on the screen: the newest, or what was there when it was paused. */
export function shown(model: Model): Sight | undefined {
  return model.frozen ?? model.sight;
}

/** What a list shows: one of them is chosen by its id. */
export type Row =
  | { readonly kind: 'cluster'; readonly id: string; readonly cluster: ClusterHealth }
  | { readonly kind: 'link'; readonly id: string; readonly link: SeenLink }
  | { readonly kind: 'alert'; readonly id: string; readonly alert: SeenAlert }
  | { readonly kind: 'event'; readonly id: string; readonly event: SeenEvent };

/** The rows of a list in the order of the screen, without those that the filter leaves out. */
export function visibleRows(model: Model, view: View = model.view): readonly Row[] {
  const words = model.filter.toLowerCase().split(/\s+/).filter(Boolean);
  return rowsOf(model, view).filter((row) => {
    const text = JSON.stringify(row).toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

function rowsOf(model: Model, view: View): readonly Row[] {
  const sight = shown(model);
  if (view === 'events') {
    return model.events.map((event, at) => ({ event, id: `${model.events.length - at} ${event.at}`, kind: 'event' }));
  }
  if (sight === undefined) return [];
  const by = (score: number, name: string) => ({ name, score: model.sort === 'score' ? score : 0 });
  switch (view) {
    case 'clusters':
      return sight.health.clusters
        .map((cluster) => ({
          ...by(cluster.score, cluster.cluster),
          row: { cluster, id: cluster.cluster, kind: 'cluster' } as const,
        }))
        .sort((a, b) => a.score - b.score || order(a.name, b.name))
        .map(({ row }) => row);
    case 'links':
      return sight.health.links
        .map((link) => ({
          ...by(link.score, link.cluster),
          row: { id: `${link.cluster} ${link.address} ${link.hub}`, kind: 'link', link } as const,
        }))
        .sort((a, b) => a.score - b.score || order(a.name, b.name) || order(a.row.id, b.row.id))
        .map(({ row }) => row);
    case 'alerts':
      return sight.alerts.map((alert) => ({ alert, id: `${alert.id} ${alert.hub}`, kind: 'alert' }));
    default:
      return [];
  }
}

export function selectedRow(model: Model): Row | undefined {
  const rows = visibleRows(model);
  return rows.find(({ id }) => id === model.selected) ?? rows[0];
}

/** The row whose details are open, also where the filter would leave it out. */
export function openRow(model: Model): Row | undefined {
  return rowsOf(model, model.list).find(({ id }) => id === model.selected);
}

function act(model: Model, action: Action, page: number, length: number): Model {
  switch (action) {
    case 'quit':
      return { ...model, ended: true };
    case 'help':
      return { ...model, scroll: 0, under: model.view, view: 'help' };
    case 'pause':
      return { ...model, frozen: model.frozen === undefined ? model.sight : undefined };
    case 'sort':
      return { ...model, sort: model.sort === 'score' ? 'name' : 'score' };
    case 'filter':
      return { ...model, typing: true };
    case 'open': {
      const selected = selectedRow(model)?.id;
      return selected === undefined ? model : { ...model, scroll: 0, selected, view: 'details' };
    }
    case 'back':
      if (model.view === 'help') return { ...model, scroll: 0, view: model.under };
      return model.view === 'details' ? { ...model, scroll: 0, view: model.list } : { ...model, filter: '' };
    case 'next':
      return open(model, TABS[(TABS.indexOf(model.list) + 1) % TABS.length] ?? 'clusters');
    case 'clusters':
    case 'links':
    case 'tree':
    case 'map':
    case 'alerts':
    case 'events':
      return open(model, action);
    default:
      return move(model, action, page, length);
  }
}

function open(model: Model, tab: Tab): Model {
  return { ...model, filter: '', list: tab, scroll: 0, selected: undefined, view: tab };
}

type Motion = 'up' | 'down' | 'page-up' | 'page-down' | 'first' | 'last';

function move(model: Model, motion: Motion, page: number, length: number): Model {
  const to = (at: number, last: number): number => {
    const step = { down: 1, first: -last, last, 'page-down': page, 'page-up': -page, up: -1 }[motion];
    return Math.min(last, Math.max(0, at + step));
  };
  if (!LISTS.includes(model.view)) return { ...model, scroll: to(model.scroll, Math.max(0, length - page)) };
  const rows = visibleRows(model);
  const at = rows.findIndex(({ id }) => id === model.selected);
  return { ...model, selected: rows[to(Math.max(0, at), rows.length - 1)]?.id };
}

function typed(model: Model, key: string): Model {
  const { filter } = model;
  if (key === 'enter') return { ...model, typing: false };
  if (key === 'escape') return { ...model, filter: '', typing: false };
  if (key === 'backspace') return { ...model, filter: [...filter].slice(0, -1).join('') };
  const char = key === 'space' ? ' ' : key;
  return [...char].length === 1 && filter.length < FILTER_MAX ? { ...model, filter: filter + char } : model;
}
