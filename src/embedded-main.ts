/** Where the entry module of a bundle hands over (`scripts/package.mjs` writes that module). */
import type { Interfaces, Plugin } from '@oclif/core';
import { runCommandLine } from './cli/run.ts';
import { type CommandLoaders, embeddedConfig } from './embedded.ts';

export async function main(
  pjson: Interfaces.PJSON,
  manifest: Plugin['manifest'],
  loaders: CommandLoaders,
): Promise<never> {
  return runCommandLine(process.argv.slice(2), await embeddedConfig(pjson, manifest, loaders, process.execPath));
}
