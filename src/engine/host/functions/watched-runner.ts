/**
 * Runs users' functions from modules that are being edited.
 *
 * Every version of the code has worker threads of its own: when files change, new threads load them; from then on they get
 * the calls, and the old ones end with the last call that they had begun. Code that cannot be loaded changes nothing.
 *
 * Limit: so many versions wait for their calls at once; then the oldest is ended with the calls in it.
 */
import type { TaskId } from '../../core/base/ids.ts';
import { failed } from '../../core/base/outcome.ts';
import { problem } from '../../core/base/problems.ts';
import type { Job } from '../ports.ts';
import { FileWatch } from './file-watch.ts';
import { moduleFiles } from './module-files.ts';
import type { FunctionOffer, PartEvents, PartRunner } from './offer.ts';
import type { WorkerRunnerOptions } from './worker-options.ts';
import { WorkerRunner } from './worker-runner.ts';

const OLD_MAX = 4;

export class WatchedRunner implements PartRunner {
  readonly #options: WorkerRunnerOptions;
  readonly #watch: FileWatch;
  #current: WorkerRunner;
  /** Oldest first. */
  readonly #old = new Set<WorkerRunner>();
  readonly #tasks = new Map<TaskId, { readonly job: Job; readonly runner: WorkerRunner }>();
  /** What the code in use and, where it failed, the last that was tried are made of. */
  #files: ReadonlySet<string>;
  #events: PartEvents | undefined;
  #closing = false;

  /** Rejects as `WorkerRunner.start` does. */
  static async start(options: WorkerRunnerOptions): Promise<WatchedRunner> {
    const files = new Set<string>();
    const imported = (more: readonly string[]): void => more.forEach((file) => void files.add(file));
    const runner = new WatchedRunner(options, await WorkerRunner.start({ ...options, imported }), files);
    await runner.#watch.start();
    return runner;
  }

  private constructor(options: WorkerRunnerOptions, first: WorkerRunner, files: ReadonlySet<string>) {
    this.#options = options;
    this.#current = first;
    this.#files = files;
    this.#watch = new FileWatch(
      () => this.#watched(),
      () => this.#reload(),
    );
  }

  get offers(): readonly FunctionOffer[] {
    return this.#current.offers;
  }

  get concurrency(): number {
    return this.#current.concurrency;
  }

  own(events: PartEvents): void {
    this.#events = events;
    this.#listenTo(this.#current);
  }

  run(job: Job): void {
    this.#tasks.set(job.task, { job, runner: this.#current });
    this.#current.run(job);
  }

  abort(task: TaskId, reason: string): void {
    this.#tasks.get(task)?.runner.abort(task, reason);
  }

  more(task: TaskId, items: number): void {
    this.#tasks.get(task)?.runner.more(task, items);
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    this.#watch.close();
    await Promise.all([this.#current, ...this.#old].map((runner) => runner.close(graceMs)));
  }

  #listenTo(runner: WorkerRunner): void {
    runner.own({
      call: (task, asked, settle) => this.#events?.call(task, asked, settle) ?? (() => undefined),
      changed: () => undefined,
      item: (task, payload) => this.#events?.item(task, payload),
      ran: (task, outcome) => {
        this.#tasks.delete(task);
        this.#events?.ran(task, outcome);
        this.#endIdle(runner);
      },
    });
  }

  #watched(): readonly string[] {
    try {
      const named = moduleFiles(this.#options.modules).map(({ file }) => file);
      return [...new Set([...this.#files, ...named])];
    } catch {
      return [...this.#files]; // a file or folder is gone, perhaps only until the next look
    }
  }

  async #reload(): Promise<void> {
    const { log } = this.#options;
    const files = new Set<string>();
    const imported = (more: readonly string[]): void => more.forEach((file) => void files.add(file));
    try {
      const next = await WorkerRunner.start({ ...this.#options, imported });
      if (this.#closing) return void next.close(0);
      const before = this.#current;
      this.#files = files;
      this.#listenTo(next);
      this.#current = next;
      this.#old.add(before);
      this.#endIdle(before);
      this.#endTooMany();
      log('info', `the modules changed, and are loaded again${changes(before.offers, next.offers)}`);
      this.#events?.changed();
    } catch (error) {
      this.#files = new Set([...this.#files, ...files]);
      log('error', `the modules changed, and cannot be loaded; the old ones stay: ${(error as Error).message}`);
    }
  }

  #endIdle(runner: WorkerRunner): void {
    if (!this.#old.has(runner) || [...this.#tasks.values()].some((task) => task.runner === runner)) return;
    this.#old.delete(runner);
    void runner.close(0);
  }

  #endTooMany(): void {
    const [oldest] = this.#old;
    if (oldest === undefined || this.#old.size <= OLD_MAX) return;
    for (const [task, { job, runner }] of this.#tasks) {
      if (runner !== oldest) continue;
      this.#tasks.delete(task);
      const { fun } = job;
      const message = `${fun} was ended: its code has been replaced ${OLD_MAX + 1} times since it began`;
      this.#events?.ran(task, failed(problem('worker-died', message, { fun })));
    }
    this.#endIdle(oldest);
  }
}

/** What became of the functions, in words. */
function changes(before: readonly FunctionOffer[], after: readonly FunctionOffer[]): string {
  const named = (offers: readonly FunctionOffer[]) => new Map(offers.map((offer) => [offer.record.name, offer]));
  const [was, is] = [named(before), named(after)];
  const said = [
    ['new', [...is.keys()].filter((name) => !was.has(name))],
    ['gone', [...was.keys()].filter((name) => !is.has(name))],
    [
      'other than before',
      [...is].filter(([name, offer]) => was.has(name) && !same(was.get(name), offer)).map(([name]) => name),
    ],
  ] as const;
  return said.map(([what, names]) => (names.length === 0 ? '' : `; ${what}: ${names.join(', ')}`)).join('');
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
