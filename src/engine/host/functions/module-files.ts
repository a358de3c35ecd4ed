/** From the paths that a user names to the module files that they mean. */
import { readdirSync, statSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { problemError } from '../../problem-error.ts';

const EXTENSIONS = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'];

export interface ModuleFile {
  readonly file: string;
  /** Named itself, not met in a folder: then it has to have functions. */
  readonly named: boolean;
}

/**
 * A file stands for itself, a folder for the module files right in it, in the order of their names; hidden files, type
 * declarations and tests are none. Throws `file-unreadable` or `module-invalid`.
 */
export function moduleFiles(paths: readonly string[]): readonly ModuleFile[] {
  return paths.flatMap((path) => {
    const full = resolve(path);
    if (!isFolder(full)) {
      if (EXTENSIONS.includes(extname(full))) return [{ file: full, named: true }];
      throw problemError('module-invalid', `${path} is no module: it must end in ${EXTENSIONS.join(' ')}`, { path });
    }
    const files = readdirSync(full).filter(isModule).sort();
    if (files.length === 0) throw problemError('module-invalid', `the folder ${path} has no modules in it`, { path });
    return files.map((name) => ({ file: join(full, name), named: files.length === 1 }));
  });
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw problemError('file-unreadable', `${path} cannot be read: ${(error as Error).message}`, { path });
  }
}

function isModule(name: string): boolean {
  return EXTENSIONS.includes(extname(name)) && !/^\.|\.d\.[cm]?ts$|\.(test|spec)\.[^.]+$/.test(name);
}
