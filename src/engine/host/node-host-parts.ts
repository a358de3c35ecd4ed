import type { Node } from '../core/node/node.ts';
import type { Doors } from './doors.ts';
import type { Clock, MessageLogs, QueueStore, Runner, Store } from './ports.ts';

export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  details?: Record<string, unknown>,
) => void;

export interface NodeHostParts {
  readonly node: Node;
  readonly clock: Clock;
  readonly store: Store;
  /** Of kept topics. */
  readonly messages: MessageLogs;
  readonly queues: QueueStore;
  readonly runner: Runner;
  readonly doors: Doors;
  readonly log: Log;
}
