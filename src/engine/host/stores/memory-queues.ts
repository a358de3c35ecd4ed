/** Queues in memory: for nodes without a data directory. They survive nothing, and every queue says so. */
import type { LoadAsk, QueueWrite } from '../../core/queues/effects.ts';
import { QueueTables } from '../../core/queues/tables.ts';
import type { QueueContent, QueueStore } from '../ports.ts';

export class MemoryQueues implements QueueStore {
  readonly durability = 'memory';
  readonly #tables = new QueueTables();

  async open() {
    return this.#tables.opened;
  }

  async commit(writes: readonly QueueWrite[]): Promise<void> {
    this.#tables.apply(writes);
  }

  async load(queue: number, ask: LoadAsk) {
    return this.#tables.load(queue, ask);
  }

  async contents(queue: number, ids: readonly number[]): Promise<ReadonlyMap<number, QueueContent>> {
    const found = new Map<number, QueueContent>();
    for (const id of ids) {
      const row = this.#tables.message(queue, id);
      if (row === undefined) continue;
      const { dead } = row.message;
      found.set(id, { content: row.content as Uint8Array, ...(dead !== undefined && { dead }) });
    }
    return found;
  }

  async list(queue: number, after: number, limit: number) {
    return this.#tables.list(queue, after, limit).map(({ message, content }) => ({
      content: content as Uint8Array,
      message,
    }));
  }

  async oldestAt(queue: number) {
    return this.#tables.list(queue, 0, 1)[0]?.message.sentAt;
  }

  async close(): Promise<void> {}
}
