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
 * A function that waits for calls of its own lends its place to nested ones (`function-places.ts`).
 *
 * Invariants:
 * - a function's places hold exactly those of its tasks that a runner has and has not answered;
 * - a task waits, or a runner has it, or it is answered.
 *
 * Limit: a function that ignores that it should stop no longer counts once its call was answered without it.
 */
import { IdTable } from '../../core/base/id-table.ts';
import type { TaskId } from '../../core/base/ids.ts';
import type { Instant } from '../../core/base/instant.ts';
import { failed } from '../../core/base/outcome.ts';
import { type Problem, problem } from '../../core/base/problems.ts';
import type { FunctionRecord } from '../../core/directory/record.ts';
import type { JsonSchema } from '../../standard-schema.ts';
import type { Job, JobEvents, Runner } from '../ports.ts';
import type { Triggered } from '../topics/triggers.ts';
import { FunctionPlaces } from './function-places.ts';
import { type Carrier, NestedCalls } from './nested-calls.ts';
import type { FunctionOffer, PartRunner } from './offer.ts';
import type { Feed } from './queue-feed.ts';
import type { Trigger } from './trigger.ts';

export interface RunnersOptions {
  /** The first that offers a name has it. */
  readonly parts: readonly PartRunner[];
  /** The node's name, for messages. */
  readonly node: string;
  /** `functions` are others now. */
  readonly changed?: () => void;
  /** Opens what carries the calls that functions make. */
  readonly open: () => Promise<Carrier>;
  readonly now: () => Instant;
}

/** What a node tells of one of its functions to whoever asks. */
export interface FunctionDescription extends FunctionRecord {
  readonly concurrency: number;
  readonly queue: number;
  readonly running: number;
  readonly waiting: number;
  readonly trigger: Trigger | null;
  readonly feed: Feed | null;
  readonly argsSchema: JsonSchema | null;
  readonly resultSchema: JsonSchema | null;
}

/** Default of `queue`: four rounds of what runs at once; at least what a plan with many parallel steps brings. */
const QUEUE_ROUNDS = 4;
const QUEUE_LEAST = 1_000;

interface Bounded {
  offer: FunctionOffer;
  runner: PartRunner;
  readonly places: FunctionPlaces;
}

interface Task {
  readonly fn: Bounded;
  readonly job: Job;
  /** It is a plan's step and gives items, for which there is no place in a plan. */
  streams?: true;
}

export class Runners implements Runner {
  readonly #options: RunnersOptions;
  #byName = new Map<string, Bounded>();
  /** Whose each task is, waiting or running. */
  readonly #tasks = new IdTable<Task>();
  readonly #nested: NestedCalls;
  #events: JobEvents | undefined;

  constructor(options: RunnersOptions) {
    this.#options = options;
    this.#nested = new NestedCalls({ ...options, changed: (task, waits) => this.#lend(task, waits) });
    this.#arrange();
    for (const part of options.parts) {
      part.own({
        call: (task, asked, settle) => {
          const running = this.#tasks.get(task);
          if (running !== undefined) return this.#nested.call(running.job, asked, settle);
          const why = problem('cancelled', 'the function that calls it has ended', { outcome: 'did-not-happen' });
          queueMicrotask(() => settle(failed(why)));
          return () => undefined;
        },
        changed: () => this.#rearrange(),
        item: (task, payload) => {
          const running = this.#tasks.get(task);
          if (running?.job.step === undefined) this.#events?.item(task, payload);
          else if (!running.streams) this.#refuseStream(task, running);
        },
        ran: (task, outcome) => {
          const running = this.#tasks.get(task);
          if (running !== undefined) this.#ended(task, running);
          this.#events?.ran(task, running?.streams ? failed(noStep(running.job)) : outcome);
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
    const { offer, places } = fn;
    const { argsSchema = null, feed = null, resultSchema = null, record, trigger = null } = offer;
    const { limits, running, waiting } = places;
    return { ...record, argsSchema, ...limits, feed, resultSchema, running, trigger, waiting };
  }

  /** Those that topics trigger, and those that queues feed. */
  get triggered(): readonly Triggered[] {
    return [...this.#byName].flatMap(([fun, { offer, places }]) => {
      const { feed, trigger } = offer;
      const { concurrency } = places.limits;
      return [...(trigger ? [{ concurrency, fun, trigger }] : []), ...(feed ? [{ feed, fun }] : [])];
    });
  }

  own(events: JobEvents): void {
    this.#events = events;
  }

  run(job: Job): void {
    const fn = this.#byName.get(job.fun);
    if (fn === undefined) {
      this.#refuse(job.task, problem('not-here', `the function ${job.fun} is not on this node`));
    } else if (fn.places.hasRoomFor(job)) {
      this.#start(fn, job);
    } else if (fn.places.hasQueue) {
      this.#tasks.set(job.task, { fn, job });
      fn.places.wait(job);
    } else {
      this.#refuse(job.task, this.#overloaded(fn));
    }
  }

  abort(task: TaskId, reason: string): void {
    const { fn, job } = this.#tasks.get(task) ?? {};
    if (fn?.places.take(task) === undefined || job === undefined) {
      for (const part of this.#options.parts) part.abort(task, reason);
      this.#nested.end(task, reason);
      return;
    }
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
    fn.places.begin(job);
    this.#tasks.set(job.task, { fn, job });
    fn.runner.run(job);
  }

  #ended(task: TaskId, { fn, job }: Task): void {
    this.#tasks.delete(task);
    this.#nested.end(task, `${job.fun}, which had called it, has ended`);
    fn.places.end(task);
    this.#startWaiting(fn);
  }

  /** Its items would be lost without a word, and it might never end. */
  #refuseStream(task: TaskId, running: Task): void {
    running.streams = true;
    this.abort(task, noStep(running.job).message);
  }

  #startWaiting(fn: Bounded): void {
    for (let job = fn.places.next(); job !== undefined; job = fn.places.next()) this.#start(fn, job);
  }

  #lend(task: TaskId, waits: boolean): void {
    const fn = this.#tasks.get(task)?.fn;
    if (fn === undefined) return;
    fn.places.lend(task, waits);
    if (waits) this.#startWaiting(fn);
  }

  /** Later: no answer comes while its question is still being put. */
  #refuse(task: TaskId, why: Problem): void {
    queueMicrotask(() => this.#events?.ran(task, failed(why)));
  }

  #overloaded({ offer: { record }, places }: Bounded): Problem {
    const { node } = this.#options;
    const { concurrency, queue } = places.limits;
    const times = concurrency === 1 ? 'once' : `${concurrency} times`;
    const message = `${record.name} runs ${times} on ${node} already, and ${queue} calls wait for it there`;
    const hint = `Try again later, start another node that has it, or raise its concurrency (${concurrency}) or queue (${queue}).\nmpreg cluster status`;
    return problem('overloaded', message, { hint });
  }

  #turnAway(fn: Bounded, why: Problem): void {
    for (const { task } of fn.places.takeAll()) {
      this.#tasks.delete(task);
      this.#refuse(task, why);
    }
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
        const limits = { concurrency, queue };
        const fn = before.get(name) ?? { offer, places: new FunctionPlaces(limits), runner };
        fn.places.limits = limits;
        this.#byName.set(name, Object.assign(fn, { offer, runner }));
      }
    }
  }
}

function noStep({ fun }: Job): Problem {
  return problem('usage-invalid', `${fun} gives a stream of items, and a step of a plan gives one value`, {
    hint: 'Have it return a list, or call it by itself.\nmpreg call --stream',
    outcome: 'unknown',
  });
}
