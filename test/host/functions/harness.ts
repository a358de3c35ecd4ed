/** A runner, the modules that it loads, and everything that it answered. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Outcome } from '../../../src/engine/core/base/outcome.ts';
import type { Payload } from '../../../src/engine/core/base/payload.ts';
import type { Problem } from '../../../src/engine/core/base/problems.ts';
import { SystemClock } from '../../../src/engine/host/clock.ts';
import type { PartEvents } from '../../../src/engine/host/functions/offer.ts';
import type { WorkerRunnerOptions } from '../../../src/engine/host/functions/worker-options.ts';
import { WorkerRunner } from '../../../src/engine/host/functions/worker-runner.ts';
import type { Job } from '../../../src/engine/host/ports.ts';
import { payloadOf } from '../../../src/engine/wire/payload.ts';

export { soon } from '../../soon.ts';

export const clock = new SystemClock();
export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** For functions that make no calls. */
export const nobody = () => Promise.reject(new Error('nobody carries calls here'));

/** Listens to nothing that a runner says. */
export const deaf: PartEvents = {
  call: () => {
    throw new Error('nobody carries calls here');
  },
  changed: () => undefined,
  item: () => undefined,
  ran: () => undefined,
};

/** What runners of all kinds have in common. */
export interface AnyRunner {
  own(events: PartEvents): void;
  run(job: Job): void;
  abort(task: number, reason: string): void;
  close(graceMs: number): Promise<void>;
}

/** Calls functions of a runner as a node would, and keeps what came back. */
export class Caller<Runner extends AnyRunner = AnyRunner> {
  readonly runner: Runner;
  /** How often it said that it offers something else. */
  changes = 0;
  readonly items = new Map<number, unknown[]>();
  /** How often each task was answered: once, all of them. */
  readonly answers = new Map<number, number>();
  readonly #asking = new Map<number, (outcome: Outcome<Payload>) => void>();
  #task = 0;

  constructor(runner: Runner) {
    this.runner = runner;
    runner.own({
      ...deaf,
      changed: () => void this.changes++,
      item: (task, payload) => {
        const { value } = payload.value() as { value: unknown };
        const items = this.items.get(task) ?? [];
        items.push(value);
        this.items.set(task, items);
      },
      ran: (task, outcome) => {
        this.answers.set(task, (this.answers.get(task) ?? 0) + 1);
        this.#asking.get(task)?.(outcome);
      },
    });
  }

  /** The number of the last job. */
  get last(): number {
    return this.#task;
  }

  /** The function's value, or the problem that came instead. */
  call(fun: string, args: readonly unknown[] = [], about: Partial<Job> & { kwargs?: object } = {}) {
    const { kwargs, ...rest } = about;
    const task = ++this.#task;
    const payload = payloadOf({ args, ...(kwargs && { kwargs }) });
    return new Promise<unknown>((resolve) => {
      this.#asking.set(task, (outcome) => resolve(outcome.ok ? decoded(outcome.value) : outcome.problem));
      this.runner.run({ deadline: Number.MAX_SAFE_INTEGER, fun, payload, task, ...rest });
    });
  }

  /** The problem that came; fails where there was a value. */
  async problem(fun: string, args: readonly unknown[] = [], about: Partial<Job> = {}): Promise<Problem> {
    const got = await this.call(fun, args, about);
    if (typeof got !== 'object' || got === null || !('code' in got)) throw new Error(`no problem but ${String(got)}`);
    return got as Problem;
  }
}

function decoded(payload: Payload): unknown {
  const read = payload.value();
  if (!read.ok) throw new Error(read.problem.message);
  return read.value;
}

/** A folder of modules for one test file. */
export class Modules {
  readonly root = mkdtempSync(join(tmpdir(), 'mpreg-functions-'));
  readonly lines: string[] = [];
  readonly #runners: AnyRunner[] = [];
  readonly log = (level: string, message: string, details?: object) =>
    void this.lines.push(`${level} ${message}${details ? ` ${JSON.stringify(details)}` : ''}`);

  write(name: string, source: string): string {
    const file = join(this.root, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, source);
    return file;
  }

  async start(modules: readonly string[], options: Partial<WorkerRunnerOptions> = {}): Promise<Caller<WorkerRunner>> {
    return this.keep(await WorkerRunner.start({ clock, log: this.log, modules, ...options }));
  }

  /** Closes the runner with the others. */
  keep<Runner extends AnyRunner>(runner: Runner): Caller<Runner> {
    this.#runners.push(runner);
    return new Caller(runner);
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.#runners.splice(0).map((runner) => runner.close(0)));
    this.lines.length = 0;
  }

  remove(): void {
    rmSync(this.root, { force: true, recursive: true });
  }
}
