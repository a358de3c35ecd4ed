import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import {
  type LoadAsk,
  type Loaded,
  type NewMessage,
  noCounts,
  type Opened,
  type Page,
  type QueueWrite,
  type StoredCounts,
  type StoredMessage,
  type StoredQueue,
} from './effects.ts';
import { inOrder } from './entry.ts';
import type { RedriveJob } from './messages.ts';
import { ENDED_MAX, type StoredMove } from './move.ts';
import type { QueueOptions } from './options.ts';

/**
 * What storage of queues is, in its plainest form: tables in memory, walked through. It is what `--durability memory`
 * keeps, what the simulator's disks hold, and the judge of the one in files.
 *
 * Trade-off: to load the next messages it may walk over all of them.
 */
export class QueueTables {
  readonly #queues = new Map<number, Table>();
  #next = 1;
  /** Moves that have ended here, the oldest first. */
  #ended: readonly string[] = [];

  /** All or nothing: the caller has a copy where something may fail. */
  apply(writes: readonly QueueWrite[]): void {
    for (const write of writes) {
      if (write.kind === 'queue') this.#describe(write);
      else if (write.kind === 'drop') this.#queues.delete(write.queue);
      else if (write.kind === 'copy') this.#copy(write);
      else if (write.kind === 'ended') this.#ended = [...this.#ended, write.move].slice(-ENDED_MAX);
      else applyTo(this.#table(write.queue), write);
    }
  }

  /** The first number that no queue ever had. */
  get next(): number {
    return this.#next;
  }

  /** What a node begins with. */
  get opened(): Opened {
    return { ended: this.#ended, next: this.#next, queues: this.all() };
  }

  all(): readonly StoredQueue[] {
    return [...this.#queues.keys()].map((number) => this.#stored(number));
  }

  load(queue: number, ask: LoadAsk): Loaded {
    const table = this.#queues.get(queue);
    if (table === undefined) return { messages: [] };
    return ask.what === 'open' ? { messages: [], stored: this.#stored(queue) } : loadFrom(table, ask);
  }

  /** A message as it was written; undefined where it is gone. */
  message(queue: number, seq: number): { readonly message: StoredMessage; readonly content: unknown } | undefined {
    const table = this.#queues.get(queue);
    const row = table?.messages.get(seq);
    return table && row && { content: row.content, message: withState(table, row.message) };
  }

  /** Up to `limit` messages after an id, in the order of their ids. */
  list(
    queue: number,
    after: number,
    limit: number,
  ): readonly { readonly message: StoredMessage; readonly content: unknown }[] {
    const table = this.#queues.get(queue);
    if (table === undefined) return [];
    const rows = rowsAfter(table, after).slice(0, limit);
    return rows.map(({ message, content }) => ({ content, message: withState(table, message) }));
  }

  /** How many messages there are, each delivery of one for several counted by itself. */
  count(queue: number): number {
    const { messages, deliveries, copies } = this.#table(queue);
    return messages.size - deliveries.size + copies.size;
  }

  /** A copy that shares nothing that changes. */
  clone(): QueueTables {
    const copy = new QueueTables();
    copy.#next = this.#next;
    copy.#ended = this.#ended;
    for (const [number, table] of this.#queues) copy.#queues.set(number, cloneOf(table));
    return copy;
  }

  #table(queue: number): Table {
    const table = this.#queues.get(queue);
    assert(table !== undefined, `queue ${queue} is stored before anything of it`);
    return table;
  }

  #describe({ queue, name, options, createdAt, changedAt }: Extract<QueueWrite, { kind: 'queue' }>): void {
    const about = { changedAt, createdAt, name, options };
    const table = this.#queues.get(queue);
    if (table === undefined) this.#queues.set(queue, newTable(about));
    else table.about = about;
    this.#next = Math.max(this.#next, queue + 1);
  }

  #copy({ queue, contentSeq, to, message }: Extract<QueueWrite, { kind: 'copy' }>): void {
    const row = this.#table(queue).messages.get(contentSeq);
    if (row !== undefined) insert(this.#table(to), message, row.content);
  }

  #stored(number: number): StoredQueue {
    const table = this.#table(number);
    const states = [...table.states].filter(([seq]) => table.messages.has(seq));
    const parked = states.flatMap(([, { due, token }]) => (due !== undefined && token === undefined ? [due] : []));
    const leased = states.filter(([, { token }]) => token !== undefined).sort(([a], [b]) => a - b);
    return {
      ...table.about,
      consumers: [...table.consumers].sort(),
      counts: table.counts,
      dedupe: [...table.dedupe]
        .map(([key, { seq, until }]) => ({ key, seq, until }))
        .sort((a, b) => a.until - b.until || (a.key < b.key ? -1 : 1)),
      delayed: parked.length,
      deliveries: [...table.deliveries].map(([of, needed]) => ({
        copies: [...table.copies].flatMap(([seq, copy]) => {
          const state = table.states.get(seq);
          return copy.of === of ? [{ consumer: copy.consumer, seq, ...(state !== undefined && { state }) }] : [];
        }),
        message: (table.messages.get(of) as Row).message,
        needed,
      })),
      leased: leased.map(([seq]) => withState(table, (table.messages.get(seq) as Row).message)),
      number,
      ...(parked.length > 0 && { nextDue: Math.min(...parked) }),
      ...(table.job !== undefined && { job: table.job }),
      ...(table.move !== null && { move: table.move }),
    };
  }
}

interface Row {
  readonly message: NewMessage;
  readonly content: unknown;
}

interface Table {
  about: {
    readonly name: string;
    readonly options: QueueOptions;
    readonly createdAt: Instant;
    readonly changedAt: Instant;
  };
  counts: StoredCounts;
  job: RedriveJob | undefined;
  move: StoredMove | null;
  readonly messages: Map<number, Row>;
  readonly states: Map<number, NonNullable<StoredMessage['state']>>;
  /** Of a fifo queue: the messages of each group, the oldest first. */
  readonly groups: Map<string, number[]>;
  /** Message → acknowledgements that it still needs. */
  readonly deliveries: Map<number, number>;
  readonly copies: Map<number, { readonly of: number; readonly consumer: string }>;
  readonly dedupe: Map<string, { readonly seq: number; readonly until: Instant }>;
  readonly consumers: Set<string>;
}

function newTable(about: Table['about']): Table {
  return {
    about,
    consumers: new Set(),
    copies: new Map(),
    counts: noCounts(),
    dedupe: new Map(),
    deliveries: new Map(),
    groups: new Map(),
    job: undefined,
    messages: new Map(),
    move: null,
    states: new Map(),
  };
}

function cloneOf(table: Table): Table {
  return {
    ...table,
    consumers: new Set(table.consumers),
    copies: new Map(table.copies),
    dedupe: new Map(table.dedupe),
    deliveries: new Map(table.deliveries),
    groups: new Map([...table.groups].map(([group, seqs]) => [group, [...seqs]])),
    messages: new Map(table.messages),
    states: new Map(table.states),
  };
}

function insert(table: Table, message: NewMessage, content: unknown): void {
  table.messages.set(message.seq, { content, message });
  if (table.about.options.kind !== 'fifo' || message.group === undefined) return;
  const group = table.groups.get(message.group);
  if (group === undefined) table.groups.set(message.group, [message.seq]);
  else group.push(message.seq);
}

function remove(table: Table, seq: number): void {
  const group = table.messages.get(seq)?.message.group;
  const seqs = group === undefined ? undefined : table.groups.get(group);
  if (group !== undefined && seqs !== undefined) {
    const at = seqs.indexOf(seq);
    if (at >= 0) seqs.splice(at, 1);
    if (seqs.length === 0) table.groups.delete(group);
  }
  table.messages.delete(seq);
  table.states.delete(seq);
  table.deliveries.delete(seq);
}

function applyTo(table: Table, write: Exclude<QueueWrite, { kind: 'queue' | 'drop' | 'copy' | 'ended' }>): void {
  switch (write.kind) {
    case 'insert':
      return insert(table, write.message, write.content);
    case 'state':
      table.states.set(write.seq, write.state);
      return;
    case 'remove':
      return remove(table, write.seq);
    case 'deliveries':
      table.deliveries.set(write.of, write.needed);
      for (const { seq, consumer } of write.copies) table.copies.set(seq, { consumer, of: write.of });
      return;
    case 'delivered':
      table.copies.delete(write.seq);
      table.states.delete(write.seq);
      if (table.deliveries.has(write.of)) table.deliveries.set(write.of, write.needed);
      return;
    case 'dedupe':
      table.dedupe.set(write.key, { seq: write.seq, until: write.until });
      return;
    case 'forget':
      for (const [key, { until }] of table.dedupe) if (until <= write.through) table.dedupe.delete(key);
      return;
    case 'consumer':
      if (write.subscribed) table.consumers.add(write.name);
      else table.consumers.delete(write.name);
      return;
    case 'purge':
      for (const map of [table.messages, table.states, table.groups, table.deliveries, table.copies]) map.clear();
      return;
    case 'job':
      table.job = write.job;
      return;
    case 'move':
      table.move = write.move;
      return;
    case 'counts':
      table.counts = write.counts;
  }
}

function loadFrom(table: Table, ask: Exclude<LoadAsk, { what: 'open' }>): Loaded {
  switch (ask.what) {
    case 'ready':
      return { messages: readyOf(table, ask) };
    case 'due':
      return dueOf(table, ask);
    case 'groups': {
      const seqs = ask.groups.flatMap((group) => table.groups.get(group)?.slice(0, ask.limit) ?? []);
      return { messages: seqs.map((seq) => withState(table, (table.messages.get(seq) as Row).message)) };
    }
    case 'expired':
      return expiredOf(table, ask);
    case 'page':
      return { messages: [], page: pageOf(table, ask) };
  }
}

type PageAsk = Extract<LoadAsk, { what: 'page' }>;

function pageOf(table: Table, ask: PageAsk): Page {
  if (ask.stage === 'messages') return messagesPage(table, ask);
  if (ask.stage === 'deliveries') return deliveriesPage(table, ask);
  const ids = [...table.dedupe].filter(([key]) => key > String(ask.after)).sort(([a], [b]) => (a < b ? -1 : 1));
  const writes = ids.slice(0, ask.limit).map(([key, id]) => ({ key, kind: 'dedupe', queue: 0, ...id }) as const);
  const last = writes.at(-1);
  return { writes, ...(writes.length >= ask.limit && last !== undefined && { after: last.key }) };
}

function messagesPage(table: Table, { after, bytes }: PageAsk): Page {
  const writes: QueueWrite[] = [];
  let size = 0;
  for (const { message, content } of rowsAfter(table, Number(after))) {
    writes.push({ content, kind: 'insert', message, queue: 0 }, ...statesOf(table, message.seq));
    size += message.bytes;
    if (size >= bytes) return { after: message.seq, writes };
  }
  return { writes };
}

function deliveriesPage(table: Table, { after, limit }: PageAsk): Page {
  const writes: QueueWrite[] = [];
  const open = [...table.deliveries].filter(([of]) => of > Number(after)).sort(([a], [b]) => a - b);
  for (const [of, needed] of open.slice(0, limit)) {
    const owed = [...table.copies].filter(([, copy]) => copy.of === of);
    const copies = owed.map(([seq, { consumer }]) => ({ consumer, seq }));
    writes.push({ copies, kind: 'deliveries', needed, of, queue: 0 });
    for (const { seq } of copies) writes.push(...statesOf(table, seq));
  }
  const last = open[limit - 1];
  return { writes, ...(last !== undefined && { after: last[0] }) };
}

function statesOf(table: Table, seq: number): readonly QueueWrite[] {
  const state = table.states.get(seq);
  return state === undefined ? [] : [{ kind: 'state', queue: 0, seq, state }];
}

function rowsAfter(table: Table, after: number): readonly Row[] {
  const rows = [...table.messages.values()].filter(({ message }) => message.seq > after);
  return rows.sort((a, b) => a.message.seq - b.message.seq);
}

/** Whether it is one that consumers get themselves, and, of a fifo queue, the first of its group. */
function isCandidate(table: Table, { seq, group }: NewMessage): boolean {
  if (table.deliveries.has(seq)) return false;
  return table.about.options.kind !== 'fifo' || table.groups.get(group ?? '')?.[0] === seq;
}

function readyOf(table: Table, { after, limit }: Extract<LoadAsk, { what: 'ready' }>): readonly StoredMessage[] {
  const isSorted = table.about.options.kind !== 'priority'; // by id, as they came
  const found: StoredMessage[] = [];
  for (const { message } of table.messages.values()) {
    if (inOrder(message, after) <= 0) continue;
    const state = table.states.get(message.seq);
    if (state?.due !== undefined || state?.token !== undefined || !isCandidate(table, message)) continue;
    found.push(withState(table, message));
    if (isSorted && found.length >= limit) break;
  }
  return isSorted ? found : found.sort(inOrder).slice(0, limit);
}

function dueOf(table: Table, { after, to, limit }: Extract<LoadAsk, { what: 'due' }>): Loaded {
  const found: { readonly due: Instant; readonly message: NewMessage }[] = [];
  const later: Instant[] = [];
  for (const [seq, { due, token }] of table.states) {
    const message = table.messages.get(seq)?.message;
    if (message === undefined || due === undefined || token !== undefined) continue;
    later.push(due);
    if (!isCandidate(table, message)) continue;
    if (due > after.due || (due === after.due && seq > after.seq)) found.push({ due, message });
  }
  found.sort((a, b) => a.due - b.due || a.message.seq - b.message.seq);
  const count = Math.min(limit, found.findIndex(({ due }) => due > to) >>> 0);
  const messages = found.slice(0, count).map(({ message }) => withState(table, message));
  const beyond = messages.length >= limit ? [messages.at(-1)?.state?.due ?? to] : later.filter((due) => due > to);
  const next = beyond.reduce((first, due) => Math.min(first, due), Number.MAX_SAFE_INTEGER);
  return { messages, ...(beyond.length > 0 && { next }) };
}

function expiredOf(table: Table, { at, sentBy, limit }: Extract<LoadAsk, { what: 'expired' }>): Loaded {
  const rows = [...table.messages.values()].map(({ message }) => withState(table, message));
  const free = rows.filter(({ state }) => state?.token === undefined);
  const isDue = ({ expiresAt, sentAt }: StoredMessage) =>
    sentAt <= sentBy || (expiresAt !== undefined && expiresAt <= at);
  const messages = free.filter(isDue).slice(0, limit);
  const own = rows.flatMap(({ expiresAt }) => (expiresAt !== undefined && expiresAt > at ? [expiresAt] : []));
  const sent = rows.flatMap(({ sentAt }) => (sentAt > sentBy ? [sentAt] : []));
  return {
    messages,
    ...(own.length > 0 && { next: own.reduce((a, b) => Math.min(a, b)) }),
    ...(sent.length > 0 && { oldestAt: sent.reduce((a, b) => Math.min(a, b)) }),
  };
}

function withState(table: Table, message: NewMessage): StoredMessage {
  const state = table.states.get(message.seq);
  return state === undefined ? message : { ...message, state };
}
