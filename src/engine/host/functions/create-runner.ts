/**
 * A node's runner: its own functions, those of its users' modules and programs, and the samples that a user's own
 * replace.
 */
import type { FunctionDefinition, NodeOptions } from '../../api.ts';
import { SystemClock } from '../clock.ts';
import { execCommand } from './exec-command.ts';
import { ExecRunner } from './exec-runner.ts';
import { InlineRunner } from './inline-runner.ts';
import type { Carrier } from './nested-calls.ts';
import type { PartRunner } from './offer.ts';
import { Runners } from './runners.ts';
import { WatchedRunner } from './watched-runner.ts';
import { WorkerRunner } from './worker-runner.ts';

export interface RunnerOptions {
  /** Functions that run on the node's loop. Those of version 0.0.0 give way to users' functions of the same name. */
  readonly inline: readonly FunctionDefinition[];
  /** Files and folders of modules, which run in worker threads. */
  readonly modules: readonly string[];
  readonly workers: number;
  readonly workerMemoryMb?: number | undefined;
  /** Whether modules are loaded again when they change. */
  readonly watch: boolean;
  /** Programs: `NAME=COMMAND`, or a command alone. */
  readonly exec: readonly string[];
  readonly node: string;
  readonly log: NonNullable<NodeOptions['log']>;
  /** Opens a client of the node itself, for the calls that its functions make. */
  readonly open: () => Promise<Carrier>;
  /** What the runner offers is something else now. */
  readonly changed?: () => void;
}

const YIELDING_VERSION = '0.0.0';

/** Resolves when all is loaded and started. Rejects with `module-invalid`, `file-unreadable` or `input-invalid`. */
export async function createRunner(options: RunnerOptions): Promise<Runners> {
  const { changed, inline, log, node, open } = options;
  const clock = new SystemClock();
  const yields = ({ version }: FunctionDefinition) => version === YIELDING_VERSION;
  const describe = {
    name: 'mpreg.describe',
    run: (name: unknown) => (typeof name === 'string' ? runners.describe(name) : runners.functions),
  };
  const first = new InlineRunner({ clock, definitions: [describe, ...inline.filter((one) => !yields(one))], log });
  const last = new InlineRunner({ clock, definitions: inline.filter(yields), log });
  const users = await usersRunners(options, clock);
  const runners = new Runners({
    node,
    now: () => clock.now(),
    open,
    parts: [first, ...users, last],
    ...(changed && { changed }),
  });
  return runners;
}

/** All of them, or none. */
async function usersRunners(options: RunnerOptions, clock: SystemClock): Promise<readonly PartRunner[]> {
  const { exec, log, modules, watch, workerMemoryMb, workers } = options;
  const commands = exec.map(execCommand);
  const threads = { clock, log, modules, workers, ...(workerMemoryMb !== undefined && { heapMbMax: workerMemoryMb }) };
  const starting: Promise<PartRunner>[] = commands.map((command) => ExecRunner.start({ clock, command, log }));
  if (modules.length > 0) starting.unshift((watch ? WatchedRunner : WorkerRunner).start(threads));
  const settled = await Promise.allSettled(starting);
  const started = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const refused = settled.find((one) => one.status === 'rejected');
  if (refused === undefined) return started;
  await Promise.all(started.map((runner) => runner.close(0)));
  throw refused.reason;
}
