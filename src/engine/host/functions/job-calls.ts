/**
 * The calls that one function makes while it runs, from its own side: what `call` is in its context.
 *
 * It refuses calls of a function that has ended or should stop. What was not answered then is rejected at once: nobody has
 * to wait for what has been taken back.
 */
import type { CallFunction, CallOptions } from '../../api.ts';
import { failed } from '../../core/base/outcome.ts';
import { type Problem, problem } from '../../core/base/problems.ts';
import { ProblemError } from '../../problem-error.ts';
import { encodable } from '../../wire/payload.ts';
import { callOf, nameProblem, optionsProblem, reasonOf } from '../call-request.ts';
import type { RawReply, Settle } from '../client.ts';
import type { Asked, Cancel } from './nested-calls.ts';

/** Hands a call to the node; `settle` is called exactly once, later. */
export type Ask = (asked: Asked, settle: Settle) => Cancel;

interface Open {
  readonly promise: Promise<unknown>;
  stop(why: Problem): void;
}

export class JobCalls {
  readonly call: CallFunction;
  readonly #ask: Ask;
  readonly #open = new Set<Open>();
  /** Why no more may be made. */
  #over: Problem | undefined;

  constructor(ask: Ask) {
    this.#ask = ask;
    this.call = Object.assign((fun: string, ...args: readonly unknown[]) => this.#call(fun, args, {}), {
      with:
        (options: CallOptions) =>
        (fun: string, ...args: readonly unknown[]) =>
          this.#call(fun, args, options),
    });
  }

  /** Takes back what is not answered, and refuses what is asked from now on. The first reason counts. */
  end(why: Problem): void {
    this.#over ??= why;
    for (const open of [...this.#open]) {
      open.promise.catch(() => undefined); // of a function that has ended, nobody listens
      open.stop(why);
    }
  }

  #call(fun: string, args: readonly unknown[], options: CallOptions): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const { signal } = options;
    const why = nameProblem(fun) ?? optionsProblem(options) ?? this.#whyNot(signal);
    const { call, args: given } = callOf(fun, args, options);
    const payload = why === undefined ? encodable(given, 'arguments') : failed(why);
    if (!payload.ok) {
      reject(new ProblemError(payload.problem));
      return promise;
    }
    const done = () => {
      signal?.removeEventListener('abort', aborted);
      this.#open.delete(open);
    };
    const open: Open = {
      promise,
      stop: (problem) => {
        done();
        cancel(problem.message);
        reject(new ProblemError(problem));
      },
    };
    const aborted = () => open.stop(problem('cancelled', `cancelled: ${reasonOf(signal)}`));
    signal?.addEventListener('abort', aborted, { once: true });
    this.#open.add(open);
    const cancel = this.#ask({ call, payload: payload.value }, (outcome) => {
      done();
      const value = outcome.ok ? decoded(outcome.value) : outcome;
      if (value.ok) resolve(value.value);
      else reject(new ProblemError(value.problem));
    });
    return promise;
  }

  #whyNot(signal: AbortSignal | undefined): Problem | undefined {
    const { message } = this.#over ?? {};
    if (message !== undefined) return problem('cancelled', `not called: ${message}`, { outcome: 'did-not-happen' });
    if (signal?.aborted !== true) return undefined;
    return problem('cancelled', `cancelled: ${reasonOf(signal)}`, { outcome: 'did-not-happen' });
  }
}

function decoded({ payload }: RawReply) {
  const value = payload.value();
  return value.ok ? value : { ok: false as const, problem: { ...value.problem, outcome: 'unknown' as const } };
}
