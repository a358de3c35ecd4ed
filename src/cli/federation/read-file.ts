/** A federation's configuration file as commands read it: from a path, or from stdin where that is `-`. */
import { ProblemError, problemError } from '../../engine/index.ts';
import { decodeText, type ReadOptions, readInput } from '../io.ts';
import { type CheckedFile, checkFile } from './check-file.ts';
import { CLUSTERS_MAX, type FederationFile } from './federation-schema.ts';
import type { FileProblem } from './findings.ts';

const BYTES_MAX = 8 * 2 ** 20;

/** Rejects only where the file cannot be read, or is no text. */
export async function readAndCheck(file: string, options: Omit<ReadOptions, 'bytesMax'>): Promise<CheckedFile> {
  const bytes = await readInput(file, 'the configuration', { ...options, bytesMax: BYTES_MAX }).catch((error) => {
    if (!(error instanceof ProblemError) || error.problem.code !== 'limit-exceeded') throw error;
    const hint = `A configuration of ${CLUSTERS_MAX} clusters has far less.\nls -l ${file}`;
    throw new ProblemError({ ...error.problem, hint });
  });
  const content = decodeText(bytes);
  if (content === undefined) throw problemError('input-invalid', `${file} is no text in UTF-8`);
  return checkFile(content, { strict: file.endsWith('.json') });
}

/** Rejects with `input-invalid` where anything is wrong with it; `warn` hears of what is hardly meant. */
export async function readFederationFile(
  file: string,
  options: Omit<ReadOptions, 'bytesMax'> & { readonly warn: (message: string) => void },
): Promise<FederationFile> {
  const { config, problems } = await readAndCheck(file, options);
  if (config === undefined) throw invalid(file, problems);
  for (const problem of problems) options.warn(lineOf(file, problem));
  return config;
}

/** `next`: the command that helps on. */
export function invalid(
  file: string,
  problems: readonly FileProblem[],
  next = `mpreg federation validate-config ${file}`,
): Error {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  if (first === undefined) throw new Error('no problem to tell of');
  const says = lineOf(file, first);
  const more = errors.length === 1 ? says : `${errors.length} things are wrong with ${named(file)}; the first: ${says}`;
  return problemError('input-invalid', more, {
    hint: `${first.hint}\n${next}`,
    ...(first.path !== '' && { path: first.path }),
  });
}

/** `file.json:12: clusters[2].bridge_url: is missing`. */
export function lineOf(file: string, { line, message, path }: FileProblem): string {
  const place = line === undefined ? named(file) : `${named(file)}:${line}`;
  return `${place}: ${path === '' ? '' : `${path}: `}${message}`;
}

export function named(file: string): string {
  return file === '-' ? 'stdin' : file;
}
