/**
 * What a request to the gateway asks for: who may ask, which call or plan, with which options.
 *
 *     POST /v1/call/FUN?timeout=5s&loc=gpu&node=beta&version=^2   a list of arguments, or an object of named ones
 *     POST /v1/call/FUN?body=both                                 {"args": a list, "kwargs": an object}
 *     POST /v1/plan?timeout=1m                                    a plan
 */
import type { IncomingMessage } from 'node:http';
import type { CallOptions } from '../../api.ts';
import { type Problem, problem } from '../../core/base/problems.ts';
import { problemError } from '../../problem-error.ts';
import { isObject, valueFromJson } from '../../wire/json-value.ts';
import { inside, Misfit } from '../../wire/misfit.ts';
import type { Digest } from '../ports.ts';
import { isLoopback } from '../transports/web-socket-listener.ts';

export type Wanted =
  | { readonly kind: 'call'; readonly fun: string; readonly both: boolean }
  | { readonly kind: 'plan' };

/** A refusal, with its HTTP status where the problem alone does not say it. */
export interface Refusal {
  readonly problem: Problem;
  readonly status?: number;
  /** The method that there is. */
  readonly allow?: 'GET' | 'POST';
}

/**
 * Why this one may not ask, if so. With a key, everybody shows it, also on this machine: other users are there, too.
 *
 * Why the content type: without a key, pages of browsers must not get through. A page can send JSON under this type to
 * another site only after a question (CORS preflight) that nobody here answers; pages of other origins, and names that
 * are not this machine's, were refused by the listener.
 */
export function whyNot(
  request: IncomingMessage,
  allow: 'GET' | 'POST',
  key: Uint8Array | undefined,
  digest: Digest,
): Refusal | undefined {
  const { headers, method, socket } = request;
  if (method !== allow) {
    const says = allow === 'POST' ? 'calls, plans and messages are sent by POST' : 'messages are read by GET';
    return { allow, problem: problem('input-invalid', says), status: 405 };
  }
  if (key === undefined) {
    if (!isLoopback(socket.remoteAddress?.replace(/^::ffff:/, '') ?? '')) {
      return { problem: problem('not-allowed', 'this node has no key: it is called from its own machine only') };
    }
    if (headers['sec-fetch-site'] === 'cross-site') {
      return { problem: problem('not-allowed', 'pages of other sites may not call this node') };
    }
  } else {
    const token = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
    if (token === undefined) {
      const hint = 'Send it as bearer token.\ncurl -H "Authorization: Bearer $(cat path/to/key)" …';
      return { problem: problem('key-missing', 'this node wants the key of its cluster', { hint }) };
    }
    if (!digest.equal(Buffer.from(token), key)) {
      return { problem: problem('key-wrong', 'the bearer token is not the key of this cluster') };
    }
  }
  if (allow === 'GET') return undefined; // it changes nothing, and pages of other origins cannot read the answer
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type === 'application/json') return undefined;
  const hint = 'Say what the body is.\ncurl -H "Content-Type: application/json" …';
  return { problem: problem('input-invalid', 'the content type must be application/json', { hint }), status: 415 };
}

/** Throws `input-invalid`; undefined where nothing is. */
export function wantedBy({ pathname, searchParams }: URL): Wanted | undefined {
  if (pathname === '/v1/plan') return { kind: 'plan' };
  const encoded = /^\/v1\/call\/(.+)$/.exec(pathname)?.[1];
  if (encoded === undefined) return undefined;
  const body = searchParams.get('body');
  if (body !== null && body !== 'both') {
    const says = '"body" is "both" or absent: without it the body is a list of arguments or an object of named ones';
    throw problemError('input-invalid', says);
  }
  try {
    return { both: body !== null, fun: decodeURIComponent(encoded), kind: 'call' };
  } catch {
    throw problemError('input-invalid', `the name of the function is not well encoded: ${encoded}`);
  }
}

const CALL_PARAMETERS = ['timeout', 'loc', 'node', 'version', 'functionId', 'cluster', 'region', 'idempotent', 'body'];

/** The options of a call, or, of a plan, its time limit. Throws `input-invalid`. */
export function optionsOf({ searchParams }: URL, { kind }: Wanted): CallOptions {
  const known = kind === 'call' ? CALL_PARAMETERS : ['timeout'];
  const odd = [...searchParams.keys()].find((name) => !known.includes(name));
  if (odd !== undefined) {
    throw problemError('input-invalid', `a ${kind} has no parameter "${odd}"; it has ${known.join(', ')}`);
  }
  const text = (name: string) => {
    const value = searchParams.get(name);
    return value === null ? {} : { [name]: value };
  };
  const idempotent = searchParams.get('idempotent') ?? 'false';
  if (idempotent !== 'true' && idempotent !== 'false') {
    throw problemError('input-invalid', '"idempotent" must be true or false');
  }
  return {
    ...text('node'),
    ...text('version'),
    ...text('functionId'),
    ...text('cluster'),
    ...text('region'),
    idempotent: idempotent === 'true',
    locs: searchParams.getAll('loc'),
    timeoutMs: milliseconds(searchParams.get('timeout') ?? '0'),
  };
}

const UNITS: Readonly<Record<string, number>> = { '': 1, d: 86_400_000, h: 3_600_000, m: 60_000, ms: 1, s: 1000 };
/** The longest delay that a timer takes. */
const LONGEST_MS = 2 ** 31 - 1;

/** Throws `input-invalid`. */
export function milliseconds(text: string, what = 'timeout'): number {
  const [, amount, unit = ''] = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  const ms = Math.round(Number(amount) * (UNITS[unit] ?? 1));
  if (!(ms <= (what === 'timeout' ? LONGEST_MS : Number.MAX_SAFE_INTEGER)) || (unit === '' && ms !== 0)) {
    throw problemError(
      'input-invalid',
      `${what}: "${text}" is no duration; write 500ms, 2s, 1m, 1h${what === 'timeout' ? ', or 0 for no limit' : ''}`,
    );
  }
  return ms;
}

export interface Arguments {
  readonly args: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
}

/** The arguments that a body means; `both`: it is an object of `args` and `kwargs`. Throws `input-invalid`. */
export function argumentsOf(body: unknown, both: boolean): Arguments {
  try {
    if (both) return bothOf(body);
    if (body === undefined) return { args: [] };
    if (Array.isArray(body)) return { args: valueFromJson(body) as unknown[] };
    if (isObject(body)) return { args: [], kwargs: namedOf(body) };
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    const path = error.pathFrom('body');
    throw problemError('input-invalid', `${path}: ${error.message}`, { path });
  }
  throw problemError('input-invalid', 'the body must be a list of arguments or an object of named ones');
}

function bothOf(body: unknown): Arguments {
  const { args = [], kwargs, ...more } = isObject(body) ? body : { body };
  const [odd] = Object.keys(more);
  if (odd !== undefined) {
    throw problemError(
      'input-invalid',
      'with body=both the body must be an object of "args" and "kwargs", and no more',
    );
  }
  if (!Array.isArray(args)) throw problemError('input-invalid', 'body.args must be a list', { path: 'body.args' });
  if (kwargs !== undefined && !isObject(kwargs)) {
    throw problemError('input-invalid', 'body.kwargs must be an object', { path: 'body.kwargs' });
  }
  const list = under('args', () => valueFromJson(args) as unknown[]);
  return kwargs === undefined ? { args: list } : { args: list, kwargs: under('kwargs', () => namedOf(kwargs)) };
}

/** Why one by one: the object itself is the list of arguments, also where its only key looks like a tag. */
function namedOf(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, under(name, () => valueFromJson(value))]),
  );
}

function under<Value>(key: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw inside(error, key);
  }
}
