/**
 * Loads a user's module from disk (.ts .mts .js .mjs .cjs), and lets it import `mpreg`: that is this very copy, wherever
 * the file lies.
 *
 * In a single executable two things differ: its main script can import built-in modules only, so a CommonJS module made
 * from memory, whose `import` is Node's ordinary one, does it; and there is no file of ours to resolve to, so `mpreg` is
 * a module made from memory too, with what functions need: `defineFunction` and `context`.
 */
import { createRequire, registerHooks } from 'node:module';
import { isSea } from 'node:sea';
import { pathToFileURL } from 'node:url';
import { context, defineFunction } from '../../define-function.ts';

type Exports = Record<string, unknown>;
type Importer = (href: string) => Promise<Exports>;

const SELF = Symbol.for('mpreg.self');
const SELF_URL = 'mpreg:self';
const SELF_SOURCE =
  "const self = globalThis[Symbol.for('mpreg.self')]; export const { defineFunction, context } = self;";
const IMPORTER_URL = 'mpreg:importer';

let importer: Importer | undefined;

export function importUserModule(file: string): Promise<Exports> {
  importer ??= prepared();
  return importer(pathToFileURL(file).href);
}

function prepared(): Importer {
  if (!isSea()) {
    const self = import.meta.resolve(`./self.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`);
    registerHooks({
      resolve: (specifier, about, next) =>
        specifier === 'mpreg' ? { shortCircuit: true, url: self } : next(specifier, about),
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
      return module === undefined ? next(specifier, about) : { format: module.format, shortCircuit: true, url };
    },
  });
  return createRequire(process.execPath)(IMPORTER_URL) as Importer;
}
