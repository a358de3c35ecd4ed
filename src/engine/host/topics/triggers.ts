import type { Feed } from '../functions/queue-feed.ts';
import type { Trigger } from '../functions/trigger.ts';
import { FunctionFeed } from '../queue-client/function-feed.ts';
import { FunctionTrigger, type TriggerOptions } from './function-trigger.ts';

/** A function of this node that topics trigger, or a queue feeds. */
export type Triggered =
  | { readonly fun: string; readonly trigger: Trigger; readonly concurrency: number }
  | { readonly fun: string; readonly feed: Feed };

type Shared = Omit<TriggerOptions, 'fun' | 'trigger' | 'concurrency'>;

/**
 * All functions of this node that topics trigger or queues feed. What its modules export may change while it runs, and a node that drains
 * takes no messages: `arrange` makes it so.
 */
export class Triggers {
  readonly #options: Shared;
  /** By what makes them what they are. */
  readonly #running = new Map<string, FunctionTrigger | FunctionFeed>();

  readonly #ending = new Set<Promise<void>>();

  constructor(options: Shared) {
    this.#options = options;
  }

  /** Resolves when all that were told to end have ended. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#ending);
  }

  arrange(wanted: readonly Triggered[]): void {
    const keys = new Map(wanted.map((one) => [JSON.stringify(one), one]));
    for (const [key, trigger] of this.#running) {
      if (keys.has(key)) continue;
      const ending = trigger.close().finally(() => this.#ending.delete(ending));
      this.#ending.add(ending);
      this.#running.delete(key);
    }
    for (const [key, one] of keys) {
      if (this.#running.has(key)) continue;
      const options = this.#options;
      const made =
        'feed' in one ? new FunctionFeed({ ...options, ...one }) : new FunctionTrigger({ ...options, ...one });
      this.#running.set(key, made);
    }
  }
}
