import type { NodeId } from '../base/ids.ts';
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import { OUTRUN_MAX } from './link-state.ts';
import type { OffersRecord } from './records.ts';

/** What a cluster has that others may use. */
export type OwnOffered = Pick<OffersRecord, 'functions' | 'queues' | 'interest' | 'retains'>;

/**
 * What this hub says that its cluster has: told while it speaks for the cluster, taken back once when it no longer does.
 * Changes are gathered for `settleMs`.
 */
export class OwnOffers {
  readonly #hub: NodeId;
  readonly #options: OwnOffersOptions;
  #version = 0;
  /** What this life began with. */
  #first = 0;
  #offered: OwnOffered = NOTHING;
  /** What was told last, as text; undefined where nothing was told, or it was taken back; empty where a former life said it. */
  #told: string | undefined;
  /** Until then it does not say that there is nothing: it may not have met the nodes of its cluster yet. */
  #quietUntil: Instant = NEVER;
  #tellAt: Instant = NEVER;
  #refreshAt: Instant = NEVER;

  constructor(hub: NodeId, options: OwnOffersOptions) {
    this.#hub = hub;
    this.#options = options;
  }

  start(epoch: number, now: Instant): void {
    this.#first = epoch * 2 ** 20;
    this.#version = this.#first;
    this.#quietUntil = now + this.#options.partedMs;
    this.look(now);
  }

  /**
   * A former life is still believed: it said more than this one, or this one has said nothing yet. Why then, too: a hub that
   * spoke for its cluster in that life, and no longer does, has to take back what it said.
   */
  outrun(version: number, now: Instant): void {
    if (version >= OUTRUN_MAX || (version <= this.#version && this.#version !== this.#first)) return;
    this.#version = Math.max(this.#version, version);
    this.#told = '';
    this.look(now);
  }

  offer(offered: OwnOffered, now: Instant): void {
    this.#offered = offered;
    this.look(now);
  }

  /** Whether this hub speaks for its cluster, or what it says, may be different now. */
  look(now: Instant, atOnce = false): void {
    this.#tellAt = earlier(this.#tellAt, atOnce ? now : now + this.#options.settleMs);
  }

  deadline(): Instant {
    return earlier(this.#tellAt, this.#refreshAt);
  }

  /** The record to tell, where it is due and says something new. */
  due(speaks: boolean, cluster: string, now: Instant): OffersRecord | undefined {
    if (this.deadline() > now) return undefined;
    const refresh = this.#refreshAt <= now;
    this.#tellAt = NEVER;
    this.#refreshAt = speaks ? now + this.#options.refreshMs : NEVER;
    const said = speaks ? this.#offered : NOTHING;
    const text = JSON.stringify(said);
    if (this.#told === undefined && !speaks) return undefined;
    if (this.#told === text && !refresh) return undefined;
    if (speaks && !this.#told && text === JSON.stringify(NOTHING) && now < this.#quietUntil) {
      this.#tellAt = this.#quietUntil;
      return undefined;
    }
    this.#told = speaks ? text : undefined;
    this.#version++;
    return { cluster, hub: this.#hub, version: this.#version, ...said, ...(speaks ? {} : { withdrawn: true }) };
  }
}

export interface OwnOffersOptions {
  readonly settleMs: number;
  readonly refreshMs: number;
  readonly partedMs: number;
}

const NOTHING: OwnOffered = { functions: [], queues: [] };
