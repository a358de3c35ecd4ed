/**
 * How this program starts itself again: a single executable is its own command; in a checkout it is Node with the same
 * options and the same script, so that `bin/dev.js` starts nodes from source too.
 */
import { isSea } from 'node:sea';

export interface OwnProcess {
  readonly file: string;
  /** What comes before the words of the command line. */
  readonly args: readonly string[];
}

export function ownProcess(): OwnProcess {
  if (isSea()) return { args: [], file: process.execPath };
  return { args: [...process.execArgv, process.argv[1] ?? ''], file: process.execPath };
}
