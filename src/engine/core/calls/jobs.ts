import { Heap } from '../base/heap.ts';
import { IdTable } from '../base/id-table.ts';
import type { LinkId, NodeId, TaskId } from '../base/ids.ts';
import { type Instant, NEVER } from '../base/instant.ts';
import { getOrMake } from '../base/maps.ts';
import { didNotHappen, type Problem, problem } from '../base/problems.ts';
import type { Asker } from './effects.ts';
import type { Errand } from './errand.ts';
import type { CallMessage, Passed } from './messages.ts';
import type { PlanRun } from './plan-run.ts';

/** A call or a plan of which this node owes the answer. */
export interface Job {
  readonly key: number;
  readonly origin: Origin;
  /** Changes where its arguments are completed. */
  call: CallMessage;
  /** Nodes that it was given to. */
  tried: readonly NodeId[];
  deadline: Instant;
  /** Whether an unknown outcome may be repeated. */
  repeatable: boolean;
  /** Whether a node that had it may have done it, though it failed there. */
  doubtful: boolean;
  /** How often it may be tried again after it failed, and has been. */
  retriesLeft: number;
  retriesMade: number;
  /** When it is tried again; `NEVER` while it does not wait for that. */
  retryAt: Instant;
  /** Until when it may wait for a hub or a way; `NEVER` before it has waited for one. */
  waitsUntil: Instant;
  /** When it was given to the node that has it; `NEVER` once that node has begun to answer. */
  givenAt: Instant;
  /** Set while a task of this node has it. */
  task: TaskId | undefined;
  /** Set while another node has it. */
  sentTo: NodeId | undefined;
  /** That node is a hub: of this cluster, which looks for a place in others; or of another cluster, which has it. */
  far: 'hub' | 'cluster' | undefined;
  /** Set where this node does more of a plan's work than to run a step. */
  duty: Duty | undefined;
  /** Set where it stands for a chain of this node's plan, which is on its way. */
  ward: Ward | undefined;
  /** Set where it is a plan. */
  plan: Running | undefined;
}

/** What is to be done for a plan, and how far it is. */
export interface Duty {
  errand: Errand;
  /** When the plan's time is up. */
  readonly planEnds: Instant;
  /** Since when the step is here. */
  readonly since: Instant;
  /** Whether the plan's node knows that the chain is here. */
  reported: boolean;
  /** Whether the plan's node sent it here itself, and so will say `drop` for what was fetched for it. */
  readonly isKnown: boolean;
}

/** A chain that this node waits for. */
export interface Ward {
  /** Its steps in the plan. */
  readonly steps: readonly number[];
  /** Those of them that are known to be done. */
  trail: readonly Passed[];
  /** Twice the hops after which it was last heard of, and one more where somebody said that it is there. */
  heard: number;
}

/** A plan that is under way. */
export interface Running {
  readonly run: PlanRun;
  /** Its steps under way, by index. */
  readonly steps: Map<number, Job>;
  /** Nodes that may hold values for it. */
  readonly holders: Set<NodeId>;
  /** Chains that were lost: whoever turns up with one is told to stop. */
  readonly lost: Set<number>;
  /** How often a step was begun again because a node was lost, by index. */
  readonly again: Map<number, number>;
  proceeding: boolean;
  /** Once it has ended: how many values are still waited for that its answer is to hold. */
  awaited: number | undefined;
}

/** Whom a job's answer is for: an asker and its own id for the call, a step of a plan of this node, or its arguments. */
export type Origin = { readonly asker: Asker; readonly id: number } | StepOrigin | { readonly fetch: string };

export interface StepOrigin {
  readonly plan: Job;
  readonly index: number;
}

/**
 * The jobs of a node, found by key, by asker, by the node they were sent to, and by deadline.
 *
 * Invariants:
 * - a job that was forgotten is found by none of them;
 * - of the deadlines kept, at least a third belong to open jobs, but for `STALE_MAX`.
 */
export class Jobs {
  readonly #jobs = new IdTable<Job>();
  readonly #byAsker = new Map<LinkId | NodeId, IdTable<Job>>();
  readonly #bySentTo = new Map<NodeId, IdTable<Job>>();
  #deadlines = deadlineHeap();

  get size(): number {
    return this.#jobs.size;
  }

  get(key: number): Job | undefined {
    return this.#jobs.get(key);
  }

  all(): readonly Job[] {
    return this.#jobs.values();
  }

  /** The job that an asker knows by its own id. */
  of(asker: Asker, id: number): Job | undefined {
    return this.#byAsker.get(keyOf(asker))?.get(id);
  }

  allOf(asker: Asker): readonly Job[] {
    return this.#byAsker.get(keyOf(asker))?.values() ?? [];
  }

  countOf(asker: Asker): number {
    return this.#byAsker.get(keyOf(asker))?.size ?? 0;
  }

  sentTo(node: NodeId): readonly Job[] {
    return this.#bySentTo.get(node)?.values() ?? [];
  }

  sentCount(node: NodeId): number {
    return this.#bySentTo.get(node)?.size ?? 0;
  }

  open(key: number, origin: Origin, call: CallMessage): Job {
    const job: Job = {
      call,
      deadline: NEVER,
      doubtful: false,
      far: undefined,
      givenAt: NEVER,
      duty: undefined,
      key,
      origin,
      plan: undefined,
      repeatable: call.idempotent,
      retriesLeft: 0,
      retriesMade: 0,
      retryAt: NEVER,
      sentTo: undefined,
      task: undefined,
      tried: NOBODY,
      waitsUntil: NEVER,
      ward: undefined,
    };
    this.#jobs.set(key, job);
    if ('asker' in origin) getOrMake(this.#byAsker, keyOf(origin.asker), newTable).set(origin.id, job);
    else if ('plan' in origin) origin.plan.plan?.steps.set(origin.index, job);
    return job;
  }

  /** The earlier deadline counts. */
  limit(job: Job, deadline: Instant): void {
    if (deadline >= job.deadline) return;
    job.deadline = deadline;
    this.#deadlines.push({ at: deadline, key: job.key });
    if (this.#deadlines.size > 3 * this.#jobs.size + STALE_MAX) this.#tidy();
  }

  send(job: Job, node: NodeId): void {
    job.sentTo = node;
    getOrMake(this.#bySentTo, node, newTable).set(job.key, job);
  }

  /** Takes a job back from whoever has it. */
  take(job: Job): void {
    job.task = undefined;
    job.far = undefined;
    if (job.sentTo === undefined) return;
    removeFrom(this.#bySentTo, job.sentTo, job.key);
    job.sentTo = undefined;
  }

  forget(job: Job): void {
    this.#jobs.delete(job.key);
    job.retryAt = NEVER;
    this.take(job);
    const { origin } = job;
    if ('plan' in origin) origin.plan.plan?.steps.delete(origin.index);
    if (!('asker' in origin)) return;
    if (this.of(origin.asker, origin.id) === job) removeFrom(this.#byAsker, keyOf(origin.asker), origin.id);
  }

  /** The earliest deadline of a job that is still open. */
  deadline(): Instant {
    for (let first = this.#deadlines.peek(); first !== undefined; first = this.#deadlines.peek()) {
      if (this.#jobs.get(first.key)?.deadline === first.at) return first.at;
      this.#deadlines.pop();
    }
    return NEVER;
  }

  /** One job whose deadline has passed, or undefined. */
  due(now: Instant): Job | undefined {
    if (this.deadline() > now) return undefined;
    return this.#jobs.get(this.#deadlines.pop()?.key ?? -1);
  }

  /** Drops the deadlines of jobs that have ended. Why not at once: a heap cannot find them; this costs O(1) per job. */
  #tidy(): void {
    this.#deadlines = deadlineHeap();
    for (const { deadline, key } of this.#jobs.values())
      if (deadline !== NEVER) this.#deadlines.push({ at: deadline, key });
  }
}

/** Whether another node may have a job that came to this end on the last one. */
export function mayRepeat(job: Job, why: Problem): boolean {
  return (!job.call.routed || isChained(job)) && (didNotHappen(why) || job.repeatable);
}

/** Whether it is the step at hand of a chain: this node has the duty to place it, wherever it came from. */
export function isChained(job: Job): boolean {
  return job.duty?.errand.chain !== undefined;
}

/** Whether another node could do better, and may. */
export function mayPass(job: Job, why: Problem): boolean {
  const elsewhere = ELSEWHERE.has(why.code) || (job.far !== undefined && ABROAD.has(why.code));
  return elsewhere && mayRepeat(job, why);
}

/** Whether another node waits for its answer. */
export function isForNode({ origin }: Job): boolean {
  return 'asker' in origin && 'node' in origin.asker;
}

/** A problem without what only nodes say to each other. */
export function forUsers({ soon: _, ...why }: Problem): Problem {
  return why;
}

/** The problem that a job ends with: it did not happen only if it did not happen on any node that had it. */
export function inDoubt(job: Job, why: Problem): Problem {
  return job.doubtful && didNotHappen(why) ? { ...why, outcome: 'unknown' } : why;
}

/** The problem of a job whose deadline has passed; `node` is the name of this one. */
export function outOfTime({ call, plan }: Job, node: string): Problem {
  const { fun, step } = call;
  const at = step === undefined ? { node } : { node, step };
  return problem('timed-out', `${plan === undefined ? fun : 'the plan'} did not end in time`, { ...at, fun });
}

/** What a node says where another could do better. */
const ELSEWHERE: ReadonlySet<string> = new Set(['not-here', 'node-stopping', 'overloaded', 'link-lost']);

/**
 * What a hub of another cluster says where the next cluster may do better; and one of this cluster where another hub may: it
 * has just begun and knows nobody yet, or is cut off from others.
 */
const ABROAD: ReadonlySet<string> = new Set([
  'cluster-unknown',
  'function-unknown',
  'resource-unknown',
  'queue-unknown',
  'node-unknown',
  'nobody-there',
  'not-allowed',
]);

/** Deadlines of jobs that have ended, kept before any tidying. */
const STALE_MAX = 1_024;

/** Why not by pushing: nearly every job is tried once, and a list that is pushed to makes room for seventeen. */
export function addTried(job: Job, node: NodeId): void {
  job.tried = job.tried.length === 0 ? [node] : [...job.tried, node];
}

const NOBODY: readonly NodeId[] = [];

const newTable = () => new IdTable<Job>();

/** Takes a job out of the table at a key, and the table out of the map where it is empty and others are many. */
function removeFrom<Key>(tables: Map<Key, IdTable<Job>>, key: Key, id: number): void {
  const table = tables.get(key);
  table?.delete(id);
  if (table?.size === 0 && tables.size > EMPTY_MAX) tables.delete(key);
}

/** Tables that are kept though they are empty: who asked once will ask again. */
const EMPTY_MAX = 64;

function deadlineHeap(): Heap<{ readonly at: Instant; readonly key: number }> {
  return new Heap((a, b) => a.at - b.at);
}

function keyOf(asker: Asker): LinkId | NodeId {
  return 'link' in asker ? asker.link : asker.node;
}
