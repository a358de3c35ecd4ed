/**
 * The commands of the scripts that play with alerts. At most 6 alerts, 2 of them in a notification, 40 entries of history;
 * what cannot be delivered is tried again after a minute.
 *
 *     rule NAME metric=link-rtt over=100 | atLeast= | under= | atMost= [for=30s] [severity=critical] [clusters=a,tag:b] [channels=x]
 *     channel NAME [perMinute=2]     drop rule|channel NAME     apply [group=10s] [repeat=60m]     the configuration so far
 *     look link-rtt:east=150 federation-lost=1     what is measured now, all of it
 *     at 30s    lets time pass    ack ALERT by=ann [note=seen]    list    history [last=3]    channels
 *     broken | mended | slow | quick CHANNEL       arrive    what is on its way on slow channels    restart
 */
import { NEVER } from '../../../src/engine/core/base/instant.ts';
import type {
  AlertChannel,
  AlertMetric,
  AlertRule,
  AlertSeverity,
} from '../../../src/engine/core/federation/alerting.ts';
import { type AlertEffect, Alerts } from '../../../src/engine/core/federation/alerts.ts';
import type { Measure } from '../../../src/engine/core/federation/measures.ts';
import { type Command, complain, duration } from '../../scenario.ts';

const OPTIONS = { alertsMax: 6, historyMax: 40, noticesMax: 2, undeliveredMs: 60_000 };

export function alertsScript(): (command: Command) => string {
  const story = new Story();
  return (command) => {
    const said = story.act(command);
    return [...story.told(), ...(said === undefined ? [] : [said])].join('\n');
  };
}

type Notify = Extract<AlertEffect, { kind: 'notify' }>;

class Story {
  #now = 0;
  readonly #rules = new Map<string, AlertRule>();
  readonly #channels = new Map<string, AlertChannel>();
  #timing: { groupMs?: number; repeatMs?: number } = {};
  readonly #broken = new Set<string>();
  readonly #slow = new Set<string>();
  #flying: Notify[] = [];
  #stored: string | undefined;
  #alerts = new Alerts(OPTIONS);
  #lines: string[] = [];

  told(): readonly string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  act(command: Command): string | undefined {
    const { name, words, options } = command;
    const [first = '', second = ''] = words;
    switch (name) {
      case 'rule':
        return void this.#rules.set(first, ruleOf(first, options));
      case 'channel': {
        const perMinute = options.get('perMinute');
        const most = perMinute === undefined ? {} : { perMinuteMax: Number(perMinute) };
        return void this.#channels.set(first, { kind: 'console', name: first, ...most });
      }
      case 'drop':
        return void (first === 'rule' ? this.#rules : this.#channels).delete(second);
      case 'apply':
        this.#timing = timingOf(options);
        return this.#apply();
      case 'look':
        this.#alerts.look(words.map(measureOf), this.#now);
        return this.#do();
      case 'at':
        return this.#pass(duration(first));
      case 'ack': {
        const acked = this.#alerts.acknowledge(first, options.get('by') ?? '', options.get('note'), this.#now);
        this.#do();
        return acked.ok ? undefined : `${acked.problem.code}: ${acked.problem.message}`;
      }
      case 'arrive': {
        const flying = this.#flying;
        this.#flying = [];
        for (const notify of flying) this.#arrive(notify);
        return this.#do();
      }
      case 'broken':
      case 'mended':
        return void this.#broken[name === 'broken' ? 'add' : 'delete'](first);
      case 'slow':
      case 'quick':
        return void this.#slow[name === 'slow' ? 'add' : 'delete'](first);
      case 'restart':
        return this.#restart();
      default:
        return this.#show(command);
    }
  }

  #show(command: Command): string {
    switch (command.name) {
      case 'list': {
        const out = this.#alerts.leftOut === 0 ? [] : [`left out: ${this.#alerts.leftOut}`];
        const rows = this.#alerts.views().map(({ acknowledged, id, since, state, told, value }) => {
          const by = acknowledged === undefined ? '' : ` by ${acknowledged.by}`;
          const note = acknowledged?.note === undefined ? '' : ` (${acknowledged.note})`;
          return `${id} ${state}${by}${note} ${value} since ${since / 1_000} s, told ${told.join(' ') || 'nobody'}`;
        });
        return [...rows, ...out].join('\n') || 'none';
      }
      case 'history': {
        const last = Number(command.options.get('last') ?? Number.POSITIVE_INFINITY);
        const entries = this.#alerts.history().slice(0, last);
        return entries
          .map(({ alert = '', at, by, change, says }) => {
            return `${at / 1_000} s ${change} ${alert}${by === undefined ? '' : ` by ${by}`}${says === '' ? '' : `: ${says}`}`;
          })
          .join('\n');
      }
      case 'channels':
        return this.#alerts.channels
          .map(
            ({ delivered, failed, name, trouble }) =>
              `${name}: ${delivered} delivered, ${failed} failed${trouble === undefined ? '' : `: ${trouble}`}`,
          )
          .join('\n');
      default:
        return complain(command, 'unknown command');
    }
  }

  #apply(): undefined {
    const config = { channels: [...this.#channels.values()], rules: [...this.#rules.values()], ...this.#timing };
    this.#alerts.configure(config, this.#now);
    return this.#do();
  }

  #pass(to: number): undefined {
    for (let at = this.#alerts.deadline(); at <= to && at !== NEVER; at = this.#alerts.deadline()) {
      this.#now = Math.max(this.#now, at);
      this.#alerts.advance(this.#now);
      this.#do();
    }
    this.#now = to;
  }

  #restart(): string | undefined {
    this.#flying = [];
    this.#alerts = new Alerts(OPTIONS);
    const read = this.#stored === undefined || this.#alerts.load(this.#stored);
    this.#apply();
    return read ? undefined : 'cannot be read';
  }

  #do(): undefined {
    for (let effects = this.#alerts.drain(); effects.length > 0; effects = this.#alerts.drain()) {
      for (const effect of effects) {
        if (effect.kind === 'persist') this.#stored = effect.state;
        else if (effect.kind === 'notify') this.#notify(effect);
        else this.#lines.push(`${this.#now / 1_000} s: ${effect.entry.change} ${effect.entry.alert}`);
      }
    }
  }

  #notify(notify: Notify): void {
    const { alerts, change, more, rule, severity } = notify.notification;
    const which = alerts.map(({ id, value }) => `${id} ${value}`).join(', ');
    const rest = more === 0 ? '' : ` and ${more} more`;
    this.#lines.push(
      `${this.#now / 1_000} s: to ${notify.channel.name}: ${change} ${rule}, ${severity}: ${which}${rest}`,
    );
    if (this.#slow.has(notify.channel.name)) this.#flying.push(notify);
    else this.#arrive(notify);
  }

  #arrive({ channel, notification }: Notify): void {
    if (!this.#broken.has(channel.name)) return this.#alerts.delivered(notification.id, this.#now);
    this.#lines.push(`${this.#now / 1_000} s: ${channel.name} does not take it`);
    this.#alerts.undelivered(notification.id, 'no answer', this.#now);
  }
}

function ruleOf(name: string, options: Command['options']): AlertRule {
  const signs = { atLeast: '>=', atMost: '<=', over: '>', under: '<' } as const;
  const [word, comparison] = Object.entries(signs).find(([sign]) => options.has(sign)) ?? ['over', '>'];
  const lists = ['clusters', 'channels'].flatMap((list) => {
    const value = options.get(list);
    return value === undefined ? [] : [[list, value.split(',')]];
  });
  return {
    comparison,
    metric: options.get('metric') as AlertMetric,
    name,
    severity: (options.get('severity') ?? 'warning') as AlertSeverity,
    threshold: Number(options.get(word)),
    ...(options.has('for') ? { forMs: duration(options.get('for')) } : {}),
    ...Object.fromEntries(lists),
  };
}

function timingOf(options: Command['options']): { groupMs?: number; repeatMs?: number } {
  const group = options.get('group');
  const repeat = options.get('repeat');
  return {
    ...(group === undefined ? {} : { groupMs: duration(group) }),
    ...(repeat === undefined ? {} : { repeatMs: duration(repeat) }),
  };
}

function measureOf(word: string): Measure {
  const [, metric = '', cluster, value = ''] = /^([a-z-]+)(?::([^=]+))?=(.+)$/.exec(word) ?? [];
  const where = cluster === undefined ? {} : { cluster, region: `r-${cluster}`, tags: [`t-${cluster}`] };
  return { ...where, metric: metric as AlertMetric, says: '', value: Number(value) };
}
