/**
 * Records for people and for scripts: an aligned table with a header on a terminal, otherwise one record per line with
 * tabs between, no header, nothing cut off.
 */
import { stripVTControlCharacters, styleText } from 'node:util';
import { oneLine } from './terminal.ts';

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan';

export interface Column<Row> {
  readonly name: string;
  readonly value: (row: Row) => string;
  /** Only in colour, and never the only carrier of what it says. */
  readonly style?: (row: Row) => Style | undefined;
  readonly align?: 'right';
}

export interface Table<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** Said on a terminal in place of an empty table. */
  readonly empty: string;
}

export function formatTabs<Row>(table: Table<Row>): string {
  return table.rows.map((row) => table.columns.map(({ value }) => oneLine(value(row))).join('\t')).join('\n');
}

export function formatTable<Row>(table: Table<Row>, color: boolean): string {
  if (table.rows.length === 0) return table.empty;
  const cells = table.rows.map((row) => table.columns.map(({ value }) => oneLine(value(row)) || '-'));
  const widths = table.columns.map(({ name }, i) =>
    cells.reduce((most, row) => Math.max(most, width(row[i] ?? '')), width(name)),
  );
  const line = (fields: readonly string[], style: (i: number) => Style | undefined): string =>
    fields
      .map((field, i) => {
        const right = table.columns[i]?.align === 'right';
        const room = ' '.repeat(Math.max(0, (widths[i] ?? 0) - width(field)));
        const wanted = style(i);
        const shown = color && wanted !== undefined ? styleText(wanted, field, { validateStream: false }) : field;
        return right ? room + shown : shown + room;
      })
      .join('  ')
      .trimEnd();
  const header = line(
    table.columns.map(({ name }) => name.toUpperCase()),
    () => 'dim',
  );
  return [header, ...table.rows.map((row, r) => line(cells[r] ?? [], (i) => table.columns[i]?.style?.(row)))].join(
    '\n',
  );
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Columns that the text takes; East Asian wide characters and emoji take two. */
export function width(text: string): number {
  let columns = 0;
  for (const { segment } of new Intl.Segmenter().segment(stripVTControlCharacters(text))) {
    columns += WIDE.test(segment) ? 2 : 1;
  }
  return columns;
}
