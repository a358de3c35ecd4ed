/**
 * How a failure is told: as text on stderr that ends with a command to run, or under `--json` as one document on stdout.
 * Every failure becomes a problem of the catalogue first; the catalogue also gives the exit code.
 */
import { Errors } from '@oclif/core';
import { didNotHappen, errorDocument, exitOf, kindOf, type Problem, ProblemError, problem } from '../engine/index.ts';
import type { Output } from './output.ts';
import { toJson } from './output.ts';
import { visible } from './terminal.ts';

export interface Failure {
  readonly problem: Problem;
  /** Where in mpreg it was thrown: shown for bugs, and with --verbose. */
  readonly stack?: string;
  readonly exitCode: number;
}

/** The files that one may be unable to read or write; other system errors are bugs until proven otherwise. */
const FILE_CALLS = new Set([
  'open',
  'read',
  'scandir',
  'stat',
  'lstat',
  'mkdir',
  'write',
  'access',
  'rename',
  'unlink',
]);

/** `command`: the words of the command line that name it, for the hint. */
export function failureOf(error: unknown, command: readonly string[]): Failure {
  const about = problemOf(error, command);
  const stack = error instanceof Error ? error.stack : undefined;
  return { exitCode: exitOf(about), problem: about, ...(stack !== undefined && { stack }) };
}

function problemOf(error: unknown, command: readonly string[]): Problem {
  if (error instanceof ProblemError) {
    const given = inWords(error.problem);
    return given.code === 'usage-invalid' && given.hint === undefined ? { ...given, hint: usageHint(command) } : given;
  }
  if (error instanceof Errors.CLIError) {
    return problem('usage-invalid', withoutAdvice(error.message), { hint: usageHint(command) });
  }
  if (isFileError(error)) {
    return problem('file-unreadable', error.message, { hint: `Check its path and permissions.\nls -l ${error.path}` });
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return problem('internal', message);
}

/** What nodes are asked by commands and do for themselves, in words: nobody who typed a command has called a function. */
const OWN: Readonly<Record<string, string>> = {
  'mpreg.drain': 'draining',
  'mpreg.events': 'the stream of events',
  'mpreg.functions': 'the list of functions',
  'mpreg.info': 'the look at the node',
  'mpreg.leave': 'leaving',
  'mpreg.undrain': 'taking up work again',
};

function inWords(about: Problem): Problem {
  const { fun = '', message } = about;
  const words = Object.hasOwn(OWN, fun) ? OWN[fun] : undefined;
  if (words === undefined || !message.includes(fun)) return about;
  return { ...about, message: message.replaceAll(fun, words) };
}

function usageHint(command: readonly string[]): string {
  return `Look at its help.\n${['mpreg', ...command, '--help'].join(' ')}`;
}

/** The command framework's message as one sentence, without its own advice. */
function withoutAdvice(message: string): string {
  const sentence = message
    .replace(/\nSee more help with --help/g, '')
    .replace(/\n\nNote: .*$/s, '')
    .replace(/^Parsing (--\S+)\s+/, '$1: ')
    .trim();
  return `${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`;
}

function isFileError(error: unknown): error is NodeJS.ErrnoException & { readonly path: string } {
  const { path, syscall } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  return error instanceof Error && typeof path === 'string' && syscall !== undefined && FILE_CALLS.has(syscall);
}

/** What to throw once the result is printed: under --json its document said everything, and only the exit code is left. */
export function afterResult(about: Problem, { json }: Pick<Output, 'json'>): Error {
  return json ? new Errors.ExitError(exitOf(about)) : new ProblemError(about);
}

export function failureDocument(failure: Failure): string {
  return `${toJson({ error: errorDocument(failure.problem) })}\n`;
}

export function failureText(failure: Failure, output: Pick<Output, 'style' | 'verbose'>): string {
  const { problem: about, stack } = failure;
  const { code, cause, fun, node, path, step } = about;
  const label = (name: string, value: string | undefined): string[] =>
    value === undefined ? [] : [`  ${output.style('dim', `${name}:`.padEnd(9))} ${value}`];
  const hint = (about.hint ?? kindOf(about).hint).split('\n');
  const command = hint.length > 1 ? hint.pop() : undefined;
  const lines = [
    `${output.style('red', 'error:')} ${about.message.trim()}`,
    ...label('code', code),
    ...label('node', node),
    ...label('function', fun?.startsWith('mpreg.') ? undefined : fun),
    ...label('step', step),
    ...label('at', path),
    ...(cause === undefined ? [] : label('cause', indent(cause.stack ?? `${cause.name}: ${cause.message}`))),
    ...(didNotHappen(about) ? [] : label('outcome', 'unknown: it may or may not have been done')),
    ...(stack !== undefined && (code === 'internal' || output.verbose) ? label('stack', indent(stack)) : []),
    ...hint,
    ...(command === undefined ? [] : [`  ${output.style('bold', command)}`]),
  ];
  return `${visible(lines.join('\n'))}\n`;
}

function indent(text: string): string {
  return text.trim().replaceAll('\n', '\n            ');
}
