/**
 * One worker thread from the node's side: its slots, its port, its life.
 *
 * A job is *sent* until the thread begins it, and can be taken back until then, also from a thread that is busy or dead:
 * both sides change the slot's state with one atomic operation, so a job never runs twice.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads';
import type { FunctionWorkerData, Loaded } from '../../../worker/function-worker.ts';
import { type Instant, NEVER } from '../../core/base/instant.ts';
import type { Payload } from '../../core/base/payload.ts';
import { payloadFrom } from '../../wire/payload.ts';
import type { CallHeader } from '../call-request.ts';
import type { Settle } from '../client.ts';
import type { Job } from '../ports.ts';
import { startWorker } from '../start-worker.ts';
import { logLines } from './lines.ts';
import type { ModuleFile } from './module-files.ts';
import type { Asked, Cancel } from './nested-calls.ts';
import type { StreamWindow } from './stream-window.ts';
import {
  BEAT,
  type Frame,
  FrameWriter,
  itemCost,
  newSlots,
  readFrames,
  SLOT,
  SLOTS,
  STREAM_BYTES_MAX,
  TO_THREAD,
} from './worker-frames.ts';

/** A job on its way through the runner. */
export interface Flight {
  readonly job: Job;
  /** Answered already; only its slot is still taken. */
  abandoned: boolean;
  /** When its function was told to stop, and why. */
  aborted: { readonly at: Instant; readonly reason: string } | undefined;
  /** The thread that has it, and where there; undefined while it waits. */
  place: { readonly thread: WorkerThread; readonly slot: number } | undefined;
  /** Cost of its stream's items that its thread has not been told to be taken. */
  untold: number;
  /** What a paced stream has on its way. */
  readonly window: StreamWindow | undefined;
}

export interface ThreadOptions {
  readonly files: readonly ModuleFile[];
  /** JavaScript heap of one thread, in MiB. */
  readonly heapMbMax: number;
}

export interface ThreadEvents {
  loaded(thread: WorkerThread, loaded: Loaded): void;
  frame(thread: WorkerThread, frame: Required<Frame>): void;
  line(stream: 'stdout' | 'stderr', line: string): void;
  /** The last event, once. `why`: in words, to follow "the worker". */
  gone(thread: WorkerThread, why: string): void;
}

/** Buffers lie outside of the heap that V8 limits: they may take so many times as much. */
const BUFFERS_PER_HEAP = 2;
const MIB = 2 ** 20;

export class WorkerThread {
  readonly startedAt: Instant;
  /** Jobs by slot, begun or not. */
  readonly flights = new Map<number, Flight>();
  ready = false;
  /** Its loop does not turn: it has taken nothing for a while, although something waits. Ends with its next sign of life. */
  stalled = false;
  /** The heartbeat as it was last seen. */
  beat = 0;
  /** Since when it has been asked for a sign of life in vain. */
  silentSince: Instant = NEVER;
  /** Number of each function in this thread, by name: a thread that was started later may have loaded other code. */
  numbers: ReadonlyMap<string, number> = new Map();
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #slots = newSlots();
  readonly #free = Array.from({ length: SLOTS }, (_, i) => SLOTS - 1 - i);
  readonly #writer = new FrameWriter();
  /** The calls that its functions wait for, by number. */
  readonly #calls = new Map<number, Cancel>();
  readonly #events: ThreadEvents;
  readonly #bufferMbMax: number;
  #weighing = false;
  #error: Error | undefined;
  /** Why this side ended it. */
  #ended: string | undefined;

  constructor({ files, heapMbMax }: ThreadOptions, events: ThreadEvents, now: Instant) {
    this.startedAt = now;
    this.#events = events;
    this.#bufferMbMax = heapMbMax * BUFFERS_PER_HEAP;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const workerData: FunctionWorkerData = { files, port: port2, slots: this.#slots };
    this.#worker = startWorker('function-worker', {
      execArgv: ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', '--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: heapMbMax },
      stderr: true,
      stdin: false,
      stdout: true,
      transferList: [port2],
      workerData,
    });
    this.#port.on('message', (message) => this.#message(message));
    this.#worker.on('error', (error) => {
      this.#error = error as Error;
    });
    this.#worker.once('exit', (code) => this.#exited(code));
    logLines(this.#worker.stdout, (line) => events.line('stdout', line));
    logLines(this.#worker.stderr, (line) => events.line('stderr', line));
  }

  get full(): boolean {
    return this.#free.length === 0;
  }

  /** Reads the heartbeat, which any side may do at any time. */
  currentBeat(): number {
    return Atomics.load(this.#slots, BEAT);
  }

  /** `fun`: the function's number. A thread that is full must not be given more. */
  send(flight: Flight, fun: number, msLeft: number): void {
    const slot = this.#free.pop() as number;
    this.flights.set(slot, flight);
    flight.place = { slot, thread: this };
    Atomics.store(this.#slots, slot, SLOT.sent);
    const { step, payload } = flight.job;
    this.#post({
      fun,
      kind: TO_THREAD.run,
      msLeft,
      payload: payload.bytes(),
      slot,
      ...(step !== undefined && { text: step }),
    });
  }

  abort(slot: number, reason: string): void {
    this.#post({ kind: TO_THREAD.abort, slot, text: reason });
  }

  /**
   * An item of the slot's stream was passed on. Why: what a thread produces faster than it is taken must wait there. A
   * paced stream's asker says what it has taken; of any other, what was passed on counts as taken.
   */
  took(slot: number, flight: Flight, payload: Payload): void {
    if (flight.window === undefined) this.#giveRoom(slot, flight, itemCost(payload.size));
    else flight.window.sent(payload);
  }

  /** So many items of a paced stream were taken. */
  more(slot: number, flight: Flight, items: number): void {
    if (flight.window !== undefined) this.#giveRoom(slot, flight, flight.window.taken(items));
  }

  #giveRoom(slot: number, flight: Flight, cost: number): void {
    flight.untold += cost;
    if (flight.untold < STREAM_BYTES_MAX / 4) return;
    this.#post({ fun: flight.untold, kind: TO_THREAD.taken, slot });
    flight.untold = 0;
  }

  /** Passes a call on that the job in the slot makes. */
  called({ fun: number, payload, text }: Required<Frame>, ask: (asked: Asked, settle: Settle) => Cancel): void {
    const call = JSON.parse(text) as CallHeader;
    const cancel = ask({ call, payload: payloadFrom(payload) }, (outcome) => {
      this.#calls.delete(number);
      if (!outcome.ok)
        this.#post({ fun: number, kind: TO_THREAD.refused, slot: 0, text: JSON.stringify(outcome.problem) });
      else {
        const { node: text, payload: value } = outcome.value;
        this.#post({ fun: number, kind: TO_THREAD.replied, payload: value.bytes(), slot: 0, text });
      }
    });
    this.#calls.set(number, cancel);
  }

  uncalled({ fun: number, text }: Required<Frame>): void {
    this.#calls.get(number)?.(text);
  }

  ping(): void {
    this.#post({ kind: TO_THREAD.ping, slot: 0 });
  }

  /** Whether the thread has not begun the job yet. */
  isWaiting(slot: number): boolean {
    return Atomics.load(this.#slots, slot) === SLOT.sent;
  }

  /** Takes a job back; undefined where it has begun. The slot stays taken until the thread says that it skipped it. */
  takeBack(slot: number): Flight | undefined {
    const flight = this.flights.get(slot);
    if (flight === undefined) return undefined;
    if (Atomics.compareExchange(this.#slots, slot, SLOT.sent, SLOT.takenBack) !== SLOT.sent) return undefined;
    this.flights.delete(slot);
    flight.place = undefined;
    return flight;
  }

  /** The thread is done with the slot. Answers its flight; undefined where it was taken back. */
  release(slot: number): Flight | undefined {
    const flight = this.flights.get(slot);
    this.flights.delete(slot);
    this.#free.push(slot);
    return flight;
  }

  /** Ends it where its buffers take too much. V8 answers also while the thread is blocked. */
  async weigh(): Promise<void> {
    if (this.#weighing) return;
    this.#weighing = true;
    try {
      const { external_memory: bytes } = await this.#worker.getHeapStatistics();
      const most = this.#bufferMbMax;
      if (bytes > most * MIB) await this.terminate(`ran out of memory: its buffers took more than ${most} MiB`);
    } catch {
      // It is not there yet, or no more.
    } finally {
      this.#weighing = false;
    }
  }

  /** `why`: in words, to follow "the worker". */
  async terminate(why = 'was ended'): Promise<void> {
    this.#ended ??= why;
    await this.#worker.terminate();
  }

  #post(frame: Frame): void {
    if (this.#writer.empty) queueMicrotask(() => this.#flush());
    this.#writer.add(frame);
  }

  #flush(): void {
    const bytes = this.#writer.take();
    this.#port.postMessage(bytes, [bytes.buffer]);
  }

  #message(message: Uint8Array | Loaded): void {
    if (message instanceof Uint8Array) readFrames(message, (frame) => this.#events.frame(this, frame));
    else this.#events.loaded(this, message);
  }

  #exited(code: number): void {
    // What it sent before it died may still lie in the port.
    for (let left = receiveMessageOnPort(this.#port); left; left = receiveMessageOnPort(this.#port)) {
      this.#message(left.message as Uint8Array | Loaded);
    }
    this.#port.close();
    this.#events.gone(this, this.#obituary(code));
  }

  #obituary(code: number): string {
    const error = this.#error as (Error & { readonly code?: string }) | undefined;
    if (error?.code === 'ERR_WORKER_OUT_OF_MEMORY') return 'ran out of memory';
    if (error !== undefined) return `crashed: ${String(error.stack ?? error)}`;
    return this.#ended ?? `exited with code ${code}`;
  }
}
