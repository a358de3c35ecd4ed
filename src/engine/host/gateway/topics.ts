/**
 * Topics over plain HTTP.
 *
 *     POST /v1/publish/TOPIC?header=user=7&key=7&retain=true    the payload, as JSON
 *     POST /v1/publish/TOPIC?request=true&timeout=2s            answered with the first reply
 *     POST /v1/publish/TOPIC?in=5s                              published then; or at=2027-01-31T18:00Z
 *     GET  /v1/subscribe?pattern=order.%23&group=billing        messages as server-sent events
 *
 *                        &durable=books, &since=5m, &last=10  what is kept, each with its position as id
 *
 * It refuses to keep anything itself: whoever connects again hears what comes from then on, unless the topic is kept and
 * `Last-Event-ID` says how far it was.
 */
import type { ServerResponse } from 'node:http';
import type { Client } from '../../api.ts';
import { problemError } from '../../problem-error.ts';
import type { PublishOptions, SubscribeOptions, TopicMessage } from '../../topics-api.ts';
import { valueFromJson, valueToJson } from '../../wire/json-value.ts';
import { Misfit } from '../../wire/misfit.ts';
import { isPosition } from '../topics/kept-position.ts';
import { writeEvents } from './events.ts';
import { milliseconds } from './request.ts';

export type TopicWanted = { readonly kind: 'publish'; readonly topic: string } | { readonly kind: 'subscribe' };

/** Throws `input-invalid`; undefined where it is about something else. */
export function topicWantedBy({ pathname }: URL): TopicWanted | undefined {
  if (pathname === '/v1/subscribe') return { kind: 'subscribe' };
  const encoded = /^\/v1\/publish\/(.+)$/.exec(pathname)?.[1];
  if (encoded === undefined) return undefined;
  try {
    return { kind: 'publish', topic: decodeURIComponent(encoded) };
  } catch {
    throw problemError('input-invalid', `the topic is not well encoded: ${encoded}`);
  }
}

/** The payload is null where the body is empty. Resolves with what is to be answered. */
export async function publish(
  client: Client,
  topic: string,
  body: unknown,
  url: URL,
  signal: AbortSignal,
): Promise<object> {
  const { searchParams } = onlyThese(url, 'publish', ['at', 'header', 'in', 'key', 'request', 'retain', 'timeout']);
  const headers = searchParams.getAll('header').map((pair): [string, string] => {
    const at = pair.indexOf('=');
    if (at < 1) throw problemError('input-invalid', `"header" must be NAME=VALUE, not "${pair}"`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const key = searchParams.get('key');
  const options: PublishOptions = {
    signal,
    timeoutMs: milliseconds(searchParams.get('timeout') ?? '0'),
    retain: retainOf(searchParams.get('retain')),
    ...(headers.length === 0 ? {} : { headers: Object.fromEntries(headers) }),
    ...(key === null ? {} : { key }),
  };
  const request = searchParams.get('request') ?? 'false';
  if (request !== 'true' && request !== 'false') throw problemError('input-invalid', '"request" must be true or false');
  if (request === 'false') {
    const { later, ...more } = await client.publish(topic, payloadOf(body), { ...options, ...laterOf(searchParams) });
    return later === undefined ? more : { ...more, later: { ...later, at: new Date(later.at).toISOString() } };
  }
  if (searchParams.has('at') || searchParams.has('in')) {
    throw problemError('input-invalid', 'a request is not published later: nobody would wait for its reply');
  }
  const timed = searchParams.has('timeout') ? options : withoutTime(options);
  const { headers: told, id, payload, publisher, time } = await client.request(topic, payloadOf(body), timed);
  return { headers: told, id, payload: valueToJson(payload), publisher, time: new Date(time).toISOString() };
}

/** So that its default holds. */
function withoutTime({ timeoutMs: _, ...options }: PublishOptions): Omit<PublishOptions, 'timeoutMs'> {
  return options;
}

function laterOf(parameters: URLSearchParams): Pick<PublishOptions, 'at' | 'inMs'> {
  const at = parameters.get('at');
  const delay = parameters.get('in');
  if (at !== null && delay !== null) throw problemError('input-invalid', 'a message has "at" or "in", not both');
  if (delay !== null) return { inMs: milliseconds(delay, 'in') };
  if (at === null) return {};
  const time = Date.parse(at);
  if (Number.isFinite(time)) return { at: time };
  throw problemError('input-invalid', `at: "${at}" is no time; write 2027-01-31T18:00Z`);
}

/** Writes messages until whoever asked goes away. Rejects, with nothing written, where a pattern is refused. */
export async function subscribe(
  client: Client,
  url: URL,
  signal: AbortSignal,
  response: ServerResponse,
  lastEventId?: string,
): Promise<void> {
  const { searchParams } = onlyThese(url, 'subscribe', [
    'durable',
    'from',
    'group',
    'key',
    'last',
    'pattern',
    'policy',
    'since',
    'window',
  ]);
  const group = searchParams.get('group');
  const subscription = await client.subscribe(searchParams.getAll('pattern'), {
    ...(group === null ? {} : { group }),
    ...membershipOf(searchParams),
    ...policyOf(searchParams.get('policy')),
    ...keptOf(searchParams, lastEventId),
    signal,
  });
  await writeEvents(documents(subscription), response, positionOf);
}

/** Where to begin in what is kept; nothing where that is not asked for. */
function keptOf(parameters: URLSearchParams, after: string | undefined): SubscribeOptions {
  const [durable, from, last, since] = ['durable', 'from', 'last', 'since'].map((name) => parameters.get(name));
  return {
    ...(after === undefined || after === '' ? {} : { after: positionIn(after) }),
    ...(durable == null ? {} : { durable }),
    ...(from == null ? {} : { from: from === 'first' || from === 'new' ? from : wholeNumber('from', from) }),
    ...(last == null ? {} : { last: wholeNumber('last', last) }),
    ...(since == null ? {} : { since: /^\d{4}-/.test(since) ? new Date(since) : milliseconds(since, 'since') }),
  };
}

/** Whoever comes back shows the id of the last event that it got, as it was. */
function positionIn(lastEventId: string): string {
  if (isPosition(lastEventId)) return lastEventId;
  const shown = JSON.stringify(lastEventId.slice(0, 60));
  throw problemError('input-invalid', `Last-Event-ID: ${shown} is no id of an event here, SEQUENCE@KEEP`, {
    hint: "Leave the header out, and say where to begin.\ncurl -N '…/v1/subscribe?pattern=order.%23&last=10'",
  });
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw problemError('input-invalid', `"${name}" must be a whole number, not "${text}"`);
}

function positionOf(item: unknown): string | undefined {
  const { position } = item as { readonly position?: unknown };
  return typeof position === 'string' ? position : undefined;
}

function retainOf(text: string | null): boolean | 'clear' {
  if (text === null || text === 'false') return false;
  if (text === 'true' || text === 'clear') return text === 'true' || 'clear';
  throw problemError('input-invalid', '"retain" must be true, false or clear');
}

function membershipOf(params: URLSearchParams): Pick<SubscribeOptions, 'key' | 'window'> {
  const key = params.get('key');
  const window = params.get('window');
  if (window !== null && !/^[1-9]\d{0,8}$/.test(window))
    throw problemError('input-invalid', '"window" must be a number');
  return {
    ...(key === null ? {} : { key: key as `header:${string}` }),
    ...(window === null ? {} : { window: Number(window) }),
  };
}

const POLICIES = ['drop-oldest', 'drop-newest', 'disconnect', 'block'] as const;

function policyOf(text: string | null): Pick<SubscribeOptions, 'policy'> {
  if (text === null) return {};
  const policy = POLICIES.find((known) => known === text);
  if (policy === undefined) throw problemError('input-invalid', `"policy" must be one of ${POLICIES.join(', ')}`);
  return { policy };
}

async function* documents(messages: AsyncIterable<TopicMessage>): AsyncGenerator<object> {
  for await (const message of messages) yield { ...message, time: new Date(message.time).toISOString() };
}

function payloadOf(body: unknown): unknown {
  try {
    return body === undefined ? null : valueFromJson(body);
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    const path = error.pathFrom('body');
    throw problemError('input-invalid', `${path}: ${error.message}`, { path });
  }
}

function onlyThese(url: URL, kind: TopicWanted['kind'], known: readonly string[]): URL {
  const odd = [...url.searchParams.keys()].find((name) => !known.includes(name));
  if (odd === undefined) return url;
  throw problemError('input-invalid', `a ${kind} has no parameter "${odd}"; it has ${known.join(', ')}`);
}
