/**
 * One run of one user's function, in whatever thread this is: arguments are decoded and checked, the function is called
 * with its context, and what comes of it is checked and encoded. A generator's items are passed on as they come.
 *
 * What it refuses to do: let anything that the function returns or throws escape as an exception; answer twice.
 *
 * Limit: nothing can stop a function that ignores its signal. It is answered when it ends, whoever still listens.
 */
import { inspect } from 'node:util';
import type { CallContext, FunctionDefinition } from '../../api.ts';
import { failed, type Outcome } from '../../core/base/outcome.ts';
import type { Payload } from '../../core/base/payload.ts';
import { type Cause, type Problem, problem } from '../../core/base/problems.ts';
import { within } from '../../define-function.ts';
import { ProblemError } from '../../problem-error.ts';
import type { StandardSchema } from '../../standard-schema.ts';
import { encodable } from '../../wire/payload.ts';
import { type Ask, JobCalls } from './job-calls.ts';
import { checkedArguments, checkedValue, type Given, listOf } from './schemas.ts';

export interface JobDescription {
  readonly fun: string;
  readonly step: string | undefined;
  /** Milliseconds until the deadline; Infinity where there is none. */
  readonly msLeft: number;
}

export interface JobSink {
  /** The function makes a call. */
  readonly call: Ask;
  /** A promise: the next item waits for it. */
  item(payload: Payload): Promise<void> | undefined;
  /** Exactly once, as the last. */
  ran(outcome: Outcome<Payload>): void;
  log(message: string, details: Record<string, unknown> | undefined): void;
}

/** How long a generator may go on without letting the thread do anything else, in milliseconds. */
const TURN_MS = 5;
const TIMER_MS_MAX = 2 ** 31 - 1;
const CAUSE_LENGTH_MAX = 8_192;
const REASONS_DEPTH_MAX = 8;
const REASONS_MAX = 8;

type Stream = Iterator<unknown> | AsyncIterator<unknown>;

export class RunningJob {
  readonly #about: JobDescription;
  readonly #sink: JobSink;
  readonly #context: JobContext;
  /** Why it is no longer wanted. */
  #aborted: Problem | undefined;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;
  #stream: Stream | undefined;
  #schema: StandardSchema | undefined;

  constructor(about: JobDescription, sink: JobSink) {
    this.#about = about;
    this.#sink = sink;
    this.#context = new JobContext(about, sink);
  }

  /** Calls the function now, or as soon as its arguments are checked. `ran` may come before this returns. */
  start({ args: schema, result, run }: FunctionDefinition, payload: Payload): void {
    const given = givenBy(payload);
    if (!given.ok) {
      this.#end(given);
      return;
    }
    this.#schema = result;
    try {
      const returned =
        schema === undefined ? this.#call(run, listOf(given.value)) : this.#check(schema, given.value, run);
      if (!isThenable(returned) && !isStream(returned) && result === undefined) {
        this.#end(encoded(returned, 'result'));
        return;
      }
      if (this.#about.msLeft !== Infinity) {
        this.#timer = setTimeout(() => this.#expire(), Math.min(this.#about.msLeft, TIMER_MS_MAX));
      }
      void this.#await(returned);
    } catch (error) {
      this.#end(this.#threw(error));
    }
  }

  /** The caller went away or took it back. */
  abort(reason: string): void {
    this.#abort(
      problem('cancelled', `${this.#about.fun} was cancelled: ${reason}`),
      new DOMException(reason, 'AbortError'),
    );
  }

  #expire(): void {
    const message = `${this.#about.fun} was not done within ${Math.round(this.#about.msLeft)} ms`;
    this.#abort(problem('timed-out', message), new DOMException(message, 'TimeoutError'));
  }

  #abort(why: Problem, reason: DOMException): void {
    if (this.#ended || this.#aborted !== undefined) return;
    this.#aborted = why;
    this.#context.abort(reason, why);
    if (this.#stream !== undefined) void this.#close(this.#stream, failed(why));
  }

  #call(run: FunctionDefinition['run'], list: readonly unknown[]): unknown {
    return within(this.#context, () => run.apply(this.#context, list as never[]));
  }

  /** What the function returns for arguments that its schema takes; where it does not, the job ends here. */
  async #check(schema: StandardSchema, given: Given, run: FunctionDefinition['run']): Promise<unknown> {
    const checked = await checkedArguments(this.#about.fun, schema, given);
    if (!checked.ok) this.#end(checked);
    else if (this.#aborted !== undefined) this.#end(failed({ ...this.#aborted, outcome: 'did-not-happen' }));
    return checked.ok && !this.#ended ? this.#call(run, checked.value) : undefined;
  }

  async #await(returned: unknown): Promise<void> {
    try {
      const value = await returned;
      if (this.#ended) return;
      if (isStream(value)) await this.#pump(value);
      else this.#end(await this.#encoded(value, 'result'));
    } catch (error) {
      this.#end(this.#threw(error));
    }
  }

  async #pump(stream: Stream): Promise<void> {
    this.#stream = stream;
    for (let turn = performance.now(); ; ) {
      if (this.#aborted !== undefined) return this.#close(stream, failed(this.#aborted));
      const next = await within(this.#context, () => stream.next());
      if (this.#ended) return;
      const outcome = next.done ? encoded(await next.value, 'result') : await this.#encoded(await next.value, 'item');
      if (next.done) return this.#end(this.#aborted === undefined ? outcome : failed(this.#aborted));
      if (!outcome.ok) return this.#close(stream, outcome);
      const room = this.#sink.item(outcome.value);
      if (room !== undefined) await room;
      if (performance.now() - turn > TURN_MS) {
        await new Promise((resolve) => setImmediate(resolve));
        turn = performance.now();
      }
    }
  }

  async #encoded(value: unknown, root: 'result' | 'item'): Promise<Outcome<Payload>> {
    if (this.#schema === undefined) return encoded(value, root);
    const checked = await checkedValue(this.#about.fun, this.#schema, value, root);
    return checked.ok ? encoded(checked.value, root) : checked;
  }

  /** Lets the generator run its `finally`, then answers. */
  async #close(stream: Stream, outcome: Outcome<Payload>): Promise<void> {
    try {
      await within(this.#context, () => stream.return?.());
    } catch {
      // It is answered with the reason for which it was closed.
    }
    this.#end(outcome);
  }

  #end(outcome: Outcome<Payload>): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#context.end(this.#about.fun);
    this.#sink.ran(outcome.ok ? outcome : failed(this.#located(outcome.problem)));
  }

  #threw(error: unknown): Outcome<Payload> {
    // Why only they: what a user's function throws is that function's failure, and a trap to whoever looks at it.
    if (this.#about.fun.startsWith('mpreg.') && error instanceof ProblemError) return failed(error.problem);
    const cause = causeOf(error);
    if (this.#aborted !== undefined) return failed({ ...this.#aborted, cause });
    return failed(problem('function-failed', `${this.#about.fun} threw ${cause.name}: ${cause.message}`, { cause }));
  }

  #located(about: Problem): Problem {
    const { fun, step } = this.#about;
    return { ...about, fun, ...(step !== undefined && { step }) };
  }
}

/** Made for every call, so its costly parts are made when they are first asked for. */
class JobContext implements CallContext {
  readonly deadline: number | undefined;
  readonly step: string | undefined;
  readonly #sink: JobSink;
  #controller: AbortController | undefined;
  #log: CallContext['log'] | undefined;
  #calls: JobCalls | undefined;
  /** Why it may make no more calls, once that is so. */
  #over: (() => Problem) | undefined;

  constructor({ step, msLeft }: JobDescription, sink: JobSink) {
    this.deadline = msLeft === Infinity ? undefined : Date.now() + msLeft;
    this.step = step;
    this.#sink = sink;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  get log(): CallContext['log'] {
    this.#log ??= (message, details) => this.#sink.log(String(message), details);
    return this.#log;
  }

  get call(): CallContext['call'] {
    if (this.#calls === undefined) {
      this.#calls = new JobCalls(this.#sink.call);
      if (this.#over !== undefined) this.#calls.end(this.#over());
    }
    return this.#calls.call;
  }

  abort(reason: DOMException, why: Problem): void {
    this.#endCalls(() => why);
    this.#controller ??= new AbortController();
    this.#controller.abort(reason);
  }

  end(fun: string): void {
    this.#endCalls(() => problem('cancelled', `${fun} has ended, and did not wait for what it had called`));
  }

  #endCalls(why: () => Problem): void {
    this.#over ??= why;
    this.#calls?.end(this.#over());
  }
}

function givenBy(payload: Payload): Outcome<Given> {
  const read = payload.value();
  if (!read.ok) return read;
  const { args, kwargs } = (read.value ?? {}) as { readonly args?: unknown; readonly kwargs?: unknown };
  if (Array.isArray(args)) return { ok: true, value: { args, kwargs } };
  return failed(problem('value-undecodable', 'the payload of the call holds no arguments'));
}

/** A value that cannot be sent comes from work that was done. */
function encoded(value: unknown, root: 'result' | 'item'): Outcome<Payload> {
  const outcome = encodable(value, root);
  return outcome.ok ? outcome : failed({ ...outcome.problem, outcome: 'unknown' });
}

/** What was thrown, also where it is no error, or one that fights back. */
export function causeOf(thrown: unknown): Cause {
  try {
    if (thrown instanceof Error || (typeof thrown === 'object' && thrown !== null && 'message' in thrown)) {
      const { name = 'Error', message, stack } = thrown as Partial<Error>;
      return {
        message: cut(message),
        name: cut(name),
        ...(typeof stack === 'string' && { stack: cut(stack + reasonsOf(thrown)) }),
      };
    }
    const isNothing = thrown === null || thrown === undefined;
    const name = isNothing ? String(thrown) : (Object(thrown) as object).constructor?.name || typeof thrown;
    return { message: cut(typeof thrown === 'string' ? thrown : inspect(thrown)), name: cut(name) };
  } catch {
    return { message: 'what it threw cannot be shown', name: typeof thrown };
  }
}

/** What an error says of its reasons: its `cause`, the `errors` of an `AggregateError`, and theirs. */
function reasonsOf(thrown: object, depth = 0): string {
  if (depth === REASONS_DEPTH_MAX) return '';
  const reasons: readonly (readonly [string, unknown])[] = [
    ...('cause' in thrown ? [['cause', thrown.cause] as const] : []),
    ...('errors' in thrown && Array.isArray(thrown.errors)
      ? thrown.errors.slice(0, REASONS_MAX).map((error: unknown, i) => [`errors[${i}]`, error] as const)
      : []),
  ];
  return reasons.map(([what, reason]) => `\n[${what}]: ${reasonOf(reason, depth)}`).join('');
}

function reasonOf(reason: unknown, depth: number): string {
  if (!(reason instanceof Error)) return typeof reason === 'string' ? reason : inspect(reason);
  return (reason.stack ?? `${reason.name}: ${reason.message}`) + reasonsOf(reason, depth + 1);
}

function cut(text: unknown): string {
  return String(text).slice(0, CAUSE_LENGTH_MAX);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** A generator or another iterator, not what merely can be iterated: lists and maps are values. */
function isStream(value: unknown): value is Stream {
  if (typeof value !== 'object' || value === null || !('next' in value) || typeof value.next !== 'function')
    return false;
  return Symbol.asyncIterator in value || Symbol.iterator in value;
}
