/** From which queue a function gets messages, and how many at once. Plain data. */
export interface Feed {
  readonly queue: string;
  /** Messages of one call; 1: the function gets the message itself, else a list of them. */
  readonly batch: number;
  /** Calls at once that come from the queue. */
  readonly concurrency: number;
  readonly visibilityMs: number;
}

/** What a function's author says of it. */
export interface Fed {
  readonly queue?: number | string;
  readonly batch?: number;
  readonly visibilityMs?: number;
  readonly concurrency?: number;
}

/** What a function that a queue feeds gets as its second argument, the first being the body; with `batch`, a list with `body`. */
export interface QueuedMessage {
  readonly queue: string;
  readonly id: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly group?: string;
  readonly priority: number;
  readonly sentAt: number;
  /** 1 for the first time. */
  readonly receives: number;
}

export const FEED_FIELDS = ['batch', 'visibilityMs'] as const;

const BATCH_MAX = 1_000;
const VISIBILITY_MS = 30_000;
/** Where its author does not say: a few at once, so that those of other nodes have something to do. */
const CONCURRENCY = 10;

/** Undefined where no queue feeds the function. */
export function feedOf({
  batch = 1,
  concurrency = CONCURRENCY,
  queue,
  visibilityMs = VISIBILITY_MS,
}: Fed): Feed | undefined {
  return typeof queue === 'string' ? { batch, concurrency, queue, visibilityMs } : undefined;
}

/** Why what is said about a queue cannot be, or undefined. */
export function feedMisfit(definition: Readonly<Record<string, unknown>>): string | undefined {
  const { batch, queue, visibilityMs } = definition;
  if (typeof queue !== 'string') {
    const idle = FEED_FIELDS.find((field) => definition[field] !== undefined);
    return idle === undefined ? undefined : `${idle} is for functions that a queue feeds: name it with "queue"`;
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(queue)) return `queue: ${JSON.stringify(queue)} is no name of a queue`;
  const isWhole = (held: unknown, most: number) =>
    Number.isSafeInteger(held) && Number(held) > 0 && Number(held) <= most;
  if (batch !== undefined && !isWhole(batch, BATCH_MAX)) return `batch must be a whole number from 1 to ${BATCH_MAX}`;
  if (visibilityMs === undefined || isWhole(visibilityMs, Number.MAX_SAFE_INTEGER)) return undefined;
  return 'visibilityMs must be a whole number of milliseconds above 0';
}
