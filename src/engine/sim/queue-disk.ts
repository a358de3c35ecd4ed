/**
 * The queues of one machine on its disk, as SQLite keeps them: a batch is stored as a whole, some time after it was asked
 * for, and what is read shows what was stored before. A crash keeps what was answered, and of the rest some prefix.
 */
import type { Prng } from '../core/base/prng.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import type { LoadAsk, Loaded, QueueWrite } from '../core/queues/effects.ts';
import { QueueTables } from '../core/queues/tables.ts';
import type { Timeline } from './timeline.ts';

export class SimQueueDisk {
  readonly #timeline: Timeline;
  readonly #prng: Prng;
  readonly #delayMs: () => readonly [number, number];
  #tables = new QueueTables();
  #waiting: { readonly writes: readonly QueueWrite[] }[] = [];
  #busyUntil = 0;
  #crashes = 0;
  /** The share of batches that it refuses, as a full disk does. */
  refusing = 0;
  /** Told of what is stored after each batch. */
  stored: (tables: QueueTables) => void = () => {};

  constructor(timeline: Timeline, prng: Prng, delayMs: () => readonly [number, number]) {
    this.#timeline = timeline;
    this.#prng = prng;
    this.#delayMs = delayMs;
  }

  get tables(): QueueTables {
    return this.#tables;
  }

  /** Calls `ended` once the writes would survive a crash, or with why they are not stored; never, where a crash comes first. */
  commit(writes: readonly QueueWrite[], ended: (why: Problem | undefined) => void): void {
    const commit = { writes };
    const isRefused = this.#prng.chance(this.refusing);
    if (!isRefused) this.#waiting.push(commit);
    this.#after(this.#delayMs(), () => {
      if (!isRefused) {
        this.#waiting.shift();
        this.#apply(writes);
      }
      ended(isRefused ? problem('store-failed', 'the simulated disk is full') : undefined);
    });
  }

  load(queue: number, ask: LoadAsk, then: (loaded: Loaded) => void): void {
    const [from, to] = this.#delayMs();
    this.#after([from, Math.min(to, READ_MS_MAX)], () => then(this.#tables.load(queue, ask)));
  }

  /** The process or the power is gone: of what was not answered, some prefix remains. */
  crash(): void {
    const kept = this.#prng.between(0, this.#waiting.length);
    for (const { writes } of this.#waiting.slice(0, kept)) this.#apply(writes);
    this.#waiting = [];
    this.#busyUntil = 0;
    this.#crashes++;
  }

  /** A new, empty disk in its place. */
  wipe(): void {
    this.#tables = new QueueTables();
  }

  /** In order: nothing is answered before what was asked earlier. */
  #after([from, to]: readonly [number, number], then: () => void): void {
    const crashes = this.#crashes;
    this.#busyUntil = Math.max(this.#busyUntil, this.#timeline.now + this.#prng.between(from, to));
    this.#timeline.at(this.#busyUntil, () => {
      if (crashes === this.#crashes) then();
    });
  }

  #apply(writes: readonly QueueWrite[]): void {
    this.#tables.apply(writes);
    this.stored(this.#tables);
  }
}

const READ_MS_MAX = 20;
