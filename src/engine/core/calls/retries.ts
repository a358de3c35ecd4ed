import { Heap } from '../base/heap.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import type { Prng } from '../base/prng.ts';
import { kindOf, type Problem } from '../base/problems.ts';
import { isChained, isForNode, type Job, mayRepeat } from './jobs.ts';
import type { CallsOptions } from './options.ts';

/**
 * Steps that failed and wait to be tried again: exponential back-off, half of it by chance, so that steps which failed
 * together do not come back together.
 *
 * It refuses to try again what may have happened and is not idempotent, and what would fail the same way (bad input).
 */
export class Retries {
  readonly #options: CallsOptions;
  readonly #prng: Prng;
  readonly #waiting = new Heap<{ readonly at: Instant; readonly job: Job }>((a, b) => a.at - b.at);

  constructor(options: CallsOptions, prng: Prng) {
    this.#options = options;
    this.#prng = prng;
  }

  /** Lets a failed job wait for its next try. False where it gets none. */
  take(job: Job, why: Problem, now: Instant): boolean {
    if (job.retriesLeft === 0 || !mayRepeat(job, why) || isInVain(why)) return false;
    job.retriesLeft--;
    const { retryMs, retryMaxMs } = this.#options;
    const ms = Math.min(retryMaxMs, retryMs * 2 ** Math.min(job.retriesMade++, 20));
    job.retryAt = now + Math.ceil(ms / 2) + this.#prng.below(Math.ceil(ms / 2) + 1);
    this.#waiting.push({ at: job.retryAt, job });
    return true;
  }

  /**
   * Lets a job wait for a hub, or a way to one, that was there a moment ago. False where it has waited for long enough, and where
   * another node asks, which may know another hub, and waits itself.
   */
  wait(job: Job, now: Instant): boolean {
    const { awayMs } = this.#options;
    if (isForNode(job) || isChained(job)) return false;
    if (job.waitsUntil === NEVER) job.waitsUntil = now + awayMs;
    if (now >= job.waitsUntil) return false;
    const waitedMs = awayMs - (job.waitsUntil - now);
    const ms = Math.min(AWAY_MS_MAX, Math.max(AWAY_MS_MIN, waitedMs / 2));
    const half = Math.ceil(ms / 2);
    job.retryAt = earlier(job.waitsUntil, now + half + this.#prng.below(half + 1));
    this.#waiting.push({ at: job.retryAt, job });
    return true;
  }

  deadline(): Instant {
    for (let first = this.#waiting.peek(); first !== undefined; first = this.#waiting.peek()) {
      if (first.job.retryAt === first.at) return first.at;
      this.#waiting.pop();
    }
    return NEVER;
  }

  /** One job whose time has come, or undefined. */
  due(now: Instant): Job | undefined {
    if (this.deadline() > now) return undefined;
    const job = this.#waiting.pop()?.job;
    if (job !== undefined) job.retryAt = NEVER;
    return job;
  }
}

/** Between two looks for a hub or a way. Trade-off: shorter is sooner there; longer asks less often. */
const AWAY_MS_MIN = 50;
const AWAY_MS_MAX = 400;

/** Whether it would fail the same way again: the input is at fault, or a value that no node has. */
function isInVain(why: Problem): boolean {
  return kindOf(why).exit === BAD_INPUT || why.code === 'value-lost';
}

/** The exit code of problems that the input is at fault for. */
export const BAD_INPUT = 2;
