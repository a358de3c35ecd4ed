/**
 * A node's runners as one: each function belongs to the first that offers its name, and runs a bounded number of times at
 * once.
 *
 *      run ──► running < concurrency? ──yes──► its runner ──► ran ──► the next that waits
 *                        │ no
 *                        └──► waiting < queue? ──yes──► waits
 *                                     │ no
 *                                     └──► overloaded, at once: another node may have room
 *
 * Invariants:
 * - a function's `running` counts exactly those of its tasks that a runner has and has not answered;
 * - a task waits, or a runner has it, or it is answered.
 *
 * Limit: a function that ignores that it should stop no longer counts once its call was answered without it.
 */
import type { TaskId } from '../../core/base/ids.ts';
import { failed } from '../../core/base/outcome.ts';
import { type Problem, problem } from '../../core/base/problems.ts';
import type { FunctionRecord } from '../../core/directory/record.ts';
import type { JsonSchema } from '../../standard-schema.ts';
import type { Job, JobEvents, Runner } from '../ports.ts';
import type { FunctionOffer, PartRunner } from './offer.ts';

export interface RunnersOptions {
  /** The first that offers a name has it. */
  readonly parts: readonly PartRunner[];
  /** The node's name, for messages. */
  readonly node: string;
  /** `functions` are others now. */
  readonly changed?: () => void;
}

/** What a node tells of one of its functions to whoever asks. */
export interface FunctionDescription extends FunctionRecord {
  readonly concurrency: number;
  readonly queue: number;
  readonly running: number;
  readonly waiting: number;
  readonly argsSchema: JsonSchema | null;
  readonly resultSchema: JsonSchema | null;
}

/** Default of `queue`: four rounds of what runs at once; at least what a plan with many parallel steps brings. */
const QUEUE_ROUNDS = 4;
const QUEUE_LEAST = 1_000;

interface Bounded {
  offer: FunctionOffer;
  runner: PartRunner;
  concurrency: number;
  queue: number;
  running: number;
  /** In order of arrival. */
  readonly waiting: Map<TaskId, Job>;
}

export class Runners implements Runner {
  readonly #options: RunnersOptions;
  #byName = new Map<string, Bounded>();
  /** Whose each task is, waiting or running. */
  readonly #tasks = new Map<TaskId, Bounded>();
  #events: JobEvents | undefined;

  constructor(options: RunnersOptions) {
    this.#options = options;
    this.#arrange();
    for (const part of options.parts) {
      part.own({
        changed: () => this.#rearrange(),
        item: (task, payload) => this.#events?.item(task, payload),
        ran: (task, outcome) => {
          this.#ended(task);
          this.#events?.ran(task, outcome);
        },
      });
    }
  }

  get functions(): readonly FunctionRecord[] {
    return [...this.#byName.values()].map(({ offer }) => offer.record);
  }

  /** Null where there is no such function. */
  describe(name: string): FunctionDescription | null {
    const fn = this.#byName.get(name);
    if (fn === undefined) return null;
    const { offer, concurrency, queue, running, waiting } = fn;
    const { argsSchema = null, resultSchema = null, record } = offer;
    return { ...record, argsSchema, concurrency, queue, resultSchema, running, waiting: waiting.size };
  }

  own(events: JobEvents): void {
    this.#events = events;
  }

  run(job: Job): void {
    const fn = this.#byName.get(job.fun);
    if (fn === undefined) {
      this.#refuse(job.task, problem('not-here', `the function ${job.fun} is not on this node`));
    } else if (fn.running < fn.concurrency) {
      this.#start(fn, job);
    } else if (fn.waiting.size < fn.queue) {
      this.#tasks.set(job.task, fn);
      fn.waiting.set(job.task, job);
    } else {
      this.#refuse(job.task, this.#overloaded(fn));
    }
  }

  abort(task: TaskId, reason: string): void {
    const fn = this.#tasks.get(task);
    const job = fn?.waiting.get(task);
    if (fn === undefined || job === undefined) {
      for (const part of this.#options.parts) part.abort(task, reason);
      return;
    }
    fn.waiting.delete(task);
    this.#tasks.delete(task);
    const why = problem('cancelled', `${job.fun} was cancelled before it began: ${reason}`);
    this.#refuse(task, { ...why, outcome: 'did-not-happen' });
  }

  more(task: TaskId, items: number): void {
    for (const part of this.#options.parts) part.more?.(task, items);
  }

  async close(graceMs: number): Promise<void> {
    for (const fn of this.#byName.values()) this.#turnAway(fn, problem('node-stopping', 'the node is stopping'));
    await Promise.all(this.#options.parts.map((part) => part.close(graceMs)));
  }

  #start(fn: Bounded, job: Job): void {
    fn.running++;
    this.#tasks.set(job.task, fn);
    fn.runner.run(job);
  }

  #ended(task: TaskId): void {
    const fn = this.#tasks.get(task);
    if (fn === undefined) return;
    this.#tasks.delete(task);
    fn.running--;
    this.#startWaiting(fn);
  }

  #startWaiting(fn: Bounded): void {
    for (const [task, job] of fn.waiting) {
      if (fn.running >= fn.concurrency) return;
      fn.waiting.delete(task);
      this.#start(fn, job);
    }
  }

  /** Later: no answer comes while its question is still being put. */
  #refuse(task: TaskId, why: Problem): void {
    queueMicrotask(() => this.#events?.ran(task, failed(why)));
  }

  #overloaded({ offer: { record }, concurrency, queue }: Bounded): Problem {
    const { node } = this.#options;
    const times = concurrency === 1 ? 'once' : `${concurrency} times`;
    const message = `${record.name} runs ${times} on ${node} already, and ${queue} calls wait for it there`;
    const hint = `Try again later, start another node that has it, or raise its concurrency (${concurrency}) or queue (${queue}).\nmpreg cluster status`;
    return problem('overloaded', message, { hint });
  }

  #turnAway(fn: Bounded, why: Problem): void {
    for (const task of fn.waiting.keys()) {
      this.#tasks.delete(task);
      this.#refuse(task, why);
    }
    fn.waiting.clear();
  }

  /** What runs goes on and is counted on; what waits goes to the function's new place, or elsewhere. */
  #rearrange(): void {
    const before = this.#byName;
    this.#byName = new Map();
    this.#arrange(before);
    for (const [name, fn] of before) {
      if (this.#byName.has(name)) this.#startWaiting(fn);
      else this.#turnAway(fn, problem('not-here', `the function ${name} is no longer on this node`));
    }
    this.#options.changed?.();
  }

  #arrange(before: ReadonlyMap<string, Bounded> = new Map()): void {
    for (const runner of this.#options.parts) {
      for (const offer of runner.offers) {
        const { name } = offer.record;
        if (this.#byName.has(name)) continue;
        const { concurrency = runner.concurrency } = offer;
        const { queue = Math.max(QUEUE_LEAST, QUEUE_ROUNDS * concurrency) } = offer;
        const fn = before.get(name) ?? { concurrency, offer, queue, runner, running: 0, waiting: new Map() };
        this.#byName.set(name, Object.assign(fn, { concurrency, offer, queue, runner }));
      }
    }
  }
}
