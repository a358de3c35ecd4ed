/**
 * From what a module exports to the functions that a node offers.
 *
 * | export | becomes |
 * | --- | --- |
 * | what `defineFunction` returned | that function, by its own name |
 * | a function | a function named as the export; a default one as itself, or else as its file |
 * | a list or plain object of these | each of them; in an object, plain functions are named as their keys |
 * | anything else: classes, constants | nothing, with a note |
 */
import { basename, extname } from 'node:path';
import type { FunctionDefinition } from '../../api.ts';
import { isDefinition, nameMisfit } from '../../define-function.ts';
import { problemError } from '../../problem-error.ts';

export interface ModuleFunctions {
  readonly definitions: readonly FunctionDefinition[];
  /** Exports that became nothing, with the reason. */
  readonly notes: readonly string[];
}

/** Throws `module-invalid` where a name cannot be a function's. */
export function functionsOf(exports: Readonly<Record<string, unknown>>, file: string): ModuleFunctions {
  const definitions: FunctionDefinition[] = [];
  const notes: string[] = [];
  for (const [name, value] of Object.entries(exports)) {
    if (name === 'module.exports') continue; // Node's second name for the default export of a CommonJS module
    const found = name === 'default' ? ofDefault(value, file) : definitionsIn(name, value);
    if (found.length === 0) notes.push(`${file}: the export ${name} is no function`);
    definitions.push(...found);
  }
  for (const { name } of definitions) {
    const wrong = nameMisfit(name);
    if (wrong !== undefined) throw problemError('module-invalid', `${file}: ${wrong}`, { path: file });
  }
  return { definitions: withoutRepeats(definitions), notes };
}

/** One per name. Throws `module-invalid` where two different functions have the same. */
export function byName(
  found: readonly { readonly file: string; readonly definition: FunctionDefinition }[],
): ReadonlyMap<string, FunctionDefinition> {
  const files = new Map<string, string>();
  const definitions = new Map<string, FunctionDefinition>();
  for (const { file, definition } of found) {
    const { name, run } = definition;
    const before = definitions.get(name);
    if (before !== undefined && before.run !== run) {
      throw problemError('module-invalid', `two functions have the name ${name}: in ${files.get(name)} and ${file}`, {
        path: file,
      });
    }
    files.set(name, file);
    definitions.set(name, definition);
  }
  return definitions;
}

function ofDefault(value: unknown, file: string): FunctionDefinition[] {
  const own = typeof value === 'function' && value.name !== 'default' ? value.name : '';
  return definitionsIn(own || basename(file, extname(file)), value);
}

function definitionsIn(name: string, value: unknown): FunctionDefinition[] {
  const one = asDefinition(name, value);
  if (one !== undefined) return [one];
  if (!Array.isArray(value) && !isPlain(value)) return [];
  const items = Object.entries(value).map(([key, item]) =>
    asDefinition(Array.isArray(value) && typeof item === 'function' ? item.name : key, item),
  );
  return items.every((item) => item !== undefined) ? items : [];
}

function asDefinition(name: string, value: unknown): FunctionDefinition | undefined {
  if (isDefinition(value)) return value;
  if (typeof value !== 'function' || /^class\b/.test(Function.prototype.toString.call(value))) return undefined;
  return { name, run: value as FunctionDefinition['run'] };
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** A CommonJS module's functions come twice: by name, and in its default export. */
function withoutRepeats(definitions: readonly FunctionDefinition[]): readonly FunctionDefinition[] {
  return definitions.filter(
    ({ name, run }, at) => definitions.findIndex((other) => other.name === name && other.run === run) === at,
  );
}
