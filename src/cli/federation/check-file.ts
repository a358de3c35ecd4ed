/**
 * Reads a federation's configuration file and says everything that is wrong with it at once: each problem with its path,
 * its line, and what to write in its place.
 *
 * A warning is something that works and is hardly meant; a file that has only warnings is valid.
 */
import type { YAMLParseError } from 'yaml';
import type { z } from 'zod';
import { nearest } from '../../engine/index.ts';
import { checkTogether } from './check-together.ts';
import { type FederationFile, federationSchema } from './federation-schema.ts';
import { type FileProblem, type Finding, type Path, pathText } from './findings.ts';
import { hintFor, keysAt } from './hints.ts';
import { jsonFault } from './json-fault.ts';

export interface CheckedFile {
  /** Absent where there are errors. */
  readonly config?: FederationFile;
  readonly problems: readonly FileProblem[];
}

/** `strict`: the text is JSON; otherwise YAML, which most JSON is. */
export async function checkFile(content: string, { strict }: { readonly strict: boolean }): Promise<CheckedFile> {
  const { LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  const fault = strict ? jsonFault(content) : undefined;
  if (fault !== undefined) return { problems: [syntax(fault.message, fault.line)] };
  // Why `error` and not `silent`: so it tells of a second document, which would be lost.
  const document = parseDocument(content, { lineCounter: lines, logLevel: 'error', prettyErrors: false });
  const broken = document.errors.map((error) => syntax(yamlFault(error, content), lines.linePos(error.pos[0]).line));
  if (broken.length > 0) return { problems: broken };
  let found: unknown;
  try {
    found = document.toJS();
  } catch (error) {
    return { problems: [syntax((error as Error).message, 1)] }; // aliases that make too much of little
  }
  const checked = federationSchema.safeParse(found);
  const findings = checked.success ? [] : checked.error.issues.flatMap((issue) => ofIssue(issue, found));
  const lineOf = (path: Path): number | undefined => {
    for (let length = path.length; length >= 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as { readonly range?: readonly number[] } | undefined;
      const at = node?.range?.[0];
      if (at !== undefined) return lines.linePos(at).line;
    }
    return undefined;
  };
  const problems = [...findings, ...checkTogether(found)].map((finding): FileProblem => {
    const line = lineOf(finding.path);
    return { ...finding, path: pathText(finding.path), ...(line !== undefined && { line }) };
  });
  const valid = checked.success && problems.every(({ severity }) => severity === 'warning');
  return { problems, ...(valid && { config: checked.data }) };
}

/** In words that fit JSON, too: what is JSON is read as YAML, where a key may not stand twice. */
function yamlFault({ code, message, pos }: YAMLParseError, content: string): string {
  if (code === 'DUPLICATE_KEY') return `the key ${KEY.exec(content.slice(pos[0]))?.[0] ?? ''} stands twice`;
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here; a file holds one';
  return message;
}

const KEY = /^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s:,{}]+)/;

function syntax(message: string, line: number): FileProblem {
  return {
    hint: 'Correct that line; `mpreg federation generate-config` writes a file that is valid.',
    line,
    message: message.trim(),
    path: '',
    severity: 'error',
  };
}

function ofIssue(issue: z.core.$ZodIssue, document: unknown): Finding[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, document));
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    return (issue.errors[0] ?? []).flatMap((inner) => ofIssue({ ...inner, path: [...path, ...inner.path] }, document));
  }
  return [{ hint: hintFor(path), message: told(issue, at(document, path)), path, severity: 'error' }];
}

function unknownKey(key: string, path: Path, document: unknown): Finding {
  const keys = keysAt(path, document);
  const meant = nearest(key, keys);
  return {
    hint: meant === undefined ? `Known keys here: ${keys.join(', ')}.` : `Did you mean "${meant}"?`,
    message: `there is no key "${key}"`,
    path: [...path, key],
    severity: 'error',
  };
}

function told(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined) return 'is missing';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${NAMES[issue.expected] ?? issue.expected}, and is ${kindOf(value)}`;
    case 'invalid_value':
      return `must be ${issue.values.map((one) => JSON.stringify(one)).join(' or ')}, and is ${shown(value)}`;
    case 'invalid_union':
      return `is none of those that there are: ${shown(value)}`;
    default:
      return issue.message;
  }
}

const NAMES: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a text',
};

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return `the text ${shown(value)}`;
  if (typeof value === 'object') return 'an object';
  return `${typeof value === 'number' ? 'the number ' : ''}${String(value)}`;
}

function shown(value: unknown): string {
  const written = JSON.stringify(value) ?? String(value);
  return written.length > 60 ? `${written.slice(0, 60)}…` : written;
}

function at(document: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, part) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    return (value as Record<string | number, unknown>)[part];
  }, document);
}
