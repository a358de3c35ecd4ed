import { parsePattern, parseTopic } from '../../core/topics/pattern.ts';

/** Which messages of topics a function is called with, and what becomes of those that it fails on. Plain data. */
export interface Trigger {
  readonly on: readonly string[];
  /** Each message goes to one node of those that name the same group. */
  readonly group: string;
  readonly retry: Required<RetryPolicy>;
  /** Gets what has failed for good; absent: that is logged, and lost. */
  readonly deadLetter?: string;
}

/** What a function's author says of it. */
export interface Triggering {
  readonly on?: string | readonly string[];
  readonly group?: string;
  readonly retry?: RetryPolicy;
  readonly deadLetter?: string;
}

export interface RetryPolicy {
  /** Calls of the function with one message, the first included. Default 3. */
  readonly attempts?: number;
  /** Milliseconds before the second; each further pause is twice as long, more or less. Default 200. */
  readonly backoffMs?: number;
  /** The longest pause. Default 30 000. */
  readonly backoffMsMax?: number;
}

/** What a function that a topic triggers gets as its second argument; the first is the message's payload. */
export interface TriggerMessage {
  readonly topic: string;
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly publisher: string;
  readonly time: number;
  /** 1 for the first call with this message, wherever that was. */
  readonly attempt: number;
}

export const TRIGGER_FIELDS = ['on', 'group', 'retry', 'deadLetter'] as const;

const RETRY: Required<RetryPolicy> = { attempts: 3, backoffMs: 200, backoffMsMax: 30_000 };

/** Undefined where no topic triggers the function. */
export function triggerOf(name: string, { on, group = name, retry, deadLetter }: Triggering): Trigger | undefined {
  if (on === undefined) return undefined;
  return {
    group,
    on: typeof on === 'string' ? [on] : [...on],
    retry: { ...RETRY, ...retry },
    ...(deadLetter === undefined ? {} : { deadLetter }),
  };
}

/** Why what is said about topics cannot be, or undefined. */
export function triggerMisfit(definition: Readonly<Record<string, unknown>>): string | undefined {
  const { on, group, retry, deadLetter } = definition;
  if (on === undefined) {
    const idle = ['group', 'retry', 'deadLetter'].find((field) => definition[field] !== undefined);
    return idle === undefined ? undefined : `${idle} is for functions that topics trigger: say which with "on"`;
  }
  const patterns: readonly unknown[] = Array.isArray(on) ? on : [on];
  if (patterns.length === 0) return 'on must name a pattern of topics';
  for (const pattern of patterns) {
    const parsed = typeof pattern === 'string' ? parsePattern(pattern) : undefined;
    if (parsed === undefined) return 'on must be a pattern of topics, or a list of them';
    if (!parsed.ok) return `on: ${parsed.problem.message}`;
  }
  if (group !== undefined && (typeof group !== 'string' || group === '')) return 'group must be a name';
  if (deadLetter !== undefined) {
    const parsed = typeof deadLetter === 'string' ? parseTopic(deadLetter) : undefined;
    if (!parsed?.ok) return `deadLetter must be a topic${parsed === undefined ? '' : `: ${parsed.problem.message}`}`;
  }
  return retry === undefined ? undefined : retryMisfit(retry);
}

function retryMisfit(retry: unknown): string | undefined {
  if (typeof retry !== 'object' || retry === null || Array.isArray(retry)) return 'retry must be an object';
  for (const [field, held] of Object.entries(retry)) {
    if (!Object.hasOwn(RETRY, field)) return `retry has no field ${field}; it has ${Object.keys(RETRY).join(', ')}`;
    const least = field === 'attempts' ? 1 : 0;
    if (!Number.isSafeInteger(held) || Number(held) < least)
      return `retry.${field} must be a whole number, ${least} or more`;
  }
  return undefined;
}
