/**
 * Messages from the command line to a topic: one, one again and again, or one per line of stdin.
 *
 * Many are under way at once, in their order, and no more than `OPEN_MAX`: a million lines take no more memory than a
 * few. The first that is refused ends it; what was published before is counted.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, type Published, type PublishOptions, problemError } from '../engine/index.ts';

/** Messages that the node has not confirmed yet. */
const OPEN_MAX = 1_000;

export interface Sent {
  readonly published: number;
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

/** Publishes each payload. Resolves when all are confirmed, or `signal` was aborted and what was sent is confirmed. */
export async function publishAll(
  payloads: Iterable<unknown> | AsyncIterable<unknown>,
  { client, topic, options, rate, signal, progress }: Publishing,
): Promise<Sent> {
  const open = new Set<Promise<void>>();
  let published = 0;
  let last: Published | undefined;
  let failure: unknown;
  const began = performance.now();
  let begun = 0;
  for await (const payload of payloads) {
    if (rate !== undefined) await untilTurn(began + (begun * 1000) / rate, signal);
    if (signal.aborted || failure !== undefined) break;
    begun++;
    const sending = client.publish(topic, payload, options).then(
      (done) => {
        last = done;
        progress(++published);
      },
      (error: unknown) => {
        failure ??= error;
      },
    );
    open.add(sending);
    void sending.then(() => open.delete(sending));
    if (open.size >= OPEN_MAX) await Promise.race(open);
  }
  await Promise.all(open);
  if (failure !== undefined) throw failure;
  return { last, published };
}

/** The lines of a text that comes in pieces, without their ends; an end at the very end begins no new line. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
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
export function parseHeaders(pairs: readonly string[]): Readonly<Record<string, string>> {
  const headers = new Map<string, string>();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) throw problemError('usage-invalid', `--header wants NAME=VALUE, not "${pair}"`);
    if (headers.has(pair.slice(0, at)))
      throw problemError('usage-invalid', `--header "${pair.slice(0, at)}" is given twice`);
    headers.set(pair.slice(0, at), pair.slice(at + 1));
  }
  return Object.fromEntries(headers);
}

async function untilTurn(at: number, signal: AbortSignal): Promise<void> {
  const ms = at - performance.now();
  if (ms > 1) await pause(ms, undefined, { signal }).catch(() => undefined);
}
