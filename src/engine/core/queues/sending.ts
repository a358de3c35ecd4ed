import type { Instant } from '../base/instant.ts';
import { type Problem, problem } from '../base/problems.ts';
import type { About, NewMessage, StoredCounts } from './effects.ts';
import type { Order } from './messages.ts';
import { GUARANTEES, type Guarantee, invalid, type QueueOptions } from './options.ts';
import { retryFlaw } from './retry.ts';

/** What an order is judged by. */
export interface SendTerms {
  readonly name: string;
  readonly options: QueueOptions;
  readonly counts: StoredCounts;
  readonly consumers: ReadonlySet<string>;
  /** Deliveries of broadcast and quorum that are open. */
  readonly deliveries: number;
  /** Ids that are remembered. */
  readonly ids: number;
}

export function guaranteeOf({ guarantee }: Order, options: QueueOptions): Guarantee {
  return guarantee ?? options.guarantee;
}

export function isForSeveral(guarantee: Guarantee | undefined): boolean {
  return guarantee === 'broadcast' || guarantee === 'quorum';
}

/** Why an order is refused; nothing is remembered of it. */
export function refusal(order: Order, terms: SendTerms): Problem | undefined {
  return flawOf(order, terms) ?? lack(order, terms) ?? full(order, terms);
}

function flawOf(order: Order, { name, options }: SendTerms): Problem | undefined {
  const { group, dedupeId, priority, delayMs, at, ttlMs, quorum, retry, maxReceives, bytes } = order;
  const guarantee = guaranteeOf(order, options);
  if (!GUARANTEES.includes(guarantee)) return invalid(`the guarantee must be one of ${GUARANTEES.join(', ')}`);
  if (bytes > options.messageBytesMax) {
    const text = `a message of ${bytes} bytes is larger than ${name} takes (messageBytesMax: ${options.messageBytesMax})`;
    const hint = `Send less at once, or have the queue take more.\nmpreg queue edit ${name} --message-bytes-max ${bytes}`;
    return problem('limit-exceeded', text, { hint });
  }
  if (options.kind === 'fifo' && group === undefined)
    return invalid(`${name} is a fifo queue: its messages need a group`);
  if (options.kind === 'fifo' && isForSeveral(guarantee)) {
    return invalid(`${name} is a fifo queue: what several must acknowledge has no one order there`);
  }
  if (dedupeId !== undefined && !isShortText(dedupeId)) return invalid(`dedupeId ${TEXT_RULE}`);
  if (group !== undefined && !isShortText(group)) return invalid(`group ${TEXT_RULE}`);
  if (priority !== undefined && !isWhole(priority, 0, 255)) return invalid('the priority must be from 0 to 255');
  if (priority !== undefined && options.kind !== 'priority') return invalid(`${name} is no priority queue`);
  if (at !== undefined && !isWhole(at, 0, MS_MAX)) return invalid(`at ${MS_RULE}`);
  if (delayMs !== undefined && !isWhole(delayMs, 0, MS_MAX)) return invalid(`delayMs ${MS_RULE}`);
  if (ttlMs !== undefined && !isWhole(ttlMs, 1, MS_MAX)) return invalid(`ttlMs ${MS_RULE} above 0`);
  if ((guarantee === 'quorum') !== (quorum !== undefined))
    return invalid(
      'the guarantee quorum, and no other, needs a number: how many consumers must acknowledge (--quorum N)',
    );
  if (quorum !== undefined && !isWhole(quorum, 1, 1_000_000)) return invalid('the quorum must be a number from 1 on');
  if (maxReceives !== undefined && maxReceives !== null && !isWhole(maxReceives, 1, MS_MAX)) {
    return invalid('maxReceives must be a whole number from 1 on, or null');
  }
  const flaw = retry === undefined ? undefined : retryFlaw({ ...options.retry, ...retry });
  return flaw === undefined ? undefined : invalid(flaw);
}

/** Whether there are enough to acknowledge it. */
function lack(order: Order, { name, options, consumers, deliveries }: SendTerms): Problem | undefined {
  const guarantee = guaranteeOf(order, options);
  if (!isForSeveral(guarantee)) return undefined;
  const needed = order.quorum ?? 1;
  if (needed > consumers.size) {
    const who = consumers.size === 0 ? 'nobody is' : `${consumers.size} are`;
    return problem(
      'consumers-too-few',
      `${guarantee} needs ${needed} to acknowledge, and ${who} subscribed to ${name}`,
      { hint: `Nothing was stored. Subscribe more, or ask for fewer.\nmpreg queue subscribe ${name} CONSUMER` },
    );
  }
  if (deliveries + consumers.size <= options.deliveriesMax) return undefined;
  return problem('overloaded', `${deliveries} deliveries of ${name} are open already (deliveriesMax)`);
}

function full(order: Order, { name, options, consumers, counts, ids }: SendTerms): Problem | undefined {
  const { messagesMax, bytesMax, dedupeMax } = options;
  const copies = isForSeveral(guaranteeOf(order, options)) ? consumers.size : 1;
  if (messagesMax !== null && counts.messages + copies > messagesMax) {
    return problem('queue-full', `${name} holds ${counts.messages} of at most ${messagesMax} messages (messagesMax)`);
  }
  if (bytesMax !== null && counts.bytes + order.bytes > bytesMax) {
    return problem('queue-full', `${name} holds ${counts.bytes} bytes, and may hold ${bytesMax} (bytesMax)`);
  }
  if (order.dedupeId === undefined || ids < dedupeMax) return undefined;
  return problem('overloaded', `${name} remembers ${ids} ids already (dedupeMax)`);
}

/** The message that an order becomes. */
export function messageOf(
  order: Order,
  guarantee: Guarantee,
  seq: number,
  sentAt: Instant,
  { kind }: QueueOptions,
): NewMessage {
  const { bytes, group, priority = 0, ttlMs, retry, maxReceives } = order;
  const isUsual = guarantee === 'at-least-once';
  const rank = kind === 'priority' ? 255 - priority : 0;
  const unusual = !isUsual || retry !== undefined || maxReceives !== undefined;
  if (!unusual && group === undefined && ttlMs === undefined) return { bytes, rank, sentAt, seq };
  const about: About = {
    ...(!isUsual && { guarantee }),
    ...(retry !== undefined && { retry }),
    ...(maxReceives !== undefined && { maxReceives }),
  };
  return {
    bytes,
    rank,
    sentAt,
    seq,
    ...(group !== undefined && { group }),
    ...(ttlMs !== undefined && { expiresAt: sentAt + ttlMs }),
    ...(unusual && { about }),
  };
}

/** Until when an order's message may not be received; undefined where it may at once. */
export function dueOf({ at, delayMs }: Order, { delayMs: usual }: QueueOptions, now: Instant): Instant | undefined {
  const due = at ?? now + (delayMs ?? usual);
  return due > now ? due : undefined;
}

function isWhole(value: unknown, from: number, to: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to;
}

function isShortText(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= TEXT_MAX;
}

/** Limit: characters of a group or an id. */
const TEXT_MAX = 256;
const MS_MAX = 2 ** 46;
const TEXT_RULE = `must be a text of 1 to ${TEXT_MAX} characters`;
const MS_RULE = 'must be a whole number of milliseconds';
