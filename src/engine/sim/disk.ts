/**
 * The durable map of one machine, as real disks are: a write is durable some time after it was asked for, and only what
 * was answered is certain.
 *
 * Commits become durable in order and each as a whole (`Store` in `host/ports.ts`). A crash keeps everything that was
 * answered, and of the rest some prefix: the bytes may have reached the plate although the answer never came.
 *
 * Invariant: `#waiting` is in the order of the commits; none of them was answered.
 */
import type { Prng } from '../core/base/prng.ts';
import type { Write } from '../core/node/effects.ts';
import type { Timeline } from './timeline.ts';

export class SimDisk {
  readonly #timeline: Timeline;
  readonly #prng: Prng;
  readonly #durable = new Map<string, string>();
  #waiting: { readonly writes: readonly Write[] }[] = [];
  #busyUntil = 0;
  /** How long a commit takes, in milliseconds, from and to. */
  delayMs: readonly [number, number];

  constructor(timeline: Timeline, prng: Prng, delayMs: readonly [number, number]) {
    this.#timeline = timeline;
    this.#prng = prng;
    this.delayMs = delayMs;
  }

  read(key: string): string | undefined {
    return this.#durable.get(key);
  }

  /** Calls `durable` once the writes would survive a crash; never, where a crash comes first. */
  commit(writes: readonly Write[], durable: () => void): void {
    const commit = { writes };
    this.#waiting.push(commit);
    const [from, to] = this.delayMs;
    this.#busyUntil = Math.max(this.#busyUntil, this.#timeline.now + this.#prng.between(from, to));
    this.#timeline.at(this.#busyUntil, () => {
      if (this.#waiting[0] !== commit) return; // a crash came first
      this.#waiting.shift();
      this.#apply(commit.writes);
      durable();
    });
  }

  /** The process or the power is gone: of what was not answered, some prefix remains. */
  crash(): void {
    const kept = this.#prng.between(0, this.#waiting.length);
    for (const commit of this.#waiting.slice(0, kept)) this.#apply(commit.writes);
    this.#waiting = [];
    this.#busyUntil = 0;
  }

  /** A new, empty disk in its place. */
  wipe(): void {
    this.#waiting = [];
    this.#durable.clear();
  }

  #apply(writes: readonly Write[]): void {
    for (const { key, value } of writes) {
      if (value === null) this.#durable.delete(key);
      else this.#durable.set(key, value);
    }
  }
}
