import type { Log } from '../node-host.ts';
import type { MessageLogs, Store } from '../ports.ts';
import { RetainedDisk } from '../topics/retained-disk.ts';
import { LateLog } from './late-log.ts';
import { MemoryLog } from './memory-log.ts';
import { SqliteLog } from './sqlite-log.ts';

/**
 * Where a node has what it keeps and retains of topics. Why with the node's start: what is damaged is told before anything is published.
 */
export async function openMessages(directory: string | undefined, store: Store, log: Log): Promise<MessageLogs> {
  const memory = new MemoryLog();
  if (directory === undefined) return { close: async () => undefined, memory, stored: [] };
  const open = () => SqliteLog.open({ directory });
  const isThere = SqliteLog.isThere(directory);
  const disk = isThere ? await open() : new LateLog(open);
  const retained = new RetainedDisk(store, log);
  const close = async () => void (await Promise.all([retained.close(), disk.close()]));
  return { close, disk, memory, retained, stored: disk instanceof SqliteLog ? disk.stored : [] };
}
