/**
 * Arguments of functions as the command line has them: what parses as JSON is JSON, all else is text; `@file` is what a
 * file holds, `-` what comes on stdin, `@@` an `@` of one's own. Bytes that are no text arrive as bytes.
 */
import { problemError, valueFromJson } from '../engine/index.ts';
import { decodeText, type ReadOptions, readInput } from './io.ts';

export interface ArgumentOptions extends ReadOptions {
  /** Take everything as text. */
  readonly string: boolean;
}

/** One after the other, because stdin can be read once. */
export async function readArguments(words: readonly string[], options: ArgumentOptions): Promise<unknown[]> {
  if (words.filter((word) => word === '-').length > 1) {
    throw problemError('usage-invalid', '"-" stands for stdin, which can be read only once');
  }
  const values: unknown[] = [];
  for (const word of words) values.push(await readArgument(word, options));
  return values;
}

/** `key=value` pairs; the value is an argument like any other. */
export async function readNamedArguments(
  pairs: readonly string[],
  options: ArgumentOptions,
): Promise<Record<string, unknown>> {
  const named = new Map<string, unknown>();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) throw problemError('usage-invalid', `--kwarg wants KEY=VALUE, not "${pair}"`);
    const key = pair.slice(0, at);
    if (named.has(key)) throw problemError('usage-invalid', `--kwarg "${key}" is given twice`);
    named.set(key, await readArgument(pair.slice(at + 1), options));
  }
  return Object.fromEntries(named);
}

async function readArgument(word: string, options: ArgumentOptions): Promise<unknown> {
  if (word.startsWith('@@')) return asArgument(word.slice(1), options.string);
  if (word !== '-' && !word.startsWith('@')) return asArgument(word, options.string);
  const file = word === '-' ? '-' : word.slice(1);
  const bytes = await readInput(file, word === '-' ? 'an argument' : `the argument ${word}`, options);
  const text = decodeText(bytes);
  return text === undefined ? bytes : asArgument(text, options.string);
}

/** One word that is neither a file nor stdin. */
export function asArgument(text: string | Uint8Array, asText: boolean): unknown {
  if (asText || typeof text !== 'string') return text;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return text;
  }
  try {
    return valueFromJson(json);
  } catch (error) {
    throw problemError('input-invalid', `the argument ${text.slice(0, 60)}: ${(error as Error).message}`);
  }
}
