import type { NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import { type Problem, problem } from '../base/problems.ts';
import type { Desk } from './desk.ts';
import type { Dispatch } from './dispatch.ts';
import { type Job, mayRepeat } from './jobs.ts';
import type { Wards } from './wards.ts';

export interface LossesParts {
  fail(job: Job, why: Problem, now: Instant): void;
  isOpen(job: Job): boolean;
}

/** What becomes of jobs that other nodes have, when one of these is gone or never got them. */
export class Losses {
  readonly #desk: Desk;
  readonly #dispatch: Dispatch;
  readonly #wards: Wards;
  readonly #parts: LossesParts;

  constructor(desk: Desk, dispatch: Dispatch, wards: Wards, parts: LossesParts) {
    this.#desk = desk;
    this.#dispatch = dispatch;
    this.#wards = wards;
    this.#parts = parts;
  }

  /**
   * A node is taken for dead, though its link stands: it may be well, and is told to stop. Why not chains: it may hand
   * them on, in time; if not, it is told when they are given up.
   */
  dead(node: NodeId, name: string, now: Instant): void {
    for (const { key, ward } of this.#desk.jobs.sentTo(node)) {
      if (ward !== undefined) continue;
      this.#desk.say({ node }, { id: key, kind: 'cancel', reason: 'the node was taken for dead' });
    }
    this.broken(node, name, 'the node is dead', now);
  }

  /** The link to a node broke: what was sent there may or may not have happened. */
  broken(node: NodeId, name: string, reason: string, now: Instant): void {
    for (const job of this.#desk.jobs.sentTo(node)) {
      if (!this.#parts.isOpen(job)) continue;
      if (job.ward !== undefined) {
        this.#wards.broken(job, now);
        continue;
      }
      const { fun } = job.call;
      const text = `the link to ${name} broke while it ran ${fun}: ${reason}`;
      const why = problem('link-lost', text, { fun, node: name, ...soonIf(job.far !== undefined) });
      this.#dispatch.costs.note(job, node, why, now);
      if (mayRepeat(job, why)) this.#dispatch.place(job, why, now);
      else this.#parts.fail(job, why, now);
    }
  }

  /**
   * Nothing gets to a node or comes from there now, but that may change: what may be repeated and can go elsewhere does not. Why not the rest: the node may be
   * well, and have done it.
   */
  stuck(node: NodeId, name: string, now: Instant): void {
    for (const job of this.#desk.jobs.sentTo(node)) {
      const { fun } = job.call;
      const why = problem('link-lost', `no way leads to ${name}, which has ${fun}`, { fun, node: name });
      if (!this.#parts.isOpen(job) || !mayRepeat(job, why) || !this.#dispatch.hasOther(job, now)) continue;
      this.#desk.say({ node }, { id: job.key, kind: 'cancel', reason: why.message });
      this.#dispatch.place(job, why, now);
    }
  }

  /** That node closed an idle link: had it received anything that it has not answered, it would not have been idle. */
  parted(node: NodeId, reason: string, now: Instant): void {
    for (const job of this.#desk.jobs.sentTo(node)) this.notSent(job, reason, now);
  }

  /** What would have given a job to another node certainly did not leave. */
  notSent(job: Job, reason: string, now: Instant): void {
    if (job.ward !== undefined || !this.#parts.isOpen(job)) return;
    const { fun } = job.call;
    const text = `${fun} could not be sent to its node: ${reason}`;
    const why = problem('nobody-there', text, { fun, ...soonIf(job.far !== undefined) });
    if (job.sentTo !== undefined) this.#dispatch.costs.note(job, job.sentTo, why, now);
    this.#dispatch.place(job, why, now);
  }
}

/** Hubs are started again, and others take their place. */
function soonIf(isFar: boolean): { readonly soon?: true } {
  return isFar ? { soon: true } : {};
}
