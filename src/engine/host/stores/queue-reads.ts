/**
 * What is read of the messages of one queue in a file. Plain ones are in runs, all others are rows; who reads sees one order of ids.
 *
 *     rows     3 · · 9 10
 *     runs     · 4…8  ·  11…74       ──►   3 4 5 6 7 8 9 10 11 …
 *
 * Both are asked for in one turn, so that nothing is written in between.
 */
import type { LoadAsk, Loaded, StoredMessage } from '../../core/queues/effects.ts';
import type { LoadedRows, QueueContent } from '../ports.ts';
import type { Database } from './database.ts';
import type { SqlValue } from './packed-rows.ts';
import { type PlainMessage, readRun } from './packed-run.ts';
import { readMessage, readNext } from './queue-rows.ts';
import { runsOf } from './queue-runs.ts';
import type { QueueStatement } from './queue-sql.ts';

export interface QueueReads {
  readonly database: Database<QueueStatement>;
  readonly queue: number;
  /** Where not, nobody asks for them. */
  readonly hasRuns: boolean;
}

/** Messages that are ready, after an id, and the contents that were read along with them. */
export async function readyAfter(reads: QueueReads, after: number, limit: number): Promise<LoadedRows> {
  const { database, queue } = reads;
  const [rows, members] = await Promise.all([
    database.read('ready', queue, after, queue, limit),
    membersAfter(reads, after, limit),
  ]);
  const found = rows.map((row) => {
    const content = row[4];
    return {
      content: content instanceof Uint8Array ? content : undefined,
      seq: Number(row[0]),
      message: readNext(row),
    };
  });
  const all = merged(
    found,
    members.map((member) => ({ content: member.content, message: messageOf(member), seq: member.seq })),
    limit,
  );
  return { contents: all.map(({ content }) => content), messages: all.map(({ message }) => message) };
}

export async function contentsOf(
  reads: QueueReads,
  ids: readonly number[],
): Promise<ReadonlyMap<number, QueueContent>> {
  const { database, queue, hasRuns } = reads;
  const ranges = runsOf([...ids]);
  const [members, ...rows] = await Promise.all([
    hasRuns ? database.read('runsAt', queue, JSON.stringify(ranges)) : [],
    ...(ranges.length > RANGES_MAX
      ? [database.read('contents', queue, JSON.stringify(ids))]
      : ranges.map(([from, to]) => database.read('contentsRange', queue, from, to))),
  ]);
  const found = new Map<number, QueueContent>();
  for (const [seq, content, dead] of rows.flat()) {
    const more = typeof dead === 'string' ? { dead: JSON.parse(dead) as NonNullable<QueueContent['dead']> } : {};
    found.set(Number(seq), { content: content as Uint8Array, ...more });
  }
  if (members.length === 0) return found;
  const wanted = new Set(ids);
  for (const { seq, content } of members.flatMap(readRun)) if (wanted.has(seq)) found.set(seq, { content });
  return found;
}

export async function listAfter(reads: QueueReads, after: number, limit: number) {
  const { database, queue } = reads;
  const [rows, members] = await Promise.all([
    database.read('list', queue, after, queue, limit),
    membersAfter(reads, after, limit),
  ]);
  const found = rows.map((row) => ({ content: row[15] as Uint8Array, message: readMessage(row), seq: Number(row[0]) }));
  const plain = members.map((member) => ({ content: member.content, message: messageOf(member), seq: member.seq }));
  return merged(found, plain, limit).map(({ content, message }) => ({ content, message }));
}

export async function oldestOf({ database, hasRuns, queue }: QueueReads): Promise<number | undefined> {
  const [rows, runs] = await Promise.all([
    database.read('oldest', queue, queue),
    hasRuns ? database.read('runsYounger', queue, 0) : [],
  ]);
  return earliest(rows[0]?.[0], runs[0]?.[1]);
}

/** Those whose time is up, and when the next one's will be. */
export async function expiredOf(
  { database, hasRuns, queue }: QueueReads,
  { at, sentBy, limit }: Extract<LoadAsk, { what: 'expired' }>,
): Promise<Loaded> {
  const [rows, [[next] = []], [[firstSent] = []], runs, younger] = await Promise.all([
    database.read('expired', queue, at, limit, queue, queue, sentBy, limit, limit),
    database.read('nextExpiry', queue, at),
    database.read('firstSent', queue, queue, sentBy),
    hasRuns ? database.read('runsSent', queue, sentBy, limit) : [],
    hasRuns ? database.read('runsYounger', queue, sentBy) : [],
  ]);
  const members = runs.flatMap(readRun).filter(({ sentAt }) => sentAt <= sentBy);
  const left = younger.flatMap(readRun).find(({ sentAt }) => sentAt > sentBy);
  const oldestAt = earliest(firstSent, left?.sentAt);
  return {
    messages: merged(rows.map(readMessage), members.map(messageOf), limit),
    ...(typeof next === 'number' && { next }),
    ...(oldestAt !== undefined && { oldestAt }),
  };
}

/** At least `limit` members after an id, where there are so many. */
export async function membersAfter(
  { database, hasRuns, queue }: QueueReads,
  after: number,
  limit: number,
): Promise<readonly PlainMessage[]> {
  if (!hasRuns) return [];
  const runs = await database.read('runs', queue, after + 1, limit);
  // Why not by SQL: it would sort them with their contents.
  const members = runs.sort(([a], [b]) => Number(a) - Number(b)).flatMap(readRun);
  return (members[0]?.seq ?? after) > after ? members : members.filter(({ seq }) => seq > after);
}

/** A member of a run as the core knows messages. */
export function messageOf({ seq, bytes, sentAt }: PlainMessage): StoredMessage {
  return { bytes, rank: 0, sentAt, seq };
}

/** The first `limit` of two lists, both in the order of their ids. */
export function merged<Item extends { readonly seq: number }>(
  a: readonly Item[],
  b: readonly Item[],
  limit: number,
): readonly Item[] {
  if (a.length === 0) return b.slice(0, limit);
  if (b.length === 0) return a.slice(0, limit);
  const both: Item[] = [];
  for (let i = 0, j = 0; both.length < limit; ) {
    const [one, other] = [a[i], b[j]];
    if (one === undefined && other === undefined) break;
    if (one !== undefined && (other === undefined || one.seq < other.seq)) {
      both.push(one);
      i++;
    } else if (other !== undefined) {
      both.push(other);
      j++;
    }
  }
  return both;
}

function earliest(a: SqlValue | undefined, b: SqlValue | undefined): number | undefined {
  const times = [a, b].filter((time) => typeof time === 'number');
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Reads of neighbours; more are one read by id. */
const RANGES_MAX = 4;
