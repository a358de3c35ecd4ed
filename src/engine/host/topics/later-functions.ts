/** What a node does about messages that are published later, for whoever asks by name; what they ask comes from outside. */
import type { FunctionDefinition } from '../../api.ts';
import { isSystem, parseTopic, systemRefusal } from '../../core/topics/pattern.ts';
import { ProblemError, problemError } from '../../problem-error.ts';
import { encodable } from '../../wire/payload.ts';
import type { Accepted, LaterMessages } from './later-messages.ts';

export function laterFunctions(messages: () => LaterMessages): readonly FunctionDefinition[] {
  return [
    { name: 'mpreg.schedule', run: (request: unknown) => accept(messages(), request) },
    { name: 'mpreg.scheduled', run: () => messages().list() },
    { name: 'mpreg.unschedule', run: (ids: unknown) => cancel(messages(), ids) },
  ];
}

async function accept(messages: LaterMessages, request: unknown): Promise<Accepted> {
  const { id, topic, payload = null, headers, key, at, inMs } = (request ?? {}) as Record<string, unknown>;
  if (typeof id !== 'string' || !/^.{1,255}\/\d{1,15}$/s.test(id)) throw invalid('id', 'a publisher and its count');
  if (typeof topic !== 'string') throw invalid('topic', 'a text');
  const parsed = parseTopic(topic);
  if (!parsed.ok) throw new ProblemError(parsed.problem);
  if (isSystem(topic)) throw new ProblemError(systemRefusal(topic));
  if (key !== undefined && typeof key !== 'string') throw invalid('key', 'a text');
  for (const [name, held] of Object.entries({ at, inMs })) {
    if (held !== undefined && !(Number.isSafeInteger(held) && Number(held) >= 0))
      throw invalid(name, 'whole milliseconds');
  }
  if (at !== undefined && inMs !== undefined) throw invalid('time', '"at" or "inMs", not both');
  const encoded = encodable(payload, 'payload');
  if (!encoded.ok) throw new ProblemError(encoded.problem);
  return messages.accept({
    id,
    payload: encoded.value.bytes(),
    topic,
    ...headersOf(headers),
    ...(key === undefined ? {} : { key }),
    ...(at === undefined ? {} : { at: Number(at) }),
    ...(inMs === undefined ? {} : { inMs: Number(inMs) }),
  });
}

/** Resolves with those that will not be published. */
async function cancel(messages: LaterMessages, ids: unknown): Promise<readonly string[]> {
  if (!Array.isArray(ids)) throw invalid('ids', 'a list');
  const cancelled = await Promise.all(ids.slice(0, IDS_MAX).map((id) => messages.cancel(String(id))));
  return ids.filter((_, i) => cancelled[i]).map(String);
}

function headersOf(headers: unknown): { readonly headers?: Readonly<Record<string, string>> } {
  if (headers === undefined) return {};
  const pairs = typeof headers === 'object' && headers !== null ? Object.entries(headers) : [];
  if (pairs.length > HEADERS_MAX || !pairs.every(([, value]) => typeof value === 'string')) {
    throw invalid('headers', `at most ${HEADERS_MAX} texts by name`);
  }
  return { headers: Object.fromEntries(pairs) as Record<string, string> };
}

function invalid(what: string, must: string): ProblemError {
  return problemError('input-invalid', `the ${what} of a message to be published later must be ${must}`);
}

const HEADERS_MAX = 64;
const IDS_MAX = 1_000;
