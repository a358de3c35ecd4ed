/**
 * Lines of the screen as data: spans of text with a style, fitted to columns.
 *
 * Whatever becomes a line of the screen passes through `cutLine`, and there loses all that a terminal would obey: a name
 * that another node chose must not move the cursor.
 */
import { stripVTControlCharacters } from 'node:util';
import { type Style, width } from '../cli/table.ts';
import { oneLine } from '../cli/terminal.ts';

export interface Span {
  readonly text: string;
  readonly style?: Style | undefined;
}

export interface Line {
  readonly spans: readonly Span[];
  /** The row that the cursor is on. */
  readonly chosen?: boolean;
}

export function line(...parts: readonly (string | Span)[]): Line {
  return { spans: parts.map((part) => (typeof part === 'string' ? { text: part } : part)) };
}

export function plain({ spans }: Line): string {
  return spans.map(({ text }) => text).join('');
}

/** No control characters, no colours of its own, one line. */
export function harmless(text: string): string {
  return oneLine(stripVTControlCharacters(text));
}

/** Exactly so many columns: filled with blanks, or cut with `…`. */
export function fitted(raw: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const text = cut(harmless(raw), columns);
  const room = ' '.repeat(Math.max(0, columns - width(text)));
  return align === 'right' ? room + text : text + room;
}

/** At most so many columns. */
export function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  if (columns < 1) return '';
  let kept = '';
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (width(kept + segment) > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** The same line in at most so many columns. */
export function cutLine(whole: Line, columns: number): Line {
  let left = columns;
  const spans: Span[] = [];
  for (const span of whole.spans) {
    const safe = harmless(span.text);
    const text = cut(safe, left);
    if (text !== '') spans.push({ ...span, text });
    left -= width(text);
    if (text !== safe) break;
  }
  return { ...whole, spans };
}
