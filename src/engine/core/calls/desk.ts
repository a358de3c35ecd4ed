import { Effects } from '../base/effects.ts';
import type { Address, NodeId } from '../base/ids.ts';
import { type Instant, NEVER } from '../base/instant.ts';
import type { Problem } from '../base/problems.ts';
import type { CallsParts } from './calls-parts.ts';
import type { Asker, CallsEffect } from './effects.ts';
import { type Job, Jobs, type Origin } from './jobs.ts';
import type { CallMessage, CallsMessage } from './messages.ts';

/** What all that deals with calls on one node has in common: who it is, its jobs, their numbers, what it says. */
export class Desk {
  readonly parts: CallsParts;
  readonly jobs = new Jobs();
  readonly effects = new Effects<CallsEffect>();
  #nextId = 1;

  constructor(parts: CallsParts) {
    this.parts = parts;
  }

  /**
   * Another life of this node begins: its calls are numbered far from those of the last one, whose answers may still
   * come. Why this factor: multiples of the golden ratio keep away from each other (Knuth, vol. 3, §6.4).
   */
  start(epoch: number): void {
    this.#nextId = (Math.imul(epoch, 0x9e3779b1) >>> 2) + 1;
  }

  newId(): number {
    return this.#nextId++;
  }

  /** `timeoutMs`: 0 is no limit. */
  open(origin: Origin, call: CallMessage, timeoutMs: number, now: Instant): Job {
    const job = this.jobs.open(this.#nextId++, origin, call);
    if (timeoutMs > 0) this.jobs.limit(job, now + timeoutMs);
    return job;
  }

  /** Milliseconds left until an instant, as they travel: 0 is no limit. */
  left(until: Instant, now: Instant): number {
    return until === NEVER ? 0 : Math.max(1, until - now);
  }

  /** Answers, where the asker is still linked. */
  say(to: Asker, message: CallsMessage): void {
    this.effects.push({ kind: 'answer', message, to });
  }

  /** `plan`: the one for which values may be held here. */
  refuse(to: Asker, id: number, why: Problem, plan?: number): void {
    this.say(to, { id, kind: 'error', problem: why, ...(plan === undefined ? {} : { plan }) });
  }

  /** Says something to a node that need not be linked. */
  tell(to: NodeId, address: Address, message: CallsMessage): void {
    this.effects.push({ address, kind: 'tell', message, to });
  }
}
