/**
 * Reads what another cluster keeps, as a link reads what its own one does: a stream from there, over a hub of the own cluster.
 *
 *     read ──► stream ──► reading, kept, kept …          way lost ──► a stream again, from behind the last number that came
 *
 * What its subscriber has not taken is never more than `WINDOW_BYTES` and one item. It refuses durable names: who acknowledges over
 * there would have to be told of what is lost between.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '../../api.ts';
import { type Problem, problem } from '../../core/base/problems.ts';
import { COST_BYTES, type KeptMessage, WINDOW_BYTES } from '../../core/topics/messages.ts';
import { ProblemError } from '../../problem-error.ts';
import { isObject } from '../../wire/json-value.ts';
import type { ReadRequest } from './kept-position.ts';
import type { Listening, Sink } from './link-topics.ts';
import { deliveryOf, packed } from './retained-item.ts';

export const READ = 'mpreg.federation.read';

/** A link to a node of the own cluster. */
export interface FarLink extends Pick<Client, 'stream'> {
  readonly connected: boolean;
}

export function readFar(link: FarLink, cluster: string, request: ReadRequest, sink: Sink): Listening {
  const reading = new FarReading(link, cluster, request, sink);
  void reading.run();
  return {
    acknowledge: () => undefined,
    settle: () => undefined,
    stop: () => reading.stop(),
    taken: (bytes) => reading.taken(bytes),
  };
}

/** What a hub sends: where the reader is, then messages, some at a time. */
export type ReadItem = { readonly keep: string; readonly next: number } | { readonly kept: readonly object[] };

/** `message`: one that is kept. */
export function packedKept(message: KeptMessage): object {
  const { missed, sequence } = message;
  return { ...packed(message), ...(missed === undefined ? {} : { missed }), sequence };
}

class FarReading {
  readonly #link: FarLink;
  readonly #cluster: string;
  readonly #sink: Sink;
  #request: ReadRequest;
  readonly #stopping = new AbortController();
  /** It has been effective once. */
  #begun = false;
  #untaken = 0;
  #roomy: () => void = () => undefined;

  constructor(link: FarLink, cluster: string, request: ReadRequest, sink: Sink) {
    this.#link = link;
    this.#cluster = cluster;
    this.#request = request;
    this.#sink = sink;
  }

  /** Why by a signal, too: a stream on which nothing comes would stay open, here and at both hubs, with a reader at the keeper. */
  stop(): void {
    this.#stopping.abort('it is read no longer');
    this.#roomy();
  }

  taken(bytes: number): void {
    this.#untaken = Math.max(0, this.#untaken - bytes);
    if (this.#untaken < WINDOW_BYTES) this.#roomy();
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      const why = await this.#stream().catch(problemOf);
      if (this.#isStopped) return;
      if (!this.#link.connected || !this.#begun || !PASSING.has(why.code)) return this.#sink.ended(why);
      await pause(AGAIN_MS);
    }
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Why it ended. */
  async #stream(): Promise<Problem> {
    const { patterns, ...where } = this.#request;
    const ask = { ...where, cluster: this.#cluster, patterns };
    const about = { idempotent: true, locs: [HUB], signal: this.#stopping.signal };
    for await (const item of this.#link.stream(READ, [ask], about)) {
      if (this.#isStopped) break;
      this.#take(item);
      while (this.#untaken >= WINDOW_BYTES && !this.#isStopped) {
        await new Promise<void>((resolve) => {
          this.#roomy = resolve;
        });
      }
    }
    return problem('link-lost', `cluster ${this.#cluster} gives no more of ${patterns.join(', ')}`);
  }

  #take(item: unknown): void {
    if (!isObject(item)) return;
    const { keep, kept, next } = item;
    if (typeof keep === 'string' && Number.isSafeInteger(next)) {
      this.#begun = true;
      this.#request = { ...this.#request, resume: { keep, next: Number(next) } };
      this.#sink.reading?.({ id: 0, keep, kind: 'reading', next: Number(next) });
    }
    for (const one of Array.isArray(kept) ? kept : []) {
      const message = keptOf(one);
      const { resume } = this.#request;
      if (message === undefined || resume === undefined || message.sequence < resume.next) continue;
      this.#request = { ...this.#request, resume: { ...resume, next: message.sequence + 1 } };
      this.#untaken += message.payload.size + COST_BYTES;
      this.#sink.kept?.(message);
    }
  }
}

function keptOf(item: unknown): KeptMessage | undefined {
  const delivery = deliveryOf(item);
  const { missed, sequence } = item as { readonly missed?: unknown; readonly sequence?: unknown };
  if (delivery === undefined || !Number.isSafeInteger(sequence)) return undefined;
  const { at, by, headers, payload, seq, topic } = delivery;
  const message = { at, by, id: 0, kind: 'kept', payload, seq, sequence: Number(sequence), topic } as const;
  const more = { ...(headers && { headers }), ...(Number.isSafeInteger(missed) ? { missed: Number(missed) } : {}) };
  return { ...message, ...more };
}

function problemOf(error: unknown): Problem {
  return error instanceof ProblemError ? error.problem : problem('internal', String(error));
}

/** What may be over a moment later. */
const PASSING: ReadonlySet<string> = new Set([
  'cluster-unknown',
  'function-unknown',
  'keeper-away',
  'link-lost',
  'no-capacity',
  'node-stopping',
  'nobody-there',
  'overloaded',
  'timed-out',
]);
const HUB = 'role:hub';
/** Trade-off: sooner, and more is asked in vain while a way is gone; later, and a reader goes on later. */
const AGAIN_MS = 500;
