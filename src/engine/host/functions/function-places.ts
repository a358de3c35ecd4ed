/**
 * The places of one function on one node: how many of its calls run, and who waits.
 *
 * A call that waits for calls of its own lends its place to a call that is itself nested. Why: a function that may run once
 * and calls itself, or two that call each other on nodes that are full, would otherwise wait for themselves for ever. With
 * this rule a nested call waits only for calls that are at work, never for one that waits in turn.
 *
 *      running ─┬─ at work         < concurrency: a nested call may begin
 *               └─ waits for its own calls        running < concurrency: any call may begin
 *
 * The deepest nested call comes first, since the most wait for it: recursion goes down before it goes wide, and holds
 * only as many calls open as it is deep.
 *
 * Trade-off: when a call that lent its place goes on before the other ends, more than `concurrency` are at work for that
 * while. To stop a function in the middle is not possible; not to let it go on would be the deadlock again.
 */
import { IdTable } from '../../core/base/id-table.ts';
import type { TaskId } from '../../core/base/ids.ts';
import type { Job } from '../ports.ts';

export interface Limits {
  readonly concurrency: number;
  readonly queue: number;
}

export class FunctionPlaces {
  limits: Limits;
  readonly #running = new IdTable<TaskId>();
  /** Those of `#running` that wait for calls of their own. */
  readonly #lending = new Set<TaskId>();
  /** In order of arrival. */
  readonly #waiting = new Map<TaskId, Job>();
  /** Those of `#waiting` that are nested, by depth. */
  readonly #nested: Map<TaskId, Job>[] = [];

  constructor(limits: Limits) {
    this.limits = limits;
  }

  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether a call may begin now. */
  hasRoomFor({ depth }: Job): boolean {
    return this.#running.size < this.limits.concurrency || (depth !== undefined && this.#lends);
  }

  get hasQueue(): boolean {
    return this.#waiting.size < this.limits.queue;
  }

  begin({ task }: Job): void {
    this.#running.set(task, task);
  }

  end(task: TaskId): void {
    this.#running.delete(task);
    this.#lending.delete(task);
  }

  /** A call that runs waits for calls of its own, or no longer does. */
  lend(task: TaskId, waits: boolean): void {
    if (waits && this.#running.get(task) !== undefined) this.#lending.add(task);
    else this.#lending.delete(task);
  }

  wait(job: Job): void {
    this.#waiting.set(job.task, job);
    if (job.depth === undefined) return;
    const level = this.#nested[job.depth] ?? new Map<TaskId, Job>();
    this.#nested[job.depth] = level;
    level.set(job.task, job);
  }

  /** Takes one back that waits; undefined where it does not. */
  take(task: TaskId): Job | undefined {
    const job = this.#waiting.get(task);
    if (job === undefined) return undefined;
    this.#waiting.delete(task);
    if (job.depth !== undefined) this.#nested[job.depth]?.delete(task);
    return job;
  }

  /** Takes the one that may begin next; undefined where none may. */
  next(): Job | undefined {
    if (this.#waiting.size === 0) return undefined;
    const [first] = this.#waiting.values();
    if (first === undefined) return undefined;
    if (this.#running.size < this.limits.concurrency) return this.take(first.task);
    const [deepest] = (this.#lends && this.#nested.findLast((level) => level?.size > 0)?.values()) || [];
    return deepest === undefined ? undefined : this.take(deepest.task);
  }

  takeAll(): readonly Job[] {
    return [...this.#waiting.keys()].map((task) => this.take(task)).filter((job) => job !== undefined);
  }

  get #lends(): boolean {
    return this.#running.size - this.#lending.size < this.limits.concurrency;
  }
}
