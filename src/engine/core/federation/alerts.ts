/**
 * Alerts: rules over what is measured, who has seen what fires, and what is still to be told on which channel.
 *
 *     measure ──► pending ──(for long enough)──► firing ──(somebody)──► acknowledged
 *                    │                             │                        │
 *                    └── well again: forgotten     └──── well again ────────┴──► resolved ──► told, forgotten
 *
 * What is to be told follows from the alerts (`alert-news.ts`): many of one rule go into one notification, a channel carries so
 * many a minute, what nobody has acknowledged is told again. Delivery may fail: then it is tried again later. So whatever
 * fires is told at least once on each channel, over restarts, too; unless it was well again, or acknowledged, before.
 *
 * Of clusters and of the whole one hub of a cluster tells, and another one may be that next: what was told stands in a book that all of
 * them share (`alert-book.ts`). Whoever begins to look at what was told before goes on with it, as if it had told it itself.
 *
 * Refuses to judge what was not measured: an alert stays as it is while its cluster is measured at all, and is withdrawn when
 * its rule or its cluster is no longer there.
 *
 * `now` is in milliseconds since 1970 and never goes back within a life: alerts outlive their process.
 *
 * Invariants:
 * - an alert is told `resolved` on a channel only where it was told `firing`;
 * - what is persisted holds every alert that fires, and every acknowledgement;
 * - what the book says of an alert here, `told` says too;
 * - at most `alertsMax` alerts and `historyMax` entries of history; what finds no room is counted.
 */
import { Effects } from '../base/effects.ts';
import type { Instant } from '../base/instant.ts';
import type { Machine } from '../base/machine.ts';
import { done, failed, type Outcome } from '../base/outcome.ts';
import { problem } from '../base/problems.ts';
import { AlertBook, type BookEntry } from './alert-book.ts';
import { AlertNews, type AlertNotification, type AlertOptions } from './alert-news.ts';
import { type Alert, type AlertChange, type AlertEntry, type AlertView, alertView } from './alert-records.ts';
import type { AlertChannel, AlertComparison, AlertingConfig, AlertRule } from './alerting.ts';
import type { Measure } from './measures.ts';
import { selects } from './policy.ts';

export const DEFAULT_ALERT_OPTIONS: AlertOptions = {
  alertsMax: 1_000,
  historyMax: 500,
  noticesMax: 50,
  undeliveredMs: 300_000,
};

export type AlertEffect =
  | { readonly kind: 'notify'; readonly channel: AlertChannel; readonly notification: AlertNotification }
  /** The whole state, to be there at the next start. */
  | { readonly kind: 'persist'; readonly state: string }
  | { readonly kind: 'event'; readonly entry: AlertEntry };

interface Stored {
  readonly alerts: readonly (Omit<Alert, 'told'> & { readonly told: readonly (readonly [string, Instant])[] })[];
  readonly history: readonly AlertEntry[];
  readonly book?: readonly BookEntry[];
}

export class Alerts implements Machine<AlertEffect> {
  readonly #options: AlertOptions;
  readonly #effects = new Effects<AlertEffect>();
  readonly #alerts = new Map<string, Alert>();
  /** Newest last. */
  #history: AlertEntry[] = [];
  #rules: readonly AlertRule[] = [];
  readonly #news: AlertNews;
  /** What was told of what is not this hub's alone. */
  readonly book: AlertBook;
  /** Alerts that found no room, in all. */
  #leftOut = 0;

  constructor(options: AlertOptions = DEFAULT_ALERT_OPTIONS) {
    this.#options = options;
    this.#news = new AlertNews(options);
    this.book = new AlertBook(options.alertsMax);
  }

  get leftOut(): number {
    return this.#leftOut;
  }

  get channels(): AlertNews['channels'] {
    return this.#news.channels;
  }

  /** The rules and channels from here on. Alerts whose rule is gone are withdrawn. */
  configure(config: AlertingConfig | undefined, now: Instant): void {
    this.#rules = config?.rules ?? [];
    this.#news.configure(config);
    const rules = new Map(this.#rules.map((rule) => [rule.name, rule]));
    for (const alert of this.#alerts.values()) {
      const rule = rules.get(alert.rule);
      const channels = rule === undefined ? [] : this.#news.channelsOf(rule).map(({ name }) => name);
      for (const channel of alert.told.keys()) if (!channels.includes(channel)) alert.told.delete(channel);
      if (rule === undefined) this.#withdraw(alert, 'its rule is no longer there', now);
    }
    this.book.keep((name, channel) => {
      const rule = rules.get(name);
      return rule !== undefined && this.#news.channelsOf(rule).some((one) => one.name === channel);
    });
    this.#forgetTold();
  }

  /** Another hub of the cluster has told, or heard, this. */
  hear(entries: readonly BookEntry[], now: Instant): void {
    const changed = this.book.hear(entries);
    if (changed.length === 0) return;
    for (const id of changed) {
      const alert = this.#alerts.get(id);
      if (alert === undefined || !isShared(alert)) continue;
      alert.told.clear();
      for (const [channel, at] of this.book.toldOf(id)) alert.told.set(channel, at);
      const who = this.book.acknowledgementOf(id);
      if (who !== undefined && alert.state === 'firing')
        Object.assign(alert, { acknowledged: who, state: 'acknowledged' });
    }
    this.#forgetTold();
    this.#persist();
    this.advance(now);
  }

  /** What an earlier life persisted; before `configure`. False: it cannot be read. */
  load(state: string): boolean {
    try {
      const { alerts, book, history } = JSON.parse(state) as Stored;
      const read = alerts.map((alert): Alert => ({ ...alert, told: new Map(alert.told) }));
      this.#history = [...history];
      for (const alert of read) this.#alerts.set(alert.id, alert);
      if (book !== undefined) this.book.hear(book);
      // Why: a version of mpreg before there was a book has stored it.
      else for (const one of read.filter(isShared)) for (const [to, at] of one.told) this.book.tell(one, to, at);
      return true;
    } catch {
      return false;
    }
  }

  /** What was measured now: all of it. */
  look(measures: readonly Measure[], now: Instant): void {
    const seen = new Set<string>();
    for (const rule of this.#rules) {
      for (const measure of measures) {
        if (measure.metric === rule.metric && isAbout(rule, measure)) seen.add(this.#judge(rule, measure, now));
      }
    }
    for (const alert of this.#alerts.values()) {
      if (seen.has(alert.id) || alert.state === 'resolved') continue;
      const rule = this.#rules.find(({ name }) => name === alert.rule);
      const measured = measures.some((measure) => rule !== undefined && isKin(rule, alert, measure));
      if (!measured) this.#withdraw(alert, 'it is no longer measured by this hub', now);
    }
    this.advance(now);
  }

  /** `alert`: an id, or the name of a rule, of which all that fire are meant. */
  acknowledge(alert: string, by: string, note: string | undefined, now: Instant): Outcome<readonly AlertView[]> {
    const meant = [...this.#alerts.values()].filter(({ id, rule }) => id === alert || rule === alert);
    const firing = meant.filter(({ state }) => state === 'firing' || state === 'acknowledged');
    if (firing.length === 0) return failed(problem('alert-unknown', `no alert "${alert}" fires`));
    for (const one of firing) {
      one.state = 'acknowledged';
      one.acknowledged = { at: now, by, ...(note === undefined ? {} : { note }) };
      this.#tell(one, 'acknowledged', now, one.says);
      if (isShared(one)) this.book.acknowledge(one, one.acknowledged);
    }
    this.#persist();
    return done(firing.map(alertView));
  }

  delivered(notification: number, now: Instant): void {
    const { alerts = [], change, channel = '' } = this.#news.delivered(notification, this.#alerts, now) ?? {};
    for (const alert of alerts) if (isShared(alert)) this.book.tell(alert, channel, change === 'resolved' ? null : now);
    this.#forgetTold();
    this.#persist();
    this.advance(now);
  }

  /** No attempt could deliver it. */
  undelivered(notification: number, reason: string, now: Instant): void {
    const channel = this.#news.undelivered(notification, reason, now);
    if (channel !== undefined) this.#record({ at: now, change: 'untold', says: `${channel}: ${reason}` });
    this.#forgetTold();
    this.#persist();
    this.advance(now);
  }

  /** Those that fire first, then by name. */
  views(): readonly AlertView[] {
    const order = ['firing', 'acknowledged', 'pending', 'resolved'];
    return [...this.#alerts.values()]
      .toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || (a.id < b.id ? -1 : 1))
      .map(alertView);
  }

  /** Newest first. */
  history(): readonly AlertEntry[] {
    return this.#history.toReversed();
  }

  drain(): AlertEffect[] {
    return this.#effects.drain();
  }

  deadline(): Instant {
    return this.#news.deadline(this.#alerts, this.#rules);
  }

  advance(now: Instant): void {
    for (const { channel, notification } of this.#news.due(this.#alerts, this.#rules, now)) {
      this.#effects.push({ channel, kind: 'notify', notification });
    }
  }

  #judge(rule: AlertRule, measure: Measure, now: Instant): string {
    const { cluster, says, value } = measure;
    const id = cluster === undefined ? rule.name : `${rule.name}:${cluster}`;
    const known = this.#alerts.get(id) ?? this.#adopt(id, rule, measure, now);
    const wrong = COMPARE[rule.comparison](value, rule.threshold);
    if (known === undefined) {
      if (wrong) this.#begin(id, rule, measure, now);
      return id;
    }
    const { comparison, metric, severity, threshold } = rule;
    Object.assign(known, { comparison, metric, says, severity, threshold, value });
    if (!wrong) this.#well(known, now);
    else if (known.state === 'resolved') this.#again(known, now);
    if (wrong) this.#fire(known, rule, now);
    return id;
  }

  #begin(id: string, rule: AlertRule, { cluster, says, value }: Measure, now: Instant): void {
    if (this.#alerts.size >= this.#options.alertsMax) {
      this.#leftOut++;
      return;
    }
    const { comparison, metric, name, severity, threshold } = rule;
    const about = { comparison, metric, rule: name, says, severity, threshold, value };
    const where = cluster === undefined ? {} : { cluster };
    const alert: Alert = { ...about, ...where, id, since: now, state: 'pending', told: new Map() };
    this.#alerts.set(id, alert);
    if (isShared(alert)) this.book.acknowledge(alert, null);
    this.#fire(alert, rule, now);
  }

  /** An alert that another hub of the cluster has told of, and that is this hub's to look at now. */
  #adopt(id: string, rule: AlertRule, { cluster, says, value }: Measure, now: Instant): Alert | undefined {
    const channels = this.#news.channelsOf(rule).map(({ name }) => name);
    const told = [...this.book.toldOf(id)].filter(([channel]) => channels.includes(channel));
    if (told.length === 0 || this.#alerts.size >= this.#options.alertsMax) return undefined;
    const { comparison, metric, name, severity, threshold } = rule;
    const acknowledged = this.book.acknowledgementOf(id);
    const state = acknowledged === undefined ? 'firing' : 'acknowledged';
    const since = this.book.sinceOf(id) ?? now;
    const about = {
      acknowledged,
      changedAt: now,
      comparison,
      id,
      metric,
      rule: name,
      says,
      severity,
      since,
      state,
    } as const;
    const where = cluster === undefined ? {} : { cluster };
    const alert: Alert = { ...about, ...where, threshold, told: new Map(told), value };
    this.#alerts.set(id, alert);
    this.#persist();
    return alert;
  }

  #fire(alert: Alert, { forMs = 0 }: AlertRule, now: Instant): void {
    if (alert.state !== 'pending' || now - alert.since < forMs) return;
    alert.state = 'firing';
    alert.changedAt = now;
    this.#tell(alert, 'firing', now, alert.says);
    this.#persist();
  }

  #again(alert: Alert, now: Instant): void {
    if (isShared(alert)) this.book.acknowledge(alert, null);
    alert.state = 'pending';
    alert.since = now;
    alert.acknowledged = undefined;
  }

  #well(alert: Alert, now: Instant): void {
    if (alert.state === 'resolved') return;
    const wasPending = alert.state === 'pending';
    alert.state = 'resolved';
    alert.changedAt = now;
    if (!wasPending) this.#tell(alert, 'resolved', now, alert.says);
    this.#forgetTold();
    if (!wasPending) this.#persist();
  }

  #withdraw(alert: Alert, why: string, now: Instant): void {
    this.#alerts.delete(alert.id);
    if (alert.state === 'pending' || alert.state === 'resolved') return;
    this.#tell(alert, 'withdrawn', now, why);
    this.#persist();
  }

  /** A resolved alert stays as long as somebody is to hear of it. */
  #forgetTold(): void {
    for (const alert of this.#alerts.values()) {
      if (alert.state !== 'resolved' || alert.told.size > 0 || this.#news.isOnItsWay(alert.id)) continue;
      this.#alerts.delete(alert.id);
    }
  }

  #tell(alert: Alert, change: AlertChange, at: Instant, says: string): void {
    const { acknowledged, cluster, id, rule, severity, value } = alert;
    const { by, note } = change === 'acknowledged' ? (acknowledged ?? {}) : {};
    const entry: AlertEntry = {
      alert: id,
      at,
      change,
      rule,
      says,
      severity,
      value,
      ...(by === undefined ? {} : { by }),
      ...(cluster === undefined ? {} : { cluster }),
      ...(note === undefined ? {} : { note }),
    };
    this.#record(entry);
    this.#effects.push({ entry, kind: 'event' });
  }

  #record(entry: AlertEntry): void {
    this.#history.push(entry);
    const over = this.#history.length - this.#options.historyMax;
    if (over > 0) this.#history.splice(0, over);
  }

  #persist(): void {
    const kept = [...this.#alerts.values()].filter(({ state, told }) => state !== 'pending' || told.size > 0);
    const alerts = kept.map((alert) => ({ ...alert, told: [...alert.told] }));
    const stored: Stored = { alerts, book: this.book.entries, history: this.#history };
    this.#effects.push({ kind: 'persist', state: JSON.stringify(stored) });
  }
}

/** Whether any hub of the cluster could look at it; links are each hub's own. */
function isShared({ metric }: Alert): boolean {
  return !metric.startsWith('link-');
}

const COMPARE: Readonly<Record<AlertComparison, (value: number, threshold: number) => boolean>> = {
  '<': (value, threshold) => value < threshold,
  '<=': (value, threshold) => value <= threshold,
  '>': (value, threshold) => value > threshold,
  '>=': (value, threshold) => value >= threshold,
};

function isAbout({ clusters }: AlertRule, { cluster, region = '', tags = [] }: Measure): boolean {
  if (clusters === undefined || cluster === undefined) return true;
  return clusters.some((selector) => selects(selector, { cluster, region, tags }));
}

/** Whether what the alert is about is measured at all, though not what its rule asks for. */
function isKin(rule: AlertRule, { cluster }: Alert, measure: Measure): boolean {
  const family = (metric: string) => metric.split('-')[0];
  return measure.cluster === cluster && family(measure.metric) === family(rule.metric) && isAbout(rule, measure);
}
