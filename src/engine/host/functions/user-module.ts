/**
 * Loads a user's module from disk (.ts .mts .js .mjs .cjs), and lets it import `mpreg`: that is this very copy, wherever
 * the file lies.
 *
 * In a single executable two things differ: its main script can import built-in modules only, so a CommonJS module made
 * from memory, whose `import` is Node's ordinary one, does it; and there is no file of ours to resolve to, so `mpreg` is
 * a module made from memory too, with what functions need: `defineFunction` and `context`.
 */
import { createRequire, type ResolveHookSync, registerHooks } from 'node:module';
import { isSea } from 'node:sea';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { context, defineFunction } from '../../define-function.ts';

type Exports = Record<string, unknown>;
type Importer = (href: string) => Promise<Exports>;

const SELF = Symbol.for('mpreg.self');
const SELF_URL = 'mpreg:self';
const SELF_SOURCE =
  "const self = globalThis[Symbol.for('mpreg.self')]; export const { defineFunction, context } = self;";
const IMPORTER_URL = 'mpreg:importer';

let importer: Importer | undefined;
const imported = new Set<string>();

/** The user's own files that were imported in this thread, or looked for in vain; not those of packages. */
export function importedFiles(): readonly string[] {
  return [...imported];
}

export function importUserModule(file: string): Promise<Exports> {
  importer ??= prepared();
  return importer(pathToFileURL(file).href);
}

function prepared(): Importer {
  if (!isSea()) {
    const self = import.meta.resolve(`./self.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`);
    registerHooks({
      resolve: (specifier, about, next) =>
        specifier === 'mpreg' ? { shortCircuit: true, url: self } : noting(specifier, about, next),
    });
    return (href) => import(href) as Promise<Exports>;
  }
  (globalThis as { [SELF]?: object })[SELF] = { context, defineFunction };
  const made = new Map([
    [IMPORTER_URL, { format: 'commonjs', source: 'module.exports = (href) => import(href);' }],
    [SELF_URL, { format: 'module', source: SELF_SOURCE }],
  ]);
  registerHooks({
    load: (url, about, next) => {
      const module = made.get(url);
      return module === undefined ? next(url, about) : { ...module, shortCircuit: true };
    },
    resolve: (specifier, about, next) => {
      const url = specifier === 'mpreg' ? SELF_URL : specifier;
      const module = made.get(url);
      return module === undefined ? noting(specifier, about, next) : { format: module.format, shortCircuit: true, url };
    },
  });
  return createRequire(process.execPath)(IMPORTER_URL) as Importer;
}

/** Resolves as Node does, and remembers which file that is. */
const noting: ResolveHookSync = (specifier, about, next) => {
  try {
    const found = next(specifier, about);
    note(found.url);
    return found;
  } catch (error) {
    note((error as { readonly url?: unknown }).url);
    throw error;
  }
};

function note(url: unknown): void {
  if (typeof url !== 'string' || !url.startsWith('file:') || url.includes('/node_modules/')) return;
  if (OWN === undefined || !url.startsWith(OWN)) imported.add(fileURLToPath(url));
}

/** Where this very copy of mpreg lies; undefined within a single executable. */
const OWN = isSea() ? undefined : new URL('../../../', import.meta.url).href;
