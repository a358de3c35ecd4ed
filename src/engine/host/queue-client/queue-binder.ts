/**
 * All bindings of topics to the queues of this node. They are kept with the queue, among its notes, so that they go where it
 * goes; `arrange`, called with every change of a queue, makes what runs what they say.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { FunctionDefinition } from '../../api.ts';
import { RecentIds } from '../../core/base/recent-ids.ts';
import type { QueueOptions } from '../../core/queues/options.ts';
import { parsePattern } from '../../core/topics/pattern.ts';
import { ProblemError, problemError } from '../../problem-error.ts';
import type { QueueInfo } from '../../queues-api.ts';
import type { LinkClient } from '../client.ts';
import type { Log } from '../node-host.ts';
import { QueueBinding } from './queue-binding.ts';
import { bindingsOf } from './queue-notes.ts';

export interface QueueBinderOptions {
  readonly open: (name: string) => Promise<LinkClient>;
  readonly log: Log;
}

interface Bound {
  readonly recent: RecentIds;
  readonly unsure: Set<string>;
  /** By pattern. */
  readonly bindings: Map<string, QueueBinding>;
}

/** Limits: patterns of one queue; ids by which a message is known that comes by several of them. */
const PATTERNS_MAX = 100;
const RECENT_MAX = 20_000;
/** Whoever binds waits so long at most for what is published to come. */
const BOUND_MS = 5_000;

export class QueueBinder {
  readonly #options: QueueBinderOptions;
  readonly #bound = new Map<string, Bound>();

  constructor(options: QueueBinderOptions) {
    this.#options = options;
  }

  /** So is a queue of this node now; without options, there is no such queue any more. */
  arrange(queue: string, options?: Pick<QueueOptions, 'kind' | 'notes'>): void {
    const patterns = options === undefined ? [] : bindingsOf({ options });
    this.#arrange(queue, patterns, options?.kind === 'fifo', true);
  }

  close(): void {
    for (const queue of [...this.#bound.keys()]) this.#arrange(queue, [], false, false);
  }

  /** Binds or unbinds patterns of a queue of this node. */
  async change(name: unknown, patterns: unknown, how: 'bind' | 'unbind'): Promise<QueueInfo> {
    if (typeof name !== 'string') throw problemError('input-invalid', 'the queue must be a text');
    const given = patternsOf(patterns);
    const client = await this.#options.open(`queue ${name}`);
    try {
      const queue = client.queue(name);
      const info = await queue.info();
      const before = bindingsOf(info);
      const after =
        how === 'bind' ? [...new Set([...before, ...given])] : before.filter((pattern) => !given.includes(pattern));
      if (after.length > PATTERNS_MAX)
        throw problemError(
          'limit-exceeded',
          `${name} would have ${after.length} bindings, and may have ${PATTERNS_MAX}`,
        );
      const changed = await queue.edit({ notes: { bindings: after } } as object);
      const bound = [...(this.#bound.get(name)?.bindings.values() ?? [])].map((binding) => binding.bound);
      await Promise.race([Promise.all(bound), pause(BOUND_MS, undefined, { ref: false })]);
      return changed;
    } finally {
      await client.close();
    }
  }

  #arrange(queue: string, patterns: readonly string[], fifo: boolean, forgetting: boolean): void {
    const bound = this.#bound.get(queue) ?? {
      bindings: new Map(),
      recent: new RecentIds(RECENT_MAX),
      unsure: new Set(),
    };
    const { bindings, recent, unsure } = bound;
    for (const [pattern, binding] of bindings) {
      if (patterns.includes(pattern)) continue;
      if (forgetting) {
        const { log } = this.#options;
        const text = `whoever keeps ${pattern} still waits for the queue ${queue}, which is bound to it no more`;
        binding.forget().catch((error: unknown) => log('warn', `${text}: ${String(error)}`));
      } else binding.close();
      bindings.delete(pattern);
    }
    for (const pattern of patterns) {
      if (bindings.has(pattern)) continue;
      bindings.set(pattern, new QueueBinding({ ...this.#options, fifo, pattern, queue, recent, unsure }));
    }
    if (bindings.size > 0) this.#bound.set(queue, bound);
    else this.#bound.delete(queue);
  }
}

/** `mpreg.queue.bind` and `mpreg.queue.unbind`: called where the queue is. */
export function bindingFunctions(binder: () => QueueBinder | undefined): readonly FunctionDefinition[] {
  return (['bind', 'unbind'] as const).map((how) => ({
    idempotent: true,
    name: `mpreg.queue.${how}`,
    run: (argument: { readonly queue?: unknown; readonly patterns?: unknown } | undefined) =>
      binder()?.change(argument?.queue, argument?.patterns, how),
  }));
}

function patternsOf(given: unknown): readonly string[] {
  if (!Array.isArray(given) || given.length === 0 || !given.every((one) => typeof one === 'string'))
    throw problemError('input-invalid', 'the patterns must be a list of texts');
  for (const pattern of given as readonly string[]) {
    const parsed = parsePattern(pattern);
    if (!parsed.ok) throw new ProblemError(parsed.problem);
  }
  return given as readonly string[];
}
