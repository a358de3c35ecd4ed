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
  const { locs = NO_LOCS, node, version, functionId, timeoutMs = 0, idempotent = false } = options;
  const header = { fun, idempotent, locs, routed: false, timeoutMs };
  if (node === undefined && version === undefined && functionId === undefined) return header;
  return {
    ...header,
    ...(node === undefined ? {} : { node }),
    ...(version === undefined ? {} : { version }),
    ...(functionId === undefined ? {} : { functionId }),
  };
}

const NO_LOCS: readonly string[] = [];

/** Why nothing can have that name, or undefined. */
export function nameProblem(fun: string): Problem | undefined {
  if (fun.length >= 1 && fun.length <= NAME_MAX) return undefined;
  return problem('input-invalid', `the name of a function has 1 to ${NAME_MAX} characters`);
}

/** Why a signal was aborted, in words. */
export function reasonOf(signal: AbortSignal | undefined): string {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason.message : String(reason ?? 'no longer wanted');
}
