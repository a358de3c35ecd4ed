/**
 * Kept messages of one simulated machine: what a `MessageLog` promises, and no more. A write is durable some time after it
 * was asked for; a crash keeps what was answered, and of the rest some prefix, each as a whole.
 *
 * Invariant: `#waiting` is in the order of the writes; none of them was answered.
 */
import { done, failed, type Outcome } from '../core/base/outcome.ts';
import type { Prng } from '../core/base/prng.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import { COST_BYTES } from '../core/topics/messages.ts';
import type { KeepDefinition, LogBatch, LogRow, MessageLog, StoredKeep } from '../flow/message-log.ts';
import type { Timeline } from './timeline.ts';

/** A keep as it is on the disk. */
export interface KeepOnDisk {
  definition: KeepDefinition;
  /** Oldest first. */
  rows: LogRow[];
  next: number;
  readonly positions: Map<string, number>;
}

type Write = () => Problem | undefined;
type Then = (refused: Problem | undefined) => void;

export class SimLog implements MessageLog {
  /** What would survive a crash, by id. */
  readonly keeps = new Map<string, KeepOnDisk>();
  readonly #timeline: Timeline;
  readonly #prng: Prng;
  readonly #delayMs: () => readonly [number, number];
  #waiting: { readonly write: Write }[] = [];
  #busyUntil = 0;
  /** The disk is full: it takes nothing. */
  full = false;
  /** What was kept on disks that are no more. */
  readonly lost: string[] = [];
  /** Told of what has become durable. */
  onStored: (keep: KeepOnDisk, batch: LogBatch) => void = () => {};

  /** `delayMs`: how long a write takes now, from and to. */
  constructor(timeline: Timeline, prng: Prng, delayMs: () => readonly [number, number]) {
    this.#timeline = timeline;
    this.#prng = prng;
    this.#delayMs = delayMs;
  }

  /** As a node finds it when it begins. */
  get stored(): readonly StoredKeep[] {
    return [...this.keeps.values()].map(({ definition, next, positions, rows }) => ({
      definition,
      stored: {
        first: rows[0]?.sequence ?? next,
        messages: rows.map(({ keptAt, payload }) => ({ at: keptAt, bytes: payload.size + COST_BYTES })),
        next,
        positions: new Map(positions),
      },
    }));
  }

  define(definition: KeepDefinition, then: Then): void {
    this.#write(() => {
      const known = this.keeps.get(definition.id);
      if (known === undefined) this.keeps.set(definition.id, { definition, next: 1, positions: new Map(), rows: [] });
      else known.definition = definition;
      return undefined;
    }, then);
  }

  remove(id: string, then: Then): void {
    this.#write(() => {
      this.keeps.delete(id);
      return undefined;
    }, then);
  }

  commit(id: string, batch: LogBatch, then: Then): void {
    this.#write(() => {
      const keep = this.keeps.get(id);
      if (keep === undefined) return problem('store-failed', `there is no keep ${id}`);
      apply(keep, batch);
      this.onStored(keep, batch);
      return undefined;
    }, then);
  }

  read(
    id: string,
    from: number,
    through: number,
    bytesMax: number,
    then: (rows: Outcome<readonly LogRow[]>) => void,
  ): void {
    this.#timeline.after(this.#prng.between(0, 2), () => {
      const keep = this.keeps.get(id);
      if (keep === undefined) return then(failed(problem('store-failed', `there is no keep ${id}`)));
      let bytes = 0;
      const wanted = keep.rows.filter(({ sequence }) => sequence >= from && sequence <= through);
      const fitting = wanted.findIndex(({ payload }) => {
        bytes += payload.size + COST_BYTES;
        return bytes > bytesMax;
      });
      return then(done(fitting < 0 ? wanted : wanted.slice(0, Math.max(1, fitting))));
    });
  }

  /** The process or the power is gone: of what was not answered, some prefix remains. */
  crash(): void {
    const kept = this.#prng.between(0, this.#waiting.length);
    for (const { write } of this.#waiting.slice(0, kept)) if (!this.full) write();
    this.#waiting = [];
    this.#busyUntil = 0;
  }

  /** A new, empty disk in its place. */
  wipe(): void {
    this.#waiting = [];
    for (const { definition } of this.keeps.values()) this.lost.push(definition.pattern);
    this.keeps.clear();
  }

  #write(write: Write, then: Then): void {
    const entry = { write };
    this.#waiting.push(entry);
    const [from, to] = this.#delayMs();
    this.#busyUntil = Math.max(this.#busyUntil, this.#timeline.now + this.#prng.between(from, to));
    this.#timeline.at(this.#busyUntil, () => {
      if (this.#waiting[0] !== entry) return; // a crash came first
      this.#waiting.shift();
      then(this.full ? problem('store-failed', 'the disk is full') : write());
    });
  }
}

function apply(keep: KeepOnDisk, { evict = 0, positions, rows }: LogBatch): void {
  keep.rows = [...keep.rows, ...rows].filter(({ sequence }) => sequence >= evict);
  keep.next = Math.max(keep.next, (rows.at(-1)?.sequence ?? 0) + 1);
  for (const [name, position] of positions) {
    if (position === undefined) keep.positions.delete(name);
    else keep.positions.set(name, position);
  }
}

/** The same log for a process, which hears its answers when it has time; never, once it has ended. */
export function answered(log: SimLog, hear: (then: () => void) => void): MessageLog {
  const late =
    <Answer>(then: (answer: Answer) => void) =>
    (answer: Answer) =>
      hear(() => then(answer));
  return {
    commit: (id, batch, then) => log.commit(id, batch, late(then)),
    define: (keep, then) => log.define(keep, late(then)),
    read: (id, from, through, bytesMax, then) => log.read(id, from, through, bytesMax, late(then)),
    remove: (id, then) => log.remove(id, late(then)),
  };
}
