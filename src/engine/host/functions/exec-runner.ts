/**
 * Runs functions in a program of any language: one long-lived process, several calls in flight in it by number.
 *
 *      run ──► held, while no process runs ──► sent ──► item* ──► result | error
 *                                                │
 *                                                └─► abort: {"cancel":…} ──► ignored for a while: answered without it
 *
 * A process that dies takes the calls with it that it had been sent; they fail with its last words, and it is started
 * again after a pause that grows while it keeps dying. One that ignores a cancellation is *retired*: a successor gets what
 * comes from then on, and it is ended as soon as nobody waits for anything in it.
 *
 * Limit: at most one process is retired at a time; until it has ended, another that ignores cancellations is left alone.
 * Deadlines are the node's: it aborts what is late.
 */
import type { TaskId } from '../../core/base/ids.ts';
import { NEVER } from '../../core/base/instant.ts';
import { done, failed, type Outcome } from '../../core/base/outcome.ts';
import type { Payload } from '../../core/base/payload.ts';
import { type Problem, type ProblemCode, type ProblemDetails, problem } from '../../core/base/problems.ts';
import { type ProblemError, problemError } from '../../problem-error.ts';
import type { Settle } from '../client.ts';
import { wallClock } from '../clock.ts';
import type { Job } from '../ports.ts';
import { answerLine, ExecCalls } from './exec-calls.ts';
import type { ExecRunnerOptions, Flight } from './exec-flight.ts';
import { ExecProcess } from './exec-process.ts';
import { idIn, LINE_BYTES_MAX, readLine, requestLine, type Said } from './exec-protocol.ts';
import { ExecStream } from './exec-stream.ts';
import { type FunctionOffer, type PartEvents, type PartRunner, withSchemas } from './offer.ts';
import { unencodable } from './unencodable.ts';

/** Pause before a process that died is replaced: none after the first death, then this, doubled each time. */
const BACK_OFF_MS = 100;
const BACK_OFF_MS_MAX = 5_000;
/** A process that lived as long had no part in the deaths before. */
const HEALTHY_MS = 10_000;
const SHOWN = 200;
/** No task has this number: what a call makes that was answered already, or that there never was. */
const GONE = -1;

export class ExecRunner implements PartRunner {
  /** Default of a program's functions. More: it is kept busier. Fewer: less is lost with it when it dies. */
  readonly concurrency = 16;
  readonly #options: Required<ExecRunnerOptions>;
  #declared: readonly FunctionOffer[] = [];
  #events: PartEvents | undefined;
  /** The one that gets what comes. */
  #current: ExecProcess | undefined;
  #ready = false;
  #retired: ExecProcess | undefined;
  readonly #flights = new Map<number, Flight>();
  readonly #byTask = new Map<TaskId, Flight>();
  readonly #calls = new ExecCalls<ExecProcess>();
  #nextId = 1;
  /** Deaths in a row. */
  #deaths = 0;
  #restart: NodeJS.Timeout | undefined;
  #closing = false;
  /** Set by `close`: to be called when nothing runs any more. */
  #idle: (() => void) | undefined;
  #first: { resolve(): void; reject(error: ProblemError): void } | undefined;

  /** Resolves when the program runs and, where it has to name its functions itself, has done so. Rejects with `module-invalid`. */
  static async start(options: ExecRunnerOptions): Promise<ExecRunner> {
    const runner = new ExecRunner(options);
    await runner.#begin();
    return runner;
  }

  private constructor(options: ExecRunnerOptions) {
    this.#options = { helloMs: 30_000, ignoredMs: 5_000, ...options };
  }

  get offers(): readonly FunctionOffer[] {
    const { name } = this.#options.command;
    if (name === undefined || this.#declared.some(({ record }) => record.name === name)) return this.#declared;
    return [withSchemas({ name }, undefined, undefined), ...this.#declared];
  }

  own(events: PartEvents): void {
    this.#events = events;
  }

  run(job: Job): void {
    const id = this.#nextId++;
    const flight: Flight = {
      abandoned: false,
      aborted: undefined,
      id,
      job,
      process: undefined,
      stream: undefined,
      timer: undefined,
    };
    if (job.paced) flight.stream = this.#stream(flight);
    this.#flights.set(id, flight);
    this.#byTask.set(job.task, flight);
    const refusal = unencodable(job);
    if (this.#closing)
      this.#later(flight, problem('node-stopping', `the node is stopping; it takes no call of ${job.fun}`));
    else if (refusal !== undefined) this.#later(flight, refusal);
    else if (this.#ready) this.#send(flight);
  }

  abort(task: TaskId, reason: string): void {
    const flight = this.#byTask.get(task);
    if (flight === undefined || flight.aborted !== undefined) return;
    flight.aborted = reason;
    if (flight.process === undefined) {
      const why = problem('cancelled', `${flight.job.fun} was cancelled before it began: ${reason}`);
      this.#later(flight, { ...why, outcome: 'did-not-happen' });
      return;
    }
    flight.stream?.drop();
    if (flight.stream?.ended) {
      this.#settle(flight, failed(problem('cancelled', `${flight.job.fun} was cancelled: ${reason}`)));
      return;
    }
    flight.process.send(`{"cancel":${flight.id}}\n`);
    flight.timer = setTimeout(() => this.#abandon(flight, reason), this.#options.ignoredMs);
  }

  more(task: TaskId, items: number): void {
    this.#byTask.get(task)?.stream?.taken(items);
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#restart);
    if (this.#byTask.size > 0 && graceMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#events = undefined;
    const left = [this.#current, this.#retired].filter((one) => one !== undefined);
    for (const one of left) one.end('was ended with its node');
    await Promise.all(left.map((one) => one.ended));
    for (const { timer } of this.#flights.values()) clearTimeout(timer);
  }

  async #begin(): Promise<void> {
    const { command, helloMs } = this.#options;
    const timer = setTimeout(() => {
      const message = `${command.program} did not say within ${helloMs} ms which functions it has`;
      this.#first?.reject(problemError('module-invalid', message, { hint: HELLO_HINT }));
    }, helloMs);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#first = { reject, resolve };
        this.#start();
      });
    } catch (error) {
      await this.close(0);
      throw error;
    } finally {
      clearTimeout(timer);
      this.#first = undefined;
    }
  }

  #start(): void {
    this.#ready = false;
    this.#current = new ExecProcess(
      this.#options.command,
      {
        gone: (process, why) => this.#gone(process, why),
        line: (process, line) => this.#said(process, line),
        overlong: (process, head) => this.#overlong(process, head),
        said: (line) => this.#log('info', line),
        started: (process) => this.#started(process),
      },
      this.#options.clock.now(),
    );
  }

  #started(process: ExecProcess): void {
    if (process !== this.#current) return;
    this.#ready = true;
    if (this.#options.command.name !== undefined) this.#first?.resolve();
    for (const flight of this.#flights.values()) if (flight.process === undefined) this.#send(flight);
  }

  #send(flight: Flight): void {
    const { deadline } = flight.job;
    const left = deadline - this.#options.clock.now();
    const line = requestLine(flight.id, flight.job, deadline === NEVER ? undefined : wallClock() + Math.max(0, left));
    if (!line.ok) {
      this.#later(flight, line.problem);
      return;
    }
    flight.process = this.#current;
    flight.process?.send(line.value);
  }

  #said(process: ExecProcess, line: string): void {
    const { name } = this.#options.command;
    const said = readLine(line, name);
    if (said.kind === 'garbage') {
      this.#log('warn', `what it wrote to its stdout ${said.why}: ${line.slice(0, SHOWN)}`);
      const id = idIn(line);
      if (id !== undefined) this.#broken(process, id, `a line that ${said.why}`);
    } else if (said.kind === 'hello') {
      this.#declare(said.offers);
    } else if (said.kind === 'call') {
      this.#called(process, said);
    } else if (said.kind === 'cancel') {
      this.#calls.cancel(process, said.number);
    } else {
      this.#answered(process, said);
    }
  }

  #declare(offers: readonly FunctionOffer[]): void {
    this.#declared = offers;
    if (this.offers.length === 0) this.#log('warn', 'its hello names no function');
    this.#first?.resolve();
    this.#events?.changed();
  }

  /** A function of the program makes a call. */
  #called(process: ExecProcess, { asked, id, number }: Extract<Said, { readonly kind: 'call' }>): void {
    const flight = this.#flights.get(id);
    const task = flight?.process === process && !flight.abandoned ? flight.job.task : GONE;
    const answer: Settle = (outcome) => process.send(answerLine(number, outcome, LINE_BYTES_MAX));
    if (!asked.ok) answer(asked);
    else {
      const ask = (settle: Settle) => this.#events?.call(task, asked.value, settle) ?? (() => undefined);
      this.#calls.make(process, number, ask, answer);
    }
  }

  #answered(
    process: ExecProcess,
    said: Extract<Said, { readonly kind: 'item' | 'result' | 'error' | 'broken' }>,
  ): void {
    const flight = this.#flights.get(said.id);
    if (flight === undefined || flight.process !== process) {
      this.#log('debug', `it answers ${said.id}, which is no call that it has`);
    } else if (said.kind === 'item') {
      if (flight.aborted !== undefined) return;
      if (flight.stream === undefined) this.#events?.item(flight.job.task, said.payload);
      else flight.stream.item(said.payload);
    } else if (said.kind === 'broken') {
      this.#broken(process, said.id, said.why);
    } else if (flight.aborted !== undefined) {
      const why = problem('cancelled', `${flight.job.fun} was cancelled: ${flight.aborted}`);
      this.#settle(flight, failed(said.kind === 'error' ? { ...why, cause: said.cause } : why));
    } else if (said.kind === 'error') {
      const { cause } = said;
      this.#end(flight, this.#failed(flight, 'function-failed', `threw ${cause.name}: ${cause.message}`, { cause }));
    } else {
      this.#end(flight, done(said.payload));
    }
  }

  /** The program is done with a call, though its items may not be out. */
  #end(flight: Flight, outcome: Outcome<Payload>): void {
    if (flight.stream === undefined) this.#settle(flight, outcome);
    else flight.stream.end(outcome);
  }

  #stream(flight: Flight): ExecStream {
    const { id, job } = flight;
    return new ExecStream({
      end: (outcome) => this.#settle(flight, outcome),
      item: (payload) => this.#events?.item(job.task, payload),
      read: (may) => flight.process?.hold(id, !may),
      say: (word) => flight.process?.send(`{"${word}":${id}}\n`),
    });
  }

  /** Its answer is none. */
  #broken(process: ExecProcess, id: number, why: string): void {
    const flight = this.#flights.get(id);
    if (flight?.process === process) {
      this.#settle(flight, this.#failed(flight, 'function-failed', `was not answered as it should be: ${why}`));
    }
  }

  #overlong(process: ExecProcess, head: string): void {
    this.#log(
      'warn',
      `a line of its stdout had more than ${LINE_BYTES_MAX} bytes, and is lost: ${head.slice(0, SHOWN)}`,
    );
    const id = idIn(head);
    if (id !== undefined) this.#broken(process, id, `with a line of more than ${LINE_BYTES_MAX} bytes`);
  }

  /** Answers a job whose program ignores that it should stop. */
  #abandon(flight: Flight, reason: string): void {
    this.#answer(flight, this.#failed(flight, 'cancelled', `was cancelled (${reason}), and goes on`));
    this.#tidy();
  }

  /** The program is done with a call. */
  #settle(flight: Flight, outcome: Outcome<Payload>): void {
    this.#flights.delete(flight.id);
    this.#answer(flight, outcome);
    this.#tidy();
  }

  /** Without the program. Later: no answer comes while its question is still being put. */
  #later(flight: Flight, why: Problem): void {
    this.#flights.delete(flight.id);
    queueMicrotask(() => this.#answer(flight, failed(why)));
  }

  #answer(flight: Flight, outcome: Outcome<Payload>): void {
    if (flight.abandoned) return;
    flight.abandoned = true;
    flight.stream?.drop();
    clearTimeout(flight.timer);
    const { task } = flight.job;
    this.#byTask.delete(task);
    this.#events?.ran(task, outcome);
    if (this.#byTask.size === 0) this.#idle?.();
  }

  /** Retires the process that ignores a cancellation, and ends the retired one when nobody waits for it any more. */
  #tidy(): void {
    if (this.#closing) return;
    const flights = [...this.#flights.values()];
    const ignores = flights.some(({ abandoned, process }) => abandoned && process === this.#current);
    if (ignores && this.#retired === undefined && this.#current !== undefined) {
      this.#retired = this.#current;
      this.#start();
    }
    const retired = this.#retired;
    if (retired === undefined || flights.some(({ abandoned, process }) => !abandoned && process === retired)) return;
    retired.terminate('ignored a cancellation, and was ended');
  }

  #gone(process: ExecProcess, why: string): void {
    const { lastWords } = process;
    const last = lastWords.findLast((line) => line.trim() !== '');
    const details = lastWords.length === 0 ? {} : { cause: { message: lastWords.join('\n'), name: 'stderr' } };
    const said = last === undefined ? '' : `; its last words: ${last.trim()}`;
    const retired = process === this.#retired;
    if (retired) this.#retired = undefined;
    else this.#current = undefined;
    this.#first?.reject(problemError('module-invalid', `${this.#options.command.program} ${why}${said}`, details));
    for (const flight of [...this.#flights.values()]) {
      if (flight.process === process && flight.stream?.ended !== true) {
        this.#flights.delete(flight.id);
        this.#answer(flight, this.#failed(flight, 'worker-died', `was lost: its process ${why}${said}`, details));
      }
    }
    if (this.#closing) return;
    this.#log('warn', `its process ${why}`);
    if (retired) this.#tidy();
    else this.#startAgain(process, `its process ${why}`);
  }

  #startAgain(last: ExecProcess, why: string): void {
    const neverRan = !this.#ready;
    this.#ready = false;
    if (neverRan) this.#giveBack(why);
    const lived = this.#options.clock.now() - last.startedAt;
    this.#deaths = lived > HEALTHY_MS ? 1 : this.#deaths + 1;
    const pause = this.#deaths === 1 ? 0 : Math.min(BACK_OFF_MS * 2 ** (this.#deaths - 2), BACK_OFF_MS_MAX);
    this.#restart = setTimeout(() => this.#start(), pause);
  }

  /** The program cannot even be started: nobody should wait for it. */
  #giveBack(why: string): void {
    for (const flight of [...this.#flights.values()]) {
      if (flight.process !== undefined) continue;
      this.#flights.delete(flight.id);
      const details = { outcome: 'did-not-happen' } as const;
      this.#answer(flight, this.#failed(flight, 'worker-died', `cannot be run: ${why}`, details));
    }
  }

  #failed({ job }: Flight, code: ProblemCode, what: string, details: ProblemDetails = {}): Outcome<Payload> {
    const { fun, step } = job;
    return failed(problem(code, `${fun} ${what}`, { ...details, fun, ...(step !== undefined && { step }) }));
  }

  #log(level: 'debug' | 'info' | 'warn', message: string): void {
    const { name, program } = this.#options.command;
    this.#options.log(level, message, { from: name ?? program });
  }
}

const HELLO_HINT =
  'Name the function that it runs, NAME=COMMAND, or have it print a hello line first.\nmpreg node start --help';
