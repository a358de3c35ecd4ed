/**
 * From the model to the lines of the screen. Pure: the same model, size and time give the same lines.
 *
 *   title      what cluster, who is asked, how old it is          always
 *   notice     connection lost, filter                            where there is one
 *   header     names of columns                                   from 4 rows on
 *   body       rows, details or help                              the rest
 *   events     the newest                                         from 16 rows on, list only
 *   footer     keys                                               from 6 rows on
 *
 * Invariant: never more lines than rows, never a line wider than the screen.
 */

import { countStates, memberDocuments } from '../cli/members.ts';
import { width } from '../cli/table.ts';
import { KEYMAP } from './keymap.ts';
import { type Model, type SeenEvent, shown, visibleMembers } from './model.ts';
import type { Size } from './panel.ts';
import { cutLine, type Line, line, type Span } from './text.ts';
import { detailsView } from './views/details.ts';
import { helpView } from './views/help.ts';
import { membersView } from './views/members.ts';

const FOOTER_FROM = 6;
const HEADER_FROM = 4;
const EVENTS_FROM = 16;
const EVENTS_MAX = 5;

export function frameOf(model: Model, size: Size, now: number): readonly Line[] {
  const parts = divide(model, size, now);
  const lines = [...parts.top, ...bodyOf(model, size, parts.body), ...parts.bottom];
  return lines.slice(0, size.rows).map((whole) => cutLine(whole, size.columns));
}

/** How many lines of the view fit, and how many it has: what moving needs to know. */
export function roomOf(model: Model, size: Size): { readonly page: number; readonly length: number } {
  const page = divide(model, size, 0).body;
  if (model.view === 'members') return { length: visibleMembers(model).length, page };
  return { length: (model.view === 'help' ? helpView() : detailsView(model)).length, page };
}

interface Parts {
  readonly top: readonly Line[];
  /** Rows for the view. */
  readonly body: number;
  readonly bottom: readonly Line[];
}

function divide(model: Model, size: Size, now: number): Parts {
  const top = [title(model, now), ...notices(model, now)].slice(0, Math.max(1, size.rows - 1));
  if (model.view === 'members' && size.rows >= HEADER_FROM) top.push(membersView(model, { ...size, rows: 0 }).header);
  const events = model.view === 'members' && size.rows >= EVENTS_FROM ? eventLines(model.events) : [];
  const footer = size.rows >= FOOTER_FROM ? [footerOf(model, size)] : [];
  const bottom = [...events, ...footer];
  return { body: Math.max(0, size.rows - top.length - bottom.length), bottom, top };
}

/** Exactly so many lines, so that what is below stays where it is. */
function bodyOf(model: Model, size: Size, rows: number): readonly Line[] {
  const lines =
    model.view === 'members'
      ? membersView(model, { columns: size.columns, rows }).rows
      : scrolled(model.view === 'help' ? helpView() : detailsView(model), model.scroll, rows);
  const none = model.view === 'members' && lines.length === 0 && rows > 0 ? [line(emptyText(model))] : lines;
  return [...none, ...Array.from({ length: Math.max(0, rows - none.length) }, () => line(''))];
}

function scrolled(lines: readonly Line[], scroll: number, rows: number): readonly Line[] {
  const from = Math.min(scroll, Math.max(0, lines.length - rows));
  return lines.slice(from, from + rows);
}

function emptyText(model: Model): string {
  if (shown(model) === undefined) return '  waiting for the first answer';
  return model.filter === '' ? '  there are no members' : '  no member fits the filter';
}

function title(model: Model, now: number): Line {
  const sight = shown(model);
  const clusters = new Set((sight?.members ?? []).flatMap(({ record }) => record?.cluster ?? []));
  const counts = sight === undefined ? '' : ` · ${countStates(memberDocuments(sight.members))}`;
  const age = sight === undefined ? '' : ` · as of ${formatAge(now - sight.at)} ago`;
  const paused: readonly Span[] = model.frozen === undefined ? [] : [{ style: 'yellow', text: ' · PAUSED' }];
  return line(
    { style: 'bold', text: `mpreg ${[...clusters].join(', ')}` },
    ...paused,
    age,
    counts,
    ` · asked: ${model.connection.name}`,
  );
}

/** Tenths of a second while they matter. */
function formatAge(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
}

function notices(model: Model, now: number): Line[] {
  const { connection, filter, typing } = model;
  const lines: Line[] = [];
  if (connection.kind === 'lost') {
    const text = `! reconnecting: no connection to ${connection.name} for ${formatAge(now - connection.since)} (${connection.reason}); trying the others`;
    lines.push(line({ style: 'red', text }));
  }
  if (model.view === 'members' && (typing || filter !== '')) {
    const found = ` (${visibleMembers(model).length} of ${shown(model)?.members.length ?? 0})`;
    lines.push(line({ style: 'cyan', text: `/ ${filter}${typing ? '▏' : ''}` }, { style: 'dim', text: found }));
  }
  return lines;
}

function eventLines(events: readonly SeenEvent[]): readonly Line[] {
  const newest = events.filter(({ kind }) => kind !== 'link').slice(0, EVENTS_MAX);
  const rows = Array.from({ length: EVENTS_MAX }, (_, i) => newest[i]);
  return [
    line({ style: 'dim', text: 'EVENTS' }),
    ...rows.map((event) => (event === undefined ? line('') : line(`  ${describe(event)}`))),
  ];
}

function describe(event: SeenEvent): string {
  const time = new Date(event.at).toTimeString().slice(0, 8);
  return `${time} ${whatOf(event)}`;
}

function whatOf(event: SeenEvent): string {
  switch (event.kind) {
    case 'member':
      return `${event.name}: ${event.before ?? 'new'} → ${event.state}: ${event.reason}`;
    case 'function':
      return `${event.fun}@${event.version} ${event.change} on ${event.node}`;
    case 'link':
      return `link to ${event.peer} ${event.change}: ${event.reason}`;
    case 'paused':
      return `the node that is asked stood still for ${event.ms} ms`;
    case 'cluster':
      return `cluster ${event.cluster} ${event.state}: ${event.reason}`;
    case 'bridge':
      return `bridge to ${event.peer} of ${event.cluster} ${event.change}: ${event.reason}`;
    case 'refuted':
      return `the node that is asked contradicted ${event.by}`;
  }
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
