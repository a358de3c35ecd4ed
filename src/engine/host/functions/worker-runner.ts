/**
 * Runs users' functions in a pool of worker threads.
 *
 *      run ──► waiting ──► sent to a thread ──► begun ──► ran
 *                 ▲              │
 *                 └─ taken back ─┘   the thread is blocked or dead, or another has nothing to do
 *
 * The first thread loads the modules at the start and tells their functions; others follow when all are busy. A thread
 * that dies takes only the jobs with it that it had begun, and is replaced after a pause that grows while it keeps dying.
 * A thread whose function blocks loses what it has not begun to the others; where all are blocked, more are started, up to
 * twice the number; one is ended when nobody waits any more for anything in it.
 *
 * What it refuses to do: hold more than a number of jobs; run a job twice; answer a job twice.
 */
import type { TaskId } from '../../core/base/ids.ts';
import { type Instant, NEVER } from '../../core/base/instant.ts';
import { done, failed, type Outcome } from '../../core/base/outcome.ts';
import type { Payload } from '../../core/base/payload.ts';
import { type Problem, type ProblemCode, problem } from '../../core/base/problems.ts';
import { ProblemError, problemError } from '../../problem-error.ts';
import { payloadFrom } from '../../wire/payload.ts';
import type { Job } from '../ports.ts';
import { moduleFiles } from './module-files.ts';
import type { FunctionOffer, PartEvents, PartRunner } from './offer.ts';
import { StreamWindow } from './stream-window.ts';
import { unencodable } from './unencodable.ts';
import { FROM_THREAD, type Frame, NO_DEADLINE, SLOTS } from './worker-frames.ts';
import type { WorkerRunnerOptions } from './worker-options.ts';
import { type Flight, type ThreadOptions, WorkerThread } from './worker-thread.ts';

/** How often threads are looked after while there are jobs, in milliseconds: how long a job may sit behind a blocked one. */
const TEND_MS = 50;
/** How long all threads have to be blocked, with jobs waiting, before one more is started. */
const BLOCKED_MS = 1_000;
/** How long a thread with nothing but abandoned jobs may not answer before it is ended. */
const SILENT_MS = 1_000;
/** How long modules may take to load. */
const LOAD_MS_MAX = 30_000;
/** Pause before a thread that died is replaced: none after the first death, then this, doubled each time. */
const BACK_OFF_MS = 100;
const BACK_OFF_MS_MAX = 5_000;
/** A thread that lived as long had no part in the deaths before. */
const HEALTHY_MS = 10_000;
/** No task has this number: what a job makes that was answered already. */
const GONE = -1;

export class WorkerRunner implements PartRunner {
  readonly #options: Required<Omit<WorkerRunnerOptions, 'imported'>> & WorkerRunnerOptions;
  readonly #thread: ThreadOptions;
  #offers: readonly FunctionOffer[] = [];
  #names: ReadonlySet<string> = new Set();
  #events: PartEvents | undefined;
  readonly #threads = new Set<WorkerThread>();
  /** All jobs that are not answered. */
  readonly #flights = new Map<TaskId, Flight>();
  /** Those that no thread has, in order. */
  #waiting: Flight[] = [];
  #tending: NodeJS.Timeout | undefined;
  /** Since when jobs wait while every thread is blocked. */
  #blockedSince: Instant = NEVER;
  /** Deaths in a row. */
  #deaths = 0;
  /** No thread is started before. */
  #startAt: Instant = 0;
  #closing = false;
  /** Set by `close`: to be called when nothing runs any more. */
  #idle: (() => void) | undefined;
  #first: { resolve(): void; reject(error: ProblemError): void } | undefined;

  /** Resolves when the modules are loaded. Rejects with `module-invalid` or `file-unreadable`. */
  static async start(options: WorkerRunnerOptions): Promise<WorkerRunner> {
    const runner = new WorkerRunner(options);
    await runner.#load();
    return runner;
  }

  private constructor(options: WorkerRunnerOptions) {
    this.#options = { heapMbMax: 512, ignoredMs: 5_000, waitingMax: 10_000, workers: 2, ...options };
    this.#thread = { files: moduleFiles(options.modules), heapMbMax: this.#options.heapMbMax };
  }

  get offers(): readonly FunctionOffer[] {
    return this.#offers;
  }

  /** Half of what its threads have room for: one function that waits for others cannot keep all others out. */
  get concurrency(): number {
    return (this.#options.workers * SLOTS) / 2;
  }

  own(events: PartEvents): void {
    this.#events = events;
  }

  run(job: Job): void {
    const window = job.paced ? new StreamWindow() : undefined;
    const flight: Flight = { abandoned: false, aborted: undefined, job, place: undefined, untold: 0, window };
    this.#flights.set(job.task, flight);
    const refusal = this.#refusal(job);
    if (refusal !== undefined) {
      queueMicrotask(() => this.#answer(flight, failed(refusal)));
      return;
    }
    this.#waiting.push(flight);
    if (this.#waiting.length === 1) queueMicrotask(() => this.#dispatch());
    this.#tending ??= setInterval(() => this.#tend(), TEND_MS);
  }

  abort(task: TaskId, reason: string): void {
    const flight = this.#flights.get(task);
    if (flight === undefined || flight.aborted !== undefined) return;
    flight.aborted = { at: this.#now(), reason };
    const { place } = flight;
    if (place !== undefined && place.thread.takeBack(place.slot) === undefined) {
      place.thread.abort(place.slot, reason);
      return;
    }
    const why = this.#problem(flight, 'cancelled', `was cancelled before it began: ${reason}`);
    queueMicrotask(() => this.#answer(flight, failed({ ...why, outcome: 'did-not-happen' })));
  }

  more(task: TaskId, items: number): void {
    const flight = this.#flights.get(task);
    flight?.place?.thread.more(flight.place.slot, flight, items);
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    if (this.#flights.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#events = undefined;
    clearInterval(this.#tending);
    await Promise.all([...this.#threads].map((thread) => thread.terminate()));
  }

  #now(): Instant {
    return this.#options.clock.now();
  }

  async #load(): Promise<void> {
    const timer = setTimeout(() => {
      this.#first?.reject(problemError('module-invalid', `the modules did not load within ${LOAD_MS_MAX} ms`));
    }, LOAD_MS_MAX);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#first = { reject, resolve };
        this.#startThread();
      });
    } catch (error) {
      await this.close(0);
      throw error;
    } finally {
      clearTimeout(timer);
      this.#first = undefined;
    }
  }

  #refusal(job: Job): Problem | undefined {
    const { fun } = job;
    if (this.#closing) return problem('node-stopping', `the node is stopping; it takes no call of ${fun}`, { fun });
    if (!this.#names.has(fun)) return problem('not-here', `the function ${fun} is not on this node`, { fun });
    const { waitingMax, workers } = this.#options;
    const slots = workers * SLOTS;
    // Why not wait: what has the slots may be waiting for this very call.
    if (job.depth !== undefined && this.#flights.size > slots)
      return problem('overloaded', `${slots} calls run in the workers of this node already`, { fun });
    if (this.#waiting.length < waitingMax) return unencodable(job);
    return problem('overloaded', `${waitingMax} calls wait for a worker of this node already`, { fun });
  }

  #startThread(): void {
    const thread = new WorkerThread(
      this.#thread,
      {
        frame: (from, frame) => this.#frame(from, frame),
        gone: (gone, why) => this.#gone(gone, why),
        line: (stream, line) => this.#options.log(stream === 'stdout' ? 'info' : 'warn', line, { from: 'functions' }),
        loaded: (loaded, what) => {
          this.#options.imported?.(what.files);
          if ('problem' in what) this.#notLoaded(loaded, what.problem);
          else this.#loaded(loaded, what.offers, what.notes);
        },
      },
      this.#now(),
    );
    this.#threads.add(thread);
  }

  #loaded(thread: WorkerThread, offers: readonly FunctionOffer[], notes: readonly string[]): void {
    thread.ready = true;
    thread.numbers = new Map(offers.map(({ record }, number) => [record.name, number]));
    if (this.#first !== undefined) {
      this.#offers = offers;
      this.#names = new Set(thread.numbers.keys());
      for (const note of notes) this.#options.log('debug', note);
      this.#first.resolve();
    }
    this.#dispatch();
  }

  #notLoaded(thread: WorkerThread, why: Problem): void {
    if (this.#first === undefined) this.#options.log('error', `a worker could not be started again: ${why.message}`);
    this.#first?.reject(new ProblemError(why));
    void thread.terminate('could not load the modules');
    if ([...this.#threads].some(({ ready }) => ready)) return;
    for (const flight of this.#waiting.splice(0)) {
      const lost = this.#problem(flight, 'worker-died', `cannot be run: ${why.message}`);
      this.#answer(flight, failed({ ...lost, outcome: 'did-not-happen' }));
    }
  }

  /** Gives what waits to the threads with the fewest jobs. */
  #dispatch(): void {
    let settled = 0;
    for (const flight of this.#waiting) {
      if (flight.aborted !== undefined || flight.abandoned) {
        settled++; // answered, or about to be
        continue;
      }
      const thread = this.#leastBusy();
      if (thread === undefined) break;
      settled++;
      const { fun, deadline } = flight.job;
      const msLeft = deadline === NEVER ? NO_DEADLINE : Math.min(Math.max(0, deadline - this.#now()), NO_DEADLINE - 1);
      const number = thread.numbers.get(fun);
      if (number !== undefined) thread.send(flight, number, msLeft);
      else this.#answer(flight, failed(this.#problem(flight, 'not-here', 'is no longer in the modules of this node')));
    }
    if (settled > 0) this.#waiting = this.#waiting.slice(settled);
    this.#grow();
  }

  #leastBusy(): WorkerThread | undefined {
    let best: WorkerThread | undefined;
    for (const thread of this.#threads) {
      if (!thread.ready || thread.stalled || thread.full) continue;
      if (best === undefined || thread.flights.size < best.flights.size) best = thread;
    }
    return best;
  }

  /** One more thread where all are busy, none is about to come, and there may be one. */
  #grow(): void {
    const now = this.#now();
    const threads = [...this.#threads];
    if (this.#closing || now < this.#startAt || threads.some((thread) => !thread.ready)) return;
    if (threads.some((thread) => thread.flights.size === 0)) return;
    const blocked = now - this.#blockedSince >= BLOCKED_MS; // `#blockedSince` is NEVER while they are not
    const most = this.#options.workers * (blocked ? 2 : 1);
    if (threads.length < most && this.#flights.size > 0) this.#startThread();
  }

  #frame(thread: WorkerThread, frame: Required<Frame>): void {
    const { kind, slot, payload, text } = frame;
    thread.stalled = false;
    const flight = thread.flights.get(slot);
    if (kind === FROM_THREAD.item) {
      if (flight === undefined || flight.abandoned) return; // its stream stays where it is, without room
      const item = payloadFrom(payload);
      thread.took(slot, flight, item);
      this.#events?.item(flight.job.task, item);
    } else if (kind === FROM_THREAD.call) {
      const task = flight === undefined || flight.abandoned ? GONE : flight.job.task;
      thread.called(frame, (asked, settle) => this.#events?.call(task, asked, settle) ?? (() => undefined));
    } else if (kind === FROM_THREAD.uncall) {
      thread.uncalled(frame);
    } else if (kind === FROM_THREAD.log) {
      const { message, details } = JSON.parse(text) as { message: string; details?: Record<string, unknown> };
      this.#options.log('info', message, { ...details, fun: flight?.job.fun });
    } else {
      thread.release(slot);
      if (kind === FROM_THREAD.ran && flight) this.#answer(flight, done(payloadFrom(payload)));
      if (kind === FROM_THREAD.failed && flight) this.#answer(flight, failed(JSON.parse(text) as Problem));
      if (this.#waiting.length > 0) this.#dispatch();
    }
  }

  #answer(flight: Flight, outcome: Outcome<Payload>): void {
    if (flight.abandoned) return;
    flight.abandoned = true;
    this.#flights.delete(flight.job.task);
    this.#events?.ran(flight.job.task, outcome);
    if (this.#flights.size === 0) this.#idle?.();
  }

  #gone(thread: WorkerThread, why: string): void {
    if (!this.#threads.delete(thread)) return; // let go on purpose
    const now = this.#now();
    this.#first?.reject(problemError('module-invalid', `the worker ${why} while it loaded the modules`));
    if (this.#closing) return;
    const unfinished = [...thread.flights];
    const again = unfinished.filter(([slot]) => thread.takeBack(slot) !== undefined).map(([, flight]) => flight);
    this.#waiting = [...again, ...this.#waiting];
    for (const [, flight] of unfinished) {
      if (!again.includes(flight))
        this.#answer(flight, failed(this.#problem(flight, 'worker-died', `was lost: its worker ${why}`)));
    }
    this.#options.log('warn', `a worker ${why}`, { lost: unfinished.length - again.length });
    this.#deaths = now - thread.startedAt > HEALTHY_MS ? 1 : this.#deaths + 1;
    const pause = this.#deaths === 1 ? 0 : Math.min(BACK_OFF_MS * 2 ** (this.#deaths - 2), BACK_OFF_MS_MAX);
    this.#startAt = now + pause;
    this.#dispatch();
  }

  /** Looks after deadlines, threads that are blocked, and threads that are too many. */
  #tend(): void {
    const now = this.#now();
    const idle = [...this.#threads].some((thread) => thread.ready && thread.flights.size === 0);
    for (const thread of this.#threads) {
      if (!thread.ready) this.#hurry(thread, now);
      else this.#examine(thread, now, idle);
    }
    this.#expireWaiting(now);
    const ready = [...this.#threads].filter((thread) => thread.ready);
    const blocked = ready.length > 0 && ready.every((thread) => thread.stalled);
    if (!blocked || this.#waiting.length === 0) this.#blockedSince = NEVER;
    else if (this.#blockedSince === NEVER) this.#blockedSince = now;
    this.#dispatch();
    this.#shrink();
    if (this.#flights.size > 0 || [...this.#threads].some((thread) => thread.flights.size > 0)) return;
    clearInterval(this.#tending);
    this.#tending = undefined;
  }

  #expireWaiting(now: Instant): void {
    const late = this.#waiting.filter(({ job }) => job.deadline <= now);
    if (late.length === 0) return;
    this.#waiting = this.#waiting.filter(({ job }) => job.deadline > now);
    for (const flight of late) {
      this.#answer(
        flight,
        failed(this.#problem(flight, 'timed-out-before-start', 'waited for a worker until its time was up')),
      );
    }
  }

  #hurry(thread: WorkerThread, now: Instant): void {
    if (now - thread.startedAt > LOAD_MS_MAX) void thread.terminate(`did not load within ${LOAD_MS_MAX} ms`);
  }

  #examine(thread: WorkerThread, now: Instant, othersIdle: boolean): void {
    if (thread.flights.size > 0) void thread.weigh();
    const beat = thread.currentBeat();
    const turned = beat !== thread.beat;
    thread.beat = beat;
    const unbegun = [...thread.flights].filter(([slot]) => thread.isWaiting(slot));
    if (unbegun.length > 0) thread.stalled = !turned;
    const back = unbegun
      .filter(([, { job }]) => thread.stalled || othersIdle || job.deadline <= now)
      .map(([slot]) => thread.takeBack(slot))
      .filter((flight) => flight !== undefined);
    if (back.length > 0) this.#waiting = [...back, ...this.#waiting];
    const left = [...thread.flights.values()];
    for (const flight of left) this.#abandon(flight, now);
    if (left.length === 0 || left.some((flight) => !flight.abandoned)) thread.silentSince = NEVER;
    else this.#knock(thread, now, turned);
  }

  /** Nobody waits for anything in this thread: it is ended unless its loop still turns. */
  #knock(thread: WorkerThread, now: Instant, turned: boolean): void {
    thread.silentSince = turned ? now : Math.min(thread.silentSince, now);
    if (now - thread.silentSince > SILENT_MS) void thread.terminate('was blocked, and nobody waited for it any more');
    else thread.ping();
  }

  /** Answers a job whose function ignores that it should have stopped. */
  #abandon(flight: Flight, now: Instant): void {
    const { aborted, job } = flight;
    const since = Math.min(aborted?.at ?? NEVER, job.deadline);
    if (flight.abandoned || since + this.#options.ignoredMs > now) return;
    const why =
      aborted === undefined
        ? this.#problem(flight, 'timed-out', 'was not done in time, and goes on')
        : this.#problem(flight, 'cancelled', `was cancelled (${aborted.reason}), and goes on`);
    this.#answer(flight, failed(why));
  }

  /** Lets those threads go that were started for blocked ones, once they are idle. */
  #shrink(): void {
    for (const thread of this.#threads) {
      if (this.#threads.size <= this.#options.workers) return;
      if (!thread.ready || thread.flights.size > 0) continue;
      this.#threads.delete(thread);
      void thread.terminate();
    }
  }

  #problem({ job: { fun, step } }: Flight, code: ProblemCode, what: string): Problem {
    return problem(code, `${fun} ${what}`, { fun, ...(step !== undefined && { step }) });
  }
}
