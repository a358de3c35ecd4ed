/** A node's runner: its own functions, those of its users' modules, and the samples that a user's own replace. */
import type { FunctionDefinition, NodeOptions } from '../../api.ts';
import { SystemClock } from '../clock.ts';
import type { Runner } from '../ports.ts';
import { InlineRunner } from './inline-runner.ts';
import { Runners } from './runners.ts';
import { WorkerRunner } from './worker-runner.ts';

export interface RunnerOptions {
  /** Functions that run on the node's loop. Those of version 0.0.0 give way to modules' functions of the same name. */
  readonly inline: readonly FunctionDefinition[];
  /** Files and folders of modules, which run in worker threads. */
  readonly modules: readonly string[];
  readonly workers: number;
  readonly log: NonNullable<NodeOptions['log']>;
}

const YIELDING_VERSION = '0.0.0';

/** Resolves when all modules are loaded. Rejects with `module-invalid` or `file-unreadable`. */
export async function createRunner({ inline, modules, workers, log }: RunnerOptions): Promise<Runner> {
  const clock = new SystemClock();
  const yields = ({ version }: FunctionDefinition) => version === YIELDING_VERSION;
  const first = new InlineRunner({ clock, definitions: inline.filter((one) => !yields(one)), log });
  const last = new InlineRunner({ clock, definitions: inline.filter(yields), log });
  if (modules.length === 0) return new Runners([first, last]);
  return new Runners([first, await WorkerRunner.start({ clock, log, modules, workers }), last]);
}
