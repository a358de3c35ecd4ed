/**
 * The functions of the simulated world: what a node's worker threads would run. The first argument of every call is a
 * token by which the checkers recognise the run; the function sees what comes after it.
 *
 *   echo x → x                        fail → throws
 *   add a b … → sum                   flaky share x → x, or throws with that chance
 *   sleep ms x → x, later             narrow x → x, one at a time: meanwhile it is overloaded
 *   pack a … k=v → { items, named }   bulk bytes x → a value that weighs so much: { bulkBytes, x }
 *   count a b … → how many
 *   which → the version that ran      stream n x → the items 0 … n-1, then x
 *   any other name: as echo
 */
import type { TaskId } from '../core/base/ids.ts';
import { done, failed, type Outcome } from '../core/base/outcome.ts';
import type { Payload } from '../core/base/payload.ts';
import type { Prng } from '../core/base/prng.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import type { Arguments } from '../core/calls/messages.ts';
import type { FunctionRecord } from '../core/directory/record.ts';
import type { NodeEffect } from '../core/node/effects.ts';
import { simPayload } from './payload.ts';
import type { Timeline } from './timeline.ts';

export type RunEffect = Extract<NodeEffect, { kind: 'run' }>;

/** The token and the arguments proper. */
export interface TokenArguments extends Arguments {
  readonly token: string;
}

export function argumentsOf(payload: Payload): TokenArguments {
  const outcome = payload.value();
  const { args = [], kwargs } = (outcome.ok ? (outcome.value ?? {}) : {}) as Partial<Arguments>;
  return { args: args.slice(1), token: String(args[0]), ...(kwargs === undefined ? {} : { kwargs }) };
}

/** Told of what functions do: that one began, in which version; an item of its stream; how it ended. */
export interface Functionary {
  began(run: RunEffect, version: string): void;
  item(run: RunEffect, payload: Payload): void;
  ended(run: RunEffect, outcome: Outcome<Payload>, ran: boolean): void;
}

interface Behaviour {
  /** How long it takes; for a stream, from item to item. */
  readonly ms: number;
  readonly outcome: Outcome<Payload>;
  readonly items?: number;
}

/** A stream that runs: so many of its items are made, so many taken as far as its asker says. */
interface Flow {
  readonly run: RunEffect;
  readonly behaviour: Behaviour;
  made: number;
  taken: number;
  /** An item is being made. */
  busy: boolean;
}

/** How far a paced stream runs ahead of its asker. */
const AHEAD_MAX = 3;

/** The functions of one process. */
export class SimFunctions {
  readonly #timeline: Timeline;
  readonly #prng: Prng;
  readonly #told: Functionary;
  readonly #running = new Map<TaskId, RunEffect>();
  readonly #flows = new Map<TaskId, Flow>();
  #offered: ReadonlyMap<string, string>;

  constructor(timeline: Timeline, prng: Prng, offered: readonly FunctionRecord[], told: Functionary) {
    this.#timeline = timeline;
    this.#prng = prng;
    this.#offered = versionsOf(offered);
    this.#told = told;
  }

  offer(functions: readonly FunctionRecord[]): void {
    this.#offered = versionsOf(functions);
  }

  run(run: RunEffect): void {
    const version = this.#offered.get(run.fun);
    const refusal = this.#refusal(run.fun, version);
    this.#running.set(run.task, run);
    if (refusal !== undefined || version === undefined) {
      this.#end(run, 0, failed(refusal ?? problem('not-here', `${run.fun} is not here`, { fun: run.fun })), false);
      return;
    }
    this.#told.began(run, version);
    const behaviour = this.#behave(run, version);
    if (behaviour.items === undefined) {
      this.#end(run, behaviour.ms, behaviour.outcome, true);
      return;
    }
    const flow = { behaviour, busy: false, made: 0, run, taken: 0 };
    this.#flows.set(run.task, flow);
    this.#flow(flow);
  }

  /** The asker of a stream has taken so many items. */
  more(task: TaskId, items: number): void {
    const flow = this.#flows.get(task);
    if (flow === undefined) return;
    flow.taken += items;
    this.#flow(flow);
  }

  /** Some functions listen to their signal, some do not; a stream's worker does it for them, for they may be held back. */
  abort(task: TaskId): void {
    const run = this.#running.get(task);
    const listens = this.#prng.chance(0.5) || this.#flows.has(task);
    if (!listens || run === undefined) return;
    const why = problem('cancelled', 'the function stopped when it was told to');
    this.#end(run, this.#prng.between(0, 20), failed(why), true);
  }

  #refusal(fun: string, version: string | undefined): Problem | undefined {
    if (version === undefined) return problem('not-here', `${fun} is not here`, { fun });
    const isBusy = fun === 'narrow' && [...this.#running.values()].some((other) => other.fun === fun);
    return isBusy ? problem('overloaded', `${fun} runs once at a time here (concurrency)`, { fun }) : undefined;
  }

  #behave({ fun, payload }: RunEffect, version: string): Behaviour {
    const { args, kwargs = {} } = argumentsOf(payload);
    const ms = this.#prng.between(0, 3);
    const returns = (value: unknown, afterMs = ms): Behaviour => ({ ms: afterMs, outcome: done(simPayload(value)) });
    switch (fun) {
      case 'add':
        return returns(args.reduce((sum: number, term) => sum + Number(term), 0));
      case 'sleep':
        return returns(args[1], Math.max(0, Math.floor(Number(args[0])) || 0));
      case 'fail':
        return { ms, outcome: thrown(fun, 'it always fails') };
      case 'flaky':
        return this.#prng.chance(Number(args[0]))
          ? { ms, outcome: thrown(fun, 'this time it fails') }
          : returns(args[1]);
      case 'narrow':
        return returns(args[0], this.#prng.between(1, 300));
      case 'pack':
        return returns({ items: args, named: kwargs });
      case 'bulk':
        return returns({ bulkBytes: args[0], x: args[1] });
      case 'count':
        return returns(args.length);
      case 'which':
        return returns(version);
      case 'stream':
        return { ...returns(args[1], this.#prng.between(0, 50)), items: Number(args[0]) };
      default:
        return returns(args[0]);
    }
  }

  /** Makes the next item, or ends; a paced stream waits while its asker has not taken enough. */
  #flow(flow: Flow): void {
    const { run, behaviour } = flow;
    const { ms, outcome, items = 0 } = behaviour;
    if (flow.busy || (run.paced && flow.made < items && flow.made - flow.taken >= AHEAD_MAX)) return;
    flow.busy = true;
    if (flow.made >= items) {
      this.#end(run, ms, outcome, true);
      return;
    }
    this.#timeline.after(ms, () => {
      if (this.#running.get(run.task) !== run) return;
      this.#told.item(run, simPayload(flow.made++));
      flow.busy = false;
      this.#flow(flow);
    });
  }

  /** `ran`: it began, and has not only been refused. */
  #end(run: RunEffect, afterMs: number, outcome: Outcome<Payload>, ran: boolean): void {
    this.#timeline.after(afterMs, () => {
      this.#flows.delete(run.task);
      if (this.#running.delete(run.task)) this.#told.ended(run, outcome, ran);
    });
  }
}

function versionsOf(functions: readonly FunctionRecord[]): ReadonlyMap<string, string> {
  return new Map(functions.map(({ name, version }) => [name, version]));
}

function thrown(fun: string, message: string): Outcome<Payload> {
  return failed(problem('function-failed', `${fun} threw: ${message}`, { cause: { message, name: 'Error' }, fun }));
}
