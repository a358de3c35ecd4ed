/**
 * The thread in which users' functions run: loads their modules, then runs what the node sends.
 *
 * It speaks with the node through a port of its own, which users' code does not see. Whatever that code writes to its
 * standard output is the node's to log.
 */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { type MessagePort, workerData } from 'node:worker_threads';
import type { FunctionDefinition } from '../engine/api.ts';
import { done, failed, type Outcome } from '../engine/core/base/outcome.ts';
import type { Payload } from '../engine/core/base/payload.ts';
import { type Problem, problem } from '../engine/core/base/problems.ts';
import type { Settle } from '../engine/host/client.ts';
import type { ModuleFile } from '../engine/host/functions/module-files.ts';
import { byName, functionsOf } from '../engine/host/functions/module-functions.ts';
import type { Asked, Cancel } from '../engine/host/functions/nested-calls.ts';
import { type FunctionOffer, offerOf } from '../engine/host/functions/offer.ts';
import { causeOf, RunningJob } from '../engine/host/functions/running-job.ts';
import { importedFiles, importUserModule } from '../engine/host/functions/user-module.ts';
import {
  BEAT,
  FROM_THREAD,
  type Frame,
  FrameWriter,
  itemCost,
  NO_DEADLINE,
  readFrames,
  SLOT,
  STREAM_BYTES_MAX,
  TO_THREAD,
} from '../engine/host/functions/worker-frames.ts';
import { ProblemError, problemError } from '../engine/problem-error.ts';
import { payloadFrom } from '../engine/wire/payload.ts';

export interface FunctionWorkerData {
  readonly port: MessagePort;
  readonly slots: Int32Array;
  readonly files: readonly ModuleFile[];
}

/** The thread's first message. Function number n of later frames is the n-th of `offers`. */
export type Loaded = {
  /** All that was loaded for the modules, or looked for in vain. */
  readonly files: readonly string[];
} & ({ readonly offers: readonly FunctionOffer[]; readonly notes: readonly string[] } | { readonly problem: Problem });

/** A job with its stream's account: what its items on their way cost, and who waits for less. */
interface Running {
  readonly job: RunningJob;
  onTheWay: number;
  room: (() => void) | undefined;
}

/** Results wait for the end of the turn, but not longer than this behind functions that block, in milliseconds. */
const HELD_MS_MAX = 2;

/** Calls that are open at once are far fewer: no number comes again before its answer. */
const CALL_NUMBERS = 2 ** 32;

/** Limit: log entries of this thread's functions per second. */
const LOG_ENTRIES_MAX = 1_000;

const { port, slots, files } = workerData as FunctionWorkerData;
const running = new Map<number, Running>();
/** The calls that this thread's functions wait for, by number. */
const calls = new Map<number, Settle>();
let lastCall = 0;
const writer = new FrameWriter();
let logged = { entries: 0, lost: 0, second: 0 };
let flushing = false;
let flushedAt = 0;

/** After all that is ready to run now: promises that are settled come first, then this, then the next event. */
function flushSoon(): void {
  if (flushing) return;
  flushing = true;
  queueMicrotask(() => process.nextTick(flush));
}

function flush(): void {
  flushing = false;
  flushedAt = performance.now();
  if (writer.empty) return;
  const bytes = writer.take();
  port.postMessage(bytes, [bytes.buffer]);
}

function send(frame: Frame): void {
  writer.add(frame);
  flushSoon();
}

function begin(definition: FunctionDefinition | undefined, { slot, text, msLeft, payload }: Required<Frame>): void {
  if (definition === undefined || Atomics.compareExchange(slots, slot, SLOT.sent, SLOT.begun) !== SLOT.sent) {
    send({ kind: FROM_THREAD.skipped, slot });
    return;
  }
  Atomics.add(slots, BEAT, 1);
  const about = {
    fun: definition.name,
    msLeft: msLeft === NO_DEADLINE ? Infinity : msLeft,
    step: text === '' ? undefined : text,
  };
  const job = new RunningJob(about, {
    call: (asked, settle) => call(slot, asked, settle),
    item: (payload) => item(slot, payload.bytes()),
    log: (message, details) => log(slot, message, details),
    ran: (outcome) => ran(slot, outcome),
  });
  running.set(slot, { job, onTheWay: 0, room: undefined });
  job.start(definition, payloadFrom(payload));
  if (!writer.empty && performance.now() - flushedAt > HELD_MS_MAX) flush();
}

function item(slot: number, payload: Uint8Array): Promise<void> | undefined {
  send({ kind: FROM_THREAD.item, payload, slot });
  const stream = running.get(slot);
  if (stream === undefined) return undefined;
  stream.onTheWay += itemCost(payload.length);
  if (stream.onTheWay < STREAM_BYTES_MAX) return undefined;
  return new Promise((resolve) => {
    stream.room = resolve;
  });
}

function taken({ slot, fun: cost }: Required<Frame>): void {
  const stream = running.get(slot);
  if (stream === undefined) return;
  stream.onTheWay -= cost;
  if (stream.onTheWay >= STREAM_BYTES_MAX) return;
  stream.room?.();
  stream.room = undefined;
}

/** The answer comes under the number, also when the slot has another job. */
function call(slot: number, { call: header, payload }: Asked, settle: Settle): Cancel {
  const number = lastCall++ % CALL_NUMBERS;
  calls.set(number, settle);
  send({ fun: number, kind: FROM_THREAD.call, payload: payload.bytes(), slot, text: JSON.stringify(header) });
  return (reason) => {
    if (calls.has(number)) send({ fun: number, kind: FROM_THREAD.uncall, slot, text: reason });
  };
}

function answered({ kind, fun: number, payload, text }: Required<Frame>): void {
  const settle = calls.get(number);
  calls.delete(number);
  if (kind === TO_THREAD.replied) settle?.(done({ node: text, payload: payloadFrom(payload) }));
  else settle?.(failed(JSON.parse(text) as Problem));
}

/** Entries over the limit of this second are lost, and that is logged. */
function log(slot: number, message: string, details: Record<string, unknown> | undefined): void {
  const second = Math.floor(performance.now() / 1_000);
  if (second !== logged.second) {
    if (logged.lost > 0) process.stderr.write(`${logged.lost} log entries were too many, and are lost\n`);
    logged = { entries: 0, lost: 0, second };
  }
  if (++logged.entries > LOG_ENTRIES_MAX) logged.lost++;
  else send({ kind: FROM_THREAD.log, slot, text: asJson({ details, message }) });
}

function ran(slot: number, outcome: Outcome<Payload>): void {
  running.delete(slot);
  Atomics.add(slots, BEAT, 1);
  if (outcome.ok) send({ kind: FROM_THREAD.ran, payload: outcome.value.bytes(), slot });
  else send({ kind: FROM_THREAD.failed, slot, text: JSON.stringify(outcome.problem) });
}

/** A log must not fail over what it is given. */
function asJson(value: unknown): string {
  try {
    return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part));
  } catch (error) {
    return JSON.stringify({ message: `a log entry that cannot be shown: ${causeOf(error).message}` });
  }
}

async function load(): Promise<ReadonlyMap<string, FunctionDefinition>> {
  const found: { file: string; definition: FunctionDefinition }[] = [];
  const notes: string[] = [];
  for (const { file, named } of files) {
    const module = functionsOf(await imported(file), file);
    notes.push(...module.notes);
    found.push(...module.definitions.map((definition) => ({ definition, file })));
    if (module.definitions.length > 0) continue;
    if (named) throw problemError('module-invalid', `${file} exports no function`, { path: file });
    notes.push(`${file} exports no function`);
  }
  const definitions = byName(found);
  if (definitions.size === 0) throw problemError('module-invalid', 'none of the modules exports a function');
  const offers = [...definitions.values()].map(offerOf);
  port.postMessage({ files: importedFiles(), notes, offers } satisfies Loaded);
  return definitions;
}

async function imported(file: string): Promise<Record<string, unknown>> {
  try {
    return await importUserModule(file);
  } catch (error) {
    const cause = causeOf(error instanceof SyntaxError ? (syntaxErrorOf(file) ?? error) : error);
    const place = positionIn(file, cause.stack ?? '');
    const said = `${cause.name}: ${cause.message.split('\n')[0]}`;
    throw problemError('module-invalid', `${file}${place} cannot be loaded: ${said}`, { cause, path: file });
  }
}

/** The same error with its place: for JavaScript modules Node keeps that to itself, for TypeScript it tells. */
function syntaxErrorOf(file: string): unknown {
  try {
    stripTypeScriptTypes(readFileSync(file, 'utf8'), { sourceUrl: file });
    return undefined; // it is in another module, which this one imports
  } catch (error) {
    return error;
  }
}

/** `:line` or `:line:column` of the first place in `file` that a stack names. */
function positionIn(file: string, stack: string): string {
  const at = stack.indexOf(file);
  return at < 0 ? '' : (/^(:\d+){1,2}/.exec(stack.slice(at + file.length))?.[0] ?? '');
}

function serve(definitions: readonly FunctionDefinition[]): void {
  port.on('message', (bytes: Uint8Array) => {
    Atomics.add(slots, BEAT, 1);
    flushedAt = performance.now();
    readFrames(bytes, (frame) => {
      if (frame.kind === TO_THREAD.run) begin(definitions[frame.fun], frame);
      else if (frame.kind === TO_THREAD.abort) running.get(frame.slot)?.job.abort(frame.text);
      else if (frame.kind === TO_THREAD.taken) taken(frame);
      else if (frame.kind === TO_THREAD.replied || frame.kind === TO_THREAD.refused) answered(frame);
    });
  });
}

// A rejection that nobody awaits is a blemish of one call; ending the thread over it would fail all others.
process.on('unhandledRejection', (reason) => {
  const { name, message, stack } = causeOf(reason);
  process.stderr.write(`a promise was rejected and nobody listened: ${stack ?? `${name}: ${message}`}\n`);
});

async function main(): Promise<void> {
  try {
    const definitions = await load();
    serve([...definitions.values()]);
  } catch (error) {
    const cause = causeOf(error);
    const about = error instanceof ProblemError ? error.problem : problem('internal', cause.message, { cause });
    port.postMessage({ files: importedFiles(), problem: about } satisfies Loaded);
  }
}

void main();
