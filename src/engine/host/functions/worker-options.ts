import type { NodeOptions } from '../../api.ts';
import type { Clock } from '../ports.ts';

export interface WorkerRunnerOptions {
  /** Files and folders. */
  readonly modules: readonly string[];
  /** Threads; default 2. */
  readonly workers?: number;
  /** JavaScript heap of one thread, in MiB; default 512. */
  readonly heapMbMax?: number;
  /** Jobs that wait for a thread; one more is `overloaded`. Default 10 000. */
  readonly waitingMax?: number;
  /** How long a function may ignore that it should stop before its call is answered without it; default 5 000 ms. */
  readonly ignoredMs?: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: NonNullable<NodeOptions['log']>;
  /** Told of the files that were loaded for the modules, also where that failed half-way. */
  readonly imported?: (files: readonly string[]) => void;
}
