import { type Instant, NEVER } from '../base/instant.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import { problem } from '../base/problems.ts';
import type { Desk } from './desk.ts';
import type { Entry } from './entry.ts';
import type { QueueCommand, RedriveJob } from './messages.ts';
import type { Stock } from './stock.ts';

/** The queue whose messages are moved. */
interface Source {
  readonly name: string;
  readonly number: number;
  readonly stock: Stock;
  takeReady(now: Instant): Entry | undefined;
  proceed(now: Instant): void;
}

/**
 * Moves messages, most often dead letters, to other queues of the node: a few at a time, no faster than asked, and each in
 * one commit that takes it from here and puts it there.
 *
 * How far it has come is stored with every step, so a job goes on where it was when its node starts again. What cannot be
 * moved, because its queue is not on this node or has no room, stays where it is.
 *
 * Limit: after `ASIDE_MAX` that could not be moved, it stops.
 */
export class Redrive {
  job: RedriveJob | undefined;
  readonly #desk: Desk;
  readonly #source: Source;
  #aside: Entry[] = [];
  #stepAt: Instant = NEVER;
  #stepping = false;

  constructor(desk: Desk, source: Source, job: RedriveJob | undefined) {
    this.#desk = desk;
    this.#source = source;
    this.restart(job);
  }

  /** Goes on with what is stored. */
  restart(job: RedriveJob | undefined): void {
    this.job = job;
    this.#aside = [];
    this.#stepping = false;
    this.#stepAt = job?.state === 'running' ? 0 : NEVER;
  }

  deadline(): Instant {
    return this.#stepping || this.#source.stock.closed ? NEVER : this.#stepAt;
  }

  start(command: Extract<QueueCommand, { kind: 'redrive' }>, total: number, now: Instant): Outcome<RedriveJob> {
    const { to, max = null, rate = null, dryRun = false } = command;
    const { name } = this.#source;
    if (this.job?.state === 'running') {
      const text = `messages of ${name} are being moved already (job ${this.job.id})`;
      const hint = `Wait until they are, or stop it.\nmpreg queue redrive ${name} --cancel`;
      return failed(problem('exists-already', text, { hint }));
    }
    if (to === name) return failed(problem('input-invalid', `messages of ${name} cannot be moved to itself`));
    const job: RedriveJob = {
      dryRun,
      endedAt: dryRun ? now : null,
      failed: 0,
      id: (this.job?.id ?? 0) + 1,
      max,
      moved: 0,
      rate,
      startedAt: now,
      state: dryRun ? 'done' : 'running',
      to,
      total: max === null ? total : Math.min(max, total),
    };
    if (dryRun) return done(job);
    this.#store(job);
    this.#stepAt = now;
    return done(job);
  }

  cancel(now: Instant): Outcome<RedriveJob> {
    const { job } = this;
    if (job?.state !== 'running')
      return failed(problem('input-invalid', `no messages of ${this.#source.name} are moved now`));
    return done(this.#end(job, 'cancelled', now));
  }

  advance(now: Instant): void {
    const { job } = this;
    if (job?.state !== 'running' || this.deadline() > now) return;
    if (this.#desk.refusal(now) !== undefined) {
      this.#stepAt = now + LOOK_AGAIN_MS;
      return;
    }
    const most = job.rate === null ? STEP_MAX : Math.min(STEP_MAX, Math.max(1, Math.floor(job.rate / 10)));
    const left = Math.min(most, Math.max(job.total, 0) - job.moved - job.failed);
    const moved = left > 0 ? this.#step(job, left, now) : 0;
    const { failed: failures } = this.job ?? job;
    const isStuck = this.#aside.length >= ASIDE_MAX;
    const isOver = isStuck || job.moved + moved + failures >= job.total;
    // Why it ends where nothing is ready: what it was to move has been received by others.
    const isEmpty = moved === 0 && failures === job.failed && this.#source.stock.isSettled(now);
    this.#stepAt =
      now + (job.rate === null ? (moved > 0 ? 0 : LOOK_AGAIN_MS) : Math.ceil((Math.max(moved, 1) * 1_000) / job.rate));
    if (isOver || isEmpty) this.#end(this.job ?? job, 'done', now);
    else if (moved > 0) this.#pause();
  }

  #step(job: RedriveJob, most: number, now: Instant): number {
    const { stock, name, number } = this.#source;
    let moved = 0;
    let aside = 0;
    let { failure } = job;
    while (moved + aside < most) {
      const entry = this.#source.takeReady(now);
      if (entry === undefined) break;
      const to = job.to === 'origin' ? entry.about.origin : job.to;
      const why = to === undefined ? NO_ORIGIN : this.#desk.transfer({ entry, from: { name, number }, to }, now);
      if (why === undefined) {
        stock.ends.finish(entry, 'done', true);
        moved++;
      } else {
        entry.state = 'parking';
        this.#aside.push(entry);
        aside++;
        failure ??= why.code;
      }
    }
    const counted = { failed: job.failed + aside, moved: job.moved + moved };
    if (moved + aside > 0) this.#store({ ...job, ...counted, ...(failure !== undefined && { failure }) });
    return moved;
  }

  /** The next step waits until this one is durable. */
  #pause(): void {
    this.#stepping = true;
    this.#desk.settled(() => {
      this.#stepping = false;
    });
  }

  #end(job: RedriveJob, state: 'done' | 'cancelled', now: Instant): RedriveJob {
    const ended: RedriveJob = { ...job, endedAt: now, state };
    this.#store(ended);
    this.#stepAt = NEVER;
    for (const entry of this.#aside) this.#source.stock.schedule.back(entry);
    this.#aside = [];
    this.#source.proceed(now);
    return ended;
  }

  #store(job: RedriveJob): void {
    this.job = job;
    this.#desk.write(this.#source.number, { job, kind: 'job', queue: this.#source.number });
  }
}

const STEP_MAX = 100;
const ASIDE_MAX = 1_000;
const LOOK_AGAIN_MS = 100;
const NO_ORIGIN = problem('input-invalid', 'it is no dead letter: it comes from no other queue');
