/**
 * The functions of the simulated world: what a node's worker threads would run. The first argument of every call is a
 * token by which the checkers recognise the run; the function sees what comes after it.
 *
 *   echo x → x     add a b … → sum     sleep ms x → x, later     fail → throws     any other name: as echo
 */
import type { TaskId } from '../core/base/ids.ts';
import { done, failed, type Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import type { Prng } from '../core/base/prng.ts';
import { problem } from '../core/base/problems.ts';
import type { Arguments } from '../core/calls/messages.ts';
import type { NodeEffect } from '../core/node/effects.ts';
import { simPayload } from './payload.ts';
import type { Timeline } from './timeline.ts';

export type RunEffect = Extract<NodeEffect, { kind: 'run' }>;

/** The token and the arguments proper. */
export function argumentsOf(payload: Payload): { readonly token: string; readonly args: readonly unknown[] } {
  const outcome = payload.value();
  const args = outcome.ok ? ((outcome.value as Partial<Arguments> | undefined)?.args ?? []) : [];
  return { args: args.slice(1), token: String(args[0]) };
}

/** The functions of one process. */
export class SimFunctions {
  readonly #timeline: Timeline;
  readonly #prng: Prng;
  readonly #ran: (task: TaskId, outcome: Outcome<Payload>) => void;
  readonly #running = new Set<TaskId>();
  #offered: ReadonlySet<string>;

  constructor(
    timeline: Timeline,
    prng: Prng,
    offered: readonly string[],
    ran: (task: TaskId, outcome: Outcome<Payload>) => void,
  ) {
    this.#timeline = timeline;
    this.#prng = prng;
    this.#offered = new Set(offered);
    this.#ran = ran;
  }

  offer(names: readonly string[]): void {
    this.#offered = new Set(names);
  }

  run(effect: RunEffect): void {
    this.#running.add(effect.task);
    if (!this.#offered.has(effect.fun)) {
      this.#end(effect.task, 0, failed(problem('not-here', `${effect.fun} is not here`, { fun: effect.fun })));
      return;
    }
    const { args } = argumentsOf(effect.payload);
    const { ms, outcome } = this.#behave(effect.fun, args);
    this.#end(effect.task, ms, outcome);
  }

  /** Some functions listen to their signal, some do not. */
  abort(task: TaskId): void {
    if (!this.#prng.chance(0.5)) return;
    this.#end(
      task,
      this.#prng.between(0, 20),
      failed(problem('cancelled', 'the function stopped when it was told to')),
    );
  }

  #behave(fun: string, args: readonly unknown[]): { readonly ms: number; readonly outcome: Outcome<Payload> } {
    const ms = this.#prng.between(0, 3);
    switch (fun) {
      case 'add':
        return { ms, outcome: done(simPayload(args.reduce((sum: number, term) => sum + Number(term), 0))) };
      case 'sleep':
        return { ms: Math.max(0, Math.floor(Number(args[0]))), outcome: done(simPayload(args[1])) };
      case 'fail': {
        const cause = { message: 'it always fails', name: 'Error' };
        return { ms, outcome: failed(problem('function-failed', 'fail threw: it always fails', { cause, fun })) };
      }
      default:
        return { ms, outcome: done(simPayload(args[0])) };
    }
  }

  #end(task: TaskId, afterMs: number, outcome: Outcome<Payload>): void {
    this.#timeline.after(afterMs, () => {
      if (this.#running.delete(task)) this.#ran(task, outcome);
    });
  }
}
