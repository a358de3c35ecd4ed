/** What comes from outside to the functions of queues, checked. All throw `input-invalid`. */
import { createHash } from 'node:crypto';
import type { ExtendOrder, NackOrder, Order } from '../../core/queues/messages.ts';
import type { QueueOptions } from '../../core/queues/options.ts';
import { ProblemError, problemError } from '../../problem-error.ts';
import { isContent, packContent, unpackContent } from './content.ts';
import { type ReadOrder, readOrders } from './packed.ts';

/** Limit: messages in one call, and receipts. */
export const BATCH_MAX = 1_000;
const RECEIPTS_MAX = 10_000;
const WAIT_MS_MAX = 3_600_000;
const RATE_MIN = 1 / 86_400;
const RATE_MAX = 1_000_000;

export type Given = Readonly<Record<string, unknown>>;

export function given(argument: unknown, allowed: readonly string[]): Given {
  if (typeof argument !== 'object' || argument === null || Array.isArray(argument)) {
    throw invalid('the argument must be one object');
  }
  const extra = Object.keys(argument).find((key) => !allowed.includes(key));
  if (extra !== undefined) throw invalid(`there is no "${extra}" here: ${allowed.join(', ')}`);
  return argument as Given;
}

export function text(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '' || value.length > 1_000)
    throw invalid(`${what} must be a text of 1 to 1000 characters`);
  return value;
}

export function textOrNone(value: unknown, what: string): string | undefined {
  return value === undefined || value === null ? undefined : text(value, what);
}

export function whole(value: unknown, what: string, [from, to]: readonly [number, number], usual: number): number {
  if (value === undefined) return usual;
  if (Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to) return value as number;
  throw invalid(`${what} must be a whole number from ${from} to ${to}`);
}

/** Messages a second, also fewer than one. */
export function rate(value: unknown): number {
  if (typeof value === 'number' && value >= RATE_MIN && value <= RATE_MAX) return value;
  throw invalid(`rate must be a number of messages a second, from one a day to ${RATE_MAX}`);
}

export function waitMs(value: unknown): number {
  return whole(value, 'waitMs', [0, WAIT_MS_MAX], 0);
}

export function plain(value: unknown, what: string): Given {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${what} must be an object`);
  return value as Given;
}

function list(value: unknown, what: string, most: number): readonly unknown[] {
  if (Array.isArray(value) && value.length <= most) return value;
  throw invalid(`${what} must be a list of at most ${most}`);
}

const ORDER = new Set([
  ...['at', 'body', 'dedupeId', 'delayMs', 'group', 'guarantee', 'headers'],
  ...['maxReceives', 'priority', 'quorum', 'retry', 'ttlMs'],
]);

/** The same, of messages that come packed. */
export function packedOrders(value: unknown, options: Pick<QueueOptions, 'dedupe'>): readonly Order[] {
  if (!(value instanceof Uint8Array)) throw invalid('packed must be bytes');
  return readOrders(value, BATCH_MAX).map((one, i) => packedOrder(one, `packed[${i}]`, options));
}

function packedOrder({ content, more }: ReadOrder, where: string, { dedupe }: Pick<QueueOptions, 'dedupe'>): Order {
  if (!isContent(content)) throw invalid(`${where} has no content`);
  const extra = Object.keys(more).find((key) => !ORDER.has(key) || key === 'body' || key === 'headers');
  if (extra !== undefined) throw invalid(`${where} has a field "${extra}", which means nothing`);
  const order = { ...(more as Partial<Order>), bytes: content.length, content };
  const given = textOrNone(more['dedupeId'], `${where}.dedupeId`);
  if (given !== undefined || dedupe !== 'content') return order;
  return { ...order, dedupeId: digestOf(unpackContent(Buffer.from(content)).body, content) };
}

/** Messages to be sent; where the queue tells them apart by content, those without an id get one from it. */
export function orders(value: unknown, options: Pick<QueueOptions, 'dedupe'>): readonly Order[] {
  return list(value, 'messages', BATCH_MAX).map((one, i) => orderOf(one, `messages[${i}]`, options));
}

function orderOf(value: unknown, where: string, { dedupe }: Pick<QueueOptions, 'dedupe'>): Order {
  const message = plain(value, where);
  const { body, headers, ...more } = message;
  const extra = Object.keys(message).find((key) => !ORDER.has(key));
  if (extra !== undefined) throw invalid(`${where} has a field "${extra}", which means nothing`);
  if (body === undefined) throw invalid(`${where} has no body`);
  const about = headers === undefined ? undefined : plain(headers, `${where}.headers`);
  const dedupeId = textOrNone(more['dedupeId'], `${where}.dedupeId`);
  const content = packed({ body, dedupeId, headers: about }, where);
  const id = dedupeId ?? (dedupe === 'content' ? digestOf(body, content) : undefined);
  const order = { ...(more as Partial<Order>), bytes: content.length, content };
  return id === undefined ? order : { ...order, dedupeId: id };
}

function packed(content: Parameters<typeof packContent>[0], where: string): Uint8Array {
  try {
    return packContent(content);
  } catch (error) {
    if (error instanceof ProblemError) throw invalid(`${where} cannot be sent: ${error.problem.message}`);
    throw error;
  }
}

/** Of the body alone: headers often tell when and by whom it was sent. */
function digestOf(body: unknown, content: Uint8Array): string {
  const isText = typeof body === 'string' || body instanceof Uint8Array;
  return createHash('sha256')
    .update(isText ? body : content)
    .digest('hex');
}

/** A list, or one text with spaces between them. */
export function receipts(value: unknown): readonly string[] {
  if (typeof value === 'string')
    return list(value === '' ? [] : value.split(' '), 'receipts', RECEIPTS_MAX) as string[];
  return list(value, 'receipts', RECEIPTS_MAX).map((one) => (typeof one === 'string' ? one : String(one)));
}

export function nacks(value: unknown): readonly NackOrder[] {
  return list(value, 'receipts', RECEIPTS_MAX).map((one, i) => {
    const { receipt, delayMs, reason } = given(one, ['receipt', 'delayMs', 'reason']);
    const why = textOrNone(reason, `receipts[${i}].reason`);
    return {
      receipt: String(receipt),
      ...(delayMs !== undefined && { delayMs: whole(delayMs, 'delayMs', [0, 2 ** 46], 0) }),
      ...(why !== undefined && { reason: why }),
    };
  });
}

export function extensions(value: unknown): readonly ExtendOrder[] {
  return list(value, 'receipts', RECEIPTS_MAX).map((one) => {
    const { receipt, visibilityMs } = given(one, ['receipt', 'visibilityMs']);
    return { receipt: String(receipt), visibilityMs: whole(visibilityMs, 'visibilityMs', [0, 7 * 86_400_000], 30_000) };
  });
}

export function invalid(message: string): ProblemError {
  return problemError('input-invalid', message);
}
