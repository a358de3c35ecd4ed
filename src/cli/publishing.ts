/**
 * Messages from the command line to a topic: one, one again and again, or one per line of stdin.
 *
 * Many are under way at once, in their order, and no more than a publisher may have: a million lines take no more memory
 * than a few. The first that is refused ends it, also while stdin stalls; what was published before is counted. An
 * interruption ends it too, also while the node takes nothing: what is not confirmed a moment later is counted as that.
 */
import { isUtf8 } from 'node:buffer';
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, type Published, type PublishOptions, problemError } from '../engine/index.ts';
import { tooMuch } from './io.ts';

export interface Sent {
  /** Confirmed. */
  readonly published: number;
  /** Under way when it was interrupted, and not confirmed: nobody knows whether they were published. */
  readonly unconfirmed: number;
  /** What became of the last one. */
  readonly last: Published | undefined;
}

export interface Publishing {
  readonly client: Client;
  readonly topic: string;
  readonly options: PublishOptions;
  /** Messages a second; undefined: as fast as they are taken. */
  readonly rate: number | undefined;
  readonly signal: AbortSignal;
  /** Hears how many are published so far. */
  readonly progress: (published: number) => void;
}

/** Publishes each payload. Resolves when all are confirmed, or `signal` was aborted and what was sent had a moment for that. */
export async function publishAll(
  payloads: Iterable<unknown> | AsyncIterable<unknown>,
  { client, topic, options, rate, signal, progress }: Publishing,
): Promise<Sent> {
  const { idempotent = false, timeoutMs = 0, ...extras } = options;
  let published = 0;
  let last: Published | undefined;
  const publisher = client.publisher({
    idempotent,
    onPublished: (done) => {
      last = done;
      progress(++published);
    },
    timeoutMs,
  });
  const aborted = abortOf(signal);
  const over = new Over(aborted, publisher.closed);
  const pace = rate === undefined ? undefined : new Pace(rate, signal);
  const source = eachOf(payloads);
  for (;;) {
    // Why not the next payload alone: it may never come, and what has failed should be told now.
    const next = await over.or(source.next());
    if (next === undefined || next.done) break;
    await pace?.turn();
    if (signal.aborted) break;
    await over.or(publisher.publish(topic, next.value, extras));
  }
  const closing = publisher.close();
  await Promise.race([closing, aborted]);
  if (signal.aborted) await Promise.race([closing, pause(CONFIRM_MS, undefined, { ref: false })]);
  return { last, published, unconfirmed: publisher.counts.open };
}

/** How long what is under way may take to be confirmed once the command was interrupted. */
const CONFIRM_MS = 2_000;

function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Lets one thing at a time be waited for until all is over. Why no race: what is never settled would remember each of a million. */
class Over {
  #isOver = false;
  #leave: () => void = () => undefined;

  constructor(...ends: readonly Promise<void>[]) {
    const end = (): void => {
      this.#isOver = true;
      this.#leave();
    };
    for (const one of ends) one.then(end, end);
  }

  /** Undefined when it is over. */
  or<Value>(work: Promise<Value>): Promise<Value | undefined> {
    return new Promise((resolve, reject) => {
      this.#leave = () => resolve(undefined);
      work.then(resolve, reject);
      if (this.#isOver) this.#leave();
    });
  }
}

/** Never more than so many a second, also after a pause: what was not used up is gone. */
class Pace {
  readonly #msEach: number;
  readonly #signal: AbortSignal;
  #next = 0;

  constructor(rate: number, signal: AbortSignal) {
    this.#msEach = 1_000 / rate;
    this.#signal = signal;
  }

  async turn(): Promise<void> {
    const now = performance.now();
    // Why not from now on: timers are late, and what they lose would be lost for good.
    this.#next = Math.max(this.#next, now - LATE_MS);
    const ms = this.#next - now;
    this.#next += this.#msEach;
    if (ms > 1) await pause(ms, undefined, { signal: this.#signal }).catch(() => undefined);
  }
}

const LATE_MS = 20;

async function* eachOf(payloads: Iterable<unknown> | AsyncIterable<unknown>): AsyncGenerator<unknown, undefined> {
  yield* payloads;
}

/**
 * The lines of what comes in pieces, without their ends; an end at the very end begins no new line. A line is text where
 * its bytes are UTF-8, else its bytes. Why: to put something in the place of bytes that are no text would change what was said.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string | Uint8Array> {
  /** Of the line that has not ended; not put together before it has, since it may come in many pieces. */
  let parts: Uint8Array[] = [];
  let length = 0;
  let started = false;
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(NEWLINE);
    if (end >= 0) {
      yield* wholeLines(Buffer.concat([...parts, chunk.subarray(0, end)]), !started);
      started = true;
      parts = [];
      length = 0;
    }
    const rest = chunk.subarray(end + 1);
    parts.push(rest);
    length += rest.length;
    if (length > LINE_MAX) throw tooMuch('a line', LINE_MAX);
  }
  if (length > 0) yield* wholeLines(Buffer.concat(parts), !started);
}

const NEWLINE = 0x0a;

/** In bytes; what a node takes as one message is less. */
const LINE_MAX = 64 * 2 ** 20;

/** `atStart`: a byte order mark there says only that this is text. */
function* wholeLines(whole: Buffer, atStart: boolean): Generator<string | Uint8Array> {
  const block = atStart && whole.indexOf('\ufeff') === 0 ? whole.subarray(3) : whole;
  if (isUtf8(block)) {
    for (const line of block.toString().split('\n')) yield line.endsWith('\r') ? line.slice(0, -1) : line;
    return;
  }
  for (let from = 0; from <= block.length; ) {
    const found = block.indexOf(NEWLINE, from);
    const end = found < 0 ? block.length : found;
    const line = block.subarray(from, block[end - 1] === 0x0d && end > from ? end - 1 : end);
    yield isUtf8(line) ? line.toString() : Uint8Array.from(line);
    from = end + 1;
  }
}

export function* repeated(payload: unknown, count: number): Generator<unknown> {
  for (let i = 0; i < count; i++) yield payload;
}

/** `1000/s`, `30/m`, or just a number, a second. */
export function parseRate(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)(?:\/(s|m))?$/.exec(text.trim());
  const rate = Number(parts?.[1]) / (parts?.[2] === 'm' ? 60 : 1);
  if (parts === null || !(rate > 0))
    throw problemError('usage-invalid', `--rate: "${text}" is no rate; write 1000/s or 30/m`);
  return rate;
}

/** `name=value` pairs. */
/** `flag`: for what is said of one that is wrong. */
export function parseHeaders(pairs: readonly string[], flag = '--header'): Readonly<Record<string, string>> {
  const headers = new Map<string, string>();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) throw problemError('usage-invalid', `${flag} wants NAME=VALUE, not "${pair}"`);
    if (headers.has(pair.slice(0, at)))
      throw problemError('usage-invalid', `${flag} "${pair.slice(0, at)}" is given twice`);
    headers.set(pair.slice(0, at), pair.slice(at + 1));
  }
  return Object.fromEntries(headers);
}
