import type { Trigger } from '../functions/trigger.ts';
import { FunctionTrigger, type TriggerOptions } from './function-trigger.ts';

/** A function of this node that topics trigger. */
export interface Triggered {
  readonly fun: string;
  readonly trigger: Trigger;
  readonly concurrency: number;
}

/**
 * All functions of this node that topics trigger. What its modules export may change while it runs, and a node that drains
 * takes no messages: `arrange` makes it so.
 */
export class Triggers {
  readonly #options: Omit<TriggerOptions, keyof Triggered>;
  /** By what makes them what they are. */
  readonly #running = new Map<string, FunctionTrigger>();

  constructor(options: Omit<TriggerOptions, keyof Triggered>) {
    this.#options = options;
  }

  arrange(wanted: readonly Triggered[]): void {
    const keys = new Map(wanted.map((one) => [JSON.stringify(one), one]));
    for (const [key, trigger] of this.#running) {
      if (keys.has(key)) continue;
      trigger.close();
      this.#running.delete(key);
    }
    for (const [key, one] of keys) {
      if (!this.#running.has(key)) this.#running.set(key, new FunctionTrigger({ ...this.#options, ...one }));
    }
  }
}
