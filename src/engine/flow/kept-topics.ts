/**
 * One keep at work, on the node that keeps: what comes is numbered, stored, answered and passed on to readers, in this order.
 *
 *     offer ──► waiting ──► numbered ──► commit ── durable ──► answered, and fresh for the readers that are live
 *                  ▲                       │
 *                  └── the next batch ◄────┘ one commit at a time: the slower the disk, the larger the batches (group commit)
 *
 * Which numbers go where is the backlog's to say (`core/topics/backlog.ts`); here are the messages. A number is given only
 * when a batch goes to the disk, and is given again where that refuses. What waits is bounded: beyond, it is refused.
 */
import type { LinkId } from '../core/base/ids.ts';
import { NEVER } from '../core/base/instant.ts';
import type { Outcome } from '../core/base/outcome.ts';
import { type Problem, problem } from '../core/base/problems.ts';
import {
  Backlog,
  type BacklogEffect,
  type BacklogLimits,
  type Start,
  type StoredBacklog,
} from '../core/topics/backlog.ts';
import { COST_BYTES } from '../core/topics/messages.ts';
import { BoundQueues } from './bound-queues.ts';
import type { Delivery } from './delivery.ts';
import { KeptReader, type ReaderParts } from './kept-reader.ts';
import type { KeepDefinition, LogRow, MessageLog } from './message-log.ts';

export interface KeptTopicsParts {
  readonly log: MessageLog;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  readonly later: (ms: number, then: () => void) => void;
  readonly counters: KeptCounters;
  /** Those whose messages were stored together have all been told. */
  readonly told: () => void;
}

/** What became of messages that are to be kept, and of those that are read. */
export class KeptCounters {
  stored = 0;
  /** Not stored: the disk refused, too much was waiting, or the keeper was out of reach. */
  unstored = 0;
  /** To readers. */
  read = 0;
  /** Gone before a reader came to them. */
  missed = 0;
  commits = 0;
}

/** Hears what became of one message; `behind`: so many queues that are bound to its topic have not stored it. */
export type Stored = (sequence: number, why: Problem | undefined, behind: number) => void;

interface Waiting {
  readonly delivery: Delivery;
  readonly stored: Stored;
}

export class KeptTopics {
  definition: KeepDefinition;
  readonly #parts: KeptTopicsParts;
  #backlog: Backlog;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #committing = false;
  /** When the last message was taken: clocks may go back. */
  #keptAt = 0;
  #evict: number | undefined;
  #positions = new Map<string, number | undefined>();
  readonly #readers = new Map<number, KeptReader>();
  readonly #queues: BoundQueues;
  /** The reader's rows that the backlog will say what to do with. */
  #rows: readonly LogRow[] = [];
  #nextReader = 1;
  #alarmAt = NEVER;
  #over = false;

  constructor(definition: KeepDefinition, stored: StoredBacklog | undefined, parts: KeptTopicsParts) {
    this.definition = definition;
    this.#parts = parts;
    this.#backlog = new Backlog(limitsOf(definition), stored);
    this.#queues = new BoundQueues(this.#backlog.positions, parts);
    this.#now((now) => this.#backlog.advance(now));
    this.#commit();
    this.#alarm();
  }

  get counts() {
    return this.#backlog.counts;
  }

  get readers(): Iterable<KeptReader> {
    return this.#readers.values();
  }

  /** What is remembered of durable names. */
  get positions(): ReadonlyMap<string, number> {
    return this.#backlog.positions;
  }

  /** Other limits, from now on. */
  redefine(definition: KeepDefinition): void {
    this.definition = definition;
    this.#now((now) => this.#backlog.limit(limitsOf(definition), now));
    this.#commit();
    this.#alarm();
  }

  offer(delivery: Delivery, stored: Stored): void {
    if (this.#over || this.#waitingBytes >= WAITING_BYTES_MAX) {
      const text = `more than ${WAITING_BYTES_MAX} bytes wait to be kept as ${this.definition.pattern}`;
      stored(0, this.#over ? gone(this.definition.pattern) : problem('overloaded', text), 0);
      this.#parts.told();
      return;
    }
    this.#waitingBytes += delivery.cost;
    this.#waiting.push({ delivery, stored });
    if (!this.#committing) this.#commit();
  }

  /** A reader begins. What it is told is the number that it begins with. */
  read(start: Start, reader: Omit<ReaderParts, 'number' | 'more'>): Outcome<KeptReader> {
    const number = this.#nextReader++;
    const made = new KeptReader({
      ...reader,
      more: (which, from, through) => this.#part(which, from, through),
      number,
    });
    this.#readers.set(number, made);
    const opened = this.#backlog.open(number, start, this.#parts.wallClock());
    if (!opened.ok) {
      this.#readers.delete(number);
      return opened;
    }
    const { durable, id, link } = reader;
    if (durable !== undefined) this.#queues.opened(durable, number, this.positions.get(durable) ?? 0);
    link.wire.send({ id, keep: this.definition.id, kind: 'reading', next: opened.value });
    this.#settle();
    this.#commit();
    return { ok: true, value: made };
  }

  acknowledge(reader: KeptReader, sequence: number): void {
    const { durable } = reader.parts;
    if (durable === undefined || reader.over) return;
    this.#now((now) => void this.#backlog.acknowledge(durable, sequence, now));
    if (this.#queues.acknowledged(durable, this.positions.get(durable) ?? 0)) this.#parts.told();
    this.#commit();
  }

  /** A durable name is given up. */
  forget(name: string): boolean {
    const had = this.#backlog.forget(name, this.#parts.wallClock());
    if (this.#queues.forgotten(name)) this.#parts.told();
    this.#settle();
    this.#commit();
    return had;
  }

  unread(reader: KeptReader): void {
    const { durable = '', number } = reader.parts;
    reader.end();
    this.#readers.delete(number);
    this.#backlog.close(number, this.#parts.wallClock());
    if (this.#queues.closed(durable, number)) this.#parts.told();
  }

  closed(link: LinkId): void {
    for (const reader of [...this.#readers.values()]) if (reader.linkId === link) this.unread(reader);
  }

  /** It is kept no more. */
  end(): void {
    this.#over = true;
    const why = gone(this.definition.pattern);
    for (const reader of this.#readers.values()) reader.end(why);
    this.#readers.clear();
    for (const { stored } of this.#waiting.splice(0)) stored(0, why, 0);
    this.#queues.end();
    this.#parts.told();
  }

  #now(input: (now: number) => void): void {
    input(this.#parts.wallClock());
    this.#settle();
  }

  /** Stores what waits, unless something is being stored: then it is done after that. */
  #commit(): void {
    if (this.#committing || this.#over) return;
    if (this.#waiting.length === 0 && this.#evict === undefined && this.#positions.size === 0) return;
    const now = Math.max(this.#keptAt, this.#parts.wallClock());
    this.#keptAt = now;
    const batch = this.#batch();
    const rows = batch.map(({ delivery }) => this.#rowOf(delivery, now));
    this.#settle();
    const evict = this.#evict;
    const positions = this.#positions;
    this.#evict = undefined;
    this.#positions = new Map();
    this.#committing = true;
    this.#parts.log.commit(
      this.definition.id,
      { positions, rows, ...(evict === undefined ? {} : { evict }) },
      (refused) => {
        this.#committing = false;
        for (const { delivery } of batch) this.#waitingBytes -= delivery.cost;
        if (refused === undefined) this.#durable(rows, batch);
        else this.#refused(refused, batch, evict, positions);
      },
    );
  }

  /** What waits, as much of it as is stored at once. */
  #batch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { delivery } of this.#waiting) {
      bytes += delivery.cost;
      if (count === BATCH_MAX || (count > 0 && bytes > BATCH_BYTES)) return this.#waiting.splice(0, count);
      count++;
    }
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }

  #rowOf({ at, by, headers, payload, seq, topic }: Delivery, now: number): LogRow {
    const sequence = this.#backlog.append(payload.size + COST_BYTES, now);
    return { at, by, keptAt: now, payload, seq, sequence, topic, ...(headers === undefined ? {} : { headers }) };
  }

  #durable(rows: readonly LogRow[], batch: readonly Waiting[]): void {
    this.#parts.counters.commits++;
    this.#parts.counters.stored += rows.length;
    const [first] = rows;
    for (const [i, { delivery, stored }] of batch.entries()) {
      const sequence = (first?.sequence ?? 0) + i;
      this.#queues.hold(sequence, delivery.topic, (behind) => stored(sequence, undefined, behind));
    }
    this.#parts.told();
    if (first !== undefined && !this.#over) {
      this.#rows = rows;
      this.#now((now) => this.#backlog.persisted(first.sequence + rows.length - 1, now));
      this.#rows = [];
    }
    this.#commit();
    this.#alarm();
  }

  /** What came is refused; what was to be noted is noted later, with the next batch or in a while. */
  #refused(
    why: Problem,
    batch: readonly Waiting[],
    evict: number | undefined,
    positions: ReadonlyMap<string, number | undefined>,
  ): void {
    this.#now((now) => this.#backlog.refused(now));
    this.#parts.counters.unstored += batch.length;
    for (const { stored } of batch) stored(0, why, 0);
    this.#parts.told();
    this.#evict = Math.max(this.#evict ?? 0, evict ?? 0) || undefined;
    this.#positions = new Map([...positions, ...this.#positions]);
    if (this.#waiting.length > 0) this.#commit();
    else this.#parts.later(AGAIN_MS, () => this.#commit());
  }

  /** Reads a part of what is stored, for one reader. */
  #part(reader: KeptReader, from: number, through: number): void {
    this.#parts.log.read(this.definition.id, from, through, PART_BYTES, (read) => {
      if (reader.over) return;
      const { number } = reader.parts;
      if (!read.ok) {
        reader.end(read.problem);
        this.unread(reader);
        return;
      }
      const rows = read.value;
      const [first] = rows;
      const last = rows.at(-1);
      this.#rows = rows;
      const [a, b] =
        first === undefined || last === undefined ? [through + 1, through] : [first.sequence, last.sequence];
      this.#now((now) => this.#backlog.read(number, a, b, now));
      this.#rows = [];
    });
  }

  /** Does what the backlog says. */
  #settle(): void {
    for (let effects = this.#backlog.drain(); effects.length > 0; effects = this.#backlog.drain()) {
      for (const effect of effects) this.#execute(effect);
    }
  }

  #execute(effect: BacklogEffect): void {
    switch (effect.kind) {
      case 'evict':
        this.#evict = effect.before;
        return;
      case 'position':
        this.#positions.set(effect.name, effect.sequence);
        return;
      case 'forget':
        this.#positions.set(effect.name, undefined);
        return;
      case 'fresh':
        for (const number of effect.readers) this.#fresh(number, effect.from);
        return;
      default:
        this.#toReader(effect);
    }
  }

  #toReader(effect: Exclude<BacklogEffect, { kind: 'evict' | 'position' | 'forget' | 'fresh' }>): void {
    const reader = this.#readers.get(effect.reader);
    if (reader === undefined) return;
    const { counters } = this.#parts;
    switch (effect.kind) {
      case 'read':
        reader.want(effect.from, effect.through);
        break;
      case 'deliver': {
        const before = reader.sent;
        for (const row of this.#rows)
          if (row.sequence >= effect.from && row.sequence <= effect.through) reader.hand(row);
        counters.read += reader.sent - before;
        break;
      }
      case 'gap':
        counters.missed += effect.through - effect.from + 1;
        reader.gap(effect.through - effect.from + 1);
        break;
      case 'live':
        reader.live();
        break;
      case 'replaced': {
        const text = `another reader has taken the name ${JSON.stringify(reader.parts.durable)}`;
        reader.end(problem('exists-already', text, { hint: TAKEN_HINT, outcome: 'unknown' }));
        this.#readers.delete(effect.reader);
        break;
      }
    }
  }

  /** To a reader that is live, until it has no room; then it reads the rest later. */
  #fresh(number: number, from: number): void {
    const reader = this.#readers.get(number);
    if (reader === undefined) return;
    const before = reader.sent;
    for (const row of this.#rows) {
      if (row.sequence < from) continue;
      if (!reader.hasRoom) {
        this.#backlog.fellBehind(number, row.sequence, this.#parts.wallClock());
        break;
      }
      reader.hand(row);
    }
    this.#parts.counters.read += reader.sent - before;
  }

  /** Wakes when the oldest is too old, but not more often than every second. */
  #alarm(): void {
    const due = this.#backlog.deadline();
    if (due === NEVER || this.#alarmAt <= due || this.#over) return;
    const ms = Math.min(Math.max(due - this.#parts.wallClock(), AGAIN_MS), ALARM_MS_MAX);
    this.#alarmAt = due;
    this.#parts.later(ms, () => {
      this.#alarmAt = NEVER;
      if (this.#over) return;
      this.#now((now) => this.#backlog.advance(now));
      this.#commit();
      this.#alarm();
    });
  }
}

function limitsOf({ ageMaxMs = NEVER, bytesMax, countMax }: KeepDefinition): BacklogLimits {
  return { ageMaxMs, bytesMax, countMax, namesMax: NAMES_MAX, readMax: READ_MAX };
}

function gone(pattern: string): Problem {
  return problem('keep-unknown', `${pattern} is kept no more`, { outcome: 'did-not-happen' });
}

/** Limit: what waits for the disk, in bytes. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;
/** Messages and bytes of one commit. Trade-off: more, and a commit costs less for each; fewer, and the loop is held up less. */
const BATCH_MAX = 4_096;
const BATCH_BYTES = 4 * 1024 * 1024;
/** Of one read. */
const PART_BYTES = 512 * 1024;
const READ_MAX = 4_096;
/** Limit: durable names of one keep. */
const NAMES_MAX = 10_000;
const AGAIN_MS = 1_000;
const ALARM_MS_MAX = 2 ** 31 - 1;
const TAKEN_HINT = 'Give each reader a name of its own, or let one of them end.\nmpreg topic bindings';
