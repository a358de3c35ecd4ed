import { Alarms } from '../base/alarms.ts';
import type { NodeId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import { problem } from '../base/problems.ts';
import type { Desk } from './desk.ts';
import type { Job, StepOrigin, Ward } from './jobs.ts';
import type { CallMessage, CallsMessage } from './messages.ts';

type HoldingMessage = Extract<CallsMessage, { readonly kind: 'holding' }>;

/**
 * Chains of this node's plans that are on their way: for each a job that stands for it, and is sent to wherever the
 * chain is known to be.
 *
 *     sent ──► silence: somebody has it, and either passes it on or speaks within `reportMs`
 *       │         │ nothing for `silenceMs`, and `hopMs` for each step ► lost
 *       │         ▼ "it is here"
 *       │      known: its node is watched by its link ── link broke ──► lost after `graceMs`, if nobody else speaks
 *       ▼
 *     result or error, from whoever has it
 *
 * Invariant: every ward is answered, or lost within `silenceMs` and a little for each step of the last word of it or of
 * the end of the link to the node that had it.
 *
 * Limit: a hand-over that takes longer than that, with a very large value on a very slow way, is taken for lost.
 */
export class Wards {
  readonly #desk: Desk;
  readonly #silences = new Alarms<Job>();

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  deadline(): Instant {
    return this.#silences.deadline();
  }

  open(origin: StepOrigin, call: CallMessage, ward: Ward, now: Instant): Job {
    const job = this.#desk.open(origin, call, 0, now);
    job.ward = ward;
    this.#desk.jobs.limit(job, origin.plan.deadline);
    return job;
  }

  /** Whether a chain that comes back is one of this node's that nobody waits for any more. */
  isOver(at: NodeId, key: number): boolean {
    return at === this.#desk.parts.self && this.#desk.jobs.get(key)?.ward === undefined;
  }

  /** A chain was handed to another node. */
  left(key: number, to: NodeId, hops: number, now: Instant): void {
    const job = this.#desk.jobs.get(key);
    if (this.#isNews(job, 2 * hops, to))
      this.#silences.set(job, this.#lostAt(job, this.#desk.parts.options.silenceMs, now));
  }

  /** A chain is at this node. */
  arrived(key: number, hops: number): void {
    const job = this.#desk.jobs.get(key);
    if (this.#isNews(job, 2 * hops + 1, this.#desk.parts.self)) this.#silences.clear(job);
  }

  /** A node says that it has a chain, or had it. Who has one that is no longer wanted is told so. */
  holding(from: NodeId, { id, plan, hops, trail, to }: HoldingMessage, now: Instant): void {
    const job = this.#desk.jobs.get(id);
    if (job?.ward === undefined) {
      const running = this.#desk.jobs.get(plan)?.plan;
      const hasEnded = running !== undefined && !running.lost.has(id); // its end has overtaken this word
      if (!hasEnded) this.#desk.say({ node: from }, { id, kind: 'cancel', reason: 'the plan no longer waits for it' });
      return;
    }
    if (trail.length > job.ward.trail.length) job.ward.trail = trail;
    if (to !== undefined) this.left(id, to, hops, now);
    else if (this.#isNews(job, 2 * hops + 1, from)) this.#silences.clear(job);
  }

  /** The link to a node is gone that a chain was known to be at. */
  broken(job: Job, now: Instant): void {
    const at = this.#lostAt(job, this.#desk.parts.options.graceMs, now);
    if (at < this.#silences.of(job)) this.#silences.set(job, at);
  }

  /** One chain that is lost, or undefined. */
  lost(now: Instant): Job | undefined {
    for (let job = this.#silences.due(now); job !== undefined; job = this.#silences.due(now)) {
      if (this.#desk.jobs.get(job.key) === job) return job;
    }
    return undefined;
  }

  /** Why a lost chain failed. */
  whyLost({ sentTo, call }: Job): ReturnType<typeof problem> {
    const { places } = this.#desk.parts;
    const node = places.node(sentTo ?? '')?.name ?? sentTo ?? '';
    const text = `nothing has been heard of the steps that went to ${node}: a node that had them is gone`;
    return problem('link-lost', text, { fun: call.fun, node });
  }

  forget(job: Job): void {
    this.#silences.clear(job);
  }

  /** Why longer for more steps: chains go on without a word, and nobody knows how long their ways are. */
  #lostAt({ ward }: Job, ms: number, now: Instant): Instant {
    const left = ward === undefined ? 0 : ward.steps.length - ward.trail.length;
    return now + ms + left * this.#desk.parts.options.hopMs;
  }

  /** Notes where a chain is; false where something newer is known. Why: words of two nodes may overtake each other. */
  #isNews(job: Job | undefined, heard: number, at: NodeId): job is Job {
    if (job?.ward === undefined || heard < job.ward.heard) return false;
    job.ward.heard = heard;
    this.#desk.jobs.take(job);
    this.#desk.jobs.send(job, at);
    return true;
  }
}
