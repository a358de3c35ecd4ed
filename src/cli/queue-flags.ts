/** Flags that several queue commands have, and what they mean to a queue. */
import { Args, Flags } from '@oclif/core';
import { problemError, type QueueOptions, type RetryPolicy } from '../engine/index.ts';
import { parseLongDuration } from './duration.ts';
import { parseHeaders } from './publishing.ts';
import { dropEmpty } from './settings.ts';

const repeatable = { multiple: true, multipleNonGreedy: true } as const;
const helpGroup = 'QUEUE';

export const queueArg = Args.string({ description: 'The queue.', ignoreStdin: true, required: true });

export const receiptsArg = Args.string({
  description: 'What receive gave, or - for one per line on stdin.',
  ignoreStdin: true,
  multiple: true,
  required: true,
});

export const patternsArg = Args.string({
  description: 'Which topics: order.*, order.#.',
  ignoreStdin: true,
  multiple: true,
  required: true,
});

export const consumerArg = Args.string({ description: 'Its name.', ignoreStdin: true, required: true });

/** How long the pauses after failures are: of a queue, or of one message in place of its queue's. */
export const retryFlags = {
  'retry-base': Flags.string({ helpGroup, helpValue: 'DURATION', summary: 'The first pause after a failure. 1s.' }),
  'retry-factor': Flags.string({
    helpGroup,
    helpValue: 'N',
    summary: 'Each further pause is so many times longer. 2.',
  }),
  'retry-max': Flags.string({ helpGroup, helpValue: 'DURATION', summary: 'The longest of them. 5m.' }),
  'retry-jitter': Flags.string({
    helpGroup,
    helpValue: 'SHARE',
    summary: 'From 0 to 1: how much of a pause is left to chance. 0.5.',
  }),
};

/** What a queue is like, for `create` and `edit`. */
export const optionFlags = {
  visibility: Flags.string({
    helpGroup,
    helpValue: 'DURATION',
    summary: 'How long a received message is leased. 30s.',
  }),
  delay: Flags.string({ helpGroup, helpValue: 'DURATION', summary: 'Before each message can be received. 0.' }),
  ttl: Flags.string({
    helpGroup,
    helpValue: 'DURATION',
    summary: 'How long messages are kept; none: until they are done. none.',
  }),
  expired: Flags.option({ options: ['drop', 'dead-letter'] as const })({
    helpGroup,
    summary: 'What becomes of those that were kept so long. drop.',
  }),
  'max-receives': Flags.string({
    helpGroup,
    helpValue: 'N',
    summary: 'Received so often and not done, a message is a dead letter; none: never. 10.',
  }),
  'dead-letter': Flags.string({
    helpGroup,
    helpValue: 'QUEUE',
    summary: 'Where dead letters go; none: they stay and are tried for ever. NAME.dead.',
  }),
  ...retryFlags,
  'messages-max': Flags.string({ helpGroup, helpValue: 'N', summary: 'One more is refused; none: no limit.' }),
  'bytes-max': Flags.string({ helpGroup, helpValue: 'BYTES', summary: 'Of all messages: 500mb, 1gb; none: no limit.' }),
  'message-bytes-max': Flags.string({ helpGroup, helpValue: 'BYTES', summary: 'Of one message. 1mb.' }),
  dedupe: Flags.option({ options: ['id', 'content'] as const })({
    helpGroup,
    summary: 'How a message is recognised that was sent before. id.',
  }),
  'dedupe-window': Flags.string({ helpGroup, helpValue: 'DURATION', summary: 'For how long it is. 5m.' }),
  guarantee: Flags.option({ options: ['fire-and-forget', 'at-least-once', 'broadcast', 'quorum'] as const })({
    helpGroup,
    summary: 'Of sends that do not say. at-least-once.',
  }),
  tag: Flags.string({ ...repeatable, helpGroup, helpValue: 'NAME=VALUE', summary: 'For people; repeatable.' }),
};

type Given = { readonly [Name in keyof typeof optionFlags]?: string | string[] | undefined };

/** What was given, as a queue takes it. Throws `usage-invalid`. */
export function optionsOf(given: Given): QueueOptions {
  const text = (name: keyof Given) => given[name] as string | undefined;
  const ms = (name: keyof Given) => mapped(text(name), (value) => parseLongDuration(value, `--${name}`));
  const orNone = <Value>(value: string | undefined, read: (value: string) => Value) =>
    mapped(value, (held) => (held === 'none' ? null : read(held)));
  const count = (name: keyof Given) => (value: string) => parseCount(value, `--${name}`);
  const bytes = (name: keyof Given) => (value: string) => parseBytes(value, `--${name}`);
  return dropEmpty({
    bytesMax: orNone(text('bytes-max'), bytes('bytes-max')),
    deadLetter: orNone(text('dead-letter'), (name) => name),
    dedupe: text('dedupe') as QueueOptions['dedupe'],
    dedupeMs: ms('dedupe-window'),
    delayMs: ms('delay'),
    expired: text('expired') as QueueOptions['expired'],
    guarantee: text('guarantee') as QueueOptions['guarantee'],
    maxReceives: orNone(text('max-receives'), count('max-receives')),
    messageBytesMax: mapped(text('message-bytes-max'), bytes('message-bytes-max')),
    messagesMax: orNone(text('messages-max'), count('messages-max')),
    retry: retryOf(given as Readonly<Record<keyof typeof retryFlags, string | undefined>>),
    tags: mapped(given.tag as string[] | undefined, (tags) => parseHeaders(tags, '--tag')),
    ttlMs: orNone(text('ttl'), (value) => parseLongDuration(value, '--ttl')),
    visibilityMs: ms('visibility'),
  }) as QueueOptions;
}

/** What was given of a retry policy; undefined where that is nothing. Throws `usage-invalid`. */
export function retryOf(
  given: {
    readonly [Name in keyof typeof retryFlags]?: string | undefined;
  },
): Partial<RetryPolicy> | undefined {
  const ms = (name: keyof typeof given) => mapped(given[name], (value) => parseLongDuration(value, `--${name}`));
  const number = (name: keyof typeof given) => mapped(given[name], (value) => parseNumber(value, `--${name}`));
  const retry = dropEmpty({
    baseMs: ms('retry-base'),
    factor: number('retry-factor'),
    jitter: number('retry-jitter'),
    maxMs: ms('retry-max'),
  }) as Partial<RetryPolicy>;
  return Object.keys(retry).length === 0 ? undefined : retry;
}

export function parseCount(text: string, where: string): number {
  if (!/^\d+$/.test(text) || Number(text) === 0 || !Number.isSafeInteger(Number(text)))
    throw problemError('usage-invalid', `${where}: "${text}" is no whole number above 0`);
  return Number(text);
}

const UNITS: Readonly<Record<string, number>> = { b: 1, gb: 2 ** 30, kb: 2 ** 10, mb: 2 ** 20, tb: 2 ** 40 };

/** `500`, `64kb`, `1.5gb`: of 1024. */
export function parseBytes(text: string, where: string): number {
  const parts = /^(\d+(?:\.\d+)?)\s*(b|[kmgt]b)?$/i.exec(text.trim());
  const bytes = Math.round(Number(parts?.[1]) * (UNITS[parts?.[2]?.toLowerCase() ?? 'b'] ?? 1));
  if (parts === null || !Number.isSafeInteger(bytes) || bytes === 0)
    throw problemError('usage-invalid', `${where}: "${text}" is no size; write 64kb, 500mb, 1gb or a number of bytes`);
  return bytes;
}

/** When something is to happen: a date and time, or `14:30`, the next time that it is so late here. */
export function parseMoment(text: string, where: string, now = new Date()): number {
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text.trim());
  const at = clock === null ? new Date(text.trim()) : new Date(now);
  if (clock !== null) at.setHours(Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0), 0);
  const isDate =
    clock === null ? /^\d{4}-\d{2}-\d{2}/.test(text.trim()) : Number(clock[1]) < 24 && Number(clock[2]) < 60;
  if (!isDate || Number.isNaN(at.getTime())) {
    const forms = '2026-12-24T18:00:00Z, 2026-12-24T18:00 (local time) or 18:00';
    throw problemError('usage-invalid', `${where}: "${text}" is no moment; write ${forms}`);
  }
  if (clock !== null && at <= now) at.setDate(at.getDate() + 1);
  return at.getTime();
}

function parseNumber(text: string, where: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw problemError('usage-invalid', `${where}: "${text}" is no number`);
  return Number(text);
}

function mapped<From, To>(value: From | undefined, read: (value: From) => To): To | undefined {
  return value === undefined ? undefined : read(value);
}
