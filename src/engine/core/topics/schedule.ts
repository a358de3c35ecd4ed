import { Alarms } from '../base/alarms.ts';
import { Effects } from '../base/effects.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import type { Machine } from '../base/machine.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import { type Problem, problem } from '../base/problems.ts';
import { readScheduled, type ScheduledMessage, writeScheduled } from './scheduled-message.ts';

/**
 * Messages that are to be published later: what one node has promised, and when each is due.
 *
 *     add ──► persist ──► persisted: accepted, waiting ── due ──► publish ──► published ──► persist its removal ──► gone
 *                                       │    ▲                      │ failed
 *                                       │    └── a pause ◄──────────┘
 *                                       └── cancel ──► persist its removal ──► cancelled
 *
 * Two clocks. *In five minutes* is by this node's own instants, which no change of the wall clock moves; *at six o'clock* is
 * by the wall clock, which is read now and then (`clock`), so that a clock that is put forward or back moves it. After a
 * restart only the wall clock is left: what was to wait five minutes waits for what that says is left of them, and never
 * longer than five minutes.
 *
 * Invariants:
 * - what was accepted is published, unless it was cancelled: again after a crash in between, under the same id;
 * - nothing is accepted, and nothing said to be cancelled, before that is durable;
 * - what was cancelled is never published, and what is being published cannot be cancelled any more;
 * - no more than `openMax` are being published, and no more than `countMax` and `bytesMax` are held.
 */
export class Schedule implements Machine<ScheduleEffect> {
  readonly #options: ScheduleOptions;
  readonly #effects = new Effects<ScheduleEffect>();
  readonly #entries = new Map<string, Entry>();
  /** By this node's instants. */
  readonly #soon = new Alarms<string>();
  /** By the wall clock. */
  readonly #dated = new Alarms<string>();
  readonly #fences = new Map<number, { readonly id: string; readonly write: 'put' | 'cancel' | 'remove' }>();
  /** Of a former life, and due before the other nodes have said what they listen to. */
  readonly #early = new Set<string>();
  #nextFence = 1;
  #bytes = 0;
  #open = 0;
  /** What the wall clock said beyond the instant, and when. */
  #offset: number;
  #readAt: Instant;

  constructor(options: ScheduleOptions, wall: number, now: Instant) {
    this.#options = options;
    this.#offset = wall - now;
    this.#readAt = now;
  }

  get counts(): { readonly messages: number; readonly bytes: number; readonly open: number } {
    return { bytes: this.#bytes, messages: this.#entries.size, open: this.#open };
  }

  /** What the wall clock says. */
  clock(wall: number, now: Instant): void {
    this.#offset = wall - now;
    this.#readAt = now;
  }

  /** What a former life has stored. Answers the keys of what cannot be read: it stays where it is. */
  load(pairs: readonly (readonly [key: string, value: string])[], now: Instant): readonly string[] {
    const unreadable: string[] = [];
    for (const [key, value] of pairs) {
      const message = readScheduled(value);
      if (message === undefined) {
        unreadable.push(key);
        continue;
      }
      this.#hold(message, value.length, 'waiting');
      this.#arm(message, now, now + this.#options.aloneMs);
      if (this.#soon.of(message.id) === now + this.#options.aloneMs) this.#early.add(message.id);
    }
    return unreadable;
  }

  /** Another node is there: what waits for that waits only until it has said what it listens to. */
  met(now: Instant): void {
    for (const id of this.#early) {
      const { message, state } = this.#entries.get(id) ?? {};
      if (message !== undefined && state === 'waiting') this.#arm(message, now, now + this.#options.settleMs);
    }
    this.#early.clear();
  }

  /**
   * Promises to publish it, once `accepted` says so; one that is known by its id is promised once. Answers when it is
   * due, by the wall clock.
   */
  add(request: ScheduleRequest, now: Instant): Outcome<number> {
    const { at, inMs, ...rest } = request;
    const known = this.#entries.get(request.id);
    if (known !== undefined) {
      if (known.state === 'cancelling') return failed(problem('exists-already', `${request.id} is being cancelled`));
      if (known.state !== 'storing') this.#effects.push({ at: known.message.at, id: request.id, kind: 'accepted' });
      return done(known.message.at);
    }
    const due = inMs === undefined ? (at ?? this.#wall(now)) : this.#wall(now) + inMs;
    const message: ScheduledMessage = { ...rest, at: due, ...(inMs === undefined ? {} : { inMs }) };
    const value = writeScheduled(message);
    const why = this.#whyNot(message, value.length, now);
    if (why !== undefined) return failed(why);
    this.#hold(message, value.length, 'storing');
    this.#persist(message.id, 'put', value);
    return done(due);
  }

  /** False where there is none, or it is being published. */
  cancel(id: string, _now: Instant): boolean {
    const entry = this.#entries.get(id);
    if (entry?.state === 'cancelling') return true;
    if (entry?.state !== 'waiting') return false;
    this.#soon.clear(id);
    this.#dated.clear(id);
    entry.state = 'cancelling';
    this.#persist(id, 'cancel', null);
    return true;
  }

  persisted(fence: number, now: Instant): void {
    const { id = '', write } = this.#fences.get(fence) ?? {};
    const entry = this.#entries.get(id);
    this.#fences.delete(fence);
    if (entry === undefined) return;
    if (write === 'put') {
      entry.state = 'waiting';
      this.#arm(entry.message, now);
      this.#effects.push({ at: entry.message.at, id, kind: 'accepted' });
    } else {
      this.#drop(id, entry);
      if (write === 'cancel') this.#effects.push({ id, kind: 'cancelled' });
    }
  }

  /** The store did not take a write. */
  unstored(fence: number, why: Problem, now: Instant): void {
    const { id = '', write } = this.#fences.get(fence) ?? {};
    const entry = this.#entries.get(id);
    this.#fences.delete(fence);
    if (entry === undefined) return;
    if (write === 'remove') {
      this.#soon.set(id, now + this.#options.retryMs);
      return;
    }
    this.#effects.push({ id, kind: 'refused', problem: why });
    if (write === 'put') {
      this.#drop(id, entry);
      return;
    }
    entry.state = 'waiting';
    this.#arm(entry.message, now);
  }

  /** It is published: nothing of it is owed any more. */
  published(id: string, _now: Instant): void {
    const entry = this.#entries.get(id);
    if (entry?.state !== 'publishing') return;
    this.#open--;
    entry.state = 'published';
    this.#persist(id, 'remove', null);
  }

  /** It could not be published: it is tried again, after pauses that grow. */
  failed(id: string, now: Instant): void {
    const entry = this.#entries.get(id);
    if (entry?.state !== 'publishing') return;
    this.#open--;
    entry.state = 'waiting';
    entry.failures++;
    const { retryMs, retryMsMax } = this.#options;
    this.#soon.set(id, now + Math.min(retryMsMax, retryMs * 2 ** Math.min(30, entry.failures - 1)));
  }

  /** The next ones that are due, and how many there are. */
  list(max: number): { readonly total: number; readonly first: readonly Scheduled[] } {
    const waiting = [...this.#entries.values()].filter(({ state }) => state === 'waiting' || state === 'publishing');
    const all = waiting.sort((a, b) => a.message.at - b.message.at || (a.message.id < b.message.id ? -1 : 1));
    const first = all.slice(0, max).map(({ bytes, failures, message: { at, id, topic } }) => {
      return { at, bytes, failures, id, topic };
    });
    return { first, total: all.length };
  }

  drain(): ScheduleEffect[] {
    return this.#effects.drain();
  }

  /** With something for the wall clock, no later than it should be read again. */
  deadline(): Instant {
    if (this.#open >= this.#options.openMax) return NEVER;
    const dated = this.#dated.deadline();
    if (dated === NEVER) return this.#soon.deadline();
    const look = earlier(dated - this.#offset, this.#readAt + this.#options.readMs);
    return earlier(this.#soon.deadline(), look);
  }

  advance(now: Instant): void {
    while (this.#open < this.#options.openMax) {
      const id = this.#soon.due(now) ?? this.#dated.due(this.#wall(now));
      if (id === undefined) return;
      const entry = this.#entries.get(id);
      if (entry?.state === 'published') this.#persist(id, 'remove', null);
      if (entry?.state !== 'waiting') continue;
      entry.state = 'publishing';
      this.#open++;
      const { body, topic } = entry.message;
      this.#effects.push({ body, id, kind: 'publish', topic });
    }
  }

  /** From here on it is due at its time, but not before `earliest`. */
  #arm({ at, id, inMs }: ScheduledMessage, now: Instant, earliest = now): void {
    const left = at - this.#wall(now);
    if (inMs === undefined && now + left > earliest) this.#dated.set(id, at);
    else this.#soon.set(id, Math.max(earliest, now + Math.min(left, inMs ?? left)));
  }

  #wall(now: Instant): number {
    return now + this.#offset;
  }

  #whyNot({ at }: ScheduledMessage, bytes: number, now: Instant): Problem | undefined {
    const { aheadMsMax, bytesMax, countMax } = this.#options;
    if (!Number.isSafeInteger(at) || at - this.#wall(now) > aheadMsMax) {
      return problem('limit-exceeded', `a message is published at most ${aheadMsMax} ms ahead (aheadMsMax)`);
    }
    if (this.#entries.size >= countMax) {
      return problem('overloaded', `${countMax} messages wait here to be published already (countMax)`);
    }
    if (this.#bytes + bytes <= bytesMax) return undefined;
    return problem('overloaded', `messages that wait to be published may take ${bytesMax} bytes here (bytesMax)`);
  }

  #hold(message: ScheduledMessage, bytes: number, state: Entry['state']): void {
    this.#entries.set(message.id, { bytes, failures: 0, message, state });
    this.#bytes += bytes;
  }

  #drop(id: string, { bytes }: Entry): void {
    this.#entries.delete(id);
    this.#bytes -= bytes;
  }

  #persist(id: string, write: 'put' | 'cancel' | 'remove', value: string | null): void {
    const fence = this.#nextFence++;
    this.#fences.set(fence, { id, write });
    this.#effects.push({ fence, key: `${SCHEDULE_KEYS}${id}`, kind: 'persist', value });
  }
}

export const SCHEDULE_KEYS = 'later/';

/** Limits of one node. */
export interface ScheduleOptions {
  /** Messages that wait. More: more can be promised. Fewer: less memory, about 500 bytes each and what they hold. */
  readonly countMax: number;
  /** Their size, as stored. More: larger ones. Fewer: less memory, and a sooner start of the node. */
  readonly bytesMax: number;
  /** How far ahead, in milliseconds. Longer: more can be planned. Shorter: less is forgotten here. */
  readonly aheadMsMax: number;
  /** Publications at once. More: a crowd that is due together goes sooner. Fewer: it holds up nothing else. */
  readonly openMax: number;
  /** How often the wall clock is read while it matters. Longer: fewer looks. Shorter: a changed clock is sooner noticed. */
  readonly readMs: number;
  /**
   * What fell due while the node was away waits so long for the first other node. Longer: a slow start of the others is waited
   * for. Shorter: on a node that stays alone it comes sooner.
   */
  readonly aloneMs: number;
  /** And then so long. Longer: more of the others have said what they listen to. Shorter: it comes sooner. */
  readonly settleMs: number;
  /** The pause after a failure, doubled with each up to the most. Longer: less in vain. Shorter: sooner made good. */
  readonly retryMs: number;
  readonly retryMsMax: number;
}

export const DEFAULT_SCHEDULE: ScheduleOptions = {
  aheadMsMax: 100 * 366 * 86_400_000,
  aloneMs: 10_000,
  bytesMax: 256 * 2 ** 20,
  countMax: 100_000,
  openMax: 1_000,
  readMs: 1_000,
  retryMs: 1_000,
  retryMsMax: 60_000,
  settleMs: 2_000,
};

export interface ScheduleRequest {
  /** The same as the message's. */
  readonly id: string;
  readonly topic: string;
  /** What the world needs to publish it. */
  readonly body: string;
  /** By the wall clock; or `inMs` from now; or at once. */
  readonly at?: number;
  readonly inMs?: number;
}

export type ScheduleEffect =
  /** Store it under the key, or remove it; answer `persisted` or `unstored` with the fence. */
  | { readonly kind: 'persist'; readonly fence: number; readonly key: string; readonly value: string | null }
  | { readonly kind: 'accepted'; readonly id: string; readonly at: number }
  /** What was asked, to be published later or no more, was not done. */
  | { readonly kind: 'refused'; readonly id: string; readonly problem: Problem }
  | { readonly kind: 'cancelled'; readonly id: string }
  /** It is due: publish it, and answer `published` or `failed`. */
  | { readonly kind: 'publish'; readonly id: string; readonly topic: string; readonly body: string };

/** A message that waits, as it is shown. */
export interface Scheduled {
  readonly id: string;
  readonly topic: string;
  /** By the wall clock, in milliseconds since 1970. */
  readonly at: number;
  readonly bytes: number;
  /** How often it could not be published. */
  readonly failures: number;
}

interface Entry {
  readonly message: ScheduledMessage;
  readonly bytes: number;
  state: 'storing' | 'waiting' | 'publishing' | 'published' | 'cancelling';
  failures: number;
}
