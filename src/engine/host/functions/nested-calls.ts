/**
 * The calls that functions of this node make while they run, from the node's side: each is a call of a client inside this
 * process, so that placing, limits and problems are those of any other.
 *
 * A call lives no longer than the job that makes it: it gets at most the time that the job has left, and is cancelled when
 * the job is aborted or ends.
 */
import type { TaskId } from '../../core/base/ids.ts';
import { type Instant, NEVER } from '../../core/base/instant.ts';
import { failed, type Outcome } from '../../core/base/outcome.ts';
import type { Payload } from '../../core/base/payload.ts';
import { problem } from '../../core/base/problems.ts';
import { ProblemError } from '../../problem-error.ts';
import type { CallHeader } from '../call-request.ts';
import type { RawReply, Settle } from '../client.ts';
import type { Job } from '../ports.ts';

/** What a function asks for. */
export interface Asked {
  readonly call: CallHeader;
  /** Holds `Arguments`. */
  readonly payload: Payload;
}

/** Takes a call back. */
export type Cancel = (reason: string) => void;

/** What carries the calls: a client of this very node. */
export interface Carrier {
  pass(call: CallHeader, payload: Payload, settle: Settle): Cancel;
  readonly gone: string | undefined;
}

export interface NestedCallsOptions {
  readonly open: () => Promise<Carrier>;
  readonly now: () => Instant;
  /** A job waits for the first of its calls, or no longer for any. */
  readonly changed: (task: TaskId, waits: boolean) => void;
}

export class NestedCalls {
  readonly #options: NestedCallsOptions;
  /** Those that are not answered, of each job that has any. */
  readonly #open = new Map<TaskId, Set<Cancel>>();
  #carrier: Carrier | undefined;
  #opening: Promise<Carrier> | undefined;

  constructor(options: NestedCallsOptions) {
    this.#options = options;
  }

  /** `settle` is called exactly once, later. */
  call(job: Job, { call, payload }: Asked, settle: Settle): Cancel {
    const { deadline, depth = 0, task } = job;
    const left = deadline === NEVER ? 0 : deadline - this.#options.now();
    let cancelled: string | undefined;
    let carried: Cancel | undefined;
    const cancel: Cancel = (reason) => {
      cancelled ??= reason;
      carried?.(reason);
    };
    const answer = (outcome: Outcome<RawReply>) => {
      this.#forget(task, cancel);
      queueMicrotask(() => settle(outcome));
    };
    const limits = [call.timeoutMs, left].filter((ms) => ms > 0);
    const timeoutMs = limits.length > 0 ? Math.ceil(Math.min(...limits)) : 0;
    this.#keep(task, cancel);
    if (deadline !== NEVER && left <= 0) {
      const { fun } = call;
      answer(
        failed(problem('timed-out-before-start', `${fun} was called when the time of ${job.fun} was up`, { fun })),
      );
      return cancel;
    }
    const carry = (carrier: Carrier) => {
      if (cancelled === undefined) carried = carrier.pass({ ...call, depth: depth + 1, timeoutMs }, payload, answer);
      else answer(failed(problem('cancelled', `cancelled: ${cancelled}`, { outcome: 'did-not-happen' })));
    };
    if (this.#carrier?.gone === undefined && this.#carrier !== undefined) carry(this.#carrier);
    else void this.#opened().then(carry, (error: unknown) => answer(failed(whyNot(error))));
    return cancel;
  }

  /** The job has ended, or is about to: what it still waits for is cancelled. */
  end(task: TaskId, reason: string): void {
    const open = this.#open.get(task);
    if (open !== undefined) for (const cancel of [...open]) cancel(reason);
  }

  #keep(task: TaskId, cancel: Cancel): void {
    const open = this.#open.get(task);
    if (open !== undefined) {
      open.add(cancel);
      return;
    }
    this.#open.set(task, new Set([cancel]));
    this.#options.changed(task, true);
  }

  #forget(task: TaskId, cancel: Cancel): void {
    const open = this.#open.get(task);
    if (open?.delete(cancel) !== true || open.size > 0) return;
    this.#open.delete(task);
    this.#options.changed(task, false);
  }

  #opened(): Promise<Carrier> {
    this.#opening ??= this.#options.open().then(
      (carrier) => {
        this.#carrier = carrier;
        this.#opening = undefined;
        return carrier;
      },
      (error: unknown) => {
        this.#opening = undefined;
        throw error;
      },
    );
    return this.#opening;
  }
}

function whyNot(error: unknown) {
  if (error instanceof ProblemError) return error.problem;
  return problem('nobody-there', `this node cannot be called now: ${(error as Error).message}`);
}
