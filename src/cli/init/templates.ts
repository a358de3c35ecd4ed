/**
 * The projects that `mpreg init` writes. In a checkout and in a package they are the folder `templates/`; a single
 * executable carries the same files as one asset, which `scripts/package.mjs` makes of that folder.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { getAsset, getAssetKeys, isSea } from 'node:sea';
import { fileURLToPath } from 'node:url';

export const TEMPLATES = {
  functions: 'functions on two nodes, called one by one',
  'python-worker': 'functions in Python, which needs only its standard library',
  queue: 'a worker on a durable queue',
  workflow: 'a workflow over a real data file, across three nodes',
} as const;

export type TemplateName = keyof typeof TEMPLATES;

/** Path, with `/`, → text. */
export type Files = ReadonlyMap<string, string>;

const ASSET = 'templates.json';

export function templateFiles(name: TemplateName): Files {
  if (isSea()) return new Map(Object.entries(embedded()[name] ?? {}));
  const folder = fileURLToPath(new URL(`../../../templates/${name}/`, import.meta.url));
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length).replaceAll(sep, '/'));
  return new Map(paths.sort().map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

function embedded(): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const inBlob = getAssetKeys().includes(ASSET); // Node's own executables; those of pkg show assets as files, by path
  const path = fileURLToPath(new URL(ASSET, import.meta.url));
  return JSON.parse(inBlob ? getAsset(ASSET, 'utf8') : readFileSync(path, 'utf8'));
}
