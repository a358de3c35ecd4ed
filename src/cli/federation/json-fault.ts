/**
 * Why a text is no JSON, in words that fit JSON, and on which line. The engine's own messages name the place in three ways or not
 * at all; where they only quote some text around it, that is looked for.
 */
export interface JsonFault {
  readonly message: string;
  /** From 1. */
  readonly line: number;
}

/** Undefined where it is JSON. */
export function jsonFault(content: string): JsonFault | undefined {
  const text = messageOf(content);
  if (text === undefined) return undefined;
  if (content.trim() === '') return { line: 1, message: 'it is empty' };
  if (ENDS.test(text)) {
    return { line: lineAt(content, content.trimEnd().length), message: 'it is no JSON: it ends before all is closed' };
  }
  const place = placeOf(content, text);
  if (place === undefined) return { line: 1, message: `it is no JSON: ${text}` };
  const column = place - content.lastIndexOf('\n', place - 1);
  return { line: lineAt(content, place), message: `it is no JSON: ${said(content, place, text)}, at column ${column}` };
}

const ENDS = /^(Unexpected end|Unterminated)/;

/** What the engine says of it; undefined: it is JSON. */
function messageOf(content: string): string | undefined {
  try {
    JSON.parse(content);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function placeOf(content: string, text: string): number | undefined {
  const told = / at position (\d+)/.exec(text)?.[1];
  if (told !== undefined) return Number(told);
  const [, token, before, quoted] = /^Unexpected token '(.)', (\.\.\.)?"(.*)"(?:\.\.\.)? is not/su.exec(text) ?? [];
  if (token === undefined || quoted === undefined) return undefined;
  for (let at = content.indexOf(quoted); at !== -1; at = content.indexOf(quoted, at + 1)) {
    const from = before === undefined ? at : at + QUOTED_BEFORE;
    for (let place = content.indexOf(token, from); place !== -1; place = content.indexOf(token, place + 1)) {
      if (place >= at + quoted.length) break;
      if (ENDS.test(messageOf(content.slice(0, place)) ?? '')) return place;
      if (before !== undefined) break;
    }
  }
  return undefined;
}

/** So many characters before the place are quoted. */
const QUOTED_BEFORE = 10;

function said(content: string, place: number, text: string): string {
  const found = content[place] ?? '';
  if (found === '/') return 'it has no comments';
  if (found === "'") return 'texts and keys stand between double quotes';
  if (/[}\]]/.test(found) && content.slice(0, place).trimEnd().endsWith(','))
    return `a comma stands before the "${found}"`;
  const own = text.replace(/ (in|after) JSON at position.*$/su, '').replace(/,( \.\.\.|) ".*$/su, '');
  return `${own.charAt(0).toLowerCase()}${own.slice(1)}`;
}

function lineAt(content: string, place: number): number {
  return content.slice(0, place).split('\n').length;
}
