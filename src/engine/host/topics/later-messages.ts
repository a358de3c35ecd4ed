/**
 * Messages that this node publishes later: the world around `core/topics/schedule.ts`.
 *
 * What was accepted is in the node's store; where that is memory alone, whoever asked is told so. When one is due it is
 * published by a client of this very node, under the id that it had from the beginning.
 *
 * Trade-off: all of them are held in memory, too, up to the schedule's limits; that bounds what can be promised, and spares a
 * look at the disk for each.
 */
import { NEVER } from '../../core/base/instant.ts';
import { type Problem, problem } from '../../core/base/problems.ts';
import { DEFAULT_SCHEDULE, SCHEDULE_KEYS, Schedule, type ScheduleEffect } from '../../core/topics/schedule.ts';
import { ProblemError } from '../../problem-error.ts';
import type { ScheduledView } from '../../topics-api.ts';
import { payloadFrom } from '../../wire/payload.ts';
import type { Log } from '../node-host.ts';
import type { Store } from '../ports.ts';
import type { PublishRequest } from './link-topics.ts';

export interface LaterParts {
  readonly store: Store;
  /** Whether what is stored survives the node. */
  readonly durable: boolean;
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  readonly publish: (request: PublishRequest) => Promise<unknown>;
  readonly log: Log;
}

/** A message to be published later. */
export interface LaterRequest {
  readonly id: string;
  readonly topic: string;
  /** Encoded. */
  readonly payload: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly key?: string;
  readonly at?: number;
  readonly inMs?: number;
}

export interface Accepted {
  readonly at: number;
  readonly durable: boolean;
}

interface Waiting {
  readonly done: (at: number) => void;
  readonly failed: (why: ProblemError) => void;
}

export class LaterMessages {
  readonly #parts: LaterParts;
  readonly #schedule: Schedule;
  /** Who waits for a message to be accepted, or to be cancelled. */
  readonly #waiting = new Map<string, Waiting[]>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: LaterParts) {
    this.#parts = parts;
    this.#schedule = new Schedule(DEFAULT_SCHEDULE, parts.wallClock(), parts.now());
    const unreadable = this.#schedule.load(parts.store.list(SCHEDULE_KEYS), parts.now());
    for (const key of unreadable) {
      parts.log('error', `a message that was to be published later cannot be read, and stays in the store: ${key}`);
    }
    this.#turn();
  }

  /** Resolves when it is stored. Rejects with `overloaded`, `limit-exceeded` or `store-failed`. */
  async accept({ id, topic, payload, headers, key, ...when }: LaterRequest): Promise<Accepted> {
    this.#check();
    const body = JSON.stringify({ headers, key, payload: Buffer.from(payload).toString('base64') });
    const added = this.#schedule.add({ body, id, topic, ...when }, this.#read());
    if (!added.ok) throw new ProblemError(added.problem);
    return { at: await this.#settled(id), durable: this.#parts.durable };
  }

  /** Resolves with whether it was there and will not be published. */
  async cancel(id: string): Promise<boolean> {
    this.#check();
    if (!this.#schedule.cancel(id, this.#parts.now())) return false;
    await this.#settled(id);
    return true;
  }

  /** Another node is there. */
  met(): void {
    this.#schedule.met(this.#parts.now());
    this.#turn();
  }

  list(): readonly ScheduledView[] {
    return this.#schedule.list(LIST_MAX).first;
  }

  /** The node has ended. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    const { messages } = this.#schedule.counts;
    if (messages > 0 && !this.#parts.durable) {
      this.#parts.log(
        'warn',
        `${messages} messages that were to be published later are lost: the node has no data directory`,
      );
    }
    const why = new ProblemError(problem('node-stopping', 'the node has ended'));
    for (const { failed } of [...this.#waiting.values()].flat()) failed(why);
    this.#waiting.clear();
  }

  #check(): void {
    if (this.#closed) throw new ProblemError(problem('node-stopping', 'the node has ended'));
  }

  #settled(id: string): Promise<number> {
    return new Promise((done, failed) => {
      this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), { done, failed }]);
      this.#turn();
    });
  }

  /** Now, with the wall clock read. */
  #read(): number {
    const now = this.#parts.now();
    this.#schedule.clock(this.#parts.wallClock(), now);
    return now;
  }

  /** Does what the schedule asks for, and wakes when something is due. */
  #turn(): void {
    if (this.#closed) return;
    this.#schedule.advance(this.#read());
    for (const effect of this.#schedule.drain()) this.#execute(effect);
    clearTimeout(this.#timer);
    const deadline = this.#schedule.deadline();
    if (deadline === NEVER) return;
    const ms = Math.min(TIMER_MS_MAX, Math.max(0, deadline - this.#parts.now()));
    this.#timer = setTimeout(() => this.#turn(), ms).unref();
  }

  #execute(effect: ScheduleEffect): void {
    switch (effect.kind) {
      case 'persist':
        void this.#persist(effect);
        break;
      case 'publish':
        void this.#publish(effect);
        break;
      case 'accepted':
        for (const { done } of this.#take(effect.id)) done(effect.at);
        break;
      case 'cancelled':
        for (const { done } of this.#take(effect.id)) done(0);
        break;
      case 'refused':
        for (const { failed } of this.#take(effect.id)) failed(new ProblemError(effect.problem));
        break;
    }
  }

  #take(id: string): readonly Waiting[] {
    const waiting = this.#waiting.get(id) ?? [];
    this.#waiting.delete(id);
    return waiting;
  }

  async #persist({ fence, key, value }: Extract<ScheduleEffect, { kind: 'persist' }>): Promise<void> {
    try {
      await this.#parts.store.commit([{ key, value }]);
      this.#schedule.persisted(fence, this.#parts.now());
    } catch (error) {
      this.#schedule.unstored(fence, problemOf(error), this.#parts.now());
    }
    this.#turn();
  }

  async #publish({ body, id, topic }: Extract<ScheduleEffect, { kind: 'publish' }>): Promise<void> {
    const { log, now, publish } = this.#parts;
    const cut = id.lastIndexOf('/');
    const { headers, key, payload } = JSON.parse(body) as Body;
    const about = { ...(headers === undefined ? {} : { headers }), ...(key === undefined ? {} : { key }) };
    const whose = { by: id.slice(0, cut), seq: Number(id.slice(cut + 1)) };
    const bytes = payloadFrom(Buffer.from(payload, 'base64'));
    try {
      await publish({ ...about, ...whose, kind: 'publish', payload: bytes, topic });
      this.#schedule.published(id, now());
    } catch (error) {
      if (this.#closed) return;
      log('warn', `the message ${id} for ${topic} is due and could not be published: ${problemOf(error).message}`);
      this.#schedule.failed(id, now());
    }
    this.#turn();
  }
}

interface Body {
  readonly headers?: Readonly<Record<string, string>>;
  readonly key?: string;
  /** In base64. */
  readonly payload: string;
}

/** The longest delay that a timer takes. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** Messages that are listed. */
const LIST_MAX = 1_000;

function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  return problem('internal', error instanceof Error ? error.message : String(error));
}
