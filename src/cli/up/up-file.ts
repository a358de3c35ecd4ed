/**
 * The file behind `mpreg up`: which nodes there are, and what each has. It may be the project file (`mpreg.yaml`), so
 * that the commands of that folder talk to the same cluster.
 *
 * Paths in it are relative to it; keys may be written `dataDir` or `data_dir`. A key that nobody knows is refused: a
 * misspelt one would be ignored otherwise.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { nearest, problemError } from '../../engine/index.ts';

const UP_FILES = ['mpreg.up.yaml', 'mpreg.up.yml', 'mpreg.up.json', 'up.yaml', 'up.yml', 'up.json'] as const;
const PROJECT_FILES = ['mpreg.yaml', 'mpreg.yml', 'mpreg.json'] as const;

/** Limit: all of them run on one machine. */
const NODES_MAX = 128;

const text = z.string().min(1);
const texts = z.union([text.transform((one) => [one]), z.array(text)]).default([]);

const nodeSchema = z.strictObject({
  dataDir: text.optional(),
  exec: texts,
  env: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).default({}),
  functions: texts,
  host: text.optional(),
  name: z.string().regex(/^[\w.-]{1,64}$/, 'a name has letters, digits, dots and dashes, at most 64'),
  peers: texts,
  port: z.int().min(0).max(65_535).optional(),
  region: text.optional(),
  resources: texts,
  watch: z.boolean().default(false),
  workers: z.int().min(1).max(256).optional(),
});

const fileSchema = z.strictObject({
  cluster: text.optional(),
  keyFile: text.optional(),
  nodes: z.array(nodeSchema).min(1, 'it must name at least one node').max(NODES_MAX),
  // What the project file says to other commands.
  context: z.unknown().optional(),
  timeout: z.unknown().optional(),
  tlsCa: z.unknown().optional(),
  tlsCert: z.unknown().optional(),
  tlsKey: z.unknown().optional(),
  url: z.unknown().optional(),
  urls: z.unknown().optional(),
});

const KEYS = [...Object.keys(fileSchema.shape), ...Object.keys(nodeSchema.shape)];

export type UpNode = z.output<typeof nodeSchema>;

export interface UpFile {
  readonly file: string;
  readonly folder: string;
  readonly cluster: string | undefined;
  readonly keyFile: string | undefined;
  readonly nodes: readonly UpNode[];
}

/** The named file, or the one in the named folder, or the nearest one in this folder or above. */
export function findUpFile(named: string | undefined, from: string = process.cwd()): string {
  if (named !== undefined) return fileIn(resolve(from, named)) ?? resolve(from, named);
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const found = fileIn(folder);
    if (found !== undefined) return found;
    if (dirname(folder) === folder) break;
  }
  throw problemError('file-unreadable', `no ${UP_FILES[0]} or ${PROJECT_FILES[0]} is here or in a folder above`, {
    hint: 'Name the file, or make a project that has one.\nmpreg init',
  });
}

function fileIn(folder: string): string | undefined {
  return [...UP_FILES, ...PROJECT_FILES].map((name) => join(folder, name)).find((path) => existsSync(path));
}

/** Rejects with `file-unreadable`, or with `input-invalid` and the place in the file. */
export async function readUpFile(file: string): Promise<UpFile> {
  const content = await readFile(file, 'utf8').catch((error: Error) => {
    throw problemError('file-unreadable', `${file}: ${error.message}`, { hint: `Check its path.\nls -l ${file}` });
  });
  const checked = fileSchema.safeParse(camelKeys(await parse(file, content)));
  if (!checked.success) throw misfit(file, checked.error.issues[0]);
  const { cluster, keyFile, nodes } = checked.data;
  const names = nodes.map(({ name }) => name);
  const twice = names.findIndex((name, at) => names.indexOf(name) !== at);
  if (twice >= 0) throw wrong(file, `nodes[${twice}].name`, `two nodes are named "${names[twice]}"`);
  const folder = dirname(file);
  return {
    cluster,
    file,
    folder,
    keyFile: keyFile === undefined ? undefined : resolve(folder, keyFile),
    nodes: nodes.map((node) => ({
      ...node,
      ...(node.dataDir !== undefined && { dataDir: resolve(folder, node.dataDir) }),
      functions: node.functions.map((path) => resolve(folder, path)),
    })),
  };
}

async function parse(file: string, content: string): Promise<unknown> {
  try {
    return file.endsWith('.json') ? JSON.parse(content) : (await import('yaml')).parse(content);
  } catch (error) {
    throw wrong(file, undefined, (error as Error).message.trim());
  }
}

/** `data_dir` means `dataDir`. The names of environment variables are left as they are. */
function camelKeys(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => camelKeys(item));
  if (typeof value !== 'object' || value === null || key === 'env') return value;
  const entries = Object.entries(value).map(([name, item]): [string, unknown] => {
    const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    return [camel, camelKeys(item, camel)];
  });
  return Object.fromEntries(entries);
}

function misfit(file: string, issue: z.core.$ZodIssue | undefined): Error {
  const path = (issue?.path ?? []).reduce<string>(
    (whole, part) => whole + (typeof part === 'number' ? `[${part}]` : `${whole === '' ? '' : '.'}${String(part)}`),
    '',
  );
  if (issue?.code !== 'unrecognized_keys') return wrong(file, path || undefined, issue?.message ?? 'it is not valid');
  const [key = ''] = issue.keys;
  const meant = nearest(key, KEYS);
  const says = `there is no key "${key}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`;
  return wrong(file, path === '' ? key : `${path}.${key}`, says);
}

function wrong(file: string, path: string | undefined, says: string): Error {
  return problemError('input-invalid', `${file}${path === undefined ? '' : `: ${path}`}: ${says}`, {
    hint: 'See what such a file looks like.\nmpreg up --help',
    ...(path !== undefined && { path }),
  });
}
