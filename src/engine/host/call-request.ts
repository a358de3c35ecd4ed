import type { CallOptions } from '../api.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import type { Arguments, CallMessage } from '../core/calls/messages.ts';

/** A call but for its number and its arguments. */
export type CallHeader = Omit<CallMessage, 'id' | 'kind' | 'payload'>;

/** A call as it is asked for, before its arguments are encoded. */
export interface CallRequest {
  readonly args: Arguments;
  readonly call: CallHeader;
}

/** Limit of the wire. */
const NAME_MAX = 1_024;

export function callOf(fun: string, args: readonly unknown[], options: CallOptions): CallRequest {
  return { args: argumentsOf(args, options.kwargs), call: headerOf(fun, options) };
}

export function argumentsOf(args: readonly unknown[], kwargs: CallOptions['kwargs']): Arguments {
  return kwargs === undefined ? { args } : { args, kwargs };
}

export function headerOf(fun: string, options: CallOptions): CallHeader {
  const { locs = NO_LOCS, node, version, functionId, cluster, region, timeoutMs = 0, idempotent = false } = options;
  const header = { fun, idempotent, locs, routed: false, timeoutMs: wholeMs(timeoutMs) };
  const rare = { cluster, functionId, node, region, version };
  if (Object.values(rare).every((wish) => wish === undefined)) return header;
  return {
    ...header,
    ...(node === undefined ? {} : { node }),
    ...(version === undefined ? {} : { version }),
    ...(functionId === undefined ? {} : { functionId }),
    ...(cluster === undefined ? {} : { cluster }),
    ...(region === undefined ? {} : { region }),
  };
}

const NO_LOCS: readonly string[] = [];

/** Milliseconds as the wire has them: whole ones, of which part of one is one, and 0 for no limit. */
export function wholeMs(ms: number): number {
  return ms === Number.POSITIVE_INFINITY ? 0 : Math.ceil(ms);
}

/** Why nothing can have that name, or undefined. */
export function nameProblem(fun: string): Problem | undefined {
  if (isText(fun) && fun.length >= 1 && fun.length <= NAME_MAX) return undefined;
  return problem('input-invalid', `the name of a function has 1 to ${NAME_MAX} characters`);
}

type Fits = readonly [fits: (held: unknown) => boolean, what: string];

const TEXT: Fits = [isText, 'a text'];
const MILLISECONDS: Fits = [
  (held) =>
    typeof held === 'number' && held >= 0 && (held <= Number.MAX_SAFE_INTEGER || held === Number.POSITIVE_INFINITY),
  'a number of milliseconds, 0 for no limit',
];
const OPTIONS: ReadonlyMap<string, Fits> = new Map([
  ['cluster', TEXT],
  ['functionId', TEXT],
  ['idempotent', [(held) => typeof held === 'boolean', 'true or false']],
  ['kwargs', [isNamed, 'an object']],
  ['locs', [(held) => Array.isArray(held) && held.every(isText), 'a list of names']],
  ['node', TEXT],
  ['onItem', [(held) => typeof held === 'function', 'a function']],
  ['region', TEXT],
  ['signal', [(held) => typeof held === 'object' && held !== null && 'aborted' in held, 'an AbortSignal']],
  ['timeoutMs', MILLISECONDS],
  ['version', TEXT],
]);

/**
 * What is wrong with the options of a call, or undefined. Programs without types get them wrong, and what does not fit the
 * frame of a call would have the node end the link, with all that is under way on it.
 */
export function optionsProblem(options: CallOptions): Problem | undefined {
  for (const name in options) {
    const held: unknown = options[name as keyof CallOptions];
    if (held === undefined) continue;
    const known = OPTIONS.get(name);
    if (known === undefined) {
      return problem('input-invalid', `a call has no option "${name}"; it has ${[...OPTIONS.keys()].join(', ')}`);
    }
    const [fits, what] = known;
    if (!fits(held)) return problem('input-invalid', `"${name}" must be ${what}`, { path: name });
  }
  return undefined;
}

/** The same of a plan's, of which only the time goes onto the wire. */
export function timeoutProblem(timeoutMs: number): Problem | undefined {
  const [fits, what] = MILLISECONDS;
  return fits(timeoutMs) ? undefined : problem('input-invalid', `"timeoutMs" must be ${what}`, { path: 'timeoutMs' });
}

function isText(held: unknown): held is string {
  return typeof held === 'string';
}

function isNamed(held: unknown): boolean {
  return typeof held === 'object' && held !== null && !Array.isArray(held);
}

/** Why a signal was aborted, in words. */
export function reasonOf(signal: AbortSignal | undefined): string {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason.message : String(reason ?? 'no longer wanted');
}
