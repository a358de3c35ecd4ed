/**
 * What the terminal can show, and what may be sent to it.
 *
 * Text that came from elsewhere (names, results, messages of remote functions) is cleaned before it reaches a terminal:
 * an escape sequence in a node's name must not move the cursor or change the window's title.
 */
import type { WriteStream } from 'node:tty';

/** `NO_COLOR` (any value), `TERM=dumb` and `--no-color` are obeyed; `FORCE_COLOR` is the word for pipes. */
export function wantsColor(
  stream: Partial<WriteStream>,
  noColor: boolean,
  env: NodeJS.ProcessEnv = process.env,
): boolean {
  if (noColor || (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') || env['TERM'] === 'dumb') return false;
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] !== '0';
  return stream.isTTY === true;
}

const CONTROL = /(\p{Cc})(\[[0-9;]*m)?/gu;

/** Control characters as visible escapes; line ends, tabs and colours (SGR) stay. */
export function visible(text: string): string {
  return text.replace(CONTROL, (found, char: string, color = '') => {
    if (char === '\n' || char === '\t' || (char === '\u001b' && color !== '')) return found;
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}${color}`;
  });
}

/** For one field of one line: no line end, no tab either. */
export function oneLine(text: string): string {
  return visible(text.replaceAll('\n', '\\n').replaceAll('\t', '\\t'));
}
