import { done, failed, type Outcome } from '../base/outcome.ts';
import { type Problem, problem } from '../base/problems.ts';
import { DEFAULT_RETRY, type RetryPolicy, retryFlaw } from './retry.ts';

export type Kind = 'standard' | 'fifo' | 'priority' | 'delay';
export type Guarantee = 'fire-and-forget' | 'at-least-once' | 'broadcast' | 'quorum';

export const KINDS: readonly Kind[] = ['standard', 'fifo', 'priority', 'delay'];
export const GUARANTEES: readonly Guarantee[] = ['fire-and-forget', 'at-least-once', 'broadcast', 'quorum'];

/** What one queue is like. Plain data: stored with the queue, and sent to whoever asks. */
export interface QueueOptions {
  /** `standard` and `delay`: about as sent; `fifo`: exactly so within a group; `priority`: the highest first. */
  readonly kind: Kind;
  /**
   * How long a consumer has for a message before it comes back. Longer: fewer messages come twice because somebody was
   * slow. Shorter: those of a consumer that died come back sooner.
   */
  readonly visibilityMs: number;
  /** How long each message waits before it can be received. More: time for what it depends on. Less: sooner done. */
  readonly delayMs: number;
  /** How long a message is kept at most, in milliseconds since it was sent; null: until it is done. */
  readonly ttlMs: number | null;
  /** What becomes of a message whose time is up. */
  readonly expired: 'drop' | 'dead-letter';
  /** A message that was received so often and is not done goes to the dead letters; null: it comes back for ever. */
  readonly maxReceives: number | null;
  /** The queue of the dead letters, on the same node, made when it is first needed; null: there are none. */
  readonly deadLetter: string | null;
  /** When a message comes back that a consumer could not deal with. */
  readonly retry: RetryPolicy;
  /** Messages at once; one more is refused. Null: as many as the disk takes. */
  readonly messagesMax: number | null;
  /** Bytes of all messages; what does not fit is refused. Null: as many as the disk takes. */
  readonly bytesMax: number | null;
  /** Of one message. More: larger messages. Fewer: a bound on what one receive can bring. */
  readonly messageBytesMax: number;
  /** Messages that consumers hold at once. More: more and slower consumers. Fewer: less memory, about 300 bytes each. */
  readonly leasesMax: number;
  /** Whether a message that names no id of its own is recognised by its content. */
  readonly dedupe: 'id' | 'content';
  /** How long a message's id is remembered. Longer: later repetitions are recognised. Shorter: less memory. */
  readonly dedupeMs: number;
  /** Ids remembered at once; beyond, sends with an id are refused. More: more sends. Fewer: less memory, about 200 bytes each. */
  readonly dedupeMax: number;
  /** Deliveries of broadcast and quorum that are open at once. More: slower consumers. Fewer: less memory, about 400 bytes each. */
  readonly deliveriesMax: number;
  /** What a send promises that does not say. */
  readonly guarantee: Guarantee;
  /**
   * How old a lease gets before it is stored; 0: before the consumer hears of it. Longer: what is done sooner costs no write.
   * Shorter: fewer leases end, and fewer receives go uncounted, when the node dies.
   */
  readonly leaseWriteMs: number;
  /** For people and for faces; the queue does not look at them. */
  readonly tags: Readonly<Record<string, string>>;
  readonly notes: Readonly<Record<string, unknown>>;
}

const DAY_MS = 86_400_000;
/** Longer, and the sum of an instant and a duration would not be exact. */
const MS_MAX = 36_500 * DAY_MS;
const COUNT_MAX = 2 ** 40;

/** What a queue is like whose maker says nothing. */
export function defaultOptions(name: string): QueueOptions {
  return {
    bytesMax: null,
    deadLetter: `${name}.dead`,
    dedupe: 'id',
    dedupeMax: 500_000,
    dedupeMs: 300_000,
    delayMs: 0,
    deliveriesMax: 100_000,
    expired: 'drop',
    guarantee: 'at-least-once',
    kind: 'standard',
    leaseWriteMs: 1_000,
    leasesMax: 120_000,
    maxReceives: 10,
    messageBytesMax: 2 ** 20,
    messagesMax: null,
    notes: {},
    retry: DEFAULT_RETRY,
    tags: {},
    ttlMs: null,
    visibilityMs: 30_000,
  };
}

/** The dead letters of others: kept until somebody removes them. */
export function deadLetterOptions(name: string): QueueOptions {
  return { ...defaultOptions(name), deadLetter: null, maxReceives: null };
}

type Limits = readonly [from: number, to: number, orNull?: 'or null'];

const NUMBERS: Readonly<Record<string, Limits>> = {
  bytesMax: [1, 2 ** 53 - 1, 'or null'],
  dedupeMax: [1, 10_000_000],
  dedupeMs: [1, DAY_MS],
  delayMs: [0, MS_MAX],
  deliveriesMax: [1, 1_000_000],
  leasesMax: [1, 1_000_000],
  leaseWriteMs: [0, 60_000],
  maxReceives: [1, COUNT_MAX, 'or null'],
  messageBytesMax: [1, 256 * 2 ** 20],
  messagesMax: [1, COUNT_MAX, 'or null'],
  ttlMs: [1, MS_MAX, 'or null'],
  visibilityMs: [0, 7 * DAY_MS],
};

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  dedupe: ['id', 'content'],
  expired: ['drop', 'dead-letter'],
  guarantee: GUARANTEES,
  kind: KINDS,
};

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

/** Why a name cannot be that of a queue. */
export function nameFlaw(name: unknown): Problem | undefined {
  if (typeof name === 'string' && NAME.test(name)) return undefined;
  const must = 'it must be 1 to 128 letters, digits, "_", "-" or ".", beginning with a letter or digit';
  return invalid(`${JSON.stringify(name) ?? 'nothing'} is no name of a queue: ${must}`);
}

/** Why a queue cannot have these options; it is no queue of dead letters for itself: they would come again for ever. */
export function optionsFlaw(name: string, { deadLetter }: QueueOptions): Problem | undefined {
  return deadLetter === name ? invalid(`${name} cannot be the queue of its own dead letters`) : undefined;
}

/** Options as somebody gave them, over those that there were. */
export function withOptions(before: QueueOptions, given: Readonly<Record<string, unknown>>): Outcome<QueueOptions> {
  const options: Record<string, unknown> = { ...before };
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const flaw = Object.hasOwn(before, key) ? flawOf(key, value) : `a queue has no option "${key}"`;
    if (flaw !== undefined) return failed(invalid(flaw));
    options[key] = merged(key, before, value);
  }
  const settled = options as unknown as QueueOptions;
  const flaw = retryFlaw(settled.retry);
  return flaw === undefined ? done(settled) : failed(invalid(flaw));
}

/** What a queue is other than asked for; what was not said is not compared. */
export function otherOptions(options: QueueOptions, given: Readonly<Record<string, unknown>>): readonly string[] {
  const asked = withOptions(options, given);
  if (!asked.ok) return [asked.problem.message];
  const is = (key: string) => JSON.stringify(options[key as keyof QueueOptions]);
  const wanted = (key: string) => JSON.stringify(asked.value[key as keyof QueueOptions]);
  return Object.keys(given)
    .filter((key) => is(key) !== wanted(key))
    .map((key) => `its ${key} is ${is(key)}, not ${wanted(key)}`);
}

/** Parts of a policy, and single notes, may be given alone; a note that is null is taken away. */
function merged(key: string, before: QueueOptions, value: unknown): unknown {
  if (key === 'retry') return { ...before.retry, ...(value as Partial<RetryPolicy>) };
  if (key !== 'notes') return value;
  const notes = Object.entries({ ...before.notes, ...(value as object) });
  return Object.fromEntries(notes.filter(([, note]) => note !== null));
}

function flawOf(key: string, value: unknown): string | undefined {
  const limits = NUMBERS[key];
  if (limits !== undefined) return numberFlaw(key, value, limits);
  const choices = CHOICES[key];
  if (choices !== undefined) {
    return choices.includes(value as string) ? undefined : `${key} must be one of ${choices.join(', ')}`;
  }
  if (key === 'deadLetter') return value === null ? undefined : nameFlaw(value)?.message;
  if (key === 'tags' && isPlain(value) && Object.values(value).some((tag) => typeof tag !== 'string'))
    return 'the tags must be texts';
  return isPlain(value) ? undefined : `${key} must be an object`;
}

function numberFlaw(key: string, value: unknown, [from, to, orNull]: Limits): string | undefined {
  if (value === null && orNull) return undefined;
  if (Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to) return undefined;
  return `${key} must be a whole number from ${from} to ${to}${orNull ? ', or null' : ''}`;
}

export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function invalid(message: string): Problem {
  return problem('input-invalid', message);
}
