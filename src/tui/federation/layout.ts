/**
 * From the model to the lines of the federation's screen. Pure: the same model, size and time give the same lines.
 *
 *     title      state, who is asked, how old it is           always
 *     tabs       views by their digits, alerts that fire      from 8 rows on
 *     notice     connection lost, split, filter               where there is one
 *     header     names of columns                             lists, from 4 rows on
 *     body       rows, tree, map, details or help             the rest
 *     footer     keys                                         from 6 rows on
 *
 * Invariant: never more lines than rows, never a line wider than the screen.
 */

import { formatDuration } from '../../cli/duration.ts';
import { HEALTH_SIGNS } from '../../cli/federation/topology.ts';
import { width } from '../../cli/table.ts';
import type { Size } from '../panel.ts';
import { cutLine, type Line, line, type Span } from '../text.ts';
import { detailsView } from './details.ts';
import { KEYMAP, LISTS, TABS } from './keymap.ts';
import { listTable } from './lists.ts';
import { type Model, shown, visibleRows } from './model.ts';
import { topologyTree } from './topology-tree.ts';
import { mapLegend, worldMap } from './world-map.ts';

const FOOTER_FROM = 6;
const HEADER_FROM = 4;
const TABS_FROM = 8;
/** Rows that the map leaves to its legend, where there are enough. */
const LEGEND_ROWS = 4;

export function frameOf(model: Model, size: Size, now: number): readonly Line[] {
  const parts = divide(model, size, now);
  const lines = [...parts.top, ...bodyOf(model, { ...size, rows: parts.body }, now), ...parts.bottom];
  return lines.slice(0, size.rows).map((whole) => cutLine(whole, size.columns));
}

/** How many lines of the view fit, and how many it has: what moving needs to know. */
export function roomOf(model: Model, size: Size): { readonly page: number; readonly length: number } {
  const page = divide(model, size, 0).body;
  if (LISTS.includes(model.view)) return { length: visibleRows(model).length, page };
  return { length: textOf(model, { ...size, rows: page }).length, page };
}

interface Parts {
  readonly top: readonly Line[];
  /** Rows for the view. */
  readonly body: number;
  readonly bottom: readonly Line[];
}

function divide(model: Model, size: Size, now: number): Parts {
  const tabs = size.rows >= TABS_FROM ? [tabsOf(model)] : [];
  const top = [title(model, now), ...tabs, ...notices(model, now)].slice(0, Math.max(1, size.rows - 1));
  if (LISTS.includes(model.view) && size.rows >= HEADER_FROM)
    top.push(listTable(model, { ...size, rows: 0 }, now).header);
  const bottom = size.rows >= FOOTER_FROM ? [footerOf(model, size)] : [];
  return { body: Math.max(0, size.rows - top.length - bottom.length), bottom, top };
}

/** Exactly so many lines, so that what is below stays where it is. */
function bodyOf(model: Model, size: Size, now: number): readonly Line[] {
  const { rows } = size;
  const isList = LISTS.includes(model.view);
  const lines = isList ? listTable(model, size, now).rows : scrolled(textOf(model, size), model.scroll, rows);
  const some = lines.length === 0 && rows > 0 ? [line(`  ${emptyText(model)}`)] : lines;
  return [...some, ...Array.from({ length: Math.max(0, rows - some.length) }, () => line(''))];
}

function textOf(model: Model, size: Size): readonly Line[] {
  if (model.view === 'help') return helpView();
  if (model.view === 'details') return detailsView(model);
  const topology = shown(model)?.topology;
  if (topology === undefined) return [];
  if (model.view === 'tree') return topologyTree(topology);
  const legend = mapLegend(topology);
  const room = Math.max(1, size.rows - Math.min(LEGEND_ROWS, legend.length, Math.floor(size.rows / 3)));
  return [...worldMap(topology, { ...size, rows: room }), ...legend];
}

function scrolled(lines: readonly Line[], scroll: number, rows: number): readonly Line[] {
  const from = Math.min(scroll, Math.max(0, lines.length - rows));
  return lines.slice(from, from + rows);
}

function emptyText(model: Model): string {
  if (model.view === 'events')
    return model.filter === '' ? 'nothing has happened since this began' : 'no event fits the filter';
  if (shown(model) === undefined) return 'waiting for the first answer';
  if (model.filter !== '') return 'nothing fits the filter';
  return model.view === 'alerts' ? 'no alert fires' : 'there is nothing';
}

function title(model: Model, now: number): Line {
  const sight = shown(model);
  const paused: readonly Span[] = model.frozen === undefined ? [] : [{ style: 'yellow', text: ' · PAUSED' }];
  if (sight === undefined)
    return line({ style: 'bold', text: 'mpreg federation' }, ` · asked: ${model.connection.name}`);
  const { cluster, name, score, state } = sight.health;
  const { sign, style } = HEALTH_SIGNS[state];
  return line(
    { style: 'bold', text: 'mpreg federation' },
    ' · ',
    { style, text: `${sign} ${state}` },
    ` ${score}`,
    ...paused,
    ` · as of ${formatAge(now - sight.at)} ago · as ${name} of ${cluster} sees it`,
  );
}

/** Tenths of a second while they matter. */
function formatAge(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
}

function tabsOf(model: Model): Line {
  const firing = shown(model)?.alerts.filter(({ state }) => state === 'firing').length ?? 0;
  return line(
    ...TABS.flatMap((tab, at): readonly Span[] => {
      const count = tab === 'alerts' && firing > 0 ? ` (${firing})` : '';
      const text = `${at + 1} ${tab}${count}`;
      const style = tab === model.list ? 'bold' : count === '' ? 'dim' : 'red';
      return [{ style, text: tab === model.list ? `[${text}]` : ` ${text} ` }, { text: ' ' }];
    }),
  );
}

function notices(model: Model, now: number): Line[] {
  const { connection, filter, typing } = model;
  const lines: Line[] = [];
  if (connection.kind === 'lost') {
    const text = `! reconnecting: no connection to ${connection.name} for ${formatAge(now - connection.since)} (${connection.reason}); trying the others`;
    lines.push(line({ style: 'red', text }));
  }
  const unreachable = shown(model)?.health.unreachable ?? [];
  if (unreachable.length > 0) {
    const who = unreachable.map(({ cluster, forMs }) => `${cluster} for ${formatDuration(forMs)}`).join(', ');
    lines.push(line({ style: 'red', text: `✕ this side cannot reach ${who}` }));
  }
  if (LISTS.includes(model.view) && (typing || filter !== '')) {
    const found = ` (${visibleRows(model).length} of ${visibleRows({ ...model, filter: '' }).length})`;
    lines.push(line({ style: 'cyan', text: `/ ${filter}${typing ? '▏' : ''}` }, { style: 'dim', text: found }));
  }
  return lines;
}

/** Whole items only, as many as fit; the way out and the way to the other keys first. */
function footerOf(model: Model, { columns }: Size): Line {
  if (model.typing) return line({ style: 'dim', text: '⏎ keep  esc clear' });
  const items = KEYMAP.filter(({ footer, views }) => footer && views.includes(model.view));
  const texts = items.map(({ action, label, says }) => `${label} ${action === 'sort' ? `sort: ${model.sort}` : says}`);
  const last = texts.slice(-2);
  const first: string[] = [];
  for (const text of texts.slice(0, -2)) {
    if (width([...first, text, ...last].join('  ')) > columns) break;
    first.push(text);
  }
  return line({ style: 'dim', text: [...first, ...last].join('  ') });
}

function helpView(): readonly Line[] {
  const everywhere = KEYMAP.reduce((most, { views }) => Math.max(most, views.length), 0);
  return [
    line({ style: 'bold', text: 'Keys' }),
    ...KEYMAP.map(({ label, says, views }) =>
      line(`  ${label.padEnd(8)} ${says.padEnd(16)}`, {
        style: 'dim',
        text: views.length >= everywhere - 1 ? '' : `in ${views.join(', ')}`,
      }),
    ),
    line(''),
    line('● healthy (80 points and more)   ◐ degraded (50)   ! critical   ✕ lost   * the own cluster'),
    line('A filter is words that must all occur in a row. What is wrong with one row, and why, shows ⏎.'),
  ];
}
