/** A table as lines: as many columns as fit, the most telling ones first; only the rows that are seen. */
import { type Style, width } from '../../cli/table.ts';
import { fitted, harmless, type Line, type Span } from '../text.ts';

export interface FittedColumn<Row> {
  readonly name: string;
  readonly value: (row: Row) => string;
  /** 0 is always there; the others come as long as there is room. */
  readonly rank: number;
  readonly columnsMax: number;
  readonly align?: 'right';
  readonly style?: (row: Row) => Style | undefined;
}

export interface FittedTable {
  readonly header: Line;
  readonly rows: readonly Line[];
}

const GAP = '  ';
/** Columns that the cursor takes. */
const MARK = 2;

/** `chosen`: the number of the row that the cursor is on; below 0: none. `rows`: how many there is room for. */
export function fittedTable<Row>(
  columns: readonly FittedColumn<Row>[],
  rows: readonly Row[],
  size: { readonly columns: number; readonly rows: number; readonly chosen: number },
): FittedTable {
  const wide = widths(columns, rows, size.columns - MARK);
  const there = columns.filter((column) => wide.has(column));
  const spaced = (mark: string, cells: readonly Span[]): readonly Span[] => [
    { text: mark },
    ...cells.flatMap((cell, at) => (at === 0 ? [cell] : [{ text: GAP }, cell])),
  ];
  const header = there.map((column): Span => {
    return { style: 'dim', text: fitted(column.name.toUpperCase(), wide.get(column) ?? 0, column.align) };
  });
  const from = firstRow(size.chosen, rows.length, size.rows);
  const lines = rows.slice(from, from + size.rows).map((row, at): Line => {
    const here = from + at === size.chosen;
    const cells = there.map((column): Span => {
      return { style: column.style?.(row), text: fitted(column.value(row), wide.get(column) ?? 0, column.align) };
    });
    return { chosen: here, spans: spaced(here ? '▸ ' : '  ', cells) };
  });
  return { header: { spans: spaced('  ', header) }, rows: lines };
}

/** The window moves only where the cursor would leave it: the cursor stays in the middle half of a long list. */
function firstRow(at: number, length: number, rows: number): number {
  if (length <= rows) return 0;
  return Math.min(length - rows, Math.max(0, at - Math.floor(rows / 2)));
}

function widths<Row>(
  columns: readonly FittedColumn<Row>[],
  rows: readonly Row[],
  room: number,
): ReadonlyMap<FittedColumn<Row>, number> {
  const wide = new Map<FittedColumn<Row>, number>();
  let left = room;
  const telling = columns.filter(({ rank, value }) => rank === 0 || rows.some((row) => value(row) !== ''));
  for (const column of telling.toSorted((a, b) => a.rank - b.rank)) {
    const longest = rows.reduce((most, row) => Math.max(most, width(harmless(column.value(row)))), column.name.length);
    const wanted = Math.min(column.columnsMax, longest);
    if (column.rank > 0 && Math.min(wanted, LEAST) > left) break;
    const given = Math.max(1, Math.min(wanted, left));
    wide.set(column, given);
    left -= given + GAP.length;
  }
  return wide;
}

/** A column that is cut to less tells nothing. */
const LEAST = 8;
