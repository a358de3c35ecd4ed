/**
 * What of the alerts is still to be told, on which channel, and when.
 *
 *     an alert that …                     and the channel …         is told as
 *     fires                               knows nothing of it       firing     `groupMs` after it began
 *     fires, and nobody acknowledged it   knows of it               repeated   `repeatMs` after it was told last
 *     is well again                       knows of it               resolved   `groupMs` after it was
 *
 * Nothing is queued: what is due follows from the alerts each time, so nothing is told that has become untrue while it
 * waited. All of one rule that wait for one channel with the same change go together, and a channel that has carried its
 * share of this minute waits until there is room.
 */
import { earlier, type Instant, NEVER } from '../base/instant.ts';
import { type Alert, type AlertView, alertView } from './alert-records.ts';
import type { AlertChannel, AlertingConfig, AlertRule, AlertSeverity } from './alerting.ts';

export interface AlertOptions {
  /** Alerts at once. More: a storm is seen whole; fewer: it costs less memory. */
  readonly alertsMax: number;
  /** Entries of history. More: a longer look back; fewer: less to write with each change. */
  readonly historyMax: number;
  /** A notification that no attempt could deliver is tried again after this long. Shorter: sooner told; longer: less noise. */
  readonly undeliveredMs: number;
  /** Alerts in one notification; how many more there are is said. */
  readonly noticesMax: number;
}

export interface AlertNotification {
  /** Grows by one with each, within one life of the hub. */
  readonly id: number;
  readonly at: Instant;
  readonly change: 'firing' | 'repeated' | 'resolved';
  readonly rule: string;
  readonly severity: AlertSeverity;
  readonly alerts: readonly AlertView[];
  /** So many more there are, which are not in `alerts`. */
  readonly more: number;
}

/** What became of notifications on a channel. */
export interface ChannelView {
  readonly name: string;
  readonly kind: AlertChannel['kind'];
  readonly delivered: number;
  readonly failed: number;
  /** Why the last one failed, where none was delivered since. */
  readonly trouble?: string;
}

type Change = AlertNotification['change'];

interface Group {
  readonly channel: AlertChannel;
  readonly rule: AlertRule;
  readonly change: Change;
  /** The earliest of them. */
  at: Instant;
  readonly alerts: { readonly alert: Alert; readonly at: Instant }[];
}

interface Flight {
  readonly channel: string;
  readonly change: Change;
  /** As they were when it left: some may be there no more. */
  readonly alerts: readonly Alert[];
}

/** What a channel was told. */
export type Delivered = Flight;

interface Ledger {
  delivered: number;
  failed: number;
  trouble: string | undefined;
  /** Not before this after a failure. */
  notBefore: Instant;
  /** When the notifications of the last minute left. */
  left: Instant[];
}

export const DEFAULT_GROUP_MS = 10_000;
export const DEFAULT_REPEAT_MS = 14_400_000;
export const DEFAULT_PER_MINUTE_MAX = 6;
const MINUTE_MS = 60_000;

export class AlertNews {
  readonly #options: AlertOptions;
  #channels = new Map<string, AlertChannel>();
  readonly #ledgers = new Map<string, Ledger>();
  #groupMs = DEFAULT_GROUP_MS;
  #repeatMs = DEFAULT_REPEAT_MS;
  readonly #flights = new Map<number, Flight>();
  #next = 1;

  constructor(options: AlertOptions) {
    this.#options = options;
  }

  get channels(): readonly ChannelView[] {
    return [...this.#channels.values()].map(({ kind, name }) => {
      const { delivered, failed, trouble } = this.#ledger(name);
      return { delivered, failed, kind, name, ...(trouble === undefined ? {} : { trouble }) };
    });
  }

  configure(config: AlertingConfig | undefined): void {
    this.#channels = new Map(config?.channels.map((channel) => [channel.name, channel]));
    for (const name of this.#ledgers.keys()) if (!this.#channels.has(name)) this.#ledgers.delete(name);
    this.#groupMs = config?.groupMs ?? DEFAULT_GROUP_MS;
    this.#repeatMs = config?.repeatMs ?? DEFAULT_REPEAT_MS;
  }

  isOnItsWay(alert: string): boolean {
    return [...this.#flights.values()].some(({ alerts }) => alerts.some(({ id }) => id === alert));
  }

  deadline(alerts: ReadonlyMap<string, Alert>, rules: readonly AlertRule[]): Instant {
    return this.#groups(alerts, rules).reduce((first, group) => earlier(first, this.#mayLeave(group)), NEVER);
  }

  /** What is to leave now; it is on its way from here on. */
  *due(
    alerts: ReadonlyMap<string, Alert>,
    rules: readonly AlertRule[],
    now: Instant,
  ): Generator<{ readonly channel: AlertChannel; readonly notification: AlertNotification }> {
    for (const group of this.#groups(alerts, rules)) {
      if (this.#mayLeave(group) <= now) yield { channel: group.channel, notification: this.#depart(group, now) };
    }
  }

  delivered(id: number, alerts: ReadonlyMap<string, Alert>, now: Instant): Delivered | undefined {
    const flight = this.#land(id);
    if (flight === undefined) return undefined;
    const ledger = this.#ledger(flight.channel);
    ledger.delivered++;
    ledger.trouble = undefined;
    for (const alert of flight.alerts) {
      const told = alerts.get(alert.id)?.told;
      if (flight.change === 'resolved') told?.delete(flight.channel);
      else if (this.#channels.has(flight.channel)) told?.set(flight.channel, now);
    }
    return flight;
  }

  /** The name of its channel, where it was on its way. */
  undelivered(id: number, reason: string, now: Instant): string | undefined {
    const flight = this.#land(id);
    if (flight === undefined) return undefined;
    const ledger = this.#ledger(flight.channel);
    ledger.failed++;
    ledger.trouble = reason;
    ledger.notBefore = now + this.#options.undeliveredMs;
    return flight.channel;
  }

  #land(id: number): Flight | undefined {
    const flight = this.#flights.get(id);
    this.#flights.delete(id);
    return flight;
  }

  #ledger(channel: string): Ledger {
    const ledger = this.#ledgers.get(channel) ?? {
      delivered: 0,
      failed: 0,
      left: [],
      notBefore: 0,
      trouble: undefined,
    };
    this.#ledgers.set(channel, ledger);
    return ledger;
  }

  #groups(alerts: ReadonlyMap<string, Alert>, rules: readonly AlertRule[]): readonly Group[] {
    const groups = new Map<string, Group>();
    const known = new Map(rules.map((rule) => [rule.name, rule]));
    const flying = new Set(
      [...this.#flights.values()].flatMap(({ alerts: flying, channel }) => flying.map(({ id }) => `${channel} ${id}`)),
    );
    for (const alert of alerts.values()) {
      const rule = known.get(alert.rule);
      for (const channel of rule === undefined ? [] : this.channelsOf(rule)) {
        const news = this.#newsOf(alert, channel.name);
        if (rule === undefined || news === undefined || flying.has(`${channel.name} ${alert.id}`)) continue;
        const key = JSON.stringify([channel.name, rule.name, news.change]);
        const group = groups.get(key) ?? { alerts: [], at: NEVER, change: news.change, channel, rule };
        group.at = earlier(group.at, news.at);
        group.alerts.push({ alert, at: news.at });
        groups.set(key, group);
      }
    }
    return [...groups.values()];
  }

  channelsOf({ channels }: AlertRule): readonly AlertChannel[] {
    return [...this.#channels.values()].filter(({ name }) => channels === undefined || channels.includes(name));
  }

  #newsOf({ changedAt = 0, state, told }: Alert, channel: string): { change: Change; at: Instant } | undefined {
    const toldAt = told.get(channel);
    if (state === 'resolved') {
      return toldAt === undefined ? undefined : { at: changedAt + this.#groupMs, change: 'resolved' };
    }
    if (state !== 'firing') return undefined;
    if (toldAt === undefined) return { at: changedAt + this.#groupMs, change: 'firing' };
    return this.#repeatMs === 0 ? undefined : { at: toldAt + this.#repeatMs, change: 'repeated' };
  }

  #mayLeave({ at, channel }: Group): Instant {
    const { left, notBefore } = this.#ledger(channel.name);
    const { perMinuteMax = DEFAULT_PER_MINUTE_MAX } = channel;
    const room = left.length < perMinuteMax ? 0 : (left[left.length - perMinuteMax] ?? 0) + MINUTE_MS;
    return Math.max(at, notBefore, room);
  }

  #depart({ alerts, change, channel, rule }: Group, now: Instant): AlertNotification {
    const ledger = this.#ledger(channel.name);
    ledger.left = [...ledger.left.filter((at) => now - at < MINUTE_MS), now];
    const told = alerts.filter(({ at }) => at <= now + this.#groupMs).map(({ alert }) => alert);
    const id = this.#next++;
    this.#flights.set(id, { change, channel: channel.name, alerts: told });
    const shown = told.slice(0, this.#options.noticesMax);
    return {
      alerts: shown.map(alertView),
      at: now,
      change,
      id,
      more: told.length - shown.length,
      rule: rule.name,
      severity: rule.severity,
    };
  }
}
