/** Several runners as one: each function belongs to the first that offers its name. */
import type { TaskId } from '../../core/base/ids.ts';
import { failed } from '../../core/base/outcome.ts';
import { problem } from '../../core/base/problems.ts';
import type { FunctionRecord } from '../../core/directory/record.ts';
import type { Job, JobEvents, Runner } from '../ports.ts';

export class Runners implements Runner {
  readonly functions: readonly FunctionRecord[];
  readonly #runners: readonly Runner[];
  readonly #byName = new Map<string, Runner>();
  /** Who has which job. */
  readonly #jobs = new Map<TaskId, Runner>();
  #events: JobEvents | undefined;

  constructor(runners: readonly Runner[]) {
    this.#runners = runners;
    const functions: FunctionRecord[] = [];
    for (const runner of runners) {
      for (const record of runner.functions) {
        if (this.#byName.has(record.name)) continue;
        this.#byName.set(record.name, runner);
        functions.push(record);
      }
    }
    this.functions = functions;
  }

  own(events: JobEvents): void {
    this.#events = events;
    for (const runner of this.#runners) {
      runner.own({
        item: events.item.bind(events),
        ran: (task, outcome) => {
          this.#jobs.delete(task);
          events.ran(task, outcome);
        },
      });
    }
  }

  run(job: Job): void {
    const runner = this.#byName.get(job.fun);
    if (runner === undefined) {
      const why = problem('not-here', `the function ${job.fun} is not on this node`);
      queueMicrotask(() => this.#events?.ran(job.task, failed(why)));
      return;
    }
    this.#jobs.set(job.task, runner);
    runner.run(job);
  }

  abort(task: TaskId, reason: string): void {
    this.#jobs.get(task)?.abort(task, reason);
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all(this.#runners.map((runner) => runner.close(graceMs)));
  }
}
