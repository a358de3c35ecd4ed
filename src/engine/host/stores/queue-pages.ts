/** What a file stores of a queue, a part at a time, in the form in which another one writes it. */
import type { LoadAsk, Page, QueueWrite } from '../../core/queues/effects.ts';
import type { Database } from './database.ts';
import { type Row, readMessage, readState } from './queue-rows.ts';
import { ID_MAX, type QueueStatement } from './queue-sql.ts';

type Ask = Extract<LoadAsk, { what: 'page' }>;

export async function readPage(database: Database<QueueStatement>, queue: number, ask: Ask): Promise<Page> {
  if (ask.stage === 'messages') return messages(database, queue, ask);
  if (ask.stage === 'deliveries') return deliveries(database, queue, ask);
  const rows = await database.read('dedupedFrom', queue, ask.after, ask.limit);
  const writes = rows.map(([key, seq, until]) => {
    return { key: String(key), kind: 'dedupe', queue, seq: Number(seq), until: Number(until) } as const;
  });
  const last = writes.at(-1);
  return { writes, ...(rows.length >= ask.limit && last !== undefined && { after: last.key }) };
}

async function messages(
  database: Database<QueueStatement>,
  queue: number,
  { after, limit, bytes }: Ask,
): Promise<Page> {
  const rows = await database.read('page', queue, after, queue, limit, bytes);
  const writes: QueueWrite[] = [];
  for (const row of rows) {
    const { state, ...message } = readMessage(row);
    writes.push({ content: row[15], kind: 'insert', message, queue });
    if (state !== undefined) writes.push({ kind: 'state', queue, seq: message.seq, state });
  }
  const last = rows.at(-1);
  return { writes, ...(last !== undefined && { after: Number(last[0]) }) };
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
