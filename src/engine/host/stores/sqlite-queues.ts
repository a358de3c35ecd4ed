/**
 * Queues in a file: SQLite in a thread of its own (`database.ts`), a transaction and a sync for each batch.
 *
 * The file is made with the first queue. What is damaged is told when the node begins, never replaced.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Problem } from '../../core/base/problems.ts';
import {
  type LoadAsk,
  type Loaded,
  type NewMessage,
  noCounts,
  type QueueWrite,
  type StoredMessage,
  type StoredQueue,
} from '../../core/queues/effects.ts';
import { ENDED_MAX } from '../../core/queues/move.ts';
import type { Kind, QueueOptions } from '../../core/queues/options.ts';
import { problemError } from '../../problem-error.ts';
import type { LoadedRows, QueueContent, QueueStore } from '../ports.ts';
import { Database } from './database.ts';
import type { SqlValue } from './packed-rows.ts';
import type { PlainMessage } from './packed-run.ts';
import { readPage } from './queue-pages.ts';
import { contentsOf, expiredOf, listAfter, oldestOf, type QueueReads, readyAfter } from './queue-reads.ts';
import { aboutOf, type Row, readMessage, readState } from './queue-rows.ts';
import { QueueRuns } from './queue-runs.ts';
import { ID_MAX, MOVES_SCHEMA, QUEUE_SCHEMA, QUEUE_STATEMENTS, type QueueStatement, RUNS_SCHEMA } from './queue-sql.ts';

export class SqliteQueues implements QueueStore {
  readonly durability = 'disk';
  /** Told of a full disk. */
  onRoom: (why: Problem | undefined) => void = () => undefined;
  readonly #file: string;
  #database: Database<QueueStatement> | undefined;
  #opening: Promise<Database<QueueStatement>> | undefined;
  readonly #kinds = new Map<number, Kind>();
  /** Queues that may have runs. */
  readonly #withRuns = new Set<number>();
  /** Dropped by what is being committed. */
  #dropped: number[] = [];
  #closed = false;

  constructor(directory: string) {
    this.#file = join(directory, 'queues.db');
  }

  async open() {
    if (!existsSync(this.#file) && !existsSync(`${this.#file}-wal`)) return { ended: [], next: 1, queues: [] };
    const database = await this.#opened();
    const queues: StoredQueue[] = [];
    for (const row of await database.read('queues')) queues.push(await this.#stored(database, row));
    const [[last = 0] = []] = await database.read('number');
    const ended = await database.read('ended');
    return { ended: ended.map(([move]) => String(move)), next: Number(last) + 1, queues };
  }

  async commit(writes: readonly QueueWrite[]): Promise<void> {
    const database = this.#database ?? (await this.#opened());
    const runs = new QueueRuns(database, this.#withRuns);
    for (const write of writes) this.#write(database, runs, write);
    runs.flush();
    const dropped = this.#dropped;
    if (dropped.length === 0) return database.commitNow();
    this.#dropped = [];
    await database.commitNow();
    // Why not before: what the disk refuses to drop is still there, and still to be found.
    for (const queue of dropped) {
      this.#kinds.delete(queue);
      this.#withRuns.delete(queue);
    }
  }

  async load(queue: number, ask: LoadAsk): Promise<LoadedRows> {
    const database = this.#database ?? (await this.#opened());
    switch (ask.what) {
      case 'ready':
        return this.#ready(database, queue, ask);
      case 'due':
        return this.#due(database, queue, ask);
      case 'groups': {
        const rows = await database.read('groups', JSON.stringify(ask.groups), queue, ask.limit);
        return { messages: messagesOf(rows) };
      }
      case 'expired':
        return expiredOf(this.#reads(database, queue), ask);
      case 'page':
        return { messages: [], page: await readPage(this.#reads(database, queue), ask) };
      case 'open': {
        const row = (await database.read('queues')).find(([number]) => number === queue);
        return row === undefined ? { messages: [] } : { messages: [], stored: await this.#stored(database, row) };
      }
    }
  }

  async contents(queue: number, ids: readonly number[]): Promise<ReadonlyMap<number, QueueContent>> {
    const database = this.#database ?? (await this.#opened());
    return contentsOf(this.#reads(database, queue), ids);
  }

  async list(queue: number, after: number, limit: number) {
    const database = this.#database ?? (await this.#opened());
    return listAfter(this.#reads(database, queue), after, limit);
  }

  async oldestAt(queue: number): Promise<number | undefined> {
    const database = this.#database ?? (await this.#opened());
    return oldestOf(this.#reads(database, queue));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening?.then((database) => database.close()).catch(() => undefined);
  }

  #reads(database: Database<QueueStatement>, queue: number): QueueReads {
    return { database, hasRuns: this.#withRuns.has(queue), queue };
  }

  #opened(): Promise<Database<QueueStatement>> {
    if (this.#closed) return Promise.reject(problemError('store-failed', 'the queues of this node were closed'));
    this.#opening ??= Database.open({
      bytesMax: BYTES_MAX,
      file: this.#file,
      onRoom: (why) => this.onRoom(why),
      schema: `${QUEUE_SCHEMA};${MOVES_SCHEMA};${RUNS_SCHEMA}`,
      statements: QUEUE_STATEMENTS,
      upgrades: [MOVES_SCHEMA, RUNS_SCHEMA],
      version: 3,
    }).then(
      (database) => {
        this.#database = database;
        return database;
      },
      (error: unknown) => {
        this.#opening = undefined;
        throw error;
      },
    );
    return this.#opening;
  }

  async #stored(database: Database<QueueStatement>, row: Row): Promise<StoredQueue> {
    const [queue, name, options, createdAt, changedAt, counts, job] = row;
    const number = Number(queue);
    const settled = this.#parsed<QueueOptions>(options, 'options');
    this.#kinds.set(number, settled.kind);
    const [runs, leased, parked, nextDue, consumers, deliveries, copies, dedupe, moves] = await Promise.all([
      database.read('hasRuns', number),
      database.read('leased', number),
      database.read('parked', number),
      database.read('nextDue', number, 0, number, 0),
      database.read('consumers', number),
      database.read('deliveries', number, number),
      database.read('copies', number, number),
      database.read('deduped', number),
      database.read('moves'),
    ]);
    if (runs.length > 0) this.#withRuns.add(number);
    const move = moves.find(([one]) => one === number)?.[1];
    const owed = copies.map(([seq, of, consumer, ...state]) => ({
      consumer: String(consumer),
      of: Number(of),
      seq: Number(seq),
      ...readState(state, 0),
    }));
    return {
      changedAt: Number(changedAt),
      consumers: consumers.map(([one]) => String(one)),
      counts:
        counts === null && move !== undefined ? noCounts() : this.#parsed<StoredQueue['counts']>(counts, 'counts'),
      createdAt: Number(createdAt),
      dedupe: dedupe.map(([key, seq, until]) => ({ key: String(key), seq: Number(seq), until: Number(until) })),
      delayed: Number(parked[0]?.[0] ?? 0),
      deliveries: deliveries.map((one) => {
        const message = readMessage(one.slice(0, 8));
        const mine = owed.filter(({ of }) => of === message.seq).map(({ of: _, ...copy }) => copy);
        return { copies: mine, message, needed: Number(one[8]) };
      }),
      leased: messagesOf(leased),
      name: String(name),
      number,
      options: settled,
      ...(typeof nextDue[0]?.[0] === 'number' && { nextDue: nextDue[0][0] }),
      ...(typeof move === 'string' && { move: this.#parsed<NonNullable<StoredQueue['move']>>(move, 'move') }),
      ...(typeof job === 'string' && { job: this.#parsed<NonNullable<StoredQueue['job']>>(job, 'job') }),
    };
  }

  #parsed<Value>(text: SqlValue | undefined, what: string): Value {
    try {
      return JSON.parse(String(text)) as Value;
    } catch {
      throw problemError('store-corrupt', `${this.#file} is damaged: the ${what} of a queue cannot be read`);
    }
  }

  async #ready(
    database: Database<QueueStatement>,
    queue: number,
    { after, limit }: Extract<LoadAsk, { what: 'ready' }>,
  ): Promise<LoadedRows> {
    const { rank, seq } = after;
    const kind = this.#kinds.get(queue);
    if (kind === 'fifo') return { messages: messagesOf(await database.read('heads', queue, seq, limit)) };
    if (kind === 'priority') {
      return { messages: messagesOf(await database.read('ranked', queue, rank, rank, queue, seq, limit)) };
    }
    return readyAfter(this.#reads(database, queue), seq, limit);
  }

  async #due(
    database: Database<QueueStatement>,
    queue: number,
    { after, to, limit }: Extract<LoadAsk, { what: 'due' }>,
  ): Promise<Loaded> {
    const afterId = Math.min(after.seq, ID_MAX);
    const [rows, next] = await Promise.all([
      this.#kinds.get(queue) === 'fifo'
        ? database.read('dueHeads', queue, queue, after.due, queue, afterId, to, limit)
        : database.read('due', queue, after.due, queue, afterId, to, limit),
      database.read('nextDue', queue, to, queue, ID_MAX),
    ]);
    const messages = messagesOf(rows);
    const last = messages.at(-1);
    if (messages.length >= limit && last?.state?.due !== undefined) return { messages, next: last.state.due };
    const [[due] = []] = next;
    return { messages, ...(typeof due === 'number' && { next: due }) };
  }

  #write(database: Database<QueueStatement>, runs: QueueRuns, write: QueueWrite): void {
    const { queue } = write;
    switch (write.kind) {
      case 'insert':
        if (this.#kinds.get(queue) !== 'priority' && isPlain(write.message))
          runs.insert(queue, plainOf(write.message, write.content as Uint8Array));
        else this.#insert(database, queue, write.message, write.content as Uint8Array);
        break;
      case 'copy': {
        runs.touch(queue, write.contentSeq);
        runs.flush();
        const { contentSeq, to, message } = write;
        const { rank, group, about, dead } = this.#columns(to, message);
        const { seq, bytes, sentAt, expiresAt = null } = message;
        database.write('copy', to, seq, rank, bytes, sentAt, expiresAt, group, about, dead, queue, contentSeq);
        if (group !== null) database.write('addHead', to, group, seq);
        break;
      }
      case 'state': {
        runs.touch(queue, write.seq);
        const { due = null, token = null, leaseUntil = null, consumer = null, ...state } = write.state;
        const { receives, firstAt = null, history } = state;
        const past = history.length === 0 ? null : JSON.stringify(history);
        database.write('state', queue, write.seq, due, token, leaseUntil, consumer, receives, firstAt, past);
        break;
      }
      case 'remove':
        if (write.hasState === true) database.write('removeState', queue, write.seq);
        runs.remove(queue, write.seq);
        if (write.group === undefined) break;
        runs.flush();
        this.#shift(database, queue, write.group, write.seq);
        break;
      case 'counts':
        database.write('counts', JSON.stringify(write.counts), queue);
        break;
      default:
        runs.flush();
        this.#writeSeldom(database, write);
    }
  }

  #writeSeldom(
    database: Database<QueueStatement>,
    write: Exclude<QueueWrite, { kind: 'insert' | 'copy' | 'state' | 'remove' | 'counts' }>,
  ): void {
    const { queue } = write;
    switch (write.kind) {
      case 'queue': {
        const { name, options, createdAt, changedAt } = write;
        this.#kinds.set(queue, options.kind);
        database.write('queue', queue, name, JSON.stringify(options), createdAt, changedAt);
        break;
      }
      case 'deliveries':
        database.write('delivery', queue, write.of, write.needed);
        for (const { seq, consumer } of write.copies) database.write('copyOwed', queue, seq, write.of, consumer);
        break;
      case 'delivered':
        database.write('dropCopy', queue, write.seq);
        database.write('removeState', queue, write.seq);
        database.write('needed', write.needed, queue, write.of);
        break;
      case 'dedupe':
        database.write('dedupe', queue, write.key, write.seq, write.until);
        break;
      case 'forget':
        database.write('forget', queue, write.through);
        break;
      case 'consumer':
        database.write(write.subscribed ? 'consumer' : 'noConsumer', queue, write.name);
        break;
      case 'move':
        if (write.move === null) database.write('noMove', queue);
        else database.write('move', queue, JSON.stringify(write.move));
        break;
      case 'ended':
        database.write('moveEnded', write.move);
        database.write('dropEnded', ENDED_MAX);
        break;
      case 'job':
        database.write('job', JSON.stringify(write.job), queue);
        break;
      case 'purge':
        this.#wipe(database, queue);
        break;
      case 'drop':
        this.#wipe(database, queue);
        for (const name of ['wipeDedupe', 'wipeConsumers', 'wipeQueue', 'noMove'] as const) database.write(name, queue);
        this.#dropped.push(queue);
        break;
    }
  }

  #insert(database: Database<QueueStatement>, queue: number, message: NewMessage, content: Uint8Array): void {
    const { seq, bytes, sentAt, expiresAt = null } = message;
    const { rank, group, about, dead, several } = this.#columns(queue, message);
    database.write('insert', queue, seq, rank, bytes, sentAt, expiresAt, group, several, about, dead, content);
    if (group !== null) database.write('addHead', queue, group, seq);
  }

  /** What only some kinds of queues look for has a column; the rest is text. */
  #columns(queue: number, { rank, group, about, dead }: NewMessage) {
    const kind = this.#kinds.get(queue);
    const isGrouped = kind === 'fifo' && group !== undefined;
    const several = about?.guarantee === 'broadcast' || about?.guarantee === 'quorum';
    return {
      about: aboutOf(about, isGrouped ? undefined : group),
      dead: dead === undefined ? null : JSON.stringify(dead),
      group: isGrouped ? group : null,
      rank: kind === 'priority' ? rank : null,
      several: several ? 1 : null,
    };
  }

  #wipe(database: Database<QueueStatement>, queue: number): void {
    for (const name of ['wipeMessages', 'wipeStates', 'wipeCopies'] as const) database.write(name, queue, queue);
    for (const name of ['wipeGroups', 'wipeRuns'] as const) database.write(name, queue);
  }

  /** The next of a group is its head, where the head was removed. */
  #shift(database: Database<QueueStatement>, queue: number, group: string, seq: number): void {
    database.write('shiftHead', queue, group, queue, group, seq);
    database.write('noHead', queue, group);
  }
}

/** Nothing about it is unusual. */
function isPlain({ group, expiresAt, about, dead }: NewMessage): boolean {
  return group === undefined && expiresAt === undefined && about === undefined && dead === undefined;
}

function plainOf({ seq, bytes, sentAt }: NewMessage, content: Uint8Array): PlainMessage {
  return { bytes, content, sentAt, seq };
}

function messagesOf(rows: readonly Row[]): readonly StoredMessage[] {
  return rows.map((row) => readMessage(row));
}

/** The disk is what bounds it. */
const BYTES_MAX = 2 ** 43;
