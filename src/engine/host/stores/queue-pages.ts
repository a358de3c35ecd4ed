/** What a file stores of a queue, a part at a time, in the form in which another one writes it. */
import type { LoadAsk, Page, QueueWrite, StoredMessage } from '../../core/queues/effects.ts';
import type { Database } from './database.ts';
import type { PlainMessage } from './packed-run.ts';
import { membersAfter, merged, messageOf, type QueueReads } from './queue-reads.ts';
import { type Row, readMessage, readState } from './queue-rows.ts';
import { ID_MAX, type QueueStatement } from './queue-sql.ts';

type Ask = Extract<LoadAsk, { what: 'page' }>;

export async function readPage(reads: QueueReads, ask: Ask): Promise<Page> {
  const { database, queue } = reads;
  if (ask.stage === 'messages') return messages(reads, ask);
  if (ask.stage === 'deliveries') return deliveries(database, queue, ask);
  const rows = await database.read('dedupedFrom', queue, ask.after, ask.limit);
  const writes = rows.map(([key, seq, until]) => {
    return { key: String(key), kind: 'dedupe', queue, seq: Number(seq), until: Number(until) } as const;
  });
  const last = writes.at(-1);
  return { writes, ...(rows.length >= ask.limit && last !== undefined && { after: last.key }) };
}

async function messages(reads: QueueReads, { after, limit, bytes }: Ask): Promise<Page> {
  const { database, queue } = reads;
  const from = Number(after);
  const [rows, members] = await Promise.all([
    database.read('page', queue, from, queue, limit, bytes),
    membersAfter(reads, from, limit),
  ]);
  const found = rows.map((row) => ({ content: row[15] as Uint8Array, ...readMessage(row) }));
  const writes: QueueWrite[] = [];
  let size = 0;
  let last: number | undefined;
  for (const { state, content, ...message } of merged(found, members.map(withContent), limit)) {
    if (size >= bytes) break;
    size += message.bytes;
    last = message.seq;
    writes.push({ content, kind: 'insert', message, queue });
    if (state !== undefined) writes.push({ kind: 'state', queue, seq: message.seq, state });
  }
  return { writes, ...(last !== undefined && { after: last }) };
}

function withContent(member: PlainMessage): StoredMessage & { readonly content: Uint8Array } {
  return { ...messageOf(member), content: member.content };
}

/** Why a range finds what is owed of a message: it was numbered with it, and before any other. */
async function deliveries(database: Database<QueueStatement>, queue: number, { after, limit }: Ask): Promise<Page> {
  const rows = await database.read('deliveriesFrom', queue, after, queue, limit + 1);
  const open = rows.slice(0, limit);
  const [first = Number(after)] = open[0] ?? [];
  const [beyond = ID_MAX] = rows[limit] ?? [];
  const owed = open.length === 0 ? [] : await database.read('copiesBetween', queue, first, queue, beyond);
  const byMessage = new Map<number, Row[]>(open.map(([of]) => [Number(of), []]));
  for (const copy of owed) byMessage.get(Number(copy[1]))?.push(copy);
  const writes = open.flatMap(([id, needed]): QueueWrite[] => {
    const of = Number(id);
    const rowsOf = byMessage.get(of) ?? [];
    const copies = rowsOf.map(([seq, , consumer]) => ({ consumer: String(consumer), seq: Number(seq) }));
    const states = rowsOf.flatMap((row): QueueWrite[] => {
      const { state } = readState(row, 3);
      return state === undefined ? [] : [{ kind: 'state', queue, seq: Number(row[0]), state }];
    });
    return [{ copies, kind: 'deliveries', needed: Number(needed), of, queue }, ...states];
  });
  const last = open.at(-1);
  return { writes, ...(rows.length > limit && last !== undefined && { after: Number(last[0]) }) };
}
