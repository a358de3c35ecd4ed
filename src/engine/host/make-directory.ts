/**
 * Makes a directory, and those above it that are missing; one that is there is left as it is. Throws the system's error.
 *
 * Why not `mkdirSync` with `recursive`: where a parent exists and says that it does not (`/proc/x`), that one never ends.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

export function makeDirectory(path: string, mode: number): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent, mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
