/** Where `bin/run.js` hands over: runs the command line with the commands of `dist/`. */
import { runCommandLine } from './cli/run.ts';

/** `dir`: the address of a module inside the package. */
export function main(dir: string): Promise<never> {
  return runCommandLine(process.argv.slice(2), dir);
}
