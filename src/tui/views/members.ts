/** The table of members: as many columns as fitted, the most telling ones first; only the rows that are seen. */
import { formatDuration } from '../../cli/duration.ts';
import { type Style, width } from '../../cli/table.ts';
import type { MemberView } from '../../engine/index.ts';
import { type Model, type Sort, selectedMember, visibleMembers } from '../model.ts';
import { fitted, harmless, type Line, type Span } from '../text.ts';

/** A sign beside the word and the colour, so that a glance finds trouble without colour too. */
const STATES: Readonly<Record<MemberView['state'], { readonly sign: string; readonly style: Style }>> = {
  alive: { sign: '●', style: 'green' },
  dead: { sign: '✕', style: 'red' },
  draining: { sign: '◐', style: 'cyan' },
  left: { sign: '○', style: 'dim' },
  suspect: { sign: '?', style: 'yellow' },
};

interface Column {
  readonly name: string;
  readonly value: (member: MemberView) => string;
  /** 0 is always there; the others come as long as there is room. */
  readonly rank: number;
  readonly columnsMax: number;
  readonly align?: 'right';
  readonly style?: (member: MemberView) => Style | undefined;
  readonly sort?: Sort;
}

const COLUMNS: readonly Column[] = [
  { columnsMax: 32, name: 'name', rank: 0, sort: 'name', value: ({ name, self }) => (self ? `${name} *` : name) },
  {
    columnsMax: 10,
    name: 'state',
    rank: 0,
    sort: 'state',
    style: ({ state }) => STATES[state].style,
    value: ({ state }) => stateText(state),
  },
  { align: 'right', columnsMax: 7, name: 'for', rank: 1, sort: 'for', value: ({ forMs }) => formatDuration(forMs) },
  { columnsMax: 13, name: 'load', rank: 4, sort: 'load', value: ({ record }) => loadBar(record?.load) },
  { columnsMax: 4, name: 'link', rank: 7, value: ({ linked, self }) => (self ? '-' : linked ? 'yes' : 'no') },
  { columnsMax: 30, name: 'address', rank: 2, value: ({ address }) => address },
  { columnsMax: 14, name: 'region', rank: 6, value: ({ record }) => record?.region ?? '-' },
  {
    columnsMax: 32,
    name: 'resources',
    rank: 5,
    value: ({ record }) => record?.resources.join(',') || '-',
  },
  {
    align: 'right',
    columnsMax: 9,
    name: 'functions',
    rank: 3,
    value: ({ record }) => String(record?.functions.length ?? '-'),
  },
  { columnsMax: 26, name: 'id', rank: 8, style: () => 'dim', value: ({ id }) => id },
];

const GAP = 2;

/** On a narrow screen the name leaves room for the state, but not without end. */
const NAME_MIN = 6;
const STATE_ROOM = 12;

export interface MembersView {
  readonly header: Line;
  readonly rows: readonly Line[];
}

/** `rows`: how many there is room for. */
export function membersView(model: Model, size: { readonly columns: number; readonly rows: number }): MembersView {
  const members = visibleMembers(model);
  const chosen = selectedMember(model);
  const columns = chooseColumns(members, size.columns - MARK);
  const header = columns.map(({ column, columns: wide }): Span => {
    const name = column.sort === model.sort ? `${column.name}↓` : column.name;
    return { style: 'dim', text: fitted(name.toUpperCase(), wide, column.align) };
  });
  const from = firstRow(
    members.findIndex(({ id }) => id === chosen?.id),
    members.length,
    size.rows,
  );
  const rows = members.slice(from, from + size.rows).map((member): Line => {
    const here = member.id === chosen?.id;
    const cells = columns.map(({ column, columns: wide }) => ({
      style: column.style?.(member),
      text: fitted(column.value(member), wide, column.align),
    }));
    return { chosen: here, spans: spaced(here ? '▸ ' : '  ', cells) };
  });
  return { header: { spans: spaced('  ', header) }, rows };
}

function spaced(mark: string, cells: readonly Span[]): readonly Span[] {
  return [{ text: mark }, ...cells.flatMap((cell, at) => (at === 0 ? [cell] : [{ text: ' '.repeat(GAP) }, cell]))];
}

/** Columns that the cursor takes. */
const MARK = 2;

/** The window moves only where the cursor would leave it: the cursor stays in the middle half of a long list. */
function firstRow(at: number, length: number, rows: number): number {
  if (length <= rows) return 0;
  return Math.min(length - rows, Math.max(0, at - Math.floor(rows / 2)));
}

function chooseColumns(
  members: readonly MemberView[],
  room: number,
): readonly { readonly column: Column; readonly columns: number }[] {
  const wide = new Map<Column, number>();
  let left = room;
  const telling = COLUMNS.filter(({ rank, value }) => rank === 0 || members.some((member) => value(member) !== '-'));
  for (const column of telling.toSorted((a, b) => a.rank - b.rank)) {
    const widest = Math.max(column.name.length + 1, ...members.map((member) => width(harmless(column.value(member)))));
    const most = column.name === 'name' ? Math.max(NAME_MIN, room - STATE_ROOM) : left;
    const columns = Math.min(column.columnsMax, widest, column.rank === 0 ? most : widest);
    if (column.rank > 0 && columns > left) break;
    wide.set(column, Math.max(1, columns));
    left -= columns + GAP;
  }
  return COLUMNS.flatMap((column) => {
    const columns = wide.get(column);
    return columns === undefined ? [] : [{ column, columns }];
  });
}

export function stateText(state: MemberView['state']): string {
  return `${STATES[state].sign} ${state}`;
}

export function stateStyle(state: MemberView['state']): Style {
  return STATES[state].style;
}

/** `▓▓▓░░░░░░░ 3`. */
export function loadBar(load: number | undefined): string {
  if (load === undefined) return '-';
  const tenths = Math.min(10, Math.max(0, Math.round(load)));
  return `${'▓'.repeat(tenths)}${'░'.repeat(10 - tenths)} ${tenths}`;
}
