/**
 * Runs functions on the node's own loop: for those of mpreg itself, for tests, and for what certainly never blocks.
 *
 * A job begins after the turn that brought it, so that no answer comes while its question is still being put.
 */

import type { FunctionDefinition, NodeOptions } from '../../api.ts';
import { IdTable } from '../../core/base/id-table.ts';
import type { TaskId } from '../../core/base/ids.ts';
import { NEVER } from '../../core/base/instant.ts';
import { failed } from '../../core/base/outcome.ts';
import type { Payload } from '../../core/base/payload.ts';
import { problem } from '../../core/base/problems.ts';
import type { Clock, Job } from '../ports.ts';
import { type FunctionOffer, offerOf, type PartEvents, type PartRunner } from './offer.ts';
import { RunningJob } from './running-job.ts';
import { StreamWindow } from './stream-window.ts';

/** Limit: jobs that run at once on the loop. */
const JOBS_MAX = 10_000;

export interface InlineRunnerOptions {
  /** The first of a name counts. */
  readonly definitions: readonly FunctionDefinition[];
  readonly clock: Pick<Clock, 'now'>;
  readonly log: NonNullable<NodeOptions['log']>;
}

export class InlineRunner implements PartRunner {
  readonly offers: readonly FunctionOffer[];
  readonly concurrency = JOBS_MAX;
  readonly #options: InlineRunnerOptions;
  readonly #definitions: ReadonlyMap<string, FunctionDefinition>;
  readonly #running = new IdTable<RunningJob>();
  readonly #streams = new Map<TaskId, PacedStream>();
  #events: PartEvents | undefined;
  #arrived: Job[] = [];
  /** Set by `close`, to be called when nothing runs any more. */
  #idle: (() => void) | undefined;

  constructor(options: InlineRunnerOptions) {
    this.#options = options;
    const pairs = options.definitions.map((definition) => [definition.name, definition] as const);
    this.#definitions = new Map(pairs.toReversed());
    this.offers = [...new Set(pairs.map(([name]) => name))].map((name) => offerOf(this.#definition(name)));
  }

  own(events: PartEvents): void {
    this.#events = events;
  }

  run(job: Job): void {
    if (this.#arrived.push(job) === 1) queueMicrotask(() => this.#begin());
  }

  abort(task: TaskId, reason: string): void {
    queueMicrotask(() => this.#running.get(task)?.abort(reason));
  }

  more(task: TaskId, items: number): void {
    this.#streams.get(task)?.taken(items);
  }

  async close(graceMs: number): Promise<void> {
    if (this.#running.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
        setTimeout(resolve, graceMs).unref();
      });
    }
    for (const running of this.#running.values()) running.abort('the node is closing');
    this.#events = undefined;
  }

  #begin(): void {
    const jobs = this.#arrived;
    this.#arrived = [];
    for (const job of jobs) this.#start(job);
  }

  #start({ task, fun, step, deadline, paced, payload }: Job): void {
    const refused = this.#refusal(fun);
    if (refused !== undefined) {
      this.#events?.ran(task, failed(refused));
      return;
    }
    const msLeft = deadline === NEVER ? Infinity : Math.max(0, deadline - this.#options.clock.now());
    const stream = paced ? new PacedStream() : undefined;
    const running = new RunningJob(
      { fun, msLeft, step },
      {
        call: (asked, settle) => this.#events?.call(task, asked, settle) ?? (() => undefined),
        item: (item) => {
          const room = stream?.sent(item);
          this.#events?.item(task, item);
          return room;
        },
        log: (message, details) => this.#options.log('info', message, { ...details, fun }),
        ran: (outcome) => {
          this.#running.delete(task);
          this.#streams.delete(task);
          this.#events?.ran(task, outcome);
          if (this.#running.size === 0) this.#idle?.();
        },
      },
    );
    this.#running.set(task, running);
    if (stream !== undefined) this.#streams.set(task, stream);
    running.start(this.#definition(fun), payload);
  }

  #refusal(fun: string) {
    if (!this.#definitions.has(fun)) return problem('not-here', `the function ${fun} is not on this node`);
    if (this.#running.size < JOBS_MAX) return undefined;
    return problem('overloaded', `${JOBS_MAX} calls run on this node's loop already`);
  }

  #definition(name: string): FunctionDefinition {
    return this.#definitions.get(name) as FunctionDefinition;
  }
}

/** A stream that waits for its asker. */
class PacedStream {
  readonly #window = new StreamWindow();
  #room: (() => void) | undefined;

  /** Resolves when the next item may come; undefined: it may now. */
  sent(payload: Payload): Promise<void> | undefined {
    this.#window.sent(payload);
    if (!this.#window.full) return undefined;
    return new Promise((resolve) => {
      this.#room = resolve;
    });
  }

  taken(items: number): void {
    this.#window.taken(items);
    if (this.#window.full) return;
    this.#room?.();
    this.#room = undefined;
  }
}
