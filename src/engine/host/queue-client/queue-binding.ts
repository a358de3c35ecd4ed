/**
 * Messages of one pattern of topics into one queue, once each, in order.
 *
 *     the topic is kept:  a durable reader ──► send, by the message's id ──► stored ──► acknowledged to the keeper
 *     it is not:          a subscription   ──► send                     ──► stored
 *
 * Kept: the keeper answers a publisher once the message is stored here (`flow/bound-queues.ts`). Whatever happens in between, it goes on after the last message that is stored; what was stored and not acknowledged
 * is recognised by its id. Where the queue refuses a message it waits, and tries again: the topic keeps the rest.
 * Not kept: what is under way when something breaks, and what the queue refuses, is lost, counted and logged.
 *
 * Limit: a queue that remembers no more ids (`dedupeMax`) is sent messages without: then one may be stored twice after a crash.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Problem, problem } from '../../core/base/problems.ts';
import type { RecentIds } from '../../core/base/recent-ids.ts';
import { readerOfQueue } from '../../flow/bound-queues.ts';
import { ProblemError } from '../../problem-error.ts';
import type { Queue, SendMessage } from '../../queues-api.ts';
import type { Subscription, TopicMessage } from '../../topics-api.ts';
import type { LinkClient } from '../client.ts';
import type { Log } from '../node-host.ts';

export interface BindingOptions {
  readonly queue: string;
  readonly pattern: string;
  /** Whether messages need a group: that is their topic. */
  readonly fifo: boolean;
  /** Those that the queue got lately, or is getting, by any of its patterns. */
  readonly recent: RecentIds;
  /** Those of them that are on their way as messages of a topic that is not kept: they may yet be lost. */
  readonly unsure: Set<string>;
  readonly open: (name: string) => Promise<LinkClient>;
  readonly log: Log;
}

/** Messages of one call, and of those that wait here before the source is held. */
const BATCH_MAX = 1_000;
const AGAIN_MS = 500;
const AGAIN_MS_MAX = 2_000;
/** How often a topic that is not kept is looked at again. */
const LOOK_MS = 1_000;
const LOG_MS = 10_000;
/** How often one that comes as kept is looked at while it is also on its way as one that is not. */
const UNSURE_MS = 20;
/** Too large, or not as the queue wants it; or it remembers too many ids, which is seen without one. */
const NEVER_TAKEN: ReadonlySet<string> = new Set(['input-invalid', 'limit-exceeded']);

export class QueueBinding {
  readonly counts = { lost: 0, stored: 0 };
  readonly #options: BindingOptions;
  readonly #ending = new AbortController();
  /** Resolves once it is bound: what is published from then on is stored. */
  readonly bound: Promise<void>;
  #isBound: () => void = () => undefined;
  #loggedAt = Number.NEGATIVE_INFINITY;
  #lostBefore = 0;

  constructor(options: BindingOptions) {
    this.#options = options;
    this.bound = new Promise((resolve) => {
      this.#isBound = resolve;
    });
    void this.#live();
  }

  close(): void {
    this.#ending.abort();
    this.#isBound();
  }

  /** It is bound no more, nor will be: whoever keeps its topics waits for it no longer. */
  async forget(): Promise<void> {
    this.close();
    const { open, pattern, queue } = this.#options;
    const name = readerOfQueue(queue, pattern);
    const client = await open(`queue ${queue}`);
    try {
      const keeps = (await client.keeps()).flatMap(({ found = [] }) => found);
      for (const keep of keeps) {
        if (keep.names.some((one) => one.name === name)) await client.forgetReader(keep.pattern, name);
      }
    } finally {
      await client.close();
    }
  }

  async #live(): Promise<void> {
    const { signal } = this.#ending;
    for (let againMs = AGAIN_MS; !signal.aborted; againMs = Math.min(2 * againMs, AGAIN_MS_MAX)) {
      const before = this.counts.stored;
      await this.#connected().catch((error: unknown) => this.#tell(textOf(error)));
      if (this.counts.stored > before) againMs = AGAIN_MS;
      await pause(againMs, undefined, { ref: false, signal }).catch(() => undefined);
    }
  }

  async #connected(): Promise<void> {
    const { open, queue } = this.#options;
    const client = await open(`queue ${queue}`);
    try {
      const kept = await this.#kept(client);
      if (kept !== undefined) return await this.#pump(client, kept, true);
      await this.#plain(client);
    } finally {
      await client.close();
    }
  }

  /** Undefined where the topic is not kept. */
  async #kept(client: LinkClient): Promise<Source | undefined> {
    const { pattern, queue } = this.#options;
    try {
      const source = new Source();
      source.subscription = await client.subscribe(pattern, {
        ack: 'manual',
        durable: readerOfQueue(queue, pattern),
        onMessage: source.take,
        signal: this.#ending.signal,
      });
      this.#isBound();
      return source;
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'keep-unknown') return undefined;
      throw error;
    }
  }

  /** Until it is kept, or the connection ends. */
  async #plain(client: LinkClient): Promise<void> {
    const source = new Source();
    const { signal } = this.#ending;
    source.subscription = await client.subscribe(this.#options.pattern, {
      onMessage: source.take,
      policy: 'block',
      signal,
    });
    this.#isBound();
    const pumping = this.#pump(client, source, false);
    let over = false;
    void pumping.then(
      () => (over = true),
      () => (over = true),
    );
    let kept: Source | undefined;
    while (!over && !signal.aborted && kept === undefined) {
      await Promise.race([pumping.catch(() => undefined), pause(LOOK_MS, undefined, { ref: false })]);
      if (!over && !signal.aborted) kept = await this.#kept(client).catch(() => undefined);
    }
    // Why only now: what was published in between comes both ways, and is recognised.
    if (kept !== undefined) await source.subscription.close();
    await pumping;
    if (kept !== undefined) await this.#pump(client, kept, true);
  }

  /** Stores what comes, a batch after the other, until the subscription ends. */
  async #pump(client: LinkClient, source: Source, kept: boolean): Promise<void> {
    const { subscription } = source;
    const queue = client.queue(this.#options.queue);
    void subscription?.closed.then(source.end, source.end);
    for (;;) {
      const messages = await source.next();
      if (messages.length === 0) break;
      if (kept) await this.#storeSurely(queue, messages);
      else await this.#store(queue, messages);
    }
    await subscription?.closed;
  }

  async #store(queue: Queue, messages: readonly TopicMessage[]): Promise<void> {
    const fresh = messages.filter(({ id }) => this.#options.recent.add(id));
    for (const { id } of fresh) this.#options.unsure.add(id);
    const outcomes = await this.#sent(queue, fresh, false);
    for (const [i, { id }] of fresh.entries()) {
      this.#options.unsure.delete(id);
      if (outcomes[i] !== undefined) this.#options.recent.delete(id);
    }
    const lost = outcomes.filter((outcome) => outcome !== undefined);
    this.counts.stored += fresh.length - lost.length;
    this.counts.lost += lost.length;
    if (lost[0] !== undefined) this.#tell(lost[0].message);
  }

  /** Again, until all are stored, in their order; but for those that the queue never takes. */
  async #storeSurely(queue: Queue, messages: readonly TopicMessage[]): Promise<void> {
    const { recent, unsure } = this.#options;
    const { signal } = this.#ending;
    while (messages.some(({ id }) => unsure.has(id)) && !signal.aborted)
      await pause(UNSURE_MS, undefined, { ref: false });
    let left = messages.filter(({ id }) => !recent.has(id));
    let remembered = true;
    for (let againMs = AGAIN_MS; left.length > 0; ) {
      const outcomes = await this.#sent(queue, left, remembered);
      const isOver = (i: number) => outcomes[i] === undefined || (!remembered && NEVER_TAKEN.has(outcomes[i].code));
      for (const [i, { id }] of left.entries()) {
        if (!isOver(i)) continue;
        recent.add(id);
        if (outcomes[i] === undefined) this.counts.stored++;
        else this.counts.lost++;
      }
      const why = outcomes.find((outcome) => outcome !== undefined);
      left = left.filter((_, i) => !isOver(i));
      if (why !== undefined) this.#tell(why.message);
      remembered = !outcomes.some((outcome) => outcome !== undefined && NEVER_TAKEN.has(outcome.code)) || !remembered;
      if (!remembered || left.length === 0) continue;
      if (signal.aborted) return;
      await pause(againMs, undefined, { ref: false, signal }).catch(() => undefined);
      againMs = Math.min(2 * againMs, AGAIN_MS_MAX);
    }
    for (const message of messages) message.ack();
  }

  /** The problem of each that was not stored. */
  async #sent(
    queue: Queue,
    messages: readonly TopicMessage[],
    remembered: boolean,
  ): Promise<readonly (Problem | undefined)[]> {
    const orders = messages.map((message) => this.#order(message, remembered));
    try {
      const results = await queue.sendBatch(orders);
      return results.map((result) => ('problem' in result ? result.problem : undefined));
    } catch (error) {
      const why = error instanceof ProblemError ? error.problem : problem('internal', textOf(error));
      return messages.map(() => why);
    }
  }

  #order({ headers, id, payload, publisher, time, topic }: TopicMessage, remembered: boolean): SendMessage {
    const about = { 'mpreg-id': id, 'mpreg-publisher': publisher, 'mpreg-time': time, 'mpreg-topic': topic };
    return {
      body: payload,
      headers: { ...headers, ...about },
      ...(remembered ? { dedupeId: id } : {}),
      ...(this.#options.fifo ? { group: topic } : {}),
    };
  }

  /** Not each time: what goes wrong may go wrong for every message. */
  #tell(why: string): void {
    const now = performance.now();
    if (this.#ending.signal.aborted || now - this.#loggedAt < LOG_MS) return;
    this.#loggedAt = now;
    const { log, pattern, queue } = this.#options;
    const lost = this.counts.lost - this.#lostBefore;
    this.#lostBefore = this.counts.lost;
    const text = lost === 0 ? '' : `; ${lost} messages are lost`;
    log(lost === 0 ? 'warn' : 'error', `messages of ${pattern} do not get into the queue ${queue}: ${why}${text}`);
  }
}

/** What came of a subscription and is not stored; holds the subscription while that is a lot. */
class Source {
  subscription: Subscription | undefined;
  #waiting: TopicMessage[] = [];
  #ended = false;
  #wake: (() => void) | undefined;
  #room: (() => void) | undefined;

  readonly take = (message: TopicMessage): Promise<void> | undefined => {
    this.#waiting.push(message);
    this.#wake?.();
    if (this.#waiting.length < BATCH_MAX) return undefined;
    return new Promise((resolve) => {
      this.#room = resolve;
    });
  };

  readonly end = (): void => {
    this.#ended = true;
    this.#wake?.();
  };

  /** All that is there, as soon as there is something; none at the end. */
  async next(): Promise<readonly TopicMessage[]> {
    while (this.#waiting.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = undefined;
    const taken = this.#waiting;
    this.#waiting = [];
    this.#room?.();
    this.#room = undefined;
    return taken;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
