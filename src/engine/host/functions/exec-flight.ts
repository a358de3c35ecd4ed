import type { NodeOptions } from '../../api.ts';
import type { Clock, Job } from '../ports.ts';
import type { ExecCommand, ExecProcess } from './exec-process.ts';
import type { ExecStream } from './exec-stream.ts';

export interface ExecRunnerOptions {
  readonly command: ExecCommand;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: NonNullable<NodeOptions['log']>;
  /** How long a program may ignore a cancellation before the call is answered without it; default 5 000 ms. */
  readonly ignoredMs?: number;
  /** How long a program that names its functions itself may take to do so; default 30 000 ms. */
  readonly helloMs?: number;
}

/** One call on its way through the runner. */
export interface Flight {
  readonly job: Job;
  readonly id: number;
  /** Undefined while it is held. */
  process: ExecProcess | undefined;
  aborted: string | undefined;
  /** Until a cancellation counts as ignored. */
  timer: NodeJS.Timeout | undefined;
  /** Answered already; the program still works on it. */
  abandoned: boolean;
  /** Of a paced job. */
  stream: ExecStream | undefined;
}
