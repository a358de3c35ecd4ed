/**
 * A file as the tidy rules see it: its path from the repository's root, its text, its syntax tree, its comments.
 * TypeScript's compiler has no parser to offer here (it is a native program), so rolldown's does the work; it reads
 * .ts, .tsx and .mjs alike. Refuses files that do not parse: a file that no rule can see must not pass.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ParseResult, parseSync } from 'rolldown/utils';

export interface Source {
  /** From the repository's root, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly program: ParseResult['program'];
  readonly comments: ParseResult['comments'];
  /** The line of an offset, from 1. */
  lineOf(offset: number): number;
}

/** One thing that a rule found: `path:line what`. */
export interface Complaint {
  readonly rule: string;
  readonly path: string;
  readonly line: number;
  readonly what: string;
}

export function parse(path: string, text: string): Source {
  const { program, comments, errors } = parseSync(path, text);
  const error = errors.find((e) => e.severity === 'Error');
  if (error) throw new Error(`${path}: ${error.message}`);
  const starts = [0];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  const lineOf = (offset: number) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
  return { comments, lineOf, path, program, text };
}

const CODE = /\.(ts|tsx|mjs|js)$/;

/** All code files under the folders, which may be absent. */
export function load(root: string, folders: readonly string[]): Source[] {
  return folders.flatMap((folder) =>
    list(root, folder)
      .filter((path) => CODE.test(path))
      .map((path) => parse(path, readFileSync(join(root, path), 'utf8'))),
  );
}

/** All files under a folder, sorted; none where it is absent. */
export function list(root: string, folder: string): string[] {
  try {
    return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((e) => e.isFile())
      .map((e) => join(e.parentPath, e.name).slice(join(root, '/').length).replaceAll('\\', '/'))
      .filter((path) => !path.includes('node_modules/'))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export function print(complaints: readonly Complaint[]): string {
  return complaints.map((c) => `${c.path}:${c.line} ${c.rule}: ${c.what}`).join('\n');
}
