/**
 * The project's own settings: `mpreg.yaml`, `mpreg.yml` or `mpreg.json` in this folder or the nearest one above that
 * has one. Relative paths in it are relative to it.
 *
 * Reads the keys below and leaves all others alone: the same file may describe nodes for `mpreg up`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { problemError } from '../engine/index.ts';
import type { Context } from './contexts.ts';

export interface ProjectFile extends Partial<Context> {
  readonly file: string;
  /** The name of a context to use here. */
  readonly context?: string;
}

const NAMES = ['mpreg.yaml', 'mpreg.yml', 'mpreg.json'];
const TEXTS = ['context', 'cluster', 'timeout'] as const;
const PATHS = ['keyFile', 'tlsCa', 'tlsCert', 'tlsKey'] as const;

export async function readProjectFile(from: string = process.cwd()): Promise<ProjectFile | undefined> {
  const file = findUp(resolve(from));
  if (file === undefined) return undefined;
  const found = await parse(file);
  const settings: Record<string, unknown> = { file };
  const url = found['url'] ?? found['urls'];
  if (url !== undefined) settings['urls'] = texts(url, `${file}: url`);
  for (const key of TEXTS) {
    if (found[key] !== undefined) settings[key] = text(found[key], `${file}: ${key}`);
  }
  for (const key of PATHS) {
    if (found[key] !== undefined) settings[key] = resolve(dirname(file), text(found[key], `${file}: ${key}`));
  }
  return settings as unknown as ProjectFile;
}

function findUp(from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
    if (found !== undefined || dirname(folder) === folder) return found;
  }
}

async function parse(file: string): Promise<Record<string, unknown>> {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    throw problemError('file-unreadable', `${file}: ${(error as Error).message}`);
  }
  try {
    const found: unknown = file.endsWith('.json') ? JSON.parse(content) : (await import('yaml')).parse(content);
    if (found === null) return {};
    if (typeof found !== 'object' || Array.isArray(found)) throw new Error('it must hold keys and values');
    return found as Record<string, unknown>;
  } catch (error) {
    throw problemError('input-invalid', `${file}: ${(error as Error).message.trim()}`);
  }
}

function text(value: unknown, where: string): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw problemError('input-invalid', `${where} must be text`);
}

function texts(value: unknown, where: string): string[] {
  return (Array.isArray(value) ? value : [value]).map((item) => text(item, where));
}
