/** The node's map in memory: for nodes without a data directory. It survives nothing, and says so by never failing. */
import type { Write } from '../../core/node/effects.ts';
import { problemError } from '../../problem-error.ts';
import type { Store } from '../ports.ts';

export class MemoryStore implements Store {
  readonly #pairs = new Map<string, string>();
  #open = true;

  read(key: string): string | undefined {
    return this.#pairs.get(key);
  }

  list(prefix: string): readonly (readonly [key: string, value: string])[] {
    return [...this.#pairs].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
  }

  async commit(writes: readonly Write[]): Promise<void> {
    if (!this.#open) throw problemError('store-failed', 'the store was closed before the commit');
    for (const { key, value } of writes) {
      if (value === null) this.#pairs.delete(key);
      else this.#pairs.set(key, value);
    }
  }

  async close(): Promise<void> {
    this.#open = false;
  }
}
