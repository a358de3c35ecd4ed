/**
 * What a hub does about its federation's health: looks at it each interval, has the rules for alerts judge it, keeps what they
 * remember in the node's store, and carries the news to the channels.
 *
 *     view ──► health ──► measures ──► alerts ──┬──► store     what fires, is acknowledged, has been
 *      each interval of the configuration       ├──► channels  tried again, then told again later
 *                                      book ◄──►├──► the cluster's other hubs: one of them may tell next
 *                                               └──► topics    mpreg.federation.alert.*
 */
import type { NodeId } from '../../core/base/ids.ts';
import { NEVER } from '../../core/base/instant.ts';
import type { Outcome } from '../../core/base/outcome.ts';
import { type BookEntry, readBook } from '../../core/federation/alert-book.ts';
import type { AlertEntry, AlertView } from '../../core/federation/alert-records.ts';
import type { AlertingConfig } from '../../core/federation/alerting.ts';
import { type AlertEffect, Alerts } from '../../core/federation/alerts.ts';
import { type FederationHealth, healthOf } from '../../core/federation/health.ts';
import { measuresOf, speaks } from '../../core/federation/measures.ts';
import { saysOf } from '../../core/federation/refusals.ts';
import type { FederationView } from '../../core/federation/view.ts';
import type { AlertsReply } from '../../federation-api.ts';
import type { Log } from '../node-host-parts.ts';
import type { Store } from '../ports.ts';
import { deliver } from './alert-channels.ts';
import { alertMessage } from './alert-message.ts';

export interface HubWatchParts {
  readonly view: () => FederationView;
  readonly store: Pick<Store, 'commit' | 'read'>;
  /** Milliseconds since 1970 that never go back within this life. */
  readonly now: () => number;
  readonly log: Log;
  readonly commandsAllowed: boolean;
  readonly onEntry: (entry: AlertEntry) => void;
  /** The other hubs of this cluster that are in reach. Absent: there are none. */
  readonly siblings?: () => readonly NodeId[];
  /** Tells one of them what has been told of alerts; rejects where it does not get there. */
  readonly tell?: (hub: NodeId, book: readonly BookEntry[]) => Promise<void>;
}

/** The key of the node's store. */
export const ALERTS_KEY = 'federation-alerts';

const LOOK_MS = 30_000;
const LOOK_MS_MIN = 100;
/** Of what another hub sends. */
const BOOK_MAX = 10_000;
const MINUTE_MS = 60_000;
/** The longest delay that a timer takes. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export class HubWatch {
  readonly #parts: HubWatchParts;
  readonly #alerts = new Alerts();
  readonly #ending = new AbortController();
  /** The rules as the machine has them, and as text: a new version of the configuration may say the same. */
  #rules: string | undefined;
  #looking: NodeJS.Timeout | undefined;
  #waking: NodeJS.Timeout | undefined;
  #failed: { readonly at: number; readonly count: number } | undefined;
  /** Whether this hub spoke for its cluster when it looked last. */
  #spoke = false;
  /** The version of the book that another hub has. */
  readonly #told = new Map<NodeId, number>();
  readonly #telling = new Set<NodeId>();
  #stored: Promise<void> = Promise.resolve();
  /** What was logged of records that are too large, as long as they are. */
  #refused: ReadonlySet<string> = new Set();

  constructor(parts: HubWatchParts) {
    this.#parts = parts;
    const state = parts.store.read(ALERTS_KEY);
    if (state !== undefined && !this.#alerts.load(state)) {
      parts.log('error', 'what is known of alerts cannot be read: what fires is told anew', { key: ALERTS_KEY });
    }
    this.look();
  }

  health(): FederationHealth {
    return healthOf(this.#parts.view());
  }

  alerts(): AlertsReply {
    const { hub, name } = this.#parts.view();
    const { channels, leftOut } = this.#alerts;
    return { alerts: this.#alerts.views(), channels, history: this.#alerts.history(), hub, leftOut, name };
  }

  /** Alerts by their state, for the metrics. */
  get counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { state } of this.#alerts.views()) counts.set(state, (counts.get(state) ?? 0) + 1);
    return counts;
  }

  /** Resolves when it is stored; rejects with `store-failed`. */
  async acknowledge(alert: string, by: string, note?: string): Promise<Outcome<readonly AlertView[]>> {
    const outcome = this.#alerts.acknowledge(alert, by, note, this.#parts.now());
    this.#turn();
    await this.#stored;
    return outcome;
  }

  /** Looks now, and again each interval. To be called when the configuration has changed, too. */
  look(): void {
    clearTimeout(this.#looking);
    if (this.#ending.signal.aborted) return;
    const view = this.#parts.view();
    this.#spoke = speaks(view);
    this.#configure(view.config.alerting);
    this.#logRefused(view);
    const measures = measuresOf(view, healthOf(view), this.#failedPerMinute(view.counts.failed));
    this.#alerts.look(measures, this.#parts.now());
    this.#turn();
    const everyMs = Math.max(LOOK_MS_MIN, view.config.healthCheckMs ?? LOOK_MS);
    this.#looking = setTimeout(() => this.look(), Math.min(TIMER_MS_MAX, everyMs)).unref();
  }

  /** Another hub of the cluster says what was told of alerts; false where it is no book. */
  hear(from: NodeId, said: unknown): boolean {
    const book = readBook(said, BOOK_MAX);
    if (book === undefined) return false;
    this.#alerts.hear(book, this.#parts.now());
    if (this.#alerts.book.isAhead(book)) this.#told.delete(from);
    this.#turn();
    return true;
  }

  /** Tells the other hubs what they may not have heard. To be called now and then: some were away. */
  spread(): void {
    const { log, siblings = () => [], tell } = this.#parts;
    const { entries, version } = this.#alerts.book;
    const hubs = siblings();
    for (const hub of this.#told.keys()) if (!hubs.includes(hub)) this.#told.delete(hub);
    for (const hub of version === 0 ? [] : hubs) {
      if (this.#told.get(hub) === version || this.#telling.has(hub) || tell === undefined) continue;
      this.#telling.add(hub);
      this.#told.set(hub, version);
      tell(hub, entries)
        .catch((error: unknown) => {
          this.#told.delete(hub);
          log('debug', `hub ${hub} could not be told of alerts: ${String(error)}`);
        })
        .finally(() => this.#telling.delete(hub));
    }
  }

  /** The node ends. What was on its way is told by its next life. */
  close(): void {
    clearTimeout(this.#looking);
    clearTimeout(this.#waking);
    this.#ending.abort(new Error('the node has ended'));
  }

  #configure(alerting: AlertingConfig | undefined): void {
    const rules = JSON.stringify(alerting) ?? '';
    if (rules === this.#rules) return;
    this.#rules = rules;
    this.#alerts.configure(alerting, this.#parts.now());
  }

  /** Each once: records that are too large to be taken. */
  #logRefused({ hub, refused = [] }: FederationView): void {
    const told = new Set(refused.map((one) => saysOf(one, hub)));
    for (const says of told) if (!this.#refused.has(says)) this.#parts.log('error', says);
    this.#refused = told;
  }

  #failedPerMinute(count: number): number {
    const at = this.#parts.now();
    const before = this.#failed;
    this.#failed = { at, count };
    if (before === undefined || at <= before.at) return 0;
    return Math.round(((count - before.count) * MINUTE_MS) / (at - before.at));
  }

  /** Does what the alerts ask for, and wakes when something is to be told. */
  #turn(): void {
    const effects = this.#alerts.drain();
    const last = effects.findLast((effect) => effect.kind === 'persist');
    for (const effect of effects) if (effect.kind !== 'persist' || effect === last) this.#execute(effect);
    this.spread();
    clearTimeout(this.#waking);
    const deadline = this.#alerts.deadline();
    if (deadline === NEVER || this.#ending.signal.aborted) return;
    const ms = Math.min(TIMER_MS_MAX, Math.max(0, deadline - this.#parts.now()));
    this.#waking = setTimeout(() => {
      // Why: another hub may have begun to speak, and tells what was this one's to tell.
      if (speaks(this.#parts.view()) !== this.#spoke) return this.look();
      this.#alerts.advance(this.#parts.now());
      this.#turn();
    }, ms).unref();
  }

  #execute(effect: AlertEffect): void {
    switch (effect.kind) {
      case 'event':
        return this.#parts.onEntry(effect.entry);
      case 'notify':
        return void this.#notify(effect);
      case 'persist':
        this.#stored = this.#parts.store.commit([{ key: ALERTS_KEY, value: effect.state }]);
        this.#stored.catch((error: Error) => {
          this.#parts.log('error', `what is known of alerts could not be stored: ${error.message}`);
        });
    }
  }

  async #notify({ channel, notification }: Extract<AlertEffect, { readonly kind: 'notify' }>): Promise<void> {
    const { commandsAllowed, log, now, view } = this.#parts;
    const { signal } = this.#ending;
    try {
      await deliver(channel, alertMessage(notification, view()), { commandsAllowed, log, signal });
      if (signal.aborted) return;
      this.#alerts.delivered(notification.id, now());
    } catch (error) {
      if (signal.aborted) return;
      const reason = error instanceof Error ? error.message : String(error);
      log('warn', `an alert could not be told: ${channel.name}: ${reason}`, { rule: notification.rule });
      this.#alerts.undelivered(notification.id, reason, now());
    }
    this.#turn();
  }
}
