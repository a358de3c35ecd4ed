/**
 * What a simulated hub does about alerts, as `host/federation/hub-watch.ts` does it: it looks now and then, carries news to a
 * channel that takes a while and now and then refuses, stores what it remembers, and tells the other hubs of its cluster.
 */

import type { Prng } from '../core/base/prng.ts';
import type { BookEntry } from '../core/federation/alert-book.ts';
import type { AlertView } from '../core/federation/alert-records.ts';
import type { AlertingConfig } from '../core/federation/alerting.ts';
import { type AlertEffect, Alerts, DEFAULT_ALERT_OPTIONS } from '../core/federation/alerts.ts';
import { healthOf } from '../core/federation/health.ts';
import { measuresOf, speaks } from '../core/federation/measures.ts';
import type { FederationView } from '../core/federation/view.ts';
import type { SimProcess } from './process.ts';
import type { Timeline } from './timeline.ts';

type Notify = Extract<AlertEffect, { readonly kind: 'notify' }>;

/** Who looks on at alerts. */
export interface AlertsWatcher {
  /** A notification leaves a hub; it is at its channel; the hub knows that it is, and has stored it. */
  alertLeaves(process: SimProcess, notice: Notify): void;
  alertTold(process: SimProcess, notice: Notify): void;
  alertKnown(process: SimProcess, notice: Notify): void;
  alertsStored(process: SimProcess): void;
}

export interface SimHubWatchParts {
  readonly process: SimProcess;
  readonly timeline: Timeline;
  readonly prng: Prng;
  readonly watcher: AlertsWatcher;
  readonly stored: string | undefined;
  readonly store: (state: string) => void;
  /** The hubs of the cluster that it believes to be there, as far as something gets through to them. */
  readonly siblings: () => readonly { readonly watch: SimHubWatch; readonly afterMs: number }[];
}

const LOOK_MS = 2_000;
const STORE_MS = 10;
const CHANNEL_MS_MAX = 600;
/** Of attempts to tell a channel. */
const REFUSED_SHARE = 0.1;
const OPTIONS = { ...DEFAULT_ALERT_OPTIONS, undeliveredMs: 2_000 };
const CALENDAR = 1_700_000_000_000;

/** What all clusters of a run are told of. */
export const SIM_ALERTING: AlertingConfig = {
  channels: [{ kind: 'console', name: 'log', perMinuteMax: 1_000 }],
  groupMs: 4_000,
  repeatMs: 0,
  rules: [
    { comparison: '>', metric: 'cluster-lost', name: 'lost', severity: 'critical', threshold: 3_000 },
    { comparison: '<', metric: 'cluster-hubs', name: 'few', severity: 'warning', threshold: 2 },
  ],
};

export class SimHubWatch {
  readonly process: SimProcess;
  readonly #parts: SimHubWatchParts;
  readonly #alerts = new Alerts(OPTIONS);
  #spoke = false;

  constructor(parts: SimHubWatchParts) {
    this.#parts = parts;
    this.process = parts.process;
    if (parts.stored !== undefined) this.#alerts.load(parts.stored);
    this.#alerts.configure(SIM_ALERTING, this.#now);
    this.#tick();
  }

  get views(): readonly AlertView[] {
    return this.#alerts.views();
  }

  hear(entries: readonly BookEntry[]): void {
    this.#alerts.hear(entries, this.#now);
    this.#turn();
  }

  get #now(): number {
    return CALENDAR + this.#parts.timeline.now;
  }

  get #view(): FederationView | undefined {
    return this.process.federation?.view(this.process.localNow);
  }

  #tick(): void {
    const { prng, timeline } = this.#parts;
    if (!this.process.alive) return;
    if (!this.process.asleep) this.#look();
    this.#spread();
    timeline.after(LOOK_MS + prng.below(100), () => this.#tick());
  }

  #look(): void {
    const view = this.#view;
    if (view === undefined) return;
    this.#spoke = speaks(view);
    this.#alerts.look(measuresOf(view, healthOf(view), 0), this.#now);
    this.#turn();
  }

  #spread(): void {
    const { entries } = this.#alerts.book;
    if (entries.length === 0 || this.process.asleep) return;
    for (const { afterMs, watch } of this.#parts.siblings()) {
      this.#parts.timeline.after(afterMs, () => watch.process.answer(() => watch.hear(entries)));
    }
  }

  #turn(): void {
    const { prng, store, timeline, watcher } = this.#parts;
    const before = this.#alerts.book.version;
    for (const effect of this.#alerts.drain()) {
      if (effect.kind === 'notify') this.#notify(effect);
      if (effect.kind !== 'persist') continue;
      timeline.after(prng.below(STORE_MS), () => {
        if (!this.process.alive) return;
        store(effect.state);
        watcher.alertsStored(this.process);
      });
    }
    if (before !== this.#said) {
      this.#said = before;
      this.#spread();
    }
    const deadline = this.#alerts.deadline() - CALENDAR;
    if (deadline > timeline.now + LOOK_MS) return;
    timeline.at(Math.max(deadline, timeline.now), () => this.process.answer(() => this.#wake()));
  }

  #said = 0;

  #wake(): void {
    const view = this.#view;
    if (view !== undefined && speaks(view) !== this.#spoke) return this.#look();
    if (this.#alerts.deadline() > this.#now) return;
    this.#alerts.advance(this.#now);
    this.#turn();
  }

  #notify(notice: Notify): void {
    const { prng, timeline, watcher } = this.#parts;
    const { id } = notice.notification;
    watcher.alertLeaves(this.process, notice);
    const isRefused = prng.chance(REFUSED_SHARE);
    timeline.after(prng.between(1, CHANNEL_MS_MAX), () => {
      if (isRefused) return this.process.answer(() => this.#untold(id));
      watcher.alertTold(this.process, notice);
      this.process.answer(() => {
        this.#alerts.delivered(id, this.#now);
        watcher.alertKnown(this.process, notice);
        this.#turn();
      });
    });
  }

  #untold(id: number): void {
    this.#alerts.undelivered(id, 'the simulated channel is busy', this.#now);
    this.#turn();
  }
}
