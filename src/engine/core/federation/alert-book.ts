/**
 * What has been told of alerts, by whichever hub of the cluster: so that the hub that speaks next neither tells it again, nor leaves
 * untold that it is over.
 *
 *     alert      channel   n    at
 *     lost:east  hook      3    12:00:05   told that it fires
 *     lost:east  log       4    null       told that it is over
 *     lost:east  (ack)     2    ann
 *
 * All hubs of a cluster tell each other their books, and of each line the higher `n` counts (a last-writer-wins map, Shapiro et al.
 * 2011 §3.2): `n` is one more than any that its writer knew of the alert (Lamport 1978). So whoever has heard of a telling
 * writes after it.
 *
 * Limit: `entriesMax` alerts; those that are over are forgotten first, the oldest before the others.
 */
import type { Instant } from '../base/instant.ts';
import type { Acknowledgement } from './alert-records.ts';

export interface BookEntry {
  readonly alert: string;
  readonly rule: string;
  readonly cluster?: string;
  /** Since when it was wrong, in the eyes of who told it. */
  readonly since: Instant;
  /** By channel: when it was told that the alert fires; null: that it is over. */
  readonly told: readonly (readonly [channel: string, n: number, at: Instant | null])[];
  /** Who has acknowledged it; null: nobody any more. */
  readonly acknowledged?: readonly [n: number, who: Acknowledgement | null];
}

type About = Pick<BookEntry, 'rule' | 'cluster' | 'since'> & { readonly id: string };

interface Line {
  rule: string;
  cluster: string | undefined;
  since: Instant;
  readonly told: Map<string, { readonly n: number; readonly at: Instant | null }>;
  acknowledged: { readonly n: number; readonly who: Acknowledgement | null } | undefined;
}

export class AlertBook {
  readonly #entriesMax: number;
  readonly #lines = new Map<string, Line>();
  /** Counts up with each change. */
  version = 0;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get entries(): readonly BookEntry[] {
    return [...this.#lines].map(([alert, { acknowledged, cluster, rule, since, told }]) => ({
      alert,
      rule,
      since,
      told: [...told].map(([channel, { at, n }]) => [channel, n, at] as const),
      ...(acknowledged === undefined ? {} : { acknowledged: [acknowledged.n, acknowledged.who] as const }),
      ...(cluster === undefined ? {} : { cluster }),
    }));
  }

  /** Channels that know that an alert fires, and since when. */
  toldOf(alert: string): ReadonlyMap<string, Instant> {
    const told = this.#lines.get(alert)?.told ?? [];
    return new Map([...told].flatMap(([channel, { at }]) => (at === null ? [] : [[channel, at] as const])));
  }

  sinceOf(alert: string): Instant | undefined {
    return this.#lines.get(alert)?.since;
  }

  acknowledgementOf(alert: string): Acknowledgement | undefined {
    return this.#lines.get(alert)?.acknowledged?.who ?? undefined;
  }

  /** A channel was told; `at` null: that it is over. */
  tell(about: About, channel: string, at: Instant | null): void {
    const line = this.#line(about);
    line.told.set(channel, { at, n: newest(line) + 1 });
    this.#written(about.id, line);
  }

  acknowledge(about: About, who: Acknowledgement | null): void {
    const line = this.#line(about);
    if (who === null && (line.acknowledged?.who ?? null) === null) return;
    line.acknowledged = { n: newest(line) + 1, who };
    this.#written(about.id, line);
  }

  /** What another hub has written: the alerts of which it has said something new. */
  hear(entries: readonly BookEntry[]): readonly string[] {
    return entries.filter((entry) => this.#merge(entry)).map(({ alert }) => alert);
  }

  /** Whether something is written here that others lack who have that. */
  isAhead(entries: readonly BookEntry[]): boolean {
    const theirs = new AlertBook(Number.MAX_SAFE_INTEGER);
    theirs.hear(entries);
    return theirs.hear(this.entries).length > 0;
  }

  /** Forgets what is about rules or channels that are not wanted any more. */
  keep(isWanted: (rule: string, channel: string) => boolean): void {
    for (const [alert, { rule, told }] of this.#lines) {
      for (const channel of told.keys()) if (!isWanted(rule, channel)) told.delete(channel);
      if (told.size === 0) this.#lines.delete(alert);
    }
  }

  #merge({ acknowledged, alert, cluster, rule, since, told }: BookEntry): boolean {
    const line = this.#lines.get(alert) ?? { acknowledged: undefined, cluster, rule, since, told: new Map() };
    let isNew = false;
    for (const [channel, n, at] of told) {
      const known = line.told.get(channel);
      if (known !== undefined && (known.n > n || (known.n === n && (known.at ?? -1) >= (at ?? -1)))) continue;
      line.told.set(channel, { at, n });
      isNew = true;
    }
    if (acknowledged !== undefined && acknowledged[0] > (line.acknowledged?.n ?? 0)) {
      line.acknowledged = { n: acknowledged[0], who: acknowledged[1] };
      isNew = true;
    }
    if (isNew) this.#written(alert, Object.assign(line, { since }));
    return isNew;
  }

  #line({ cluster, id, rule, since }: About): Line {
    const known = this.#lines.get(id);
    if (known === undefined) return { acknowledged: undefined, cluster, rule, since, told: new Map() };
    return Object.assign(known, { since });
  }

  #written(alert: string, line: Line): void {
    this.version++;
    this.#lines.delete(alert);
    this.#lines.set(alert, line);
    if (this.#lines.size <= this.#entriesMax) return;
    const all = [...this.#lines];
    const over = all.find(([, { told }]) => [...told.values()].every(({ at }) => at === null)) ?? all[0];
    if (over !== undefined) this.#lines.delete(over[0]);
  }
}

function newest({ acknowledged, told }: Line): number {
  return Math.max(0, acknowledged?.n ?? 0, ...[...told.values()].map(({ n }) => n));
}

/** What another hub has sent, where it is a book; of more than `max` entries none. */
export function readBook(value: unknown, max: number): readonly BookEntry[] | undefined {
  if (!Array.isArray(value) || value.length > max) return undefined;
  return value.every(isEntry) ? (value as readonly BookEntry[]) : undefined;
}

const TOLD_MAX = 1_000;

function isEntry(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { acknowledged, alert, cluster, rule, since, told } = value as Record<string, unknown>;
  const isText = (one: unknown) => typeof one === 'string' && one !== '' && one.length <= 1_000;
  if (!isText(alert) || !isText(rule) || !(cluster === undefined || isText(cluster))) return false;
  if (!isCount(since) || !Array.isArray(told) || told.length > TOLD_MAX) return false;
  const areTold = told.every((one) => Array.isArray(one) && isText(one[0]) && isCount(one[1]) && isAt(one[2]));
  return areTold && (acknowledged === undefined || isAcknowledged(acknowledged));
}

function isAcknowledged(value: unknown): boolean {
  if (!Array.isArray(value) || !isCount(value[0])) return false;
  const who = value[1] as Record<string, unknown> | null | undefined;
  if (who === null || typeof who !== 'object') return who === null;
  const { at, by, note } = who;
  return isCount(at) && typeof by === 'string' && (note === undefined || typeof note === 'string');
}

function isAt(value: unknown): boolean {
  return value === null || isCount(value);
}

/** Whole and not so large that nobody could count on. */
function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 52;
}
